"""How people come into a partner's team, whose word binds it, what was told of the end of somebody's access (T4)."""

from peewee import AutoField, DateField, ForeignKeyField, IntegerField, TextField

from models.base import Table, UtcDateTimeField
from models.partner import Member, Partner


class Invitation(Table):
    """A link that makes its reader a member, once. `outcome` is empty while it is open, then accepted, withdrawn,
    replaced by a newer one, or void because whoever sent it may not invite any more. `invited_by` may belong to the
    partner's distributor; `member` is who came."""

    id = AutoField()
    public_id = TextField(unique=True)
    partner = ForeignKeyField(Partner, backref="invitations")
    partner_id: int
    email = TextField()
    email_key = TextField()
    role = TextField(default="viewer")
    relation = TextField(default="employee")
    access_until_on = DateField(null=True)
    locale = TextField(default="en")
    token_hash = TextField(unique=True)
    invited_by = ForeignKeyField(Member, backref="+")
    invited_by_id: int
    member = ForeignKeyField(Member, null=True, backref="+")
    created_at = UtcDateTimeField()
    expires_at = UtcDateTimeField()
    used_at = UtcDateTimeField(null=True)
    ended_at = UtcDateTimeField(null=True)
    outcome = TextField(default="")


class AuthorityOffer(Table):
    """The administrator who binds the company wants to hand that over. One is open for a partner at a time; outcomes:
    accepted, declined, withdrawn, void."""

    id = AutoField()
    partner = ForeignKeyField(Partner, backref="authority_offers")
    partner_id: int
    from_member = ForeignKeyField(Member, backref="+")
    from_member_id: int
    to_member = ForeignKeyField(Member, backref="+")
    to_member_id: int
    created_at = UtcDateTimeField()
    expires_at = UtcDateTimeField()
    ended_at = UtcDateTimeField(null=True)
    outcome = TextField(default="")


class AccessTold(Table):
    """Administrators were told so many days before a member's access ends; 0: it has ended, and all that was left of
    it was taken away."""

    id = AutoField()
    member = ForeignKeyField(Member, backref="+")
    member_id: int
    ends_on = DateField()
    days = IntegerField()
    at = UtcDateTimeField()
