"""Partners that let the time for a new version go by: the operators' list, and the mail that says so once (T1, T5)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from peewee import Value, fn

from models.base import locked, write_tx
from models.evidence import ConsentEvent
from models.partner import Member, Partner
from models.terms import Acceptance, TermsVersion
from services import consent_records, consent_state, documents, mail, one_by_one
from services.audit import Act, record
from services.settings import Settings

PAGE_SIZE = 50
PARTNERS_A_ROUND = 50
STATES = ("active", "suspended", "closing")


@dataclass(frozen=True)
class Overdue:
    """A partner and the versions it owes an answer to."""

    partner: Partner
    questions: list[consent_state.Question]


def listed(at: datetime, after: int = 0) -> tuple[list[Overdue], int | None]:
    """One page by the partners' ids, and the id to go on from (None: that was all)."""
    partners = list(_owing(at).where(Partner.id > after).order_by(Partner.id).limit(PAGE_SIZE + 1))
    found = [Overdue(partner, _questions(partner, at)) for partner in partners[:PAGE_SIZE]]
    more = partners[PAGE_SIZE - 1].id if len(partners) > PAGE_SIZE else None
    return [overdue for overdue in found if overdue.questions], more


def number(at: datetime) -> int:
    return _owing(at).count()


def since(at: datetime) -> datetime:
    """When the time of the first of these versions was over; call when `number` finds partners."""
    late = TermsVersion.select().where(TermsVersion.id << _late(at))
    return min((row.grace_until_at or row.effective_at for row in late), default=at)


def tell(act: Act, settings: Settings) -> int:
    """Mails the administrators of partners whose time is over, once for each version; some partners in a round.
    Returns how many mails were written."""
    due = _untold(act.at).select(Partner.id).order_by(Partner.id).limit(PARTNERS_A_ROUND)
    return one_by_one.rows(act, "mail about overdue terms to partner", due, partial(_tell_partner, act, settings))


def _tell_partner(act: Act, settings: Settings, partner_id: int) -> int:
    with write_tx():
        partner = locked(Partner.select().where(Partner.id == partner_id)).get()
        questions = _questions(partner, act.at)
        told = sum(_tell(act, settings, member, questions) for member in _administrators(partner))
        if questions:
            record(act, "terms.overdue", partner, partner=partner, after={"labels": _labels(questions)})
    return told


def _tell(act: Act, settings: Settings, member: Member, questions: list[consent_state.Question]) -> int:
    texts = [documents.texts_of(question.kind, question.label) for question in questions]
    versions = [found.get(member.locale) or next(iter(found.values())) for found in texts]
    new = [
        version
        for version in versions
        if consent_records.happened(act, "overdue", member, version, recipient=member.email)
    ]
    if not new:
        return 0
    mail.queue(
        act,
        settings,
        "terms_overdue",
        to=member.email,
        locale=member.locale,
        of_partner=member.partner_id,
        path="/terms/accept",
        name=member.name,
        company=member.partner.legal_name,
        documents=[(version.title, version.label) for version in new],
    )
    return 1


def _labels(questions: list[consent_state.Question]) -> str:
    return ", ".join(f"{question.kind} {question.label}" for question in questions)


def _questions(partner: Partner, at: datetime) -> list[consent_state.Question]:
    return [question for question in consent_state.questions(partner.id, 0, at) if question.is_overdue(at)]


def _administrators(partner: Partner) -> Iterator[Member]:
    return iter(
        Member.select().where(
            Member.partner == partner, Member.role == "admin", Member.active, Member.email_confirmed_at.is_null(False)
        )
    )


def _untold(at: datetime):
    """Those that owe an answer of which no administrator was told; the newest version of a kind counts."""
    told = ConsentEvent.select(Value(1)).where(
        ConsentEvent.partner == Partner.id, ConsentEvent.kind == "overdue", ConsentEvent.version << _late(at)
    )
    able = Member.select(Value(1)).where(
        Member.partner == Partner.id, Member.role == "admin", Member.active, Member.email_confirmed_at.is_null(False)
    )
    return _owing(at).where(~fn.EXISTS(told), fn.EXISTS(able))


def _owing(at: datetime):
    """Partners with a version whose time is over, and neither it nor a later one of its kind accepted."""
    late, accepted = TermsVersion.alias(), TermsVersion.alias()
    later = (accepted.label == late.label) | (accepted.effective_at > late.effective_at)
    answered = (
        Acceptance.select(Value(1))
        .join(accepted)
        .where(Acceptance.partner == Partner.id, accepted.kind == late.kind, later)
    )
    bound = Acceptance.select(Value(1)).where(
        Acceptance.partner == Partner.id, Acceptance.accepted_at < late.published_at
    )
    owed = late.select(Value(1)).where(late.id << _late(at), fn.EXISTS(bound), ~fn.EXISTS(answered))
    return Partner.select().where(Partner.state << STATES, fn.EXISTS(owed))


def _late(at: datetime):
    """Ids of versions that needed a click by now: of a company's documents, the newest of each kind."""
    newer, stored_at = TermsVersion.alias(), TermsVersion.effective_at.db_value(at)  # as it stands beside COALESCE
    overtaken = newer.select(Value(1)).where(
        newer.kind == TermsVersion.kind,
        newer.label != TermsVersion.label,
        newer.state << documents.OPEN_STATES,
        newer.requires_acceptance,
        fn.COALESCE(newer.grace_until_at, newer.effective_at) <= stored_at,
        newer.effective_at <= at,
        newer.effective_at > TermsVersion.effective_at,
    )
    rows: Any = TermsVersion.select(TermsVersion.id).where(
        TermsVersion.state << documents.OPEN_STATES,
        TermsVersion.requires_acceptance,
        TermsVersion.kind.not_in((*documents.PERSONAL, *documents.NOT_AT_SIGN_UP)),
        TermsVersion.effective_at <= at,
        fn.COALESCE(TermsVersion.grace_until_at, TermsVersion.effective_at) <= stored_at,
        ~fn.EXISTS(overtaken),
    )
    return [id for (id,) in rows.tuples()]
