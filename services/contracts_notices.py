"""Before a contract ends its administrators are told: 90, 30, 7 and 1 days before (T19), each once.

What was missed while nothing ran is not made up for: only the nearest of the due ones is sent.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from peewee import Case, fn

from models.base import write_tx
from models.closure import OPEN_STATES, Closure, ContractNotice
from models.contract import Contract
from models.partner import Partner
from services import one_by_one
from services.audit import Act, record
from services.clock import local_day
from services.settings import Settings
from services.verification import tell_admins

DAYS = (1, 7, 30, 90)
MOST = 500  # contracts of one round


@dataclass(frozen=True)
class Ending:
    """A contract whose end is near: `days` are left, today counted as 0."""

    contract: Contract
    days: int


def tell_due(act: Act, settings: Settings) -> list[str]:
    """Sends what is due; safe to run at any time and as often as one likes. Returns a line for each."""
    due = endings(act.at, settings, untold=True)
    jobs = [(f"notice about contract {row.contract.number}", partial(_tell, act, settings, row)) for row in due]
    told = zip(due, one_by_one.each(act, jobs, False), strict=True) if jobs else ()
    line = "contract {} ends in {} days, and its partner is told"
    return [line.format(ending.contract.number, ending.days) for ending, done in told if done]


def endings(at: datetime, settings: Settings, partner: Partner | None = None, *, untold: bool = False) -> list[Ending]:
    """Active contracts that end within 90 days, the next first, of all partners or of one; with `untold` only those of
    which a notice is due. Contracts whose closure is announced are left out: its mails say when."""
    today = local_day(at, settings.provider.time_zone)
    announced = Closure.select(Closure.contract).where(Closure.contract.is_null(False), Closure.state.in_(OPEN_STATES))
    leaving = Closure.select(Closure.partner).where(Closure.contract.is_null(), Closure.state.in_(OPEN_STATES))
    rows = (
        Contract.select(Contract, Partner)
        .join(Partner)
        .where(
            Contract.state == "active",
            Contract.ends_on >= today,
            Contract.ends_on <= today + timedelta(days=max(DAYS)),
            Contract.id.not_in(announced),
            Contract.partner.not_in(leaving),
        )
    )
    if partner is not None:
        rows = rows.where(Contract.partner == partner)
    if untold:
        rows = rows.where(~fn.EXISTS(_told(today)))
    ordered = rows.order_by(Contract.ends_on, Contract.id).limit(MOST)
    return [Ending(row, (row.ends_on - today).days) for row in ordered if row.ends_on is not None]


def due_number(days: int) -> int:
    """The nearest of the notices that are due when so many days are left."""
    return next(number for number in DAYS if days <= number)


def _told(today: date) -> Any:
    """What was sent about this end of the row's contract: the notice that is due today, or a nearer one."""
    due = Case(None, [(Contract.ends_on <= today + timedelta(days=number), number) for number in DAYS])
    own = (ContractNotice.contract == Contract.id) & (ContractNotice.ends_on == Contract.ends_on)
    return ContractNotice.select(1).where(own, ContractNotice.days <= due)


def _is_told(ending: Ending) -> bool:
    told = ContractNotice.select().where(
        ContractNotice.contract == ending.contract,
        ContractNotice.ends_on == ending.contract.ends_on,
        ContractNotice.days <= due_number(ending.days),
    )
    return told.exists()


def _tell(act: Act, settings: Settings, ending: Ending) -> bool:
    """False when another worker was first, or the end was moved meanwhile."""
    with write_tx():
        contract = Contract.locked(ending.contract.id)
        if contract.state != "active" or contract.ends_on != ending.contract.ends_on or _is_told(ending):
            return False
        days, ends_on = due_number(ending.days), contract.ends_on
        ContractNotice.create(contract=contract, ends_on=ends_on, days=days, at=act.at)
        record(
            act, "contract.end_told", contract, partner=contract.partner_id, after={"ends_on": ends_on, "days": days}
        )
        tell_admins(act, settings, contract.partner, "contract_ends", "/home", contract=contract, days=ending.days)
    return True
