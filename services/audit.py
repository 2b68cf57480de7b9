"""Who does what, and the one row that every change leaves behind."""

from dataclasses import dataclass
from datetime import datetime

from models.audit import AuditEvent
from models.base import database


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


def record(
    act: Act, action: str, thing, *, partner=None, before: dict | None = None, after: dict | None = None
) -> None:
    """Writes the trail of one change (T3) into the caller's transaction. `thing` is the row that changed; `before` and
    `after` hold plain values, never a secret. Raises RuntimeError outside a transaction: the trail could be lost."""
    if not database.in_transaction():
        raise RuntimeError(f"{action} was recorded outside the transaction of its change")
    AuditEvent.create(
        at=act.at,
        actor_kind=act.kind,
        actor_id=act.actor_id,
        actor_name=act.actor_name,
        partner=partner,
        action=action,
        thing_kind=thing._meta.table_name,
        thing_id=str(getattr(thing, "number", None) or thing.id),
        before=before,
        after=after,
        source=act.source,
        ip=act.ip,
        request_id=act.request_id,
    )
