"""How much of the portal a partner may use now: one answer for pages, programs and jobs (T1, T9, T19; docs/states.md).

Levels, from least to most:
application  its application, the terms, its own receipts; nothing of the portal
export       what leaving needs as well: exports, requests, closure and its withdrawal
read         every list and page, but no change; requests and corrections go on
full         everything that roles allow
"""

from dataclasses import dataclass
from datetime import datetime

from models.partner import Partner
from services import confirmation, consent_state, contracts_access

LEVELS = ("application", "export", "read", "full")
# what a state leaves at most
BY_STATE = {
    "draft": "application",
    "applied": "application",
    "query": "application",
    "active": "full",
    "suspended": "read",  # or "application", as the operators chose with the suspension
    "closing": "export",
    "closed": "application",
    "refused": "application",
    "barred": "application",  # and nobody of it can sign in
}
SUSPENSION_LEVELS = ("application", "read")
# what a rule leaves a partner beside its state
BY_REASON = {
    "details_unconfirmed": "read",
    "terms_overdue": "read",
    "contract_ended": "export",
}


@dataclass(frozen=True)
class Standing:
    """`level` as above; `reason` names why it is not full: a partner's state, or a rule ("" at full)."""

    level: str
    reason: str = ""

    def reaches(self, level: str) -> bool:
        return LEVELS.index(self.level) >= LEVELS.index(level)


FULL = Standing("full")


def of(partner: Partner, at: datetime) -> Standing:
    """The lowest of what the partner's state and each rule leave it; of several equal ones the first is named."""
    found = (
        by_state(partner),
        by_rule("details_unconfirmed", confirmation.overdue(partner, at)),
        by_rule("terms_overdue", consent_state.is_overdue(partner, at)),
        by_rule("contract_ended", contracts_access.none_left(partner)),
    )
    return min(found, key=lambda standing: LEVELS.index(standing.level))


def by_state(partner: Partner) -> Standing:
    level = BY_STATE[partner.state]
    if partner.state == "suspended":
        level = partner.suspension_level or "application"
    return FULL if level == "full" else Standing(level, partner.state)


def by_rule(reason: str, holds: bool) -> Standing:
    """What a rule of BY_REASON leaves while it holds."""
    return Standing(BY_REASON[reason], reason) if holds else FULL
