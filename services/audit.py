"""Who does what, and the one row that every change leaves behind."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from peewee import chunked

from models.audit import AuditEvent, AuditHead, AuditPersonal
from models.base import at_the_end
from services import audit_parts, chain
from services.evidence_check import content_digest, link

# a statement has so many places for values; SQLite allows 32,766
MOST_AT_ONCE = 500
RECORD = ("actor_kind", "actor_id", "thing_kind", "thing_id", "source")


@dataclass(frozen=True)
class Act:
    """The one who acts, from where, and when. Every service function that changes something takes it first."""

    at: datetime
    kind: str = "system"
    actor_id: str = ""
    actor_name: str = ""
    source: str = "worker"
    ip: str = ""
    user_agent: str = ""
    request_id: str = ""
    session_hash: str = ""


class Change(NamedTuple):
    """One row that changed, with plain values before and after, never a secret."""

    thing: Any
    before: dict | None = None
    after: dict | None = None


class Thing(NamedTuple):
    """What has a line in the trail and is no row of a table."""

    kind: str
    name: str


class _Line(NamedTuple):
    """A row of the trail before it has its place in the chain."""

    at: datetime
    actor_kind: str
    actor_id: str
    partner: int | None
    action: str
    thing_kind: str
    thing_id: str
    source: str
    personal: dict


def record(
    act: Act, action: str, thing, *, partner=None, before: dict | None = None, after: dict | None = None
) -> None:
    """Writes the trail of one change (T3) into the caller's transaction. `thing` is the row that changed; `before` and
    `after` hold plain values, never a secret. Raises RuntimeError outside a transaction: the trail could be lost."""
    record_many(act, action, [Change(thing, before, after)], partner=partner)


def record_many(act: Act, action: str, changes: Sequence[Change], *, partner=None) -> None:
    """As `record` for changes of one kind: a row for each, in few statements. They get their places in the chain at the
    end of the transaction, when every other lock is taken: until then they cannot be read."""
    partner_id = getattr(partner, "id", partner)
    for change in changes:
        thing = change.thing if isinstance(change.thing, Thing) else _thing(change.thing)
        line = _Line(
            act.at, act.kind, act.actor_id, partner_id, action, *thing, act.source, audit_parts.of(act, *change[1:])
        )
        try:
            at_the_end(_chain, line)
        except RuntimeError:
            raise RuntimeError(f"{action} was recorded outside the transaction of its change") from None


def _thing(row) -> Thing:
    return Thing(row._meta.table_name, str(getattr(row, "number", None) or row.id))


def _chain(lines: list[_Line]) -> None:
    """The head of the chain is the last lock of every writer, and held until its commit."""
    head = chain.hold(AuditHead, AuditEvent)
    number, reached = head.number, head.hash
    events, parts = [], []
    for line in lines:
        number += 1
        salts, digests = audit_parts.digested(line.personal)
        fixed = line._asdict()
        del fixed["personal"]
        event = AuditEvent(**fixed, number=number, parts=digests, prev_hash=reached)
        reached = link(reached, content_digest(content_of(event)))
        events.append({**fixed, "number": number, "parts": digests, "prev_hash": event.prev_hash, "hash": reached})
        parts.append({"number": number, **audit_parts.as_stored(line.personal), **salts})
    for table, rows in ((AuditEvent, events), (AuditPersonal, parts)):
        for some in chunked(rows, MOST_AT_ONCE):
            table.insert_many(some).execute()
    AuditHead.update(number=number, hash=reached).where(AuditHead.id == 1).execute()


def content_of(event: AuditEvent) -> dict:
    """The row as the chain digests it: in the form that evidence has too (services/evidence_check.py)."""
    return {
        "number": event.number,
        "kind": event.action,
        "at": chain.moment(event.at),
        "partner": event.partner_id,
        "subject": None,
        "record": {
            name: getattr(event, name) for name in ("actor_kind", "actor_id", "thing_kind", "thing_id", "source")
        },
        "personal_digest": event.parts,
    }
