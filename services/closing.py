"""The end of a contract or of a whole partnership, announced (T19, T20; Regulation (EU) 2023/2854, Art. 23 to 29).

notice      everything works until the notice is over
transition  the contract is over: access is barred, data are kept, the portal is open for exports
retrieval   data can be fetched, at least 30 days
purging     everything is removed from the storage service; from here on nothing is taken back
closed      nothing is left there, and a certificate says so

services/closing_steps.py takes a closure from one to the next, services/closing_back.py takes it back. Locks, in this
order: the contracts by id, the partner, the closure, sub-accounts by id.
"""

import secrets
from collections.abc import Iterable
from datetime import date, datetime, timedelta

from models.base import locked, write_tx
from models.closure import OPEN_STATES, Closure
from models.contract import Contract
from models.partner import Partner
from services import policy
from services.audit import Act, record
from services.clock import local_day, midnight
from services.refusal import N_, NotFound, Refusal
from services.settings import Settings
from services.verification import tell_admins

MOST_NOTICE_DAYS = 60  # two months, Art. 25(2)(d)
LONGEST_REASON = 1000
PATH = "/leave"


class ClosureRefused(Refusal):
    """The closure does not begin, or stays as it is."""


def begin(
    act: Act,
    settings: Settings,
    partner: Partner,
    *,
    reason: str,
    asked_by: str,
    contract: Contract | None = None,
    cause: str = "",
    notice_until_at: datetime | None = None,
) -> Closure:
    """Announces that the partner leaves, or that one `contract` ends, and tells the administrators by mail.

    `asked_by` is who decided, as "kind:id" or a word such as "partner". Without `notice_until_at` the notice of the
    running contracts counts, at most MOST_NOTICE_DAYS and never beyond their end; where none runs, there is no notice.
    One that is open already is returned as it stands, but a termination makes what the partner asked for its own: the
    partner cannot take it back any more. Raises ClosureRefused for a reason that is too long.
    """
    if len(reason) > LONGEST_REASON:
        raise ClosureRefused(N_("Write at most %(most)s characters."), "reason", most=LONGEST_REASON)
    with write_tx():
        contracts = lock_scope(partner.id, contract.id if contract else None)
        partner = locked(Partner.select().where(Partner.id == partner.id)).get()
        standing = open_for(partner, contract)
        if standing is not None:
            return _terminated(act, settings, standing, reason, asked_by) if cause == "terminated" else standing
        ends_at = max(act.at, notice_until_at or notice_end(contracts, act.at, settings))
        closure = Closure.create(
            public_id=secrets.token_hex(13),
            partner=partner,
            contract=contract,
            cause=cause or ("terminated" if contract else "asked"),
            reason=reason.strip(),
            asked_at=act.at,
            asked_by=asked_by or f"{act.kind}:{act.actor_id}",
            asked_name=act.actor_name,
            partner_state=partner.state,
            **times(ends_at, settings),
        )
        record(act, "closure.begun", closure, partner=partner, after=_told(closure))
        if closure.cause != "expired":
            tell(act, settings, closure)
    return closure


def _terminated(act: Act, settings: Settings, closure: Closure, reason: str, asked_by: str) -> Closure:
    """Its days stay as they were announced."""
    closure = Closure.locked(closure.id)
    if closure.cause == "terminated":
        return closure
    before = {"cause": closure.cause, "reason": closure.reason, "asked_by": closure.asked_by}
    closure.cause, closure.reason, closure.asked_by = "terminated", reason.strip(), asked_by
    closure.asked_name = act.actor_name
    closure.save(only=["cause", "reason", "asked_by", "asked_name"])
    after = {name: getattr(closure, name) for name in before}
    record(act, "closure.terminated", closure, partner=closure.partner_id, before=before, after=after)
    tell(act, settings, closure)
    return closure


def move_end(act: Act, settings: Settings, public_id: str, last_on: date, reason: str, looked: str) -> Closure:
    """Staff let the present step end on another day, the end of `last_on`; what follows moves with it. A notice can be
    shortened when both agree; transition and retrieval can only be made longer.
    `looked` is what `seen` said when the form was shown.

    Raises NotFound, and ClosureRefused when the step or its day is another one by now, or with the field that
    it concerns."""
    if not reason.strip():
        raise ClosureRefused(N_("Write down why, so that colleagues can understand it later."), "reason")
    with write_tx():
        found = by_public_id(public_id)
        lock_scope(found.partner_id, found.contract_id)
        closure = Closure.locked(found.id)
        before = closure.step_until_at
        until_at = midnight(last_on + timedelta(days=1), settings.provider.time_zone)
        if before is None:
            raise ClosureRefused(N_("Nothing waits for a day here any more."))
        if looked != seen(closure):
            raise ClosureRefused(N_("This closure changed since you opened the page. Look at it as it is now."))
        if until_at < act.at or (closure.state != "notice" and until_at < before):
            raise ClosureRefused(N_("Choose a later day. This step can only be made longer."), "last_on")
        moved = _following(closure, until_at, settings)
        Closure.update(**moved).where(Closure.id == closure.id).execute()
        closure = Closure.get_by_id(closure.id)
        after = {"reason": reason.strip(), **moved}
        record(act, "closure.moved", closure, partner=closure.partner_id, before={"until_at": before}, after=after)
        tell(act, settings, closure)
    return closure


