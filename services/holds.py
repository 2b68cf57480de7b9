"""Sub-accounts that are suspended with their partner, beside what the partner pauses itself (T9).

A sub-account works when neither holds it, its contract runs and nobody wants it deleted: several causes at once end in
any order, and each leaves the others as they were.
"""

from collections.abc import Iterable

from models.base import locked, write_tx
from models.contract import Contract
from models.sub_account import SubAccount
from services.allocation_ledger import APPLY_WITHIN
from services.audit import Act, record
from services.provisioning_desk import phase_of_wish


def hold(act: Act, ids: Iterable[int]) -> int:
    """Suspends these sub-accounts with their partner; returns how many were not held before. Nothing is deleted, and
    what is to be deleted stays so."""
    held = 0
    for number in sorted(ids):  # everybody locks in the order of ids
        with write_tx():
            row = locked(SubAccount.select().where(SubAccount.id == number)).get()
            if row.wanted_state == "deleted" or row.held_at is not None:
                continue
            row.held_at = act.at
            _settle(act, row, "suspended" if row.wanted_state == "active" else None)
            _record(act, "sub_account.held", row)
            held += 1
    return held


def release(act: Act, ids: Iterable[int]) -> int:
    """Ends what `hold` began; returns how many were held. What nothing else keeps suspended works again."""
    released = 0
    for number in sorted(ids):
        with write_tx():
            row = locked(SubAccount.select().where(SubAccount.id == number)).get()
            if row.held_at is None:
                continue
            row.held_at = None
            _settle(act, row, "active" if row.wanted_state == "suspended" and may_work(row) else None)
            _record(act, "sub_account.let_go", row)
            released += 1
    return released


def may_work(row: SubAccount) -> bool:
    """Whether nothing speaks for its being suspended. Call with the row locked."""
    kept = (row.suspended_at, row.held_at, row.delete_after_at)
    return all(since is None for since in kept) and contract_runs(row)


def contract_runs(row: SubAccount) -> bool:
    """Also when it is over and its data can be fetched (services/contracts_access.py)."""
    return row.read_only or Contract.select().where(Contract.id == row.contract_id, Contract.state == "active").exists()


def want(act: Act, row: SubAccount, state: str) -> None:
    """Writes the wish and makes the row due for the worker. What is on hold needs people, except that its access is
    barred as ever."""
    row.wanted_state, row.generation = state, row.generation + 1
    if row.paused_at is not None and phase_of_wish(row) != "suspending":
        row.phase = "attention"
    elif row.phase not in ("pending", "provisioning"):
        row.phase = phase_of_wish(row)
    row.attempts, row.next_attempt_at, row.deadline_at = 0, act.at, act.at + APPLY_WITHIN
    row.save(
        only=[
            "wanted_state", "generation", "phase", "attempts", "next_attempt_at", "deadline_at", "suspended_at",
            "suspended_by", "delete_after_at",
        ]
    )  # fmt: skip


def _settle(act: Act, row: SubAccount, state: str | None) -> None:
    row.save(only=["held_at"])
    if state is not None:
        want(act, row, state)


def _record(act: Act, action: str, row: SubAccount) -> None:
    record(act, action, row, partner=row.partner_id, after={"wanted_state": row.wanted_state})
