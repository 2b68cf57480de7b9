"""A report of a security problem, by anybody, and what its sender wants to happen at once (T11).

Everything happens in one transaction, or nothing: the report with its number, log-ins, passwords, keys, trail, mails.
Who is not signed in chooses nothing, and learns nothing about accounts.
"""

import secrets
from dataclasses import dataclass
from typing import Any

from models.base import write_tx
from models.incident import INCIDENT_KINDS, Incident, IncidentNote, IncidentPartner
from models.operator import Operator
from models.partner import Member
from models.sub_account import AccessKey, SubAccount
from services import attempts, containment, incident_mails, once
from services.audit import Act, record
from services.refusal import N_, NotFound, Refusal
from services.settings import Settings

LONGEST_TEXT, LONGEST_CONTACT = 5000, 200
MOST_THINGS = 200
SIGNS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # none that is taken for another
KINDS = {
    "access": N_("Somebody else uses a log-in"),
    "password": N_("A password or a device was lost, or others may know it"),
    "key": N_("An access key was lost, or others may know it"),
    "mail": N_("A mail or a page only pretends to be yours"),
    "data": N_("Somebody saw or changed data who should not"),
    "weakness": N_("I found a weakness of the portal"),
    "other": N_("Something else"),
}
# what can be done at once, and what the sender and the operators read about it
CONTAINED = {
    "sessions_own": N_("All log-ins of the sender were ended"),
    "sessions_company": N_("All log-ins of the company were ended"),
    "passwords_own": N_("The sender has to choose a new password"),
    "passwords_company": N_("Everybody of the company has to choose a new password"),
    "keys": N_("Access keys were switched off"),
}
OWN, COMPANY = ("sessions_own", "passwords_own"), ("sessions_company", "passwords_company")
KEY_ROLES = ("admin", "staff")
REASON = "security report"

Person = Member | Operator


class ReportRefused(Refusal):
    """Nothing was sent and nothing was stopped."""


@dataclass(frozen=True)
class Report:
    """What somebody entered. `numbers`: sub-accounts that are concerned; `key_ids`: keys to stop; `at_once`: names of
    CONTAINED but keys."""

    kind: str
    text: str
    contact: str = ""
    numbers: tuple[str, ...] = ()
    key_ids: tuple[int, ...] = ()
    at_once: tuple[str, ...] = ()


def send(act: Act, settings: Settings, person: Person | None, report: Report, once_key: str) -> Incident:
    """Files the report and does what it asks for. The same `once_key` again gets the report that it made. Raises
    ReportRefused with the field, TooManyAttempts when one network or one person sends very many."""
    _refuse(report)
    _refuse_choices(person, report)
    content = repr(report)
    with write_tx():
        if (earlier := once.earlier_answer(act, once_key, content)) is not None:
            return Incident.get(Incident.number == earlier)
    _count(act, person)
    with write_tx():
        if isinstance(person, Member) and (report.key_ids or set(report.at_once) & set(COMPANY)):
            containment.lock_partner(person.partner_id)
        if (earlier := once.earlier_answer(act, once_key, content)) is not None:
            return Incident.get(Incident.number == earlier)
        incident = _file(act, person, report)
        done = _contain(act, settings, person, report)
        _note(act, incident, done)
        incident_mails.tell_of_report(act, settings, incident, person)
        once.remember(act, once_key, content, incident.number)
    return incident


def own(person: Person) -> list[Incident]:
    """The person's reports, those of the whole company for an administrator, newest first."""
    mine: Any = Incident.operator == person if isinstance(person, Operator) else Incident.member == person
    if isinstance(person, Member) and person.role == "admin":
        mine = Incident.partner == person.partner_id
    return list(Incident.select().where(mine).order_by(Incident.id.desc()).limit(100))


def accounts(person: Person | None) -> list[SubAccount]:
    """The sub-accounts that a report of this person can name, those with keys that work first asked for."""
    if not isinstance(person, Member):
        return []
    own_rows = SubAccount.select().where(SubAccount.partner == person.partner_id, SubAccount.phase != "deleted")
    return list(own_rows.order_by(SubAccount.name_key, SubAccount.id).limit(MOST_THINGS))


def keys(person: Person | None) -> list[AccessKey]:
    """The keys that a report of this person can stop, each with its sub-account."""
    if not isinstance(person, Member) or person.role not in KEY_ROLES:
        return []
    works = (AccessKey.wanted == "active") & (AccessKey.phase == "live")
    query = AccessKey.select(AccessKey, SubAccount).join(SubAccount)
    query = query.where(SubAccount.partner == person.partner_id, works)
    return list(query.order_by(SubAccount.name_key, AccessKey.id).limit(MOST_THINGS))


