"""Who does what, and the one row that every change leaves behind."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from peewee import chunked

from models.audit import AuditEvent
from models.base import database

# a statement has so many places for values; SQLite allows 32,766
MOST_AT_ONCE = 500


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


def record(
    act: Act, action: str, thing, *, partner=None, before: dict | None = None, after: dict | None = None
) -> None:
    """Writes the trail of one change (T3) into the caller's transaction. `thing` is the row that changed; `before` and
    `after` hold plain values, never a secret. Raises RuntimeError outside a transaction: the trail could be lost."""
    record_many(act, action, [Change(thing, before, after)], partner=partner)


def record_many(act: Act, action: str, changes: Sequence[Change], *, partner=None) -> None:
    """As `record` for changes of one kind: a row for each, in few statements."""
    if not database.in_transaction():
        raise RuntimeError(f"{action} was recorded outside the transaction of its change")
    fixed = {
        "at": act.at, "actor_kind": act.kind, "actor_id": act.actor_id, "actor_name": act.actor_name,
        "partner": partner, "action": action, "source": act.source, "ip": act.ip, "request_id": act.request_id,
    }  # fmt: skip
    for some in chunked(changes, MOST_AT_ONCE):
        AuditEvent.insert_many(
            {
                **fixed,
                "thing_kind": change.thing._meta.table_name,
                "thing_id": str(getattr(change.thing, "number", None) or change.thing.id),
                "before": change.before,
                "after": change.after,
            }
            for change in some
        ).execute()
