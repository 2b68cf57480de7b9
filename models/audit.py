"""The trail: one row per change, written in the transaction of the change, chained by hashes (T3, threats.md 24)."""

from typing import Any

from peewee import JOIN, AutoField, BigIntegerField, ForeignKeyField, IntegerField, TextField, fn

from models.base import JsonField, Table, UtcDateTimeField
from models.partner import Partner


class AuditHead(Table):
    """The one row that every writer locks last: which number came last, and its hash."""

    id = IntegerField(primary_key=True, default=1)
    number = BigIntegerField(default=0)
    hash = TextField()


class AuditPersonal(Table):
    """What of a row tells of a person or may have to go: who, from where, what stood there before and after. Each part
    has a salt, without which its digest in the row tells nothing; a part is erased together with its salt."""

    number = BigIntegerField(primary_key=True)
    actor_name = TextField(default="")
    ip = TextField(default="")
    network = TextField(default="")
    request_id = TextField(default="")
    before = JsonField(null=True)
    after = JsonField(null=True)
    name_salt = TextField(default="")
    ip_salt = TextField(default="")
    place_salt = TextField(default="")
    values_salt = TextField(default="")


class AuditEvent(Table):
    """What was done to which thing, by which number of person (T3); never changed, never deleted. `parts` has the
    digests of the personal parts as JSON. `select` without columns brings the personal parts along."""

    id = AutoField()
    number = BigIntegerField(unique=True)
    at = UtcDateTimeField()
    actor_kind = TextField()
    actor_id = TextField()
    partner = ForeignKeyField(Partner, null=True)
    partner_id: int | None
    action = TextField()
    thing_kind = TextField()
    thing_id = TextField()
    source = TextField()
    parts = TextField()
    prev_hash = TextField(unique=True)
    hash = TextField(unique=True)

    actor_name: str = ""
    ip: str = ""
    request_id: str = ""
    before: dict | None = None
    after: dict | None = None

    @classmethod
    def select(cls, *fields: Any) -> Any:
        if fields:
            return super().select(*fields)
        whole = super().select(*cls._meta.sorted_fields, *personal_columns())
        return whole.join(AuditPersonal, JOIN.LEFT_OUTER, on=(AuditPersonal.number == cls.number)).switch(cls).objects()


def personal_columns() -> list[Any]:
    """The personal parts under the names by which they are read; of an address that was shortened its network."""
    address = fn.COALESCE(fn.NULLIF(AuditPersonal.ip, ""), AuditPersonal.network, "")
    return [
        fn.COALESCE(AuditPersonal.actor_name, "").alias("actor_name"),
        address.alias("ip"),
        fn.COALESCE(AuditPersonal.request_id, "").alias("request_id"),
        AuditPersonal.before,
        AuditPersonal.after,
    ]
