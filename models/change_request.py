"""What a partner asks for and an operator decides, and what both wrote about it."""

from peewee import AutoField, ForeignKeyField, TextField

from models.base import JsonField, Table, UtcDateTimeField
from models.contract import Contract
from models.operator import Operator
from models.partner import Member, Partner

REQUEST_KINDS = ("decrease", "more_capacity", "contract_change", "closure", "correction")
UNDECIDED = ("open", "answered")
REQUEST_STATES = (*UNDECIDED, "approved", "approved_in_part", "declined", "withdrawn")


class ChangeRequest(Table):
    """`open` waits for the provider, `answered` for the partner; `turn_at` says since when. `wanted` and `granted` hold
    {"changes": [[sub-account number, before bytes, after bytes, below use]]} for a decrease, {"more_bytes": n} for
    more capacity; `granted` of a decrease has in "gone" why what is not in its changes could not be done any more, by
    sub-account number. `batch` names the change of allocations that an approved decrease became."""

    id = AutoField()
    number = TextField(unique=True)
    partner = ForeignKeyField(Partner)
    partner_id: int
    contract = ForeignKeyField(Contract, null=True)
    contract_id: int | None
    kind = TextField()
    state = TextField(default="open")
    wanted = JsonField(null=True)
    granted = JsonField(null=True)
    batch = TextField(default="")
    asked_by = ForeignKeyField(Member)
    asked_by_id: int
    asked_at = UtcDateTimeField()
    turn_at = UtcDateTimeField()
    decided_at = UtcDateTimeField(null=True)
    decided_by = TextField(default="")

    @property
    def undecided(self) -> bool:
        return self.state in UNDECIDED

    @property
    def outcome(self) -> str:
        """Its state, or `overtaken`: a decrease that was closed because nothing of it was left to do."""
        if self.kind == "decrease" and self.state == "approved" and not self.granted["changes"]:
            return "overtaken"
        return self.state


class RequestMessage(Table):
    """One message, by a member or by an operator. The first one is the reason, the last one may be the decision's."""

    id = AutoField()
    request = ForeignKeyField(ChangeRequest, backref="messages")
    request_id: int
    member = ForeignKeyField(Member, null=True)
    member_id: int | None
    operator = ForeignKeyField(Operator, null=True)
    operator_id: int | None
    text = TextField()
    at = UtcDateTimeField()
