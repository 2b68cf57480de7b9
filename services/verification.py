"""The verification desk (T8, T9): an applicant's details are looked at, asked about, and the application is decided."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from models.audit import AuditEvent
from models.base import locked, write_tx
from models.partner import DetailQuery, Member, Partner
from services import mail
from services.audit import Act, record
from services.refusal import N_, NotFound, Refusal
from services.settings import Settings

DETAILS = {
    "legal_name": N_("Company name"),
    "register_number": N_("Register number"),
    "vat_id": N_("VAT number"),
    "country": N_("Country"),
    "street": N_("Street and number"),
    "postcode": N_("Postcode"),
    "city": N_("City"),
    "phone": N_("Phone number"),
}
UNDECIDED = ("applied", "query")
NOTE_LENGTH = 1000


class DecisionRefused(Refusal):
    """The application stays as it was."""


@dataclass(frozen=True)
class Detail:
    """One detail as the desk sees it. `mark`: open (nobody asked), queried, answered, accepted, changed (since the
    approval, or beside an answer about another detail). `query` is the latest question about it, `earlier_value` what
    was approved or first given, where that is on record."""

    field: str
    label: str
    value: str
    mark: str
    query: DetailQuery | None
    earlier_value: str | None


def query(
    act: Act, settings: Settings, partner_id: int, notes: Mapping[str, str], seen: str | None = None
) -> list[DetailQuery]:
    """Asks the partner about one or several details: field name -> what is to be corrected (T9).

    The partner's state becomes `query`, its administrators get a mail with the questions and see them on the
    application page. Raises DecisionRefused with the field `note_<detail>` that it concerns.
    """
    wanted = {name: note.strip() for name, note in notes.items() if note.strip()}
    with write_tx():
        partner = _locked_undecided(partner_id, seen)
        _refuse_notes(partner, wanted)
        rows = [_ask(act, partner, name, note) for name, note in wanted.items()]
        before, partner.state = partner.state, "query"
        partner.save(only=[Partner.state])
        _record(act, "partner.queried", partner, before, details=sorted(wanted))
        questions = [(DETAILS[row.field], row.note) for row in rows]
        tell_admins(act, settings, partner, "application_query", "/application", questions=questions)
    return rows


def approve(act: Act, settings: Settings, partner_id: int, seen: str | None = None) -> Partner:
    """Makes the partner active and tells its administrators. `seen` is the fingerprint of what the operator looked at;
    raises DecisionRefused when the application was decided or changed meanwhile."""
    with write_tx():
        partner = _locked_undecided(partner_id, seen)
        before = _decide(act, partner, "active", "")
        _record(act, "partner.approved", partner, before, details=given(partner))
        tell_admins(act, settings, partner, "application_approved", "/home")
    return partner


def refuse(act: Act, settings: Settings, partner_id: int, reason: str, seen: str | None = None) -> Partner:
    """Refuses the application. The reason stays with the provider: it is neither mailed nor written to the trail, which
    the partner may read. Raises DecisionRefused without a reason, and when it was decided or changed meanwhile."""
    if not reason.strip():
        raise DecisionRefused(N_("Write down why, so that colleagues can understand it later."), "reason")
    with write_tx():
        partner = _locked_undecided(partner_id, seen)
        before = _decide(act, partner, "refused", reason.strip())
        _record(act, "partner.refused", partner, before)
        tell_admins(act, settings, partner, "application_refused", None)
    return partner


def given(partner: Partner) -> dict[str, str]:
    """The details that are verified, as they stand."""
    return {name: getattr(partner, name) for name in DETAILS}


def fingerprint(partner: Partner) -> str:
    """Names what a decision was based on: state, details, questions and answers."""
    asked = DetailQuery.select(DetailQuery.id, DetailQuery.answered_at).where(DetailQuery.partner == partner)
    seen = [partner.state, given(partner), [(row.id, row.answered_at) for row in asked.order_by(DetailQuery.id)]]
    return hashlib.sha256(json.dumps(seen, default=str, sort_keys=True).encode()).hexdigest()[:32]


def details(partner: Partner) -> list[Detail]:
    """Every detail with its mark, in the order of the form."""
    asked = DetailQuery.select().where(DetailQuery.partner == partner).order_by(DetailQuery.id)
    latest = {row.field: row for row in asked}
    earlier = _earlier(partner)
    return [
        Detail(
            name,
            label,
            value,
            _mark(partner, value, latest.get(name), earlier.get(name)),
            latest.get(name),
            earlier.get(name),
        )
        for (name, label), value in zip(DETAILS.items(), given(partner).values(), strict=True)
    ]


def tell_admins(act: Act, settings: Settings, partner: Partner, template: str, path: str | None, **values: Any) -> None:
    """Queues a mail to every active administrator of the partner, each in their own language."""
    admins = Member.select().where(Member.partner == partner, Member.role == "admin", Member.active)
    for member in admins.order_by(Member.id):
        mail.queue(
            act,
            settings,
            template,
            to=member.email,
            locale=member.locale,
            path=path,
            name=member.name,
            company=partner.legal_name,
            **values,
        )


def _earlier(partner: Partner) -> dict[str, str]:
    """By the trail: what was approved; while undecided, what was given before the answers."""
    events = AuditEvent.select().where(AuditEvent.partner == partner).order_by(AuditEvent.id)
    if partner.state in UNDECIDED:
        given_first: dict[str, str] = {}
        for event in events.where(AuditEvent.action == "partner.answered"):
            given_first = (event.before or {}) | given_first
        return given_first
    approval = events.where(AuditEvent.action == "partner.approved").order_by(AuditEvent.id.desc()).first()
    return approval.after.get("details", {}) if approval else {}


def _mark(partner: Partner, value: str, latest: DetailQuery | None, earlier: str | None) -> str:
    changed = earlier is not None and earlier != value
    if partner.state not in UNDECIDED:
        decided = "accepted" if partner.decided_at and partner.state != "refused" else "open"
        return "changed" if changed else decided
    if latest is None:
        return "changed" if changed else "open"
    return "answered" if latest.answered_at else "queried"


def _locked_undecided(partner_id: int, seen: str | None) -> Partner:
    partner = locked(Partner.select().where(Partner.id == partner_id)).first()
    if partner is None:
        raise NotFound()
    if partner.state not in UNDECIDED:
        raise _already(partner)
    if seen is not None and seen != fingerprint(partner):
        raise DecisionRefused(
            N_("This application changed since you opened the page. Look at it as it is now, then decide.")
        )
    return partner


def _already(partner: Partner) -> DecisionRefused:
    """Two operators at once: the second is told who was first."""
    decision = (
        AuditEvent.select()
        .where(AuditEvent.partner == partner, AuditEvent.action.in_(("partner.approved", "partner.refused")))
        .order_by(AuditEvent.id.desc())
        .first()
    )
    if decision is None:
        return DecisionRefused(N_("There is no application to decide here. Nothing was changed."))
    text = {
        "partner.approved": N_("%(who)s approved this application on %(decided_at)s. Nothing was changed now."),
        "partner.refused": N_("%(who)s refused this application on %(decided_at)s. Nothing was changed now."),
    }[decision.action]
    return DecisionRefused(text, who=decision.actor_name, decided_at=decision.at)


def _refuse_notes(partner: Partner, notes: Mapping[str, str]) -> None:
    if not notes:
        raise DecisionRefused(N_("Write a question beside at least one detail."))
    waiting = {row.field for row in partner.open_queries}
    for name, note in notes.items():
        if name not in DETAILS:
            raise NotFound()
        if len(note) > NOTE_LENGTH:
            raise DecisionRefused(N_("Write at most %(most)s characters."), f"note_{name}", most=NOTE_LENGTH)
        if name in waiting:
            raise DecisionRefused(
                N_("The partner was already asked about this and has not answered yet."), f"note_{name}"
            )


def _ask(act: Act, partner: Partner, name: str, note: str) -> DetailQuery:
    return DetailQuery.create(
        partner=partner,
        field=name,
        note=note,
        asked_by=act.actor_name,
        asked_at=act.at,
        value_before=getattr(partner, name),
    )


def _decide(act: Act, partner: Partner, state: str, note: str) -> str:
    before, partner.state = partner.state, state
    partner.decided_at, partner.decision_note = act.at, note
    partner.save(only=[Partner.state, Partner.decided_at, Partner.decision_note])
    return before


def _record(act: Act, action: str, partner: Partner, before: str, **after: object) -> None:
    record(act, action, partner, partner=partner, before={"state": before}, after={"state": partner.state, **after})
