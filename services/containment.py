"""What stops harm at once, in the transaction of whoever asks for it: log-ins end, passwords are chosen anew, keys are
refused (T11). Used by reports of security problems and by the operators' desk.

Locks, in this order: the partner, its sub-accounts by id, its people by id.
"""

from collections.abc import Iterable

from models.base import locked
from models.operator import Operator
from models.partner import Member, Partner
from services import key_rotation, sessions
from services.audit import Act, record
from services.people import partner_id_of
from services.settings import Settings

Person = Member | Operator


def lock_partner(partner_id: int) -> Partner:
    """First of all where a whole company is concerned: two who contain the same company take turns."""
    return locked(Partner.select().where(Partner.id == partner_id)).get()


def people_of(partner_id: int) -> list[Member]:
    """All of the company who can sign in, locked."""
    active = Member.select().where(Member.partner == partner_id, Member.active).order_by(Member.id)
    return list(locked(active))


def locked_person(person: Person) -> Person:
    kind = type(person)
    return locked(kind.select().where(kind.id == person.id)).get()


def end_sessions(act: Act, people: Iterable[Person], reason: str) -> int:
    """Ends every log-in of these people, that of whoever acts among them; returns how many."""
    return sum(sessions.end_all(act, person, reason) for person in people)


def ask_new_passwords(act: Act, people: Iterable[Person], reason: str) -> int:
    """Whoever knows their passwords does not come in with them any more: they choose a new one over a link to their own
    mail address. Their log-ins end too. Returns how many people."""
    done = 0
    for person in people:
        if person.password_due_at is None and person.password_hash:
            person.password_due_at = act.at
            person.save(only=["password_due_at"])
            record(act, "password.due", person, partner=partner_id_of(person), after={"reason": reason})
        sessions.end_all(act, person, reason)
        done += 1
    return done


def stop_keys(act: Act, settings: Settings, partner_id: int, key_ids: Iterable[int] | None) -> list[str]:
    """The partner's keys of these ids, or all that work, are refused as soon as the worker has told the storage
    service, also where nothing else is left that works. Returns their names on the storage service."""
    return [str(key.access_key_id) for key in key_rotation.stop(act, settings, partner_id, key_ids)]
