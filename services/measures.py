"""What operators do about a partner: suspend, reinstate, terminate, bar (T9). Each names a reason from the list and
says in words what the partner is told; each is refused where the partner is no longer as the operator saw it.

A termination is asked for by one operator and confirmed by another, as deletions that are held back are released.
"""

from dataclasses import dataclass

from models.base import write_tx
from models.contract import Contract
from models.partner import Member, Partner
from models.sub_account import SubAccount
from models.verification import Measure
from services import barred, closing, holds, one_by_one, sessions
from services.audit import Act, record
from services.desk import DecisionRefused, locked_known, tell_admins
from services.refusal import N_
from services.settings import Settings
from services.standing import SUSPENSION_LEVELS

REASONS = {
    "false_details": N_("Details are false"),
    "outdated_details": N_("Details are outdated or incomplete"),
    "terms_broken": N_("The terms were broken"),
    "unpaid": N_("Invoices are not paid"),
    "security": N_("Security incident"),
    "authority": N_("A law or an authority demands it"),
    "other": N_("Another reason"),
}
NOTE_LENGTH = 1000
BATCH = 200
BARRABLE = ("applied", "query", "active", "suspended", "closed", "refused")


@dataclass(frozen=True)
class Wanted:
    """`reason`: one of REASONS. `note`: what the partner is told. `level`: what a suspension leaves of the portal
    ("read" or "application"). `storage`: whether it keeps the customers from their data as well."""

    reason: str
    note: str
    level: str = "read"
    storage: bool = False


def suspend(act: Act, settings: Settings, partner_id: int, wanted: Wanted, seen: str | None = None) -> Partner:
    """Suspends an active partner; its sub-accounts follow only if that is wanted, at the worker's next round.
    Raises NotFound, DecisionRefused with the field that it concerns."""
    _refuse(wanted)
    if wanted.level not in SUSPENSION_LEVELS:
        raise ValueError(f"a suspension leaves no {wanted.level!r}")
    with write_tx():
        partner = locked_known(partner_id, ("active",), seen)
        _open(act, partner, "suspension", wanted, level=wanted.level, storage=wanted.storage)
        before, partner.state, partner.suspension_level = partner.state, "suspended", wanted.level
        partner.save(only=["state", "suspension_level"])
        after = {"state": "suspended", "reason": wanted.reason, "level": wanted.level, "storage": wanted.storage}
        record(act, "partner.suspended", partner, partner=partner, before={"state": before}, after=after)
        values = {"reason": REASONS[wanted.reason], "note": wanted.note.strip(), "storage": wanted.storage}
        tell_admins(act, settings, partner, "partner_suspended", "/application", level=wanted.level, **values)
        for member in Member.select().where(Member.partner == partner):
            sessions.end_all(act, member, "partner suspended")
    return partner


def reinstate(act: Act, settings: Settings, partner_id: int, note: str, seen: str | None = None) -> Partner:
    """Ends the suspension. Sub-accounts become what they were before; what the partner had paused stays paused.
    Raises NotFound, DecisionRefused."""
    _refuse_note(note)
    with write_tx():
        partner = locked_known(partner_id, ("suspended",), seen)
        _end(act, open_measure(partner, "suspension"), note)
        partner.state, partner.suspension_level = "active", ""
        partner.save(only=["state", "suspension_level"])
        before, after = {"state": "suspended"}, {"state": "active", "reason": note.strip()}
        record(act, "partner.reinstated", partner, partner=partner, before=before, after=after)
        tell_admins(act, settings, partner, "partner_reinstated", "/home", note=note.strip())
    return partner


def ask_termination(act: Act, partner_id: int, wanted: Wanted, seen: str | None = None) -> Measure:
    """The first of two operators: nothing happens to the partner yet. Raises NotFound, DecisionRefused."""
    _refuse(wanted)
    with write_tx():
        partner = locked_known(partner_id, ("active", "suspended"), seen)
        if open_measure(partner, "termination") is not None:
            raise DecisionRefused(N_("A termination was asked for already and waits for a second operator."))
        measure = _open(act, partner, "termination", wanted)
        after = {"reason": wanted.reason}
        record(act, "partner.termination_asked", partner, partner=None, after=after)
    return measure


def confirm_termination(act: Act, settings: Settings, partner_id: int, seen: str | None = None) -> Partner:
    """The second operator: the closure of the partner begins, and its administrators are told.
    Raises NotFound, DecisionRefused for who asked for it and when nothing waits."""
    with write_tx():
        closing.lock_scope(partner_id, None)  # contracts before their partner, as everywhere
        partner = locked_known(partner_id, ("active", "suspended"), seen)
        measure = _waiting(partner)
        own = f"{act.kind}:{act.actor_id}"
        if measure.asked_by == own:
            raise DecisionRefused(N_("You asked for this termination yourself. Somebody else has to confirm it."))
        measure.confirmed_by, measure.confirmed_name, measure.confirmed_at = own, act.actor_name, act.at
        measure.ended_at, measure.ended_name = act.at, act.actor_name
        measure.save(only=["confirmed_by", "confirmed_name", "confirmed_at", "ended_at", "ended_name"])
        after = {"reason": measure.reason, "asked_by": measure.asked_name}
        record(act, "partner.terminated", partner, partner=partner, after=after)
        closing.begin(act, settings, partner, reason=measure.note, asked_by=measure.asked_by, cause="terminated")
    return Partner.get_by_id(partner_id)


def withdraw_termination(act: Act, partner_id: int, seen: str | None = None) -> Partner:
    """Any operator who decides takes the request back before it is confirmed. Raises NotFound, DecisionRefused."""
    with write_tx():
        partner = locked_known(partner_id, ("active", "suspended"), seen)
        _end(act, _waiting(partner), "")
        record(act, "partner.termination_withdrawn", partner, partner=None)
    return partner


