"""Which documents a member's partner, or the member, still has to answer: one question for gate, banner and standing.

The company's documents are accepted by its administrators and hold for all of its members; those of documents.PERSONAL
each member reads for itself. A version is answered by accepting it or a later one of its kind; one that takes effect by
notice is answered by going on using the portal, too. Versions go by label: a text accepted in one language is accepted.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from peewee import Value, fn

from models.evidence import ConsentEvent
from models.partner import Member, Partner
from models.prepared import Blank, ask
from models.terms import Acceptance, TermsVersion
from services import documents

A_REQUEST = timedelta(seconds=2)


@dataclass(frozen=True)
class Question:
    """A published version that is not answered. `ever`: bound before it came; those may go on until `until_at`.
    `objected`: one does not agree to it, so that going on using the portal is no agreement."""

    kind: str
    label: str
    effective_at: datetime
    until_at: datetime
    by_click: bool
    ever: bool
    first: bool = False
    objected: bool = False

    @property
    def personal(self) -> bool:
        return self.kind in documents.PERSONAL

    def stops(self, at: datetime) -> bool:
        """Never accepted any version of the kind, or, of what is personal, the time to do so is over (T1). A kind that
        an upgrade brought to a portal in use stops nobody before its grace is over."""
        over = self.until_at <= at
        never = not self.ever and (over or not self.first)
        return self.by_click and self.effective_at <= at and (never or (over and self.personal))

    def is_overdue(self, at: datetime) -> bool:
        """The partner accepted an earlier version, and the time for this one is over."""
        return self.by_click and self.ever and not self.personal and max(self.effective_at, self.until_at) <= at


def questions(partner_id: int, member_id: int, at: datetime) -> list[Question]:
    """What is open at `at`, announced versions included. One query."""
    return [
        Question(
            row.kind,
            row.label,
            row.effective_at,
            row.grace_until_at or row.effective_at,
            row.requires_acceptance,
            bool(row.ever),
            not row.supersedes,
            bool(row.objected),
        )
        for row in ask(_open, partner=partner_id, member=member_id, at=at)
        if row.requires_acceptance or row.ever
    ]


@dataclass(frozen=True)
class Consent:
    """The open questions of one member at one moment."""

    at: datetime
    member_id: int
    open: tuple[Question, ...] = ()

    @property
    def missing(self) -> list[str]:
        """Kinds that stop the member right now."""
        return sorted({question.kind for question in self.open if question.stops(self.at)})

    @property
    def overdue(self) -> list[Question]:
        return [question for question in self.open if question.is_overdue(self.at)]

    @property
    def pending(self) -> list[Question]:
        """To be accepted, and there is time yet."""
        return [
            question
            for question in self.open
            if question.by_click
            and (question.ever or question.first)
            and question.until_at > self.at
            and not question.stops(self.at)
        ]

    @property
    def by_use(self) -> list[Question]:
        """Announced, or in force and not seen yet; using the portal is enough. One that a later version has overtaken
        does not count any more, nor one that was objected to: there the earlier version stays in force."""
        newest = {question.kind: question for question in self.open if question.effective_at <= self.at}
        return [
            question
            for question in self.open
            if not question.by_click
            and not question.objected
            and (question.effective_at > self.at or newest[question.kind] is question)
        ]

    @property
    def objected(self) -> list[Question]:
        """Those by notice that do not hold for this member, because of an objection."""
        return [question for question in self.open if question.objected and not question.by_click]

    @property
    def asked(self) -> set[str]:
        """Kinds that the member is asked about on the page of new documents."""
        return {question.kind for question in self.open if question.by_click}


def of(member: Member, at: datetime) -> Consent:
    """One query, or none where `remember` asked it for this request."""
    known = _remembered(member.partner, at)
    if known is not None and known.member_id == member.id:
        return known
    return Consent(at, member.id, tuple(questions(member.partner_id, member.id, at)))


def remember(member: Member, at: datetime) -> Consent:
    """Asks once for a whole request: the answer stays with the member's partner, for `of` and `is_overdue`."""
    forget(member)
    known = of(member, at)
    member.partner.__dict__["consent"] = known
    return known


