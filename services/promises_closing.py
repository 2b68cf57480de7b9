"""The end of a contract: nothing of it works longer than it may, and nothing is removed before its time (T19)."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from peewee import fn

from models.closure import Closure, ClosureAccount
from models.contract import AllocationEntry, Contract
from models.sub_account import SubAccount
from services.contracts_access import OVER

WITHIN = timedelta(hours=1)  # the sweep comes by in its own time


def closures_astray(at: datetime) -> Iterator[str]:
    """Of a contract that is over nothing works but reading; what a contract lets work is not barred; what waits for a
    day does not wait longer; nothing is removed for a closure before its time to fetch data is over (the database holds
    the order of the times), and what is closed has a proof for each account."""
    yield from _working(at)
    waits = (
        ((Closure.state == "notice") & (Closure.notice_until_at < at - WITHIN))
        | ((Closure.state == "transition") & (Closure.transition_until_at < at - WITHIN))
        | ((Closure.state == "retrieval") & (Closure.retrieval_until_at < at - timedelta(days=1)))
    )
    for public_id, state in Closure.select(Closure.public_id, Closure.state).where(waits).tuples().iterator():
        yield f"closure {public_id} should be past its {state}"
    listed = ClosureAccount.select(ClosureAccount.number, Closure.public_id).join(Closure)
    early = Closure.state.not_in(("purging", "closed"))
    for number, public_id in listed.where(early).tuples().iterator():
        yield f"sub-account {number} is to be removed for closure {public_id}, which does not remove"
    unproved = (Closure.state == "closed") & ClosureAccount.ended_at.is_null()
    for number, public_id in listed.where(unproved).tuples().iterator():
        yield f"closure {public_id} is closed, and nothing proves that sub-account {number} is gone"


def _working(at: datetime) -> Iterator[str]:
    rows = SubAccount.select(SubAccount.number).join(Contract)
    works = (SubAccount.wanted_state == "active") & ~SubAccount.read_only & (SubAccount.created_at < at - WITHIN)
    for (number,) in rows.where(Contract.state.in_(OVER), works).tuples().iterator():
        yield f"sub-account {number} works, and its contract is over"
    barred = (Contract.state == "active") & SubAccount.barred_at.is_null(False) & (SubAccount.wanted_state != "deleted")
    for (number,) in rows.where(barred, SubAccount.barred_at < at - WITHIN).tuples().iterator():
        yield f"sub-account {number} is barred, and its contract runs"


def lines_elsewhere(at: datetime) -> Iterator[str]:
    """What is set aside for a sub-account stands last in the ledger of its own contract."""
    later = AllocationEntry.alias()
    last = later.select(fn.MAX(later.id)).where(later.sub_account_id == SubAccount.id)
    rows = SubAccount.select(SubAccount.number).join(AllocationEntry, on=(AllocationEntry.id == last))
    for (number,) in rows.where(AllocationEntry.contract != SubAccount.contract).tuples().iterator():
        yield f"the last ledger line of sub-account {number} belongs to another contract"
