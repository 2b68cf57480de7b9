"""How many customers have agreed, and by when the others have to: for the home page and for the provider's staff."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from peewee import SQL, fn

from models.flow_down import CustomerAcceptance, FlowDown, agreed_now, current_label, declined, newest
from models.partner import Partner
from models.prepared import Blank, ask
from models.sub_account import SubAccount
from models.terms import TermsVersion
from services.flow_down import renewal_due_at

IS_REFUSAL = CustomerAcceptance.outcome == "declined"


@dataclass(frozen=True)
class Figures:
    """Sub-accounts that are not deleted. `renew`: until when -> how many agreed to an older version and have to agree
    anew, the earliest first. `refused` have refused the terms in force and are among the others too."""

    agreed: int
    missing: int
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
    return Figures(agreed, by_version.get(None, 0), _refused(partner, at), sorted(due.items()))


def _by_version():
    """What was agreed to last, and by how many."""
    last = newest(FlowDown.version).alias("version_id")
    own = (SubAccount.partner == Blank("partner")) & (SubAccount.wanted_state != "deleted")
    return SubAccount.select(last, fn.COUNT(SubAccount.id)).where(own).group_by(SQL("version_id")).tuples()


def _versions(ids: list[int]) -> dict[int, TermsVersion]:
    query: Any = TermsVersion.select(TermsVersion.id, TermsVersion.label, TermsVersion.effective_at)
    return {version.id: version for version in query.where(TermsVersion.id.in_(ids))}


def _refused(partner: Partner, at: datetime) -> int:
    own = (SubAccount.partner == partner) & (SubAccount.wanted_state != "deleted")
    asked = SubAccount.id.in_(CustomerAcceptance.select(CustomerAcceptance.sub_account).where(IS_REFUSAL))
    return SubAccount.select().where(own, asked, ~agreed_now(at), declined(at)).count()
