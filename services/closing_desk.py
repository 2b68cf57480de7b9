"""What staff see of closures: which are open, how far each is, and what keeps it from going on."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from peewee import JOIN, fn

from models.closure import OPEN_STATES, Closure, ClosureAccount
from models.contract import Contract
from models.deletion import Deletion
from models.partner import Partner
from models.sub_account import Region, SubAccount
from services import contracts_access, holds
from services.audit import Act
from services.closing import by_public_id
from services.closing_steps import scope
from services.refusal import N_, NotFound, Refusal

MOST = 200


class OpeningRefused(Refusal):
    """The sub-account stays closed."""


@dataclass(frozen=True)
class Progress:
    """Sub-accounts of a closure that removes: how many are gone, and why the others are not. `held`: they wait for a
    second person; `locked`: for the end of a retention, the first at `locked_until_at`; `stuck`: they need people."""

    accounts: int
    gone: int
    held: int
    locked: int
    locked_until_at: datetime | None
    stuck: int

    @property
    def blocked(self) -> bool:
        return bool(self.held or self.locked or self.stuck)


def open_closures() -> list[Closure]:
    """All that are open, those that end soonest first, with partner and contract; at most MOST."""
    rows = Closure.select(Closure, Partner, Contract).join(Partner).switch(Closure)
    rows = rows.join(Contract, JOIN.LEFT_OUTER, on=(Closure.contract == Contract.id), attr="contract")
    return list(rows.where(Closure.state.in_(OPEN_STATES)).order_by(Closure.retrieval_until_at, Closure.id).limit(MOST))


def ended_closures() -> list[Closure]:
    """Those that were closed or taken back, the latest first; at most MOST."""
    return list(Closure.select().where(Closure.state.not_in(OPEN_STATES)).order_by(Closure.id.desc()).limit(MOST))


def progress(closures: Iterable[Closure]) -> dict[int, Progress]:
    """By the id of each closure that removes. One query."""
    ids = [closure.id for closure in closures if closure.state == "purging"]
    held = Deletion.held_at.is_null(False) & Deletion.released_at.is_null() & Deletion.started_at.is_null()
    locked_until = Deletion.locked_until_at
    stuck = (SubAccount.phase == "attention") | SubAccount.paused_at.is_null(False)
    rows = (
        ClosureAccount.select(
            ClosureAccount.closure,
            fn.COUNT(ClosureAccount.id),
            _how_many(ClosureAccount.ended_at.is_null(False)),
            _how_many(held),
            _how_many(locked_until.is_null(False)),
            fn.MIN(locked_until),
            _how_many(stuck),
        )
        .join(SubAccount)
        .join(Deletion, JOIN.LEFT_OUTER)
        .where(ClosureAccount.closure.in_(ids))
        .group_by(ClosureAccount.closure)
    )
    lines: Any = rows.tuples() if ids else ()
    return {closure: Progress(*figures) for closure, *figures in lines}


def _how_many(which):
    return fn.COALESCE(fn.SUM(which.cast("INTEGER")), 0)


def accounts(closure: Closure) -> list[SubAccount]:
    """The sub-accounts that it concerns and that are not gone, with their regions; at most MOST."""
    rows = SubAccount.select(SubAccount, Region).join(Region)
    return list(rows.where(scope(closure), SubAccount.phase != "deleted").order_by(SubAccount.name_key).limit(MOST))


def open_account(act: Act, public_id: str, number: str) -> SubAccount:
    """Staff let the data of one sub-account be fetched although its contract is over, where nobody asked the service to
    do that by itself, or although it was suspended with its partner. Raises NotFound, and OpeningRefused when it is not
    closed, or being removed."""
    closure = by_public_id(public_id)
    row = SubAccount.get_or_none(scope(closure), SubAccount.number == number)
    if row is None:
        raise NotFound()
    may = closure.state in ("transition", "retrieval")
    if not may or not (holds.release(act, [row.id]) + contracts_access.open_reading(act, [row.id])):
        raise OpeningRefused(N_("%(name)s is open already, or can no longer be opened."), name=row.name)
    return row


def ways_to_fetch(partner: Partner) -> list[tuple[Region, bool]]:
    """The regions in which the partner has data, and whether these open by themselves in the time for fetching."""
    lived_in = SubAccount.select(SubAccount.region).where(SubAccount.partner == partner, SubAccount.phase != "deleted")
    rows = Region.select().where(Region.id.in_(lived_in)).order_by(Region.name)
    return [(region, region.hard_quota != "none") for region in rows]
