"""Areas of the portal that the provider switched off, for all partners or for one (T5)."""

from peewee import AutoField, BooleanField, ForeignKeyField, TextField

from models.base import JsonField, Table, UtcDateTimeField
from models.partner import Partner


class FeatureSwitch(Table):
    """One area off for a while. `partner` unset: for all. `texts`: what members read, by language. `announced`: they
    read it ahead of the time too. Whether it holds is found out when somebody asks; nothing has to run for it."""

    id = AutoField()
    area = TextField()
    partner = ForeignKeyField(Partner, null=True)
    partner_id: int | None
    off_from_at = UtcDateTimeField()
    off_until_at = UtcDateTimeField(null=True)
    texts = JsonField()
    announced = BooleanField(default=False)
    made_at = UtcDateTimeField()
    made_by = TextField()
    ended_at = UtcDateTimeField(null=True)
    ended_by = TextField(default="")

    class Meta:
        table_name = "feature_switch"


def holds(at):
    """Those that are off at `at`."""
    row = FeatureSwitch
    return (
        (row.off_from_at <= at)
        & (row.off_until_at.is_null() | (row.off_until_at > at))
        & (row.ended_at.is_null() | (row.ended_at > at))
    )
