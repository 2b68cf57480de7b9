"""The trail: one row per change, written in the transaction of the change."""

from peewee import AutoField, ForeignKeyField, TextField

from models.base import JsonField, Table, UtcDateTimeField
from models.partner import Partner


class AuditEvent(Table):
    """Who did what to which thing, before and after, from where (T3). `prev_hash` and `hash` are kept for the chain."""

    id = AutoField()
    at = UtcDateTimeField()
    actor_kind = TextField()
    actor_id = TextField()
    actor_name = TextField()
    partner = ForeignKeyField(Partner, null=True)
    partner_id: int | None
    action = TextField()
    thing_kind = TextField()
    thing_id = TextField()
    before = JsonField(null=True)
    after = JsonField(null=True)
    source = TextField()
    ip = TextField(default="")
    request_id = TextField(default="")
    prev_hash = TextField(default="")
    hash = TextField(default="")
