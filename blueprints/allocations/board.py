"""What the board shows: its rows, its sums, and the old and new figures of a check."""

import functools
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from babel.core import Locale
from flask import current_app
from markupsafe import Markup

from blueprints.allocations import row_states
from blueprints.allocations.room import RoomShown, count_text, shown
from blueprints.allocations.wishes import Wish
from blueprints.formats import language
from models.board import board_rows, rows_by_number
from models.contract import Contract
from models.sub_account import SubAccount
from services import fair_use
from services.allocation import undoable_batch
from services.capacity import split_bytes
from services.fair_use import Room

PAGE_ROWS = 50

_split = functools.lru_cache(maxsize=8192)(split_bytes)


@dataclass(frozen=True)
class Row:
    """One slider. `changed_elsewhere_bytes`: the figure that the member saw, when another one is saved by now."""

    account: SubAccount
    state: Markup
    amount: str
    unit: str
    wanted_bytes: int
    problem: str
    changed_elsewhere_bytes: int | None


@dataclass(frozen=True)
class Step:
    """One line of the check: what is saved, what is wanted."""

    account: SubAccount
    before_bytes: int
    after_bytes: int
    amount: str
    unit: str

    @property
    def number(self) -> str:
        return self.account.number

    @property
    def below_use(self) -> bool:
        return self.after_bytes < self.before_bytes and self.after_bytes < self.account.used_bytes


@dataclass(frozen=True)
class Summary:
    reserved_bytes: int
    allocated_bytes: int
    used_bytes: int
    changed: int
    room: Room | None
    shown: RoomShown | None

    @property
    def free_bytes(self) -> int:
        return self.reserved_bytes - self.allocated_bytes

    def decreases_of(self, account: SubAccount) -> str:
        """How often it was lowered, where the wish lowers the contract; else nothing."""
        return count_text(self.room, account) if self.room and self.shown and self.shown.notes else ""

    @property
    def mark(self) -> str:
        """The same while the summary would say the same."""
        says = f"{self.allocated_bytes}:{self.used_bytes}:{self.shown}:{language()}"
        return hashlib.sha256(says.encode()).hexdigest()[:12]


def page(contract: Contract, wish: Wish, *, asked: Mapping[str, str], at: datetime, undo_within: timedelta) -> dict:
    """All that the board's templates need. `asked` carries search and page mark; edits of other pages go along."""
    search = asked.get("q", "").strip()[:100]
    found = board_rows(contract, search, asked.get("page", ""), PAGE_ROWS)
    found.rows[:0] = _unreadable_elsewhere(contract, wish, found.rows)
    here = {account.number for account in found.rows}
    carried = [number for number in wish.typed if number not in here and wish.touched(number)]
    saved = rows_by_number(contract, list(wish.changed)) if wish.changed else {}
    total = summary(contract, wish, at, saved)
    return {
        "contract": contract,
        "wish": wish,
        "rows": [_row(account, wish) for account in found.rows],
        "carried": carried,
        "found": found,
        "search": search,
        "summary": total,
        "elsewhere_bytes": total.allocated_bytes - sum(_wanted(account, wish) for account in found.rows),
        "step_bytes": current_app.settings.slider_step_bytes,
        "decimal": Locale.parse(language()).number_symbols["latn"]["decimal"],
        "waiting": waiting(found.rows),
        "undo_batch": undoable_batch(contract, at, undo_within),
        "undo_minutes": undo_within // timedelta(minutes=1),
    }


def summary(contract: Contract, wish: Wish, at: datetime, saved: dict[str, SubAccount] | None = None) -> Summary:
    """The package as it would be with the member's wishes, and what fair use leaves beside them."""
    if saved is None:
        saved = rows_by_number(contract, list(wish.changed)) if wish.changed else {}
    grown_bytes = sum(wish.wanted[number] - account.allocated_bytes for number, account in saved.items())
    lowered = [account for number, account in saved.items() if wish.wanted[number] < account.allocated_bytes]
    concerned = [account.id for account in lowered] if grown_bytes < 0 else []
    room = fair_use.room(contract, at, concerned) if contract.state == "active" else None
    return Summary(
        contract.reserved_bytes,
        contract.allocated_bytes + grown_bytes,
        contract.used_bytes,
        len(wish.changed),
        room,
        shown(room, grown_bytes, lowered) if room else None,
    )


def steps(contract: Contract, wish: Wish) -> list[Step]:
    """The real changes in the board's order."""
    saved = rows_by_number(contract, list(wish.changed))
    ordered = sorted(saved.values(), key=lambda account: (account.name_key, account.id))
    return [
        Step(account, account.allocated_bytes, wish.wanted[account.number], *wish.typed[account.number])
        for account in ordered
        if wish.wanted[account.number] != account.allocated_bytes
    ]


def state_mark(account: SubAccount) -> str:
    """The same while the row's state would look the same."""
    looks = (account.phase, account.settled, account.in_force_bytes, account.writable, account.reason_code)
    return hashlib.sha256(f"{looks}:{language()}".encode()).hexdigest()[:8]


def waiting(accounts: Iterable[SubAccount]) -> str:
    """The rows that the storage service has not followed yet, each with how it is shown, for the next question."""
    return ",".join(
        f"{account.number}-{state_mark(account)}"
        for account in accounts
        if not account.settled and account.phase != "attention"
    )


def _unreadable_elsewhere(contract: Contract, wish: Wish, shown: list[SubAccount]) -> list[SubAccount]:
    """Rows of other pages whose amount cannot be read: they come first, where they can be mended."""
    here = {account.number for account in shown}
    missing = [number for number in wish.problems if number not in here]
    return list(rows_by_number(contract, missing).values()) if missing else []


def _wanted(account: SubAccount, wish: Wish) -> int:
    return wish.changed.get(account.number, account.allocated_bytes)


def _saw_other(account: SubAccount, wish: Wish) -> bool:
    return wish.seen.get(account.number, account.allocated_bytes) != account.allocated_bytes


def _row(account: SubAccount, wish: Wish) -> Row:
    """The member's own figure where there is one, else the saved one."""
    number, touched = account.number, wish.touched(account.number)
    amount, unit = wish.typed[number] if touched else _split(account.allocated_bytes, language())
    elsewhere = wish.seen[number] if touched and _saw_other(account, wish) else None
    problem = wish.problems.get(number, "")
    return Row(account, row_states.badge(account), amount, unit, _wanted(account, wish), problem, elsewhere)
