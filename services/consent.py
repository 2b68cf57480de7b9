"""Which documents are in force, who has accepted them, and the evidence of it (T1, T18, T22; legal.md 4.2)."""

from datetime import datetime

from peewee import fn

from models.partner import Member
from models.terms import Acceptance, TermsVersion


def missing_kinds(member: Member, at: datetime) -> list[str]:
    """Kinds of documents in force that need this member's acceptance and do not have it yet. One query.

    A version counts by kind and label: a text accepted in one language is accepted.
    """
    accepted = TermsVersion.alias()
    answered = (
        Acceptance.select(1)
        .join(accepted)
        .where(Acceptance.member == member, accepted.kind == TermsVersion.kind, accepted.label == TermsVersion.label)
    )
    query = (
        TermsVersion.select(TermsVersion.kind)
        .where(
            TermsVersion.state == "published",
            TermsVersion.requires_acceptance,
            TermsVersion.kind != "flow_down",
            TermsVersion.effective_at <= at,
            ~fn.EXISTS(answered),
        )
        .distinct()
        .order_by(TermsVersion.kind)
    )
    return [kind for (kind,) in query.tuples()]
