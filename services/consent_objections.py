"""Objections: to what a member may object, and who does not agree to which version (T1, T5).

A version that takes effect by continued use binds nobody who objected before its day; the earlier one stays in force
for them. What needs a click binds nobody who does not click; there the objection is kept as a sign for the staff.
"""

from datetime import datetime

from peewee import Value, fn

from models.evidence import ConsentEvent
from models.partner import Member, Partner
from models.terms import Acceptance, TermsVersion
from services import consent, consent_state, documents

PAGE_SIZE = 50


def open_to(member: Member, language: str, at: datetime) -> list[TermsVersion]:
    """Announced versions by continued use to which this member may object: for the company its administrators, of what
    is personal everybody for itself. In `language` where there is one."""
    asked = {(row.kind, row.label) for row in consent_state.of(member, at).by_use if row.effective_at > at}
    if not asked:
        return []
    coming = [version for version in documents.announced(language, at) if (version.kind, version.label) in asked]
    return consent.for_member(member, coming)


def made(member: Member, language: str, at: datetime) -> list[TermsVersion]:
    """Versions that do not hold for this member because of an objection."""
    objected = consent_state.of(member, at).objected
    return [documents.text_in(question.kind, question.label, language) for question in objected]


def given(member: Member, version_id: int) -> TermsVersion | None:
    """The version, if its objection was recorded for this member or its partner before."""
    row = _declined().where(ConsentEvent.version == version_id, ConsentEvent.member == member).first()
    return row.version if row else None


def listed(before: int | None = None) -> tuple[list[ConsentEvent], int | None]:
    """Who does not agree and has not agreed since, the newest first, and the id to go on from (None: that was all)."""
    query = _declined().where(~fn.EXISTS(_agreed_since()))
    rows = list((query.where(ConsentEvent.id < before) if before else query).limit(PAGE_SIZE + 1))
    return rows[:PAGE_SIZE], rows[PAGE_SIZE - 1].id if len(rows) > PAGE_SIZE else None


def of_partner(partner: Partner) -> list[ConsentEvent]:
    """All objections of the partner's members, the newest first."""
    return list(_declined().where(ConsentEvent.partner == partner))


def _declined():
    rows = ConsentEvent.select(ConsentEvent, TermsVersion, Partner, Member)
    rows = rows.join_from(ConsentEvent, TermsVersion).join_from(ConsentEvent, Partner).join_from(ConsentEvent, Member)
    return rows.where(ConsentEvent.kind == "declined").order_by(ConsentEvent.id.desc())


def _agreed_since():
    accepted = TermsVersion.alias()
    later = (accepted.label == TermsVersion.label) | (accepted.effective_at > TermsVersion.effective_at)
    own = (Acceptance.member == ConsentEvent.member) | TermsVersion.kind.not_in(documents.PERSONAL)
    return (
        Acceptance.select(Value(1))
        .join(accepted)
        .where(Acceptance.partner == ConsentEvent.partner, accepted.kind == TermsVersion.kind, later, own)
    )
