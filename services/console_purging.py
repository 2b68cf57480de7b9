"""What of the customer console has its time over, for the nightly purge (docs/retention.md)."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from models.audit import AuditEvent
from models.base import write_tx
from models.console import ConsoleLink, ConsoleSession, ConsoleUser
from services import audit_erasing

ROWS_A_NIGHT = 2000
NAMELESS = "former console user"


def old_log_ins(pages: Callable[..., int], deleted: Callable[[Any], Any], before_at: datetime) -> int:
    """`pages` and `deleted` as in services/housekeeping.py."""
    return pages(ConsoleSession, ConsoleSession.expires_at <= before_at, deleted(ConsoleSession))


def old_links(pages: Callable[..., int], deleted: Callable[[Any], Any], before_at: datetime) -> int:
    return pages(ConsoleLink, ConsoleLink.expires_at <= before_at, deleted(ConsoleLink))


def former_users(now: datetime, before_at: datetime) -> int:
    """Whose access was removed so long ago: the row and the acts stay, without the person. Returns how many."""
    old = (ConsoleUser.removed_at <= before_at) & (ConsoleUser.email != "")
    done = 0
    for user in ConsoleUser.select().where(old).order_by(ConsoleUser.id).limit(ROWS_A_NIGHT):
        acted = (AuditEvent.actor_kind == "console_user") & (AuditEvent.actor_id == str(user.id))
        about = (AuditEvent.thing_kind == "console_user") & (AuditEvent.thing_id == str(user.id))
        with write_tx():
            own = {"name": NAMELESS, "email": "", "email_key": f"removed-{user.id}"}
            ConsoleUser.update(**own).where(ConsoleUser.id == user.id).execute()
            ConsoleSession.update(ip="", user_agent="").where(ConsoleSession.user == user).execute()
            audit_erasing.erase(now, _numbers(acted), ["name", "ip"], "purge", called=audit_erasing.FORMER)
            audit_erasing.erase(now, _numbers(about), ["values"], "purge")
        done += 1
    return done


def _numbers(condition: Any) -> list[int]:
    return [number for (number,) in AuditEvent.select(AuditEvent.number).where(condition).tuples()]
