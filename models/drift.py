"""What the storage service holds otherwise than the portal wants it."""

from peewee import AutoField, BigIntegerField, ForeignKeyField, IntegerField, TextField

from models.base import Table, UtcDateTimeField
from models.sub_account import Region, SubAccount

DRIFT_KINDS = (
    "missing",
    "stranger",
    "quota",
    "suspension",
    "key_state",
    "unknown_account",
    "unknown_key",
    "key_missing",
)


class Drift(Table):
    """One finding of the comparison, open until `resolved_at`. `complete_scans` counts whole comparisons that saw it,
    `acted_at` says when the worker did what it may do by itself. `there_bytes` (None: no limit) is the quota that the
    service held. Resolutions: repaired, gone (seen no more), settled (by an operator: leave it)."""

    id = AutoField()
    region = ForeignKeyField(Region, backref="drifts")
    region_id: int
    remote_uid = TextField()
    sub_account = ForeignKeyField(SubAccount, null=True, backref="drifts")
    sub_account_id: int | None
    kind = TextField()
    key_id = TextField(default="")
    there_bytes = BigIntegerField(null=True)
    wanted_bytes = BigIntegerField(null=True)
    first_seen_at = UtcDateTimeField()
    last_seen_at = UtcDateTimeField()
    seen_count = IntegerField(default=1)
    complete_scans = IntegerField(default=0)
    acted_at = UtcDateTimeField(null=True)
    resolution = TextField(default="")
    resolved_by = TextField(default="")
    resolved_at = UtcDateTimeField(null=True)
