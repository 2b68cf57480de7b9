"""How much of the portal a partner may use now: one answer for pages, programs and jobs (T1, T9, T19).

Levels, from least to most:
application  its application, the terms, its own receipts; nothing of the portal
export       what leaving needs as well: exports, requests, closure and its withdrawal
read         every list and page, but no change; requests and corrections go on
full         everything that roles allow
"""

from dataclasses import dataclass
from datetime import datetime

from models.partner import Partner

LEVELS = ("application", "export", "read", "full")
BY_STATE = {
    "draft": "application",
    "applied": "application",
    "query": "application",
    "active": "full",
    "suspended": "application",
    "closing": "application",
    "closed": "application",
    "refused": "application",
    "barred": "application",
}


@dataclass(frozen=True)
class Standing:
    """`level` as above; `reason` names why it is not full: a partner's state, or a rule ("" at full)."""

    level: str
    reason: str = ""

    def reaches(self, level: str) -> bool:
        return LEVELS.index(self.level) >= LEVELS.index(level)


def of(partner: Partner, at: datetime) -> Standing:
    """The lowest of what the partner's state and each rule leave it."""
    level = BY_STATE[partner.state]
    return Standing(level, "" if level == "full" else partner.state)
