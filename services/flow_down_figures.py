"""How many customers have agreed, and by when the others have to: for the home page and for the provider's staff."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from peewee import SQL, fn

from models.flow_down import (
    CustomerAcceptance,
    FlowDown,
    FlowDownLink,
    agreed_now,
    agreed_once,
    current_label,
    declined,
    linked,
    newest,
)
from models.partner import Partner
from models.prepared import Blank, ask
from models.sub_account import SubAccount
from models.terms import TermsVersion
from services.flow_down import renewal_due_at

IS_REFUSAL = CustomerAcceptance.outcome == "declined"


@dataclass(frozen=True)
class Figures:
    """Sub-accounts that are not deleted. `renew`: until when -> how many agreed to an older version and have to agree
    anew, the earliest first. For `waiting` a link waits, `refused` have refused the terms in force; both may have
    agreed to an older version and are in `renew` then. `missing` never agreed, and are neither of these."""

    agreed: int
    missing: int
    waiting: int
    refused: int
    renew: list[tuple[datetime, int]]

    @property
    def outdated(self) -> int:
        return sum(number for _due_at, number in self.renew)


def of_partner(partner: Partner, at: datetime) -> Figures:
    """Two queries, and one more for each older version that somebody agreed to last."""
    by_version: dict[int | None, int] = dict(ask(_by_version, partner=partner.id))
    labels = _versions([version_id for version_id in by_version if version_id is not None])
    current = current_label(at).scalar()
    agreed, due = 0, dict[datetime, int]()
    for version_id, number in by_version.items():
        version = labels.get(version_id) if version_id is not None else None
        if version is None:
            continue
        due_at = None if version.label == current else renewal_due_at(version, at)
        if due_at is None:
            agreed += number
        else:
            due[due_at] = due.get(due_at, 0) + number
    asked = _asked(partner, at)
    waiting = sum(number for refused, _before, number in asked if not refused)
    missing = by_version.get(None, 0) - sum(number for _refused, before, number in asked if not before)
    return Figures(agreed, missing, waiting, sum(row[2] for row in asked) - waiting, sorted(due.items()))


def _by_version():
    """What was agreed to last, and by how many."""
    last = newest(FlowDown.version).alias("version_id")
    own = (SubAccount.partner == Blank("partner")) & (SubAccount.wanted_state != "deleted")
    return SubAccount.select(last, fn.COUNT(SubAccount.id)).where(own).group_by(SQL("version_id")).tuples()


def _versions(ids: list[int]) -> dict[int, TermsVersion]:
    query: Any = TermsVersion.select(TermsVersion.id, TermsVersion.label, TermsVersion.effective_at)
    return {version.id: version for version in query.where(TermsVersion.id.in_(ids))}


def _asked(partner: Partner, at: datetime) -> list[tuple[bool, bool, int]]:
    """Without an agreement to the terms in force: refused them (else a link waits), agreed to older ones, how many."""
    own = (SubAccount.partner == partner) & (SubAccount.wanted_state != "deleted")
    refusals = CustomerAcceptance.select(CustomerAcceptance.sub_account).where(IS_REFUSAL)
    links = FlowDownLink.select(FlowDownLink.sub_account).where(FlowDownLink.ended_at.is_null())
    found = SubAccount.id.in_(refusals.union_all(links))
    refused, before = declined(at).alias("refused"), agreed_once().alias("agreed_before")
    query: Any = SubAccount.select(refused, before, fn.COUNT(SubAccount.id)).where(own, found, ~agreed_now(at))
    answered = query.where(declined(at) | linked(at)).group_by(SQL("refused"), SQL("agreed_before"))
    return list(answered.tuples())
