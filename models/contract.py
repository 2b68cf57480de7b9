"""Contracts and the ledger of what was set aside from them."""

from collections.abc import Callable

from peewee import (
    AutoField,
    BigIntegerField,
    BooleanField,
    DateField,
    DoesNotExist,
    ForeignKeyField,
    IntegerField,
    TextField,
)

from models.base import ExactDecimalField, Table, UtcDateTimeField, locked
from models.partner import Partner
from models.prepared import Blank, ask_one

CONTRACT_KINDS = ("reserved", "pay_per_use")
CONTRACT_STATES = ("draft", "active", "expired", "terminated")


class Contract(Table):
    """The right to capacity for a term. `allocated_bytes` counts what its sub-accounts and child contracts hold;
    the database refuses more than `reserved_bytes` unless overdraft is allowed. `used_bytes` sums up its sub-accounts
    as of `measured_at`, the oldest of their measurements. Prices are cents per GB and month. Its own rules of fair use
    go before the provider's where they are set."""

    id = AutoField()
    public_id = TextField(unique=True)
    partner = ForeignKeyField(Partner, backref="contracts")
    partner_id: int
    parent = ForeignKeyField("self", null=True, column_name="parent_id")
    parent_id: int | None
    number = TextField(unique=True)
    kind = TextField(default="reserved")
    state = TextField(default="active")
    reserved_bytes = BigIntegerField()
    allocated_bytes = BigIntegerField(default=0)
    used_bytes = BigIntegerField(default=0)
    measured_at = UtcDateTimeField(null=True)
    allow_overdraft = BooleanField(default=False)
    price_cents = ExactDecimalField()
    excess_price_cents = ExactDecimalField()
    egress_price_cents = ExactDecimalField()
    currency = TextField(default="EUR")
    starts_on = DateField()
    ends_on = DateField(null=True)
    notice_days = IntegerField(default=90)
    version = IntegerField(default=1)
    created_at = UtcDateTimeField()
    fair_use_window_days = IntegerField(null=True)
    fair_use_decreases = IntegerField(null=True)
    fair_use_percent = IntegerField(null=True)

    @property
    def free_bytes(self) -> int:
        """What is left to set aside; negative when an overdraft is in use."""
        return self.reserved_bytes - self.allocated_bytes

    @classmethod
    def locked(cls, contract_id: int) -> "Contract":
        """The row, locked until the transaction ends. Always the first lock taken: contract before sub-account."""
        found = ask_one(_by_id, locked, id=contract_id)
        if found is None:
            raise DoesNotExist(f"contract {contract_id}")
        return found


def _by_id(lock: Callable):
    return lock(Contract.select().where(Contract.id == Blank("id")))


class AllocationEntry(Table):
    """Append-only: one line per changed allocation. `batch` ties the lines of one act; `cause` is
    opened (a new sub-account), changed, undone (the batch before taken back) or closed."""

    id = AutoField()
    contract = ForeignKeyField(Contract, backref="entries")
    contract_id: int
    sub_account_id = IntegerField(null=True)
    child_contract = ForeignKeyField(Contract, null=True, column_name="child_contract_id")
    child_contract_id: int | None
    before_bytes = BigIntegerField()
    after_bytes = BigIntegerField()
    actor = TextField()
    at = UtcDateTimeField()
    cause = TextField(default="changed")
    reason = TextField(default="")
    batch = TextField()
