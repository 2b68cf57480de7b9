"""The operators' desk of security reports: state, weight, notes, who is affected and was told, what was stopped (T11).
Each act leaves a line in the report's history and one in the trail.

Locks, in this order: the affected partner, the report, then what containment locks.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from models.base import locked, write_tx
from models.incident import INCIDENT_STATES, SEVERITIES, Incident, IncidentNote, IncidentPartner
from models.notice import Notice
from models.partner import Partner
from services import containment, notice_desk, once
from services.audit import Act, record
from services.notice_drafts import Draft
from services.refusal import N_, NotFound, Refusal
from services.settings import Settings

NOTE_LENGTH = 5000
PAGE_SIZE = 50
VIEWS = ("open", *INCIDENT_STATES, "all")
STOPS = ("sessions", "passwords", "keys")
REASON = "security incident"


class IncidentRefused(Refusal):
    """The report stays as it was."""


class IncidentStale(IncidentRefused):
    """A colleague changed it since it was looked at."""

    def __init__(self) -> None:
        super().__init__(N_("A colleague has changed this report meanwhile. Look at it as it is now, and send again."))


@dataclass(frozen=True)
class IncidentPage:
    """`before`: the id to go on from to older ones."""

    rows: list[Incident]
    before: int | None


def page(view: str, before: int | None = None) -> IncidentPage:
    """Newest first. `view`: of VIEWS."""
    query = Incident.select()
    if view == "open":
        query = query.where(Incident.state != "closed")
    elif view in INCIDENT_STATES:
        query = query.where(Incident.state == view)
    if before is not None:
        query = query.where(Incident.id < before)
    rows = list(query.order_by(Incident.id.desc()).limit(PAGE_SIZE + 1))
    more = len(rows) > PAGE_SIZE
    return IncidentPage(rows[:PAGE_SIZE], rows[PAGE_SIZE - 1].id if more else None)


def waiting() -> list[Incident]:
    """Reports that are not closed, the oldest first, each with its partner."""
    return list(Incident.select().where(Incident.state != "closed").order_by(Incident.reported_at).limit(PAGE_SIZE))


def known(number: str) -> Incident:
    """Raises NotFound."""
    incident = Incident.get_or_none(Incident.number == number)
    if incident is None:
        raise NotFound
    return incident


def notes(incident: Incident) -> list[IncidentNote]:
    """The history, from the report on."""
    return list(IncidentNote.select().where(IncidentNote.incident == incident).order_by(IncidentNote.id))


def affected(incident: Incident) -> list[IncidentPartner]:
    """With their partners, by name."""
    query = IncidentPartner.select(IncidentPartner, Partner).join(Partner)
    return list(query.where(IncidentPartner.incident == incident).order_by(Partner.name_key, Partner.id))


def change(act: Act, number: str, seen: int, *, state: str, severity: str, note: str, once_key: str) -> Incident:
    """State, weight and a note in one go. `seen`: the version that was looked at. Raises NotFound, IncidentRefused with
    the field, IncidentStale."""
    _refuse(state, severity, note)
    content = f"{number} {state} {severity} {note}"
    with write_tx():
        incident = _locked(number)
        if once.earlier_answer(act, once_key, content) is not None:
            return incident
        if incident.version != seen:
            raise IncidentStale
        before, changes = {"state": incident.state, "severity": incident.severity}, {}
        for name, value in (("state", state), ("severity", severity)):
            if getattr(incident, name) != value:
                changes[name] = value
                add_note(act, incident, name, value)
        if note.strip():
            add_note(act, incident, "note", note.strip())
        incident.state, incident.severity = state, severity
        incident.closed_at = (incident.closed_at or act.at) if state == "closed" else None
        _save(incident, "state", "severity", "closed_at")
        if changes:
            before = {name: before[name] for name in changes}
            record(act, "incident.changed", incident, partner=None, before=before, after=changes)
        if note.strip():
            record(act, "incident.noted", incident, partner=None)
        once.remember(act, once_key, content, number)
    return incident


def name_affected(act: Act, number: str, partner_ids: Iterable[int]) -> int:
    """Adds partners to those that the report affects; returns how many are new. Raises NotFound."""
    with write_tx():
        incident = _locked(number)
        there = {row.partner_id for row in affected(incident)}
        new = list(Partner.select().where(Partner.id.in_(sorted(set(partner_ids) - there))))
        for partner in new:
            IncidentPartner.create(incident=incident, partner=partner, named_at=act.at)
            add_note(act, incident, "affected", partner.legal_name)
            record(act, "incident.named", incident, partner=None, after={"company": partner.legal_name})
        _save(incident)
    return len(new)


def tell(
    act: Act, settings: Settings, number: str, titles: Mapping[str, str], bodies: Mapping[str, str],
    *, everybody: bool, once_key: str,
) -> Notice:  # fmt: skip
    """Publishes a notice for the affected partners, or for all, which goes out by mail as well, and notes who was told.
    Raises NotFound, NoticeRefused with the field, IncidentRefused while nobody is named."""
    with write_tx():
        incident = _locked(number)
        if (earlier := once.earlier_answer(act, once_key, repr((titles, bodies, everybody)))) is not None:
            return Notice.get_by_id(int(earlier))
        rows = affected(incident)
        if not rows and not everybody:
            raise IncidentRefused(N_("Name the partners that are affected first, or tell all partners."), "whose")
        ids = None if everybody else tuple(row.partner_id for row in rows)
        draft = Draft("information", titles, bodies, partner_ids=ids, pinned=True, important=True)
        notice = notice_desk.create(act, draft, f"{once_key}-notice")
        notice = notice_desk.publish(act, notice.id, notice_desk.fingerprint(notice), settings.locales)
        mine = IncidentPartner.incident == incident
        IncidentPartner.update(told_at=act.at, notice=notice).where(mine).execute()
        whom = "*" if everybody else ", ".join(row.partner.legal_name for row in rows)
        add_note(act, incident, "told", whom)
        _save(incident)
        for row in rows:
            record(act, "incident.told", incident, partner=row.partner_id, after={"notice": notice.id})
        if everybody:
            record(act, "incident.told", incident, partner=None, after={"notice": notice.id, "whose": "all"})
        once.remember(act, once_key, repr((titles, bodies, everybody)), str(notice.id))
    return notice


def contain(act: Act, settings: Settings, number: str, partner_id: int, stops: Iterable[str]) -> list[dict[str, Any]]:
    """Stops harm at an affected partner: its log-ins, its passwords, its keys; of STOPS. Raises NotFound for a partner
    that is not named, IncidentRefused when nothing is chosen."""
    wanted = [name for name in STOPS if name in set(stops)]
    if not wanted:
        raise IncidentRefused(N_("Choose what shall be stopped."), "stops")
    done: list[dict[str, Any]] = []
    with write_tx():
        if not Partner.select().where(Partner.id == partner_id).exists():
            raise NotFound
        partner = containment.lock_partner(partner_id)
        incident = _locked(number)
        if partner_id not in {row.partner_id for row in affected(incident)}:
            raise NotFound
        if "keys" in wanted:
            stopped = containment.stop_keys(act, settings, partner_id, None)
            done.append({"what": "keys", "count": len(stopped)})
        if "passwords" in wanted or "sessions" in wanted:
            people, asks = containment.people_of(partner_id), "passwords" in wanted
            do = containment.ask_new_passwords if asks else containment.end_sessions
            done.append({"what": "passwords" if asks else "sessions", "count": do(act, people, REASON)})
        for line in done:
            add_note(act, incident, "contained", f"{line['what']}, {line['count']}, {partner.legal_name}")
        _save(incident)
        record(
            act, "incident.contained", incident, partner=partner_id, after={row["what"]: row["count"] for row in done}
        )
    return done


def note_export(act: Act, incident: Incident, form: str) -> None:
    with write_tx():
        record(act, "incident.exported", incident, partner=None, after={"kind": form})


def add_note(act: Act, incident: Incident, kind: str, text: str) -> None:
    who = {"made_by": f"{act.kind}:{act.actor_id}", "made_name": act.actor_name}
    IncidentNote.create(incident=incident, at=act.at, kind=kind, text=text, **who)


def _locked(number: str) -> Incident:
    incident = locked(Incident.select().where(Incident.number == number)).first()
    if incident is None:
        raise NotFound
    return incident


def _save(incident: Incident, *names: str) -> None:
    incident.version += 1
    incident.save(only=["version", *names])


def _refuse(state: str, severity: str, note: str) -> None:
    if state not in INCIDENT_STATES:
        raise IncidentRefused(N_("Choose from the list."), "state")
    if severity and severity not in SEVERITIES:
        raise IncidentRefused(N_("Choose from the list."), "severity")
    if len(note) > NOTE_LENGTH:
        raise IncidentRefused(N_("Write at most %(most)s characters."), "note", most=NOTE_LENGTH)


def as_plain(incident: Incident) -> dict[str, Any]:
    """Everything about the report, for a file: dates as they are, nothing left out."""
    names = (
        "number",
        "kind",
        "state",
        "severity",
        "reported_at",
        "closed_at",
        "text",
        "contact",
        "reporter_name",
        "ip",
    )
    row = {name: getattr(incident, name) for name in (*names, "user_agent", "things", "contained")}
    row["company"] = incident.partner.legal_name if incident.partner else ""
    row["affected"] = [
        {"company": one.partner.legal_name, "named_at": one.named_at, "told_at": one.told_at, "notice": one.notice_id}
        for one in affected(incident)
    ]
    columns = ("at", "kind", "text", "made_by", "made_name")
    row["history"] = [{name: getattr(note, name) for name in columns} for note in notes(incident)]
    return row
