"""What the verification desk looks at: a company's details, what was found about each, and what waits (T8, T9)."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from peewee import fn

from models.audit import AuditEvent
from models.base import locked
from models.partner import DetailQuery, Member, Partner
from models.verification import DetailChange, DetailCheck, Measure
from services import mail
from services.audit import Act
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
MOST_ROWS = 200


class DecisionRefused(Refusal):
    """The application or the partner stays as it was."""


@dataclass(frozen=True)
class Detail:
    """One detail as the desk sees it. `mark`: open (nobody looked), queried, answered, accepted, rejected, changed
    (since it was looked at). `query` is the latest question about it, `check` the latest finding, `change` what the
    partner changed and nobody has looked at, `earlier_value` what was approved, found or first given, where known."""

    field: str
    label: str
    value: str
    mark: str
    query: DetailQuery | None
    earlier_value: str | None
    check: DetailCheck | None = None
    change: DetailChange | None = None


@dataclass(frozen=True)
class _Known:
    """What is on record about a partner's details, the latest of each, by detail."""

    queries: dict[str, DetailQuery]
    checks: dict[str, DetailCheck]
    changes: dict[str, DetailChange]
    earlier: dict[str, str]


def given(partner: Partner) -> dict[str, str]:
    """The details that are verified, as they stand."""
    return {name: getattr(partner, name) for name in DETAILS}


def fingerprint(partner: Partner) -> str:
    """Names what a decision was based on: state, details, findings, questions and answers, changes, measures."""
    asked = DetailQuery.select(DetailQuery.id, DetailQuery.answered_at).where(DetailQuery.partner == partner)
    checked = DetailCheck.select(fn.MAX(DetailCheck.id)).where(DetailCheck.partner == partner)
    acts = Measure.select(Measure.id, Measure.confirmed_at, Measure.ended_at).where(Measure.partner == partner)
    seen = [
        partner.state,
        given(partner),
        [(row.id, row.answered_at) for row in asked.order_by(DetailQuery.id)],
        checked.scalar(),
        [(row.id, row.value_after) for row in open_changes(partner).values()],
        [(row.id, row.confirmed_at, row.ended_at) for row in acts.order_by(Measure.id)],
    ]
    return hashlib.sha256(json.dumps(seen, default=str, sort_keys=True).encode()).hexdigest()[:32]


def details(partner: Partner) -> list[Detail]:
    """Every detail with its mark, in the order of the form."""
    asked = DetailQuery.select().where(DetailQuery.partner == partner).order_by(DetailQuery.id)
    known = _Known({row.field: row for row in asked}, latest_checks(partner), open_changes(partner), _earlier(partner))
    return [_detail(partner, name, known) for name in DETAILS]


def latest_checks(partner: Partner) -> dict[str, DetailCheck]:
    """The latest finding about each detail, whatever the detail says now."""
    rows = DetailCheck.select().where(DetailCheck.partner == partner)
    return {row.field: row for row in rows.order_by(DetailCheck.id)}


def open_changes(partner: Partner) -> dict[str, DetailChange]:
    """What the partner changed and nobody at the desk has looked at, by detail."""
    rows = DetailChange.select().where(DetailChange.partner == partner, DetailChange.decided_at.is_null())
    return {row.field: row for row in rows.order_by(DetailChange.id)}


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
            of_partner=partner,
            path=path,
            name=member.name,
            company=partner.legal_name,
            **values,
        )


def locked_known(partner_id: int, states: tuple[str, ...], seen: str | None) -> Partner:
    """The partner, locked, in one of these states and as the operator saw it. Raises NotFound, DecisionRefused."""
    partner = locked(Partner.select().where(Partner.id == partner_id)).first()
    if partner is None:
        raise NotFound()
    if partner.state not in states:
        raise _already(partner)
    if seen is not None and seen != fingerprint(partner):
        raise DecisionRefused(
            N_("This application changed since you opened the page. Look at it as it is now, then decide.")
            if partner.state in UNDECIDED
            else N_("This partner changed since you opened the page. Look at it as it is now, then decide.")
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


def ask(act: Act, partner: Partner, name: str, note: str) -> DetailQuery:
    """Writes down the question about one detail of the locked partner."""
    return DetailQuery.create(
        partner=partner,
        field=name,
        note=note,
        asked_by=act.actor_name,
        asked_at=act.at,
        value_before=getattr(partner, name),
    )


def write_check(act: Act, partner: Partner, name: str, value: str, verdict: str, note: str = "") -> None:
    """Keeps what was found about one detail as it is worded now."""
    DetailCheck.create(
        partner=partner,
        field=name,
        value=value,
        verdict=verdict,
        note=note,
        checked_by=f"{act.kind}:{act.actor_id}",
        checked_name=act.actor_name,
        checked_at=act.at,
    )


def _detail(partner: Partner, name: str, known: _Known) -> Detail:
    value, query, earlier = getattr(partner, name), known.queries.get(name), known.earlier.get(name)
    check, change = known.checks.get(name), known.changes.get(name)
    waits = query is not None and query.answered_at is None
    if change is not None:
        mark, earlier = "queried" if waits else "changed", change.value_before
    elif waits or check is None:
        mark = _unchecked(partner, value, query, earlier)
    elif check.value == value and check.verdict != "queried":
        mark = check.verdict
    else:
        mark = "answered" if query is not None else "changed"
        earlier = check.value if earlier is None else earlier
    return Detail(name, DETAILS[name], value, mark, query, earlier, check, change)


def _unchecked(partner: Partner, value: str, query: DetailQuery | None, earlier: str | None) -> str:
    """As long as nobody has found anything: what was approved as a whole is accepted."""
    changed = earlier is not None and earlier != value
    if query is not None and query.answered_at is None:
        return "queried"
    if partner.state not in UNDECIDED:
        decided = "accepted" if partner.decided_at and partner.state != "refused" else "open"
        return "changed" if changed else decided
    if query is not None:
        return "answered"
    return "changed" if changed else "open"


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


def changed_details() -> list[tuple[Partner, int, datetime]]:
    """Partners that changed details which nobody has looked at: how many, and since when; the oldest first."""
    number, since_at = fn.COUNT(DetailChange.id), fn.MIN(DetailChange.changed_at)
    rows = (
        Partner.select(Partner, number.alias("number"), since_at.alias("since_at"))
        .join(DetailChange)
        .where(DetailChange.decided_at.is_null(), Partner.state.in_(("active", "suspended", "closing")))
        .group_by(Partner)
        .order_by(since_at)
        .limit(MOST_ROWS)
    )
    at = DetailChange.changed_at.python_value
    return [(row, row.number, at(row.since_at)) for row in rows.objects()]  # type: ignore[attr-defined]
