"""The end of a contract or of a whole partnership, step by step, and what proves it."""

from datetime import datetime

from peewee import AutoField, BigIntegerField, DateField, ForeignKeyField, IntegerField, TextField

from models.base import Table, UtcDateTimeField, locked
from models.contract import Contract
from models.partner import Partner
from models.stored_file import StoredFile
from models.sub_account import SubAccount

OPEN_STATES = ("notice", "transition", "retrieval", "purging")
CLOSURE_STATES = (*OPEN_STATES, "closed", "withdrawn")


class ContractNotice(Table):
    """That the partner was told so many days before the end of its contract; once for each end and number."""

    id = AutoField()
    contract = ForeignKeyField(Contract)
    contract_id: int
    ends_on = DateField()
    days = IntegerField()
    at = UtcDateTimeField()


class Closure(Table):
    """`contract` None: the whole partner leaves. `cause`: asked (by the partner, or by staff for it), terminated (by
    staff), expired (a contract, by its date). `asked_by` is "kind:id".

    The state holds until its own time: notice until `notice_until_at`, then the contract is over; transition until
    `transition_until_at`; retrieval, in which data can be fetched, until `retrieval_until_at`. Removing began at
    `purge_from_at` and cannot be taken back. `partner_state` is what the partner was before it was
    closing. `certificate` is JSON, `file` the same as PDF. `erased_at`: since then the partner's personal data are
    erased or archived.
    """

    id = AutoField()
    public_id = TextField(unique=True)
    partner = ForeignKeyField(Partner, backref="closures")
    partner_id: int
    contract = ForeignKeyField(Contract, null=True)
    contract_id: int | None
    cause = TextField(default="asked")
    reason = TextField()
    asked_at = UtcDateTimeField()
    asked_by = TextField()
    asked_name = TextField()
    state = TextField(default="notice")
    notice_until_at = UtcDateTimeField()
    transition_until_at = UtcDateTimeField()
    retrieval_until_at = UtcDateTimeField()
    purge_from_at = UtcDateTimeField(null=True)
    closed_at = UtcDateTimeField(null=True)
    withdrawn_at = UtcDateTimeField(null=True)
    withdrawn_name = TextField(default="")
    partner_state = TextField(default="")
    certificate = TextField(default="")
    file = ForeignKeyField(StoredFile, null=True)
    file_id: int | None
    erased_at = UtcDateTimeField(null=True)

    @property
    def open(self) -> bool:
        return self.state in OPEN_STATES

    @property
    def partners_own(self) -> bool:
        """Asked for by the partner, as a whole: what it can take back itself."""
        return self.cause == "asked" and self.contract_id is None

    @property
    def step_until_at(self) -> datetime | None:
        """When the present state ends by itself; None: by what happens, or never."""
        until = {
            "notice": self.notice_until_at,
            "transition": self.transition_until_at,
            "retrieval": self.retrieval_until_at,
        }
        return until.get(self.state)

    @classmethod
    def locked(cls, closure_id: int) -> "Closure":
        """Locked after the contracts and the partner that it concerns, before sub-accounts."""
        return locked(cls.select().where(cls.id == closure_id)).get()


class ClosureAccount(Table):
    """What the purge of a closure did to one sub-account; `verified` is the answer that proves that it is gone."""

    id = AutoField()
    closure = ForeignKeyField(Closure, backref="accounts")
    closure_id: int
    sub_account = ForeignKeyField(SubAccount)
    sub_account_id: int
    number = TextField()
    remote_uid = TextField()
    region = TextField()
    found_bytes = BigIntegerField(null=True)
    found_objects = BigIntegerField(null=True)
    removed_bytes = BigIntegerField(default=0)
    removed_objects = BigIntegerField(default=0)
    begun_at = UtcDateTimeField(null=True)
    ended_at = UtcDateTimeField(null=True)
    verified = TextField(default="")
