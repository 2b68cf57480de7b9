"""Which documents a partner has still to accept, and the evidence of each click (T1, T18; legal.md 4.2).

An administrator accepts for the partner; what they accepted holds for its staff, who cannot bind it. What is personal
(documents.PERSONAL) each member confirms for itself.
"""

from collections.abc import Iterable
from datetime import datetime

from models.base import locked, write_tx
from models.partner import Member, Partner
from models.terms import Acceptance, TermsVersion
from services import consent_receipts, consent_records, consent_state, documents, legal_text
from services.audit import Act, record
from services.refusal import N_, NotFound, Refusal
from services.settings import Settings

Agreed = Iterable[tuple[int, str]]


class ConsentStale(Refusal):
    """What was ticked is not what is in force: show the present text and ask again (409)."""

    def __init__(self) -> None:
        super().__init__(N_("A newer text was published while this page was open. Please read it and tick its box."))


class ConsentMissing(Refusal):
    """A box that has to be ticked was not, or the person may not bind the company."""


def missing_kinds(member: Member, at: datetime) -> list[str]:
    """Kinds of documents that stop this member right now: no version of them was ever accepted (T1). One query."""
    return consent_state.of(member, at).missing


def missing(member: Member, language: str, at: datetime) -> list[TermsVersion]:
    """The texts that the member is asked about, in `language` where there is one, in the order in which they are shown:
    those that stop it and those that there is time for yet. Of each kind the text in force, else the one announced."""
    kinds = consent_state.of(member, at).asked
    now = [version for version in documents.in_force(language, at) if version.kind in kinds]
    in_force = {question.kind for question in consent_state.of(member, at).open if question.effective_at <= at}
    now = [version for version in now if version.kind in in_force]
    coming = {version.kind: version for version in reversed(documents.announced(language, at))}
    later = [version for kind, version in coming.items() if kind in kinds - in_force and version.requires_acceptance]
    return sorted(now + later, key=lambda version: documents.ORDER.index(version.kind))


def for_member(member: Member, versions: Iterable[TermsVersion]) -> list[TermsVersion]:
    """Those of the versions that this member may answer: administrators all, others what is personal."""
    return [version for version in versions if member.role == "admin" or version.kind in documents.PERSONAL]


def checked(agreed: Agreed, wanted: Iterable[str], at: datetime, *, announced: bool = False) -> list[TermsVersion]:
    """The versions that were ticked, read from the database. Raises ConsentStale when one of them is not in force, nor,
    where `announced` ones may be accepted, to come, or not the text that was shown; ConsentMissing when a wanted kind
    was not ticked."""
    versions = []
    for version_id, sha256 in agreed:
        version = TermsVersion.get_or_none(id=version_id)
        if (
            version is None
            or version.state not in documents.OPEN_STATES
            or version.sha256 != sha256
            or legal_text.digest(version.body) != sha256
        ):
            raise ConsentStale
        now = documents.current(version.kind, version.language, at)
        coming = announced and version.effective_at > at
        if not coming and (now is None or now.label != version.label):
            raise ConsentStale
        versions.append(version)
    if set(wanted) - {version.kind for version in versions}:
        raise ConsentMissing(N_("Tick the box of each document to go on."))
    return versions


def accept(
    act: Act, member: Member, agreed: Agreed, *, shown: dict, declared_authority: bool, settings: Settings
) -> list[Acceptance]:
    """Records the acceptance of (version id, SHA-256 that was shown) for the member's partner, or for the member itself
    where that is meant, and mails the receipt; to an applicant's address `consent_receipts.send` does that once the
    address is confirmed: it may be a stranger's.

    `shown` holds the exact texts of the boxes ("boxes": kind -> text), of the authority box and of the button. A
    version that was accepted before is not recorded again, so a double click does no harm. Raises ConsentStale (nothing
    recorded), ConsentMissing without authority, NotFound for a member who may not accept.
    """
    with write_tx():
        partner = locked(Partner.select().where(Partner.id == member.partner_id)).get()
        versions = checked(agreed, (), act.at, announced=partner.state != "draft")
        _refuse_without_right(member, versions, declared_authority)
        # A draft has confirmed nothing: what an earlier attempt under its address recorded does not count for it.
        consent_state.forget(member)
        wanted = None if partner.state == "draft" else consent_state.of(member, act.at).asked
        rows = [
            consent_records.accepted(act, partner, member, version, shown, authority=declared_authority)
            for version in versions
            if wanted is None or version.kind in wanted
        ]
        if rows and partner.state != "draft":
            consent_receipts.make(act, settings, member, rows)
    return rows


def _refuse_without_right(member: Member, versions: list[TermsVersion], declared_authority: bool) -> None:
    company = [version for version in versions if version.kind not in documents.PERSONAL]
    if member.role != "admin" and (company or not versions):
        raise NotFound
    if company and not declared_authority:
        raise ConsentMissing(
            N_("Only someone who is authorised to bind the company can accept. Tick that box too."), "authority"
        )


def viewed(act: Act, member: Member, versions: Iterable[TermsVersion]) -> None:
    """The texts were put before this member: kept once each."""
    _keep_once(act, "viewed", member, versions)


def continued(act: Act, member: Member, language: str) -> list[TermsVersion]:
    """The member goes on using the portal after versions took effect by notice: kept once each, with the text as this
    member finds it. Returns them."""
    kinds = {question.kind for question in consent_state.of(member, act.at).by_use if question.effective_at <= act.at}
    if not kinds:
        return []
    versions = [version for version in documents.in_force(language, act.at) if version.kind in kinds]
    _keep_once(act, "continued", member, versions)
    return versions


def decline(act: Act, member: Member, versions: Iterable[TermsVersion]) -> None:
    """The member does not agree. What takes effect by notice does not bind who objected; of what needs a click nothing
    changes but the record: the times of the versions go on. Raises NotFound for a member who could not have agreed."""
    given = list(versions)
    _refuse_without_right(member, given, declared_authority=True)
    with write_tx():
        partner = locked(Partner.select().where(Partner.id == member.partner_id)).get()
        for version in given:
            if consent_records.happened(act, "declined", member, version):
                after = {"kind": version.kind, "label": version.label, "sha256": version.sha256}
                record(act, "terms.declined", version, partner=partner, after=after)
        consent_state.forget(member)


def administrators(partner: Partner) -> list[str]:
    """Names of those who can accept for the partner."""
    rows = Member.select(Member.name).where(Member.partner == partner, Member.role == "admin", Member.active)
    return [row.name for row in rows.order_by(Member.name)]


def _keep_once(act: Act, kind: str, member: Member, versions: Iterable[TermsVersion]) -> None:
    new = [version for version in versions if not consent_records.known(kind, member, version)]
    if new:
        with write_tx():
            for version in new:
                consent_records.happened(act, kind, member, version)