def forget(member: Member) -> None:
    member.partner.__dict__.pop("consent", None)


def is_overdue(partner: Partner, at: datetime) -> bool:
    """Whether the partner has let the time for a new version of a company's document go by."""
    known = _remembered(partner, at)
    found = known.open if known is not None else questions(partner.id, 0, at)
    return any(question.is_overdue(at) for question in found)


def _remembered(partner: Partner, at: datetime) -> Consent | None:
    known = partner.__dict__.get("consent")
    return known if known is not None and abs(at - known.at) < A_REQUEST else None


def _open():
    """One row a label; the languages of a label are one version."""
    asked = TermsVersion.alias()
    first = asked.select(fn.MIN(asked.id)).where(
        asked.kind == TermsVersion.kind, asked.label == TermsVersion.label, asked.state.in_(documents.OPEN_STATES)
    )
    return (
        TermsVersion.select(
            TermsVersion.kind,
            TermsVersion.label,
            TermsVersion.effective_at,
            TermsVersion.grace_until_at,
            TermsVersion.requires_acceptance,
            TermsVersion.supersedes,
            fn.EXISTS(_accepted()).alias("ever"),
            fn.EXISTS(_declined()).alias("objected"),
        )
        .where(
            TermsVersion.state.in_(documents.OPEN_STATES),
            TermsVersion.kind.not_in(documents.NOT_AT_SIGN_UP),
            TermsVersion.published_at <= Blank("at"),
            TermsVersion.id == first,
            ~fn.EXISTS(_accepted(since=True)),
            TermsVersion.requires_acceptance | ~fn.EXISTS(_used()),
        )
        .order_by(TermsVersion.effective_at, TermsVersion.id)
    )


def _accepted(*, since: bool = False):
    """Acceptances that count for this member: with `since` of this version or a later one of its kind. Without, those
    that bound it before: to an earlier version, or, where a kind is new in a running portal, to the other documents."""
    accepted = TermsVersion.alias()
    own = (TermsVersion.kind.in_(documents.PERSONAL) & (Acceptance.member == Blank("member"))) | (
        TermsVersion.kind.not_in(documents.PERSONAL) & (Acceptance.partner == Blank("partner"))
    )
    query, alike = Acceptance.select(Value(1)).join(accepted).where(own), accepted.kind == TermsVersion.kind
    if since:
        return query.where(alike, _not_before(accepted))
    company = TermsVersion.kind.not_in(documents.PERSONAL)
    return query.where(alike | (company & (Acceptance.accepted_at < TermsVersion.published_at)))


def _used():
    """Uses of the portal by this member that answer a version which takes effect by notice."""
    used = TermsVersion.alias()
    return (
        ConsentEvent.select(Value(1))
        .join(used)
        .where(
            ConsentEvent.member == Blank("member"),
            ConsentEvent.kind == "continued",
            used.kind == TermsVersion.kind,
            _not_before(used),
        )
    )


def _declined():
    """Objections that count for this member: its own to what is personal, else those of its partner."""
    refused = TermsVersion.alias()
    own = (TermsVersion.kind.in_(documents.PERSONAL) & (ConsentEvent.member == Blank("member"))) | (
        TermsVersion.kind.not_in(documents.PERSONAL) & (ConsentEvent.partner == Blank("partner"))
    )
    same = (refused.kind == TermsVersion.kind) & (refused.label == TermsVersion.label)
    return ConsentEvent.select(Value(1)).join(refused).where(own, ConsentEvent.kind == "declined", same)


def _not_before(other):
    return (
        (other.label == TermsVersion.label)
        | (other.effective_at > TermsVersion.effective_at)
        | ((other.effective_at == TermsVersion.effective_at) & (other.id > TermsVersion.id))
    )
