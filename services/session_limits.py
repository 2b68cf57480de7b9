"""How long a log-in lasts, by role: without anything done, and altogether (T12; threats.md 4; NIST SP 800-63B-4 2.2.3).

PORTAL_SESSION_LIMITS sets roles apart from the others, as in "viewer=30/12, owner=10/8": minutes without activity, and
hours altogether. Nothing goes beyond what NIST allows for people with a second factor.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from models.operator import Operator
from models.partner import Member
from models.session import Session

if TYPE_CHECKING:
    from services.settings import Settings

MEMBER_ROLES = ("admin", "staff", "viewer")
OPERATOR_ROLES = ("support", "manager", "owner")
IDLE_MINUTES = (5, 60)
HOURS = (1, 24)
WARN_SECONDS = 120
FORM = "roles with minutes and hours, such as viewer=30/12, owner=10/8"


@dataclass(frozen=True)
class Limit:
    idle: timedelta
    whole: timedelta


class LimitRefused(Exception):
    """The text names the setting and says what is possible."""


def person_of(session: Session) -> Member | Operator:
    """Every session has one of the two: the database holds it."""
    return cast(Member | Operator, session.member or session.operator)


def role_of(person: Member | Operator) -> str:
    return person.role if isinstance(person, Member) else person.right


def limit(settings: "Settings", role: str) -> Limit:
    """The limits of a role; unknown ones are those of operators, which are shorter."""
    default = (
        (settings.member_idle_minutes, settings.member_session_hours)
        if role in MEMBER_ROLES
        else (settings.operator_idle_minutes, settings.operator_session_hours)
    )
    minutes, hours = settings.session_limits.get(role, default)
    return Limit(timedelta(minutes=minutes), timedelta(hours=hours))


def of(settings: "Settings", session: Session) -> Limit:
    """By the role that its person has now: one who gets another role is bound by it at once."""
    return limit(settings, role_of(person_of(session)))


def idle_end(settings: "Settings", session: Session) -> datetime:
    """When it ends if nothing more is done."""
    return min(session.last_seen_at + of(settings, session).idle, whole_end(settings, session))


def whole_end(settings: "Settings", session: Session) -> datetime:
    """When it ends whatever is done."""
    return min(session.expires_at, session.created_at + of(settings, session).whole)


def read(text: str, others: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """The setting as role -> (minutes, hours). `others`: the limits of all other roles, by the names that they have in
    the settings. Raises LimitRefused for what cannot be read, and for times that are out of bounds, these included."""
    limits = _parsed(text)
    for role, times in limits.items():
        _refuse(f"PORTAL_SESSION_LIMITS, {role}", times)
    for who in ("member", "operator"):
        _refuse(f"PORTAL_{who.upper()}_…", (others[f"{who}_idle_minutes"], others[f"{who}_session_hours"]))
    return limits


def _parsed(text: str) -> dict[str, tuple[int, int]]:
    found = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        role, _equals, numbers = (piece.strip() for piece in part.partition("="))
        minutes, _slash, hours = (piece.strip() for piece in numbers.partition("/"))
        if role not in MEMBER_ROLES + OPERATOR_ROLES or not all(
            re.fullmatch("[0-9]{1,4}", n) for n in (minutes, hours)
        ):
            raise LimitRefused(f"PORTAL_SESSION_LIMITS must name {FORM}, not {part!r}.")
        found[role] = (int(minutes), int(hours))
    return found


def _refuse(who: str, times: tuple[int, int]) -> None:
    for value, (least, most), unit in zip(times, (IDLE_MINUTES, HOURS), ("minutes", "hours"), strict=True):
        if not least <= value <= most:
            raise LimitRefused(f"{who}: {value} {unit}. A log-in can last from {least} to {most} {unit}.")
