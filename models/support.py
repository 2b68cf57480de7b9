"""Looks of the provider's people at a partner's pages: allowed by the partner, for a while, for a reason."""

from peewee import AutoField, ForeignKeyField, TextField

from models.base import Table, UtcDateTimeField
from models.operator import Operator
from models.partner import Member, Partner


class SupportAccess(Table):
    """An administrator lets the provider's people look until `expires_at`, or until somebody of the company takes it
    back. One is open for a partner at a time."""

    id = AutoField()
    public_id = TextField(unique=True)
    partner = ForeignKeyField(Partner, backref="+")
    partner_id: int
    granted_by = ForeignKeyField(Member, backref="+")
    granted_by_id: int
    reason = TextField()
    granted_at = UtcDateTimeField()
    expires_at = UtcDateTimeField()
    ended_at = UtcDateTimeField(null=True)
    ended_by = ForeignKeyField(Member, null=True, backref="+")


class SupportLook(Table):
    """One operator looks, in one log-in, until `until_at` at the latest. `session_hash` is the log-in's origin_hash.
    `end_reason`: left, over (its time), revoked by the partner, signed_out."""

    id = AutoField()
    access = ForeignKeyField(SupportAccess, backref="looks")
    access_id: int
    operator = ForeignKeyField(Operator, backref="+")
    operator_id: int
    session_hash = TextField()
    reason = TextField()
    begun_at = UtcDateTimeField()
    until_at = UtcDateTimeField()
    ended_at = UtcDateTimeField(null=True)
    end_reason = TextField(default="")


class SupportPage(Table):
    """A page that was opened during a look; once for each minute."""

    id = AutoField()
    look = ForeignKeyField(SupportLook, backref="pages")
    look_id: int
    path = TextField()
    minute_at = UtcDateTimeField()
