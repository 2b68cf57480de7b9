"""The log-ins of one person, as they see them: where, on what, since when; and ending one from afar (T10, T12)."""

import ipaddress
from dataclasses import dataclass

from models.operator import Operator
from models.partner import Member
from models.session import Session
from services import session_limits, sessions
from services.audit import Act
from services.audit_parts import network
from services.devices import Device, device
from services.refusal import NotFound
from services.settings import Settings

MOST_ROWS = 50


@dataclass(frozen=True)
class LogIn:
    """`place` is here (this device), near (the network of this device), private (a network without a place on the
    map), far or unknown; `network` is the shortened address, all that can be said without asking somebody else."""

    session: Session
    device: Device
    place: str
    network: str


def own(act: Act, settings: Settings, person: Member | Operator) -> list[LogIn]:
    """The person's log-ins that still work, this one first, then the last seen."""
    live = sessions.of_person(person) & Session.ended_at.is_null() & (Session.expires_at > act.at)
    query = Session.select().where(live).order_by(Session.last_seen_at.desc(), Session.id.desc()).limit(MOST_ROWS)
    limit = session_limits.limit(settings, session_limits.role_of(person))
    rows = [row for row in query if row.last_seen_at > act.at - limit.idle and row.created_at > act.at - limit.whole]
    found = [LogIn(row, device(row.user_agent), _place(act, row), network(row.ip)) for row in rows]
    return sorted(found, key=lambda one: one.place != "here")


def end_one(act: Act, person: Member | Operator, session_id: int) -> bool:
    """Ends one log-in of the person; it is over at its next request. True when it is the one that acts. Raises NotFound
    for what is not theirs; ending what is over already changes nothing."""
    row = Session.get_or_none(sessions.of_person(person), Session.id == session_id)
    if row is None:
        raise NotFound
    sessions.end(act, row, "ended by its owner")
    return row.origin_hash == act.session_hash


def _place(act: Act, row: Session) -> str:
    if row.origin_hash == act.session_hash:
        return "here"
    own_network = network(row.ip)
    if not own_network:
        return "unknown"
    if own_network == network(act.ip):
        return "near"
    return "private" if ipaddress.ip_network(own_network).is_private else "far"
