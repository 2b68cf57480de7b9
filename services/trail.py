"""What of the trail somebody looks at: by kind of thing, one thing, person, source and time; pages that stay quick
however long the trail is, and the whole selection for a file."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from peewee import Expression

from models.audit import AuditEvent
from models.partner import Partner
from services import own_data_lists
from services.trail_telling import without_staff

PAGE = 50
AT_ONCE = 500
COLUMNS = ("at", "action", "thing_kind", "thing_id", "who", "source", "before", "after", "request_id")
PORTAL = "system"
# rows of which somebody who only looks sees that they were, not what of a key they tell
OF_KEYS = ("access_key", "hand_over")
SYSTEM_KINDS = ("system", "worker", "sweep", "installation", "sample data")


@dataclass(frozen=True)
class Wanted:
    """Empty: all. `person` is "member:12", "operator:3", "operator" for all staff, "system" for the portal itself."""

    kind: str = ""
    thing: str = ""
    person: str = ""
    source: str = ""
    from_at: datetime | None = None
    until_at: datetime | None = None


@dataclass(frozen=True)
class Listing:
    """`older`: the number of the last row shown, when there are more."""

    events: list[AuditEvent]
    older: int | None


def page(
    wanted: Wanted, partner: Partner | None, before: int | None = None, most: int = PAGE, *, staff: bool = False
) -> Listing:
    """The newest rows, or those older than the row `before`: of the partner as it may see them; with `staff` all of it,
    and without a partner of all."""
    found = list(_ordered(_conditions(wanted, partner, staff), _row(before)).limit(most + 1))
    return Listing(found[:most], found[most - 1].id if len(found) > most else None)


def every(wanted: Wanted, partner: Partner) -> Iterator[AuditEvent]:
    """The partner's whole selection, newest first, some rows at a time."""
    last: AuditEvent | None = None
    while found := list(_ordered(_conditions(wanted, partner), last).limit(AT_ONCE)):
        yield from found
        last = found[-1]


def of_things(partner: Partner, things: Sequence[tuple[str, Sequence[str]]], most: int = 20) -> list[AuditEvent]:
    """The latest rows of these things: (kind, their numbers)."""
    condition: Any = None
    for kind, names in things:
        own = (AuditEvent.thing_kind == kind) & AuditEvent.thing_id.in_([str(name) for name in names])
        condition = own if condition is None else condition | own
    query = AuditEvent.select().where(own_data_lists.condition_of(AuditEvent, partner.id), condition)
    return list(query.order_by(AuditEvent.id.desc()).limit(most))


def told(event: AuditEvent, *, keys: bool) -> AuditEvent:
    """The row as its partner may see it: nobody of the staff by name or address, nothing that staff noted for
    themselves; without `keys` nothing of keys. The row itself is changed, and must not be stored."""
    row = without_staff(
        {
            "action": event.action, "actor_kind": event.actor_kind, "actor_id": event.actor_id,
            "actor_name": event.actor_name, "source": event.source, "ip": event.ip, "request_id": event.request_id,
            "before": event.before, "after": event.after,
        }
    )  # fmt: skip
    for name, value in row.items():
        setattr(event, name, value)
    if not keys and event.thing_kind in OF_KEYS:
        event.thing_id, event.before, event.after = "", None, None
    return event


def _row(id: int | None) -> AuditEvent | None:
    return AuditEvent.select(AuditEvent.id, AuditEvent.at).where(AuditEvent.id == id).first() if id else None


def _ordered(conditions: list[Expression], last: AuditEvent | None) -> Any:
    query = AuditEvent.select().where(*conditions)
    if last is not None:
        at, id = AuditEvent.at, AuditEvent.id
        query = query.where(at <= last.at, (at < last.at) | (id < last.id))
    return query.order_by(AuditEvent.at.desc(), AuditEvent.id.desc())


def _conditions(wanted: Wanted, partner: Partner | None, staff: bool = False) -> list[Expression]:
    found: list[Any] = [] if staff else [own_data_lists.condition_of(AuditEvent, partner.id if partner else 0)]
    if staff and partner:
        found.append(AuditEvent.partner == partner)
    for column, value in (
        (AuditEvent.thing_kind, wanted.kind),
        (AuditEvent.thing_id, wanted.thing),
        (AuditEvent.source, wanted.source),
    ):
        found += [column == value] if value else []
    if wanted.from_at:
        found.append(AuditEvent.at >= wanted.from_at)
    if wanted.until_at:
        found.append(AuditEvent.at < wanted.until_at)
    kind, _, number = wanted.person.partition(":")
    if kind == PORTAL:
        found.append(AuditEvent.actor_kind.in_(SYSTEM_KINDS))
    elif kind:
        found.append(AuditEvent.actor_kind == kind)
    if number:
        found.append(AuditEvent.actor_id == number)
    return found or [AuditEvent.id > 0]