def bar(act: Act, settings: Settings, partner_id: int, wanted: Wanted, seen: str | None = None) -> Partner:
    """Nobody of the company signs in any more, and it is known again when it applies anew. Its administrators are told
    by mail. Raises NotFound, DecisionRefused while customers of it still have data here: terminate it first."""
    _refuse(wanted)
    with write_tx():
        partner = locked_known(partner_id, BARRABLE, seen)
        _refuse_customers(partner)
        for kind in ("suspension", "termination"):
            _end(act, open_measure(partner, kind), "")
        _open(act, partner, "bar", wanted)
        before, partner.state, partner.suspension_level = partner.state, "barred", ""
        partner.decided_at = partner.decided_at or act.at
        partner.save(only=["state", "suspension_level", "decided_at"])
        barred.remember(act, partner)
        record(act, "partner.barred", partner, partner=partner, before={"state": before}, after={"state": "barred"})
        tell_admins(act, settings, partner, "partner_barred", None, note=wanted.note.strip())
        for member in Member.select().where(Member.partner == partner):
            sessions.end_all(act, member, "partner barred")
    return partner


def lift_bar(act: Act, partner_id: int, note: str, seen: str | None = None) -> Partner:
    """The company may apply again. What it had before does not come back: it is refused, or closed where it once was a
    partner. Raises NotFound, DecisionRefused."""
    _refuse_note(note)
    with write_tx():
        partner = locked_known(partner_id, ("barred",), seen)
        _end(act, open_measure(partner, "bar"), note)
        barred.forget(partner)
        partner.state = "closed" if Contract.select().where(Contract.partner == partner).exists() else "refused"
        partner.save(only=["state"])
        after = {"state": partner.state, "reason": note.strip()}
        record(act, "partner.bar_lifted", partner, partner=partner, before={"state": "barred"}, after=after)
    return partner


def open_measure(partner: Partner, kind: str) -> Measure | None:
    """The measure of this kind that goes on, or waits for a second operator."""
    return Measure.get_or_none(Measure.partner == partner, Measure.kind == kind, Measure.ended_at.is_null())


def waiting() -> list[Measure]:
    """Terminations that wait for a second operator, the oldest first, each with its partner."""
    rows = Measure.select(Measure, Partner).join(Partner)
    return list(rows.where(Measure.kind == "termination", Measure.ended_at.is_null()).order_by(Measure.asked_at))


def follow(act: Act) -> int:
    """Brings sub-accounts to what the suspension of their partner wants, a bounded number at a time, as a job of the
    worker; returns how many. While the partner is closing nothing is let go, for it may come back suspended; what an
    operator opens then stays open."""
    kept = (
        Measure.select(Measure, Partner)
        .join(Partner)
        .where(Measure.kind == "suspension", Measure.storage, Measure.ended_at.is_null())
    )
    standing = {row.partner_id: row.partner.state for row in kept}
    suspended = [partner for partner, state in standing.items() if state == "suspended"]
    waiting = [partner for partner, state in standing.items() if state in ("suspended", "closing")]
    free = SubAccount.held_at.is_null() & (SubAccount.wanted_state != "deleted") & SubAccount.partner.in_(suspended)
    to_hold = SubAccount.select(SubAccount.id).where(free).order_by(SubAccount.id).limit(BATCH)
    held = SubAccount.select(SubAccount.id).where(SubAccount.held_at.is_null(False))
    to_release = held.where(SubAccount.partner.not_in(waiting)) if waiting else held
    to_release = to_release.order_by(SubAccount.id).limit(BATCH)
    hold, release = (lambda row_id: holds.hold(act, [row_id])), (lambda row_id: holds.release(act, [row_id]))
    done = one_by_one.rows(act, "suspension of sub-account", to_hold, hold) if suspended else 0
    return done + one_by_one.rows(act, "end of the suspension of sub-account", to_release, release)


def _open(act: Act, partner: Partner, kind: str, wanted: Wanted, *, level: str = "", storage: bool = False) -> Measure:
    return Measure.create(
        partner=partner,
        kind=kind,
        reason=wanted.reason,
        note=wanted.note.strip(),
        level=level,
        storage=storage,
        asked_by=f"{act.kind}:{act.actor_id}",
        asked_name=act.actor_name,
        asked_at=act.at,
    )


def _end(act: Act, measure: Measure | None, note: str) -> None:
    if measure is not None:
        measure.ended_at, measure.ended_name, measure.ended_note = act.at, act.actor_name, note.strip()
        measure.save(only=["ended_at", "ended_name", "ended_note"])


def _waiting(partner: Partner) -> Measure:
    measure = open_measure(partner, "termination")
    if measure is None:
        raise DecisionRefused(N_("No termination waits here any more."))
    return measure


def _refuse_customers(partner: Partner) -> None:
    standing = SubAccount.select().where(SubAccount.partner == partner, SubAccount.phase != "deleted")
    running = Contract.select().where(Contract.partner == partner, Contract.state == "active")
    if standing.exists() or running.exists():
        raise DecisionRefused(
            N_("Customers of this partner have data here, or its contract runs. Terminate it first, then bar it.")
        )


def _refuse(wanted: Wanted) -> None:
    if wanted.reason not in REASONS:
        raise DecisionRefused(N_("Choose a reason."), "reason")
    _refuse_note(wanted.note)


def _refuse_note(note: str) -> None:
    if not note.strip():
        raise DecisionRefused(N_("Write what the partner is told."), "note")
    if len(note) > NOTE_LENGTH:
        raise DecisionRefused(N_("Write at most %(most)s characters."), "note", most=NOTE_LENGTH)
