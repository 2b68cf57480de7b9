"""No use without consent (T1, T18): acts of members at a time at which a document in force was not accepted."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from peewee import fn

from models.contract import AllocationEntry, Contract
from models.sub_account import AccessKey, SubAccount
from models.terms import Acceptance, TermsVersion
from services import documents, evidence_faults

# A request that was let in a moment before a document came into force may still end.
UNDER_WAY = timedelta(minutes=1)
MEMBER = "member:"


@dataclass(frozen=True)
class _Reign:
    """A version while it was the one in force; `until_at` None: it still is. Who was bound by an earlier one has time
    until `grace_until_at`."""

    kind: str
    label: str
    from_at: datetime
    grace_until_at: datetime
    until_at: datetime | None


def evidence_astray(at: datetime) -> Iterator[str]:
    """The chain of evidence is whole, unchanged and not forked, and what stands on it says the same (legal.md 4.2)."""
    return evidence_faults.faults()


def without_consent(at: datetime) -> Iterator[str]:
    """Ledger lines and keys that a member made while the partner owed an acceptance, or before it had accepted any
    version; the gate of the pages should have stopped them. Versions are few, so each is asked for by itself."""
    for reign in _reigns(at):
        lines = AllocationEntry.select(AllocationEntry.id).join(Contract)
        for (id,) in _unaccepted(lines, reign, Contract.partner, AllocationEntry.at, AllocationEntry.actor):
            yield f"ledger line {id} was written before {reign.kind} {reign.label} was accepted"
        keys = AccessKey.select(AccessKey.id).join(SubAccount)
        for (id,) in _unaccepted(keys, reign, SubAccount.partner, AccessKey.created_at, AccessKey.created_by):
            yield f"key {id} was made before {reign.kind} {reign.label} was accepted"


def _unaccepted(query: Any, reign: _Reign, partner: Any, acted_at: Any, actor: Any) -> Iterator[tuple]:
    bound = (
        Acceptance.select(1)
        .join(TermsVersion)
        .where(
            Acceptance.partner == partner,
            Acceptance.accepted_at <= acted_at,
            (TermsVersion.kind == reign.kind) | (Acceptance.accepted_at < reign.from_at),
        )
    )
    answered = bound.where(
        TermsVersion.kind == reign.kind,
        (TermsVersion.label == reign.label) | (TermsVersion.effective_at > reign.from_at),
    )
    too_late = (acted_at > reign.grace_until_at + UNDER_WAY) | ~fn.EXISTS(bound)
    found = query.where(actor.startswith(MEMBER), acted_at > reign.from_at + UNDER_WAY, ~fn.EXISTS(answered), too_late)
    if reign.until_at is not None:
        found = found.where(acted_at <= reign.until_at)
    return iter(found.tuples().iterator())


def _reigns(at: datetime) -> Iterator[_Reign]:
    """Of each kind, which label was in force from when to when; the languages of a label are one version."""
    since, required = fn.MIN(TermsVersion.effective_at), fn.MAX(TermsVersion.requires_acceptance.cast("INTEGER"))
    grace = fn.MAX(fn.COALESCE(TermsVersion.grace_until_at, TermsVersion.effective_at)).python_value(
        TermsVersion.effective_at.python_value
    )
    rows: Any = list(
        TermsVersion.select(TermsVersion.kind, TermsVersion.label, since, grace, required)
        .where(
            TermsVersion.state.in_(documents.OPEN_STATES),
            TermsVersion.kind.not_in(documents.NOT_AT_SIGN_UP),
            TermsVersion.effective_at <= at,
        )
        .group_by(TermsVersion.kind, TermsVersion.label)
        .order_by(TermsVersion.kind, since, fn.MIN(TermsVersion.id))
        .tuples()
    )
    for place, (kind, label, from_at, grace_until_at, binding) in enumerate(rows):
        following = rows[place + 1] if place + 1 < len(rows) and rows[place + 1][0] == kind else None
        if binding:
            yield _Reign(kind, label, from_at, grace_until_at, following[2] if following else None)
