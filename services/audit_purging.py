"""What of the trail has its time over: who acted in old lines about log-ins, and network addresses. The lines stay."""

from datetime import datetime
from typing import Any

from models.audit import AuditEvent, AuditPersonal
from models.base import write_tx
from services import audit_erasing
from services.erasure_rows import SECURITY_ACTIONS

PAGE_ROWS = 2000
PAGES = 50


def old_names(now: datetime, before_at: datetime) -> int:
    """Who it was is known for so long; afterwards what happened, without the person. Returns in how many lines."""
    security = AuditEvent.action.startswith(SECURITY_ACTIONS[0])
    for word in SECURITY_ACTIONS[1:]:
        security |= AuditEvent.action.startswith(word)
    persons = AuditEvent.actor_kind.in_(("member", "operator", "console_user"))
    old = (AuditEvent.at <= before_at) & persons & security & (AuditPersonal.name_salt != "")
    return _pages(now, old, ["name", "ip", "place"], "security_log_days")


def old_addresses(now: datetime, before_at: datetime) -> int:
    """Of addresses the network stays, which was chained for itself. Returns in how many lines."""
    return _pages(now, (AuditPersonal.ip_salt != "") & (AuditEvent.at <= before_at), ["ip"], "access_ip_days")


def _pages(now: datetime, old: Any, parts: list[str], rule: str) -> int:
    """Some in each transaction, a bounded number in one night."""
    done = 0
    query = AuditEvent.select(AuditEvent.number).join(AuditPersonal, on=(AuditPersonal.number == AuditEvent.number))
    for _page in range(PAGES):
        numbers = [number for (number,) in query.where(old).order_by(AuditEvent.number).limit(PAGE_ROWS).tuples()]
        with write_tx():
            done += audit_erasing.erase(now, numbers, parts, rule)
        if len(numbers) < PAGE_ROWS:
            break
    return done
