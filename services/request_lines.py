"""What can still be done of each allocation that a decrease asks for: sub-accounts move, go and change meanwhile."""

from collections.abc import Iterable

from models.base import locked
from models.change_request import ChangeRequest
from models.contract import Contract
from models.sub_account import SubAccount

# in the order in which they are looked at: the first that holds is said
GONE = ("contract_over", "moved", "deleted", "no_allocation", "reached")


def why_gone(contract: Contract, row: SubAccount, after_bytes: int) -> str:
    """One of GONE when nothing is left to do for this sub-account, "" when it can be decided.

    `reached` says that it stands where it was wanted; the others that no decision about this contract changes it."""
    if contract.state != "active":
        return "contract_over"
    if row.contract_id != contract.id:
        return "moved"
    if row.wanted_state == "deleted":
        return "deleted"
    if row.billing != "reserved":
        return "no_allocation"
    return "reached" if row.allocated_bytes == after_bytes else ""


def locked_rows(request: ChangeRequest) -> dict[str, SubAccount]:
    """The sub-accounts of a decrease by number, locked after their contract: nothing about them changes any more."""
    asked = SubAccount.select().where(SubAccount.number.in_([one[0] for one in request.wanted["changes"]]))
    return {row.number: row for row in locked(asked.order_by(SubAccount.id))}


def gone_now(request: ChangeRequest, contract: Contract, rows: Iterable[SubAccount]) -> dict[str, str]:
    """Why nothing is left to do, by sub-account number; what can be decided is not in it."""
    wanted_bytes = {one[0]: one[2] for one in request.wanted["changes"]}
    reasons = {row.number: why_gone(contract, row, wanted_bytes[row.number]) for row in rows}
    return {number: reason for number, reason in reasons.items() if reason}
