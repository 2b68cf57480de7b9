"""What the desk found about details, changes that wait for it, measures about partners, who stays barred (T8, T9)."""

from peewee import AutoField, BooleanField, ForeignKeyField, TextField

from models.base import Table, UtcDateTimeField
from models.partner import Partner

VERDICTS = ("accepted", "queried", "rejected")
MEASURES = ("suspension", "termination", "bar")


class DetailCheck(Table):
    """Append-only: what an operator found about one detail as it was worded then. The latest line about a value counts;
    another value is to be checked again. `checked_by` is "kind:id"."""

    id = AutoField()
    partner = ForeignKeyField(Partner, backref="checks")
    partner_id: int
    field = TextField()
    value = TextField()
    verdict = TextField()
    note = TextField(default="")
    checked_by = TextField()
    checked_name = TextField()
    checked_at = UtcDateTimeField()


class DetailChange(Table):
    """A partner changed one of its details after it was verified, and the desk has not looked at it yet.

    `held`: the old value stays in force until the desk accepts the new one. One is open for a detail at a time."""

    id = AutoField()
    partner = ForeignKeyField(Partner, backref="detail_changes")
    partner_id: int
    field = TextField()
    value_before = TextField()
    value_after = TextField()
    held = BooleanField()
    changed_by = TextField()
    changed_at = UtcDateTimeField()
    verdict = TextField(default="")
    decided_name = TextField(default="")
    decided_at = UtcDateTimeField(null=True)


class Measure(Table):
    """What operators did about a partner: a suspension, a termination (which a second one confirms) or a bar.

    `reason` is one of services.measures.REASONS, `note` what the partner is told. `level` is how much of the portal a
    suspension leaves, `storage` whether its customers are kept from their data too. `asked_by` and `confirmed_by` are
    "kind:id". It goes on until `ended_at`: reinstated, withdrawn, lifted."""

    id = AutoField()
    partner = ForeignKeyField(Partner, backref="measures")
    partner_id: int
    kind = TextField()
    reason = TextField()
    note = TextField(default="")
    level = TextField(default="")
    storage = BooleanField(default=False)
    asked_by = TextField()
    asked_name = TextField()
    asked_at = UtcDateTimeField()
    confirmed_by = TextField(default="")
    confirmed_name = TextField(default="")
    confirmed_at = UtcDateTimeField(null=True)
    ended_name = TextField(default="")
    ended_note = TextField(default="")
    ended_at = UtcDateTimeField(null=True)


class BarredKey(Table):
    """A digest of what a barred company is known by. It outlives the details themselves, until the bar is lifted."""

    id = AutoField()
    partner = ForeignKeyField(Partner, backref="barred_keys")
    partner_id: int
    kind = TextField()
    key_hash = TextField()
    created_at = UtcDateTimeField()
