"""What the end of a contract does to its sub-accounts (T19): access is barred on the storage service, later the data
can be fetched, and when the contract runs again everything works as before. Data are kept all the time.

Each job looks at how things stand and brings them to how they should, so it may be run at any time and as often as one
likes; what was cut off goes on at the next time.
"""

from collections.abc import Iterable
from functools import partial
from typing import Any

from peewee import SQL, Case, fn

from models.base import locked, write_tx
from models.closure import Closure, ClosureAccount
from models.contract import Contract
from models.partner import Partner
from models.prepared import Blank, ask_one
from models.sub_account import Region, SubAccount
from services import holds, one_by_one
from services.audit import Act, record

OVER = ("expired", "terminated")
MOST = 2000  # sub-accounts of one round


def none_left(partner: Partner) -> bool:
    """Whether the partner had a contract and has none that runs: what is left to it is leaving. One query."""
    found = ask_one(_running_and_over, partner=partner.id)
    return found is not None and bool(found.over) and not found.running


def _running_and_over():
    running = fn.SUM(Case(None, [(Contract.state == "active", 1)], 0))
    over = fn.SUM(Case(None, [(Contract.state.in_(OVER), 1)], 0))
    own = Contract.partner == Blank("partner")
    return Contract.select(running.alias("running"), over.alias("over")).where(own)


def follow_contracts(act: Act, contract: Contract | None = None, most: int | None = None) -> list[str]:
    """Bars what belongs to a contract that is over, and lets in what belongs to one that runs again: of all contracts
    or of one, at most `most` sub-accounts each (None: MOST). The others are for the next time."""
    own = (SubAccount.contract == contract) if contract else SQL("1 = 1")
    to_bar, to_let_in = _first(_to_bar().where(own), most), _first(_to_let_in().where(own), most)
    barred = one_by_one.rows(act, "barring of sub-account", to_bar, partial(_bar, act))
    back = one_by_one.rows(act, "letting in of sub-account", to_let_in, partial(let_in, act))
    told = ((barred, "barred, their contract is over"), (back, "let in again, their contract runs"))
    return [f"{number} sub-accounts {what}" for number, what in told if number]


def is_behind() -> bool:
    """Whether there is something left for `follow_contracts`."""
    return _to_bar().exists() or _to_let_in().exists()


def _to_bar():
    over = Contract.state.in_(OVER) & SubAccount.barred_at.is_null() & (SubAccount.wanted_state != "deleted")
    return SubAccount.select(SubAccount.id).join(Contract).where(over)


def _to_let_in():
    runs = (Contract.state == "active") & SubAccount.barred_at.is_null(False) & (SubAccount.wanted_state != "deleted")
    return SubAccount.select(SubAccount.id).join(Contract).where(runs)


def open_reading(act: Act, ids: Iterable[int]) -> int:
    """Lets the data of these sub-accounts be fetched although their contract is over; returns how many were not open
    for that before. What was paused by its partner stays paused until that resumes it."""
    return sum(_open(act, number) for number in sorted(ids))


def readable(which) -> Any:
    """The ids, as a query, of sub-accounts of `which`, not open yet, on services that can be kept from taking in more:
    a quota of 0 lets data be read and deleted alone. Elsewhere a person decides for each."""
    rows = SubAccount.select(SubAccount.id).join(Region)
    kept = (SubAccount.wanted_state != "deleted") & SubAccount.delete_after_at.is_null()
    closed = SubAccount.barred_at.is_null(False) & ~SubAccount.read_only & kept
    return _first(rows.where(which, closed, Region.hard_quota != "none"))


def cannot_be_read(which) -> bool:
    """Whether data of `which` that could be fetched by now cannot be, because the storage service has not followed.
    What its partner paused, or staff suspended, is closed for another cause."""
    rows = SubAccount.select(SubAccount.id).join(Region)
    kept = (SubAccount.wanted_state != "deleted") & SubAccount.delete_after_at.is_null()
    free = SubAccount.suspended_at.is_null() & SubAccount.held_at.is_null()
    shut = SubAccount.observed_state == "suspended"
    return rows.where(which, kept, free, shut, Region.hard_quota != "none").exists()


def is_being_purged(row: SubAccount) -> bool:
    """Whether the end of a contract removes it: that can no longer be taken back."""
    of_it = (ClosureAccount.sub_account == row) & (Closure.state == "purging")
    return ClosureAccount.select().join(Closure).where(of_it).exists()


def _bar(act: Act, number: int) -> bool:
    with write_tx():
        row = _locked(number)
        if row.barred_at is not None or row.wanted_state == "deleted" or holds.contract_runs(row):
            return False
        row.barred_at = act.at
        if row.wanted_state == "suspended":
            row.save(only=["barred_at"])
            _record(act, "sub_account.barred", row)
        else:
            _settle(act, "sub_account.barred", row)
    return True


def let_in(act: Act, number: int) -> bool:
    """Ends what the end of its contract brought; False when it was not barred, or the contract does not run."""
    with write_tx():
        row = _locked(number)
        if row.barred_at is None or row.wanted_state == "deleted" or row.contract.state != "active":
            return False
        row.barred_at, row.read_only = None, False
        _settle(act, "sub_account.let_go", row)
    return True


def _open(act: Act, number: int) -> bool:
    with write_tx():
        row = _locked(number)
        barred = row.barred_at is not None and row.delete_after_at is None and row.wanted_state != "deleted"
        if row.read_only or not barred:
            return False
        row.read_only = True
        _settle(act, "sub_account.opened_for_reading", row)
    return True


def _locked(number: int) -> SubAccount:
    return locked(SubAccount.select().where(SubAccount.id == number)).get()


def _settle(act: Act, action: str, row: SubAccount) -> None:
    """Also when the wish is the same: the quota is another one."""
    row.save(only=["barred_at", "read_only"])
    holds.want(act, row, "active" if holds.may_work(row) else "suspended")
    _record(act, action, row)


def _record(act: Act, action: str, row: SubAccount) -> None:
    record(act, action, row, partner=row.partner_id, after={"wanted_state": row.wanted_state})


def _first(rows, most: int | None = None) -> Any:
    return rows.order_by(SubAccount.id).limit(most or MOST)