def seen(closure: Closure) -> str:
    """The step and when it ends, for a form that changes it."""
    return f"{closure.state} {closure.step_until_at.isoformat()}" if closure.step_until_at else closure.state


def notice_end(contracts: Iterable[Contract], at: datetime, settings: Settings) -> datetime:
    """When the longest notice of these contracts is over, given now; `at` where none runs."""
    zone = settings.provider.time_zone
    today = local_day(at, zone)
    lasts = [
        min(today + timedelta(days=min(row.notice_days, MOST_NOTICE_DAYS)), row.ends_on or date.max)
        for row in contracts
        if row.state == "active"
    ]
    return midnight(max(lasts) + timedelta(days=1), zone) if lasts else at


def times(notice_until_at: datetime, settings: Settings) -> dict[str, datetime]:
    """When each step ends, by the rules in force: whole days, from midnight to midnight of the provider's calendar."""
    rules = policy.current()
    transition_at = _days_after(notice_until_at, rules.transition_days, settings)
    return {
        "notice_until_at": notice_until_at,
        "transition_until_at": transition_at,
        "retrieval_until_at": retrieval_end(transition_at, settings),
    }


def retrieval_end(from_at: datetime, settings: Settings) -> datetime:
    """Until when data can be fetched if that begins at `from_at`."""
    return _days_after(from_at, policy.current().retrieval_days, settings)


def _days_after(at: datetime, days: int, settings: Settings) -> datetime:
    zone = settings.provider.time_zone
    day = local_day(at, zone)
    begun = midnight(day, zone) < at  # a day that has begun does not count
    return midnight(day + timedelta(days=days + begun), zone)


def _following(closure: Closure, until_at: datetime, settings: Settings) -> dict[str, datetime]:
    if closure.state == "notice":
        return times(until_at, settings)
    if closure.state == "transition":
        retrieval_at = retrieval_end(until_at, settings)
        return {"transition_until_at": until_at, "retrieval_until_at": max(retrieval_at, closure.retrieval_until_at)}
    return {"retrieval_until_at": until_at}


def lock_scope(partner_id: int, contract_id: int | None) -> list[Contract]:
    """The contracts that a closure concerns, locked in the order of their ids."""
    which = Contract.id == contract_id if contract_id else Contract.partner == partner_id
    return list(locked(Contract.select().where(which).order_by(Contract.id)))


def open_for(partner: Partner, contract: Contract | None = None) -> Closure | None:
    """The open closure of the partner as a whole, or of that one contract."""
    own = Closure.contract == contract if contract else Closure.contract.is_null()
    return Closure.get_or_none(Closure.partner == partner, own, Closure.state.in_(OPEN_STATES))


def of_partner(partner: Partner) -> list[Closure]:
    """All closures that concern the partner or one of its contracts, the latest first, with their contracts."""
    return list(Closure.select().where(Closure.partner == partner).order_by(Closure.id.desc()))


def certificates(partner: Partner) -> list[Closure]:
    """Those of its closures that ended with a certificate which is not in the archive alone."""
    return [closure for closure in of_partner(partner) if closure.certificate]


def own(partner: Partner, public_id: str) -> Closure:
    """Raises NotFound for unknown and foreign ones alike."""
    closure = by_public_id(public_id)
    if closure.partner_id != partner.id:
        raise NotFound()
    return closure


def by_public_id(public_id: str) -> Closure:
    """Whoever's it is: for operators alone. Raises NotFound."""
    closure = Closure.get_or_none(Closure.public_id == public_id)
    if closure is None:
        raise NotFound()
    return closure


def tell(act: Act, settings: Settings, closure: Closure, **values) -> None:
    """The mail of the present state, to every administrator."""
    given = {"why": "", **values}
    tell_admins(act, settings, closure.partner, "closure", PATH, closure=closure, **given)


def _told(closure: Closure) -> dict:
    names = ("cause", "reason", "asked_by", "notice_until_at", "transition_until_at", "retrieval_until_at")
    contract = {"contract_number": closure.contract.number} if closure.contract else {}
    return {name: getattr(closure, name) for name in names} | contract