def choices(person: Person | None) -> tuple[str, ...]:
    """What this person can have done at once, beside stopping keys."""
    if person is None:
        return ()
    return OWN + COMPANY if isinstance(person, Member) and person.role == "admin" else OWN


def _refuse(report: Report) -> None:
    if report.kind not in INCIDENT_KINDS:
        raise ReportRefused(N_("Choose what happened."), "kind")
    if not report.text.strip():
        raise ReportRefused(N_("Write in a sentence what happened."), "text")
    if len(report.text) > LONGEST_TEXT:
        raise ReportRefused(N_("Write at most %(most)s characters."), "text", most=LONGEST_TEXT)
    if len(report.contact) > LONGEST_CONTACT or any(ord(sign) < 32 for sign in report.contact):
        raise ReportRefused(N_("Write at most %(most)s characters, in one line."), "contact", most=LONGEST_CONTACT)


def _refuse_choices(person: Person | None, report: Report) -> None:
    """A page offers only what its reader may do; whoever sends more than that gets nothing."""
    if set(report.at_once) - set(choices(person)):
        raise NotFound
    if not {*report.numbers} <= {row.number for row in accounts(person)}:
        raise NotFound
    if report.key_ids and not (isinstance(person, Member) and person.role in KEY_ROLES):
        raise NotFound
    if report.key_ids and not set(report.key_ids) <= _own_key_ids(person):
        raise NotFound


def _own_key_ids(person: Person | None) -> set[int]:
    partner_id = person.partner_id if isinstance(person, Member) else None
    own_keys = AccessKey.select(AccessKey.id).join(SubAccount).where(SubAccount.partner == partner_id)
    return {key.id for key in own_keys}


def _count(act: Act, person: Person | None) -> None:
    """Who is not signed in shares a limit with their network; a signed-in person has one of their own."""
    if person is None:
        attempts.count_of_network(act, attempts.REPORT)
    else:
        attempts.count(act, f"{act.kind}:{act.actor_id}", attempts.OWN_REPORT)


def _file(act: Act, person: Person | None, report: Report) -> Incident:
    member = person if isinstance(person, Member) else None
    named = AccessKey.select(AccessKey, SubAccount).join(SubAccount).where(AccessKey.id.in_(report.key_ids))
    things: list[dict[str, Any]] = [{"number": number} for number in report.numbers]
    things += [{"number": key.sub_account.number, "key": key.access_key_id} for key in named.order_by(AccessKey.id)]
    incident = Incident.create(
        number=_number(),
        kind=report.kind,
        text=report.text.strip(),
        contact=report.contact.strip(),
        partner=member.partner_id if member else None,
        member=member,
        operator=person if isinstance(person, Operator) else None,
        reporter_name=person.name if person else "",
        ip=act.ip,
        user_agent=act.user_agent[:300],
        things=things,
        reported_at=act.at,
    )
    if member:
        IncidentPartner.create(incident=incident, partner=member.partner_id, named_at=act.at)
    return incident


def _contain(act: Act, settings: Settings, person: Person | None, report: Report) -> list[dict[str, Any]]:
    """Keys first, people after that: the order of locks."""
    done: list[dict[str, Any]] = []
    if report.key_ids and isinstance(person, Member):
        stopped = containment.stop_keys(act, settings, person.partner_id, report.key_ids)
        done.append({"what": "keys", "count": len(stopped), "keys": stopped})
    wanted = set(report.at_once)
    if person is None or not wanted:
        return done
    company = isinstance(person, Member) and bool(wanted & set(COMPANY))
    everybody: list[Person] = [*containment.people_of(person.partner_id)] if company else []  # type: ignore[union-attr]
    mine = next((one for one in everybody if one.id == person.id), None) or containment.locked_person(person)
    for what in (name for name in CONTAINED if name in wanted):
        people = everybody if what in COMPANY else [mine]
        do = containment.end_sessions if what.startswith("sessions") else containment.ask_new_passwords
        done.append({"what": what, "count": do(act, people, REASON)})
    return done


def _note(act: Act, incident: Incident, done: list[dict[str, Any]]) -> None:
    who = {"made_by": f"{act.kind}:{act.actor_id}", "made_name": act.actor_name}
    IncidentNote.create(incident=incident, at=act.at, kind="reported", text="", **who)
    for line in done:
        text = ", ".join([line["what"], str(line["count"]), *line.get("keys", ())])
        IncidentNote.create(incident=incident, at=act.at, kind="contained", text=text, **who)
    incident.contained = done
    incident.save(only=["contained"])
    after = {"kind": incident.kind, "contained": [line["what"] for line in done]}
    record(act, "incident.reported", incident, partner=incident.partner_id, after=after)


def _number() -> str:
    """Said on the phone, and not to be guessed: whoever is not signed in has nothing else to name it by."""
    return "SR-" + "".join(secrets.choice(SIGNS) for _place in range(8))
