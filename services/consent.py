"""Which documents a partner has still to accept, and the evidence of each click (T1, T18; legal.md 4.2).

An administrator accepts for the partner; what they accepted holds for its staff, who cannot bind it.
"""

from collections.abc import Iterable
from datetime import datetime

from peewee import fn

from models.base import locked, write_tx
from models.partner import Member, Partner
from models.prepared import Blank, ask
from models.terms import Acceptance, TermsVersion
from services import documents, legal_text, mail
from services.audit import Act, record
from services.refusal import N_, NotFound, Refusal
from services.settings import Settings

METHOD = "tick_box_and_button"
Agreed = Iterable[tuple[int, str]]


class ConsentStale(Refusal):
    """What was ticked is not what is in force: show the present text and ask again (409)."""

    def __init__(self) -> None:
        super().__init__(N_("A newer text was published while this page was open. Please read it and tick its box."))


class ConsentMissing(Refusal):
    """A box that has to be ticked was not, or the person may not bind the company."""


def missing_kinds(member: Member, at: datetime) -> list[str]:
    """Kinds of documents in force that this member's partner has still to accept. One query.

    Of each kind only the version counts that came into force last. It counts by label: a text accepted in one language
    is accepted.
    """
    return [version.kind for version in ask(_unanswered, partner=member.partner_id, at=at)]


def _unanswered():
    newer, accepted, at = TermsVersion.alias(), TermsVersion.alias(), Blank("at")
    overtaken = newer.select(1).where(
        newer.kind == TermsVersion.kind,
        newer.label != TermsVersion.label,
        newer.state.in_(documents.OPEN_STATES),
        newer.effective_at <= at,
        (newer.effective_at > TermsVersion.effective_at)
        | ((newer.effective_at == TermsVersion.effective_at) & (newer.id > TermsVersion.id)),
    )
    answered = (
        Acceptance.select(1)
        .join(accepted)
        .where(
            Acceptance.partner == Blank("partner"),
            accepted.kind == TermsVersion.kind,
            accepted.label == TermsVersion.label,
        )
    )
    return (
        TermsVersion.select(TermsVersion.kind)
        .where(
            TermsVersion.state.in_(documents.OPEN_STATES),
            TermsVersion.requires_acceptance,
            TermsVersion.kind.not_in(documents.NOT_AT_SIGN_UP),
            TermsVersion.effective_at <= at,
            ~fn.EXISTS(overtaken),
            ~fn.EXISTS(answered),
        )
        .distinct()
        .order_by(TermsVersion.kind)
    )


def missing(member: Member, language: str, at: datetime) -> list[TermsVersion]:
    """The texts themselves, in `language` where there is one, in the order in which they are shown."""
    kinds = missing_kinds(member, at)
    return [version for version in documents.required_at_sign_up(language, at) if version.kind in kinds]


def checked(agreed: Agreed, wanted: Iterable[str], at: datetime) -> list[TermsVersion]:
    """The versions that were ticked, read from the database. Raises ConsentStale when one of them is not in force or
    not the text that was shown, ConsentMissing when a wanted kind was not ticked."""
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
        if now is None or now.label != version.label:
            raise ConsentStale
        versions.append(version)
    if set(wanted) - {version.kind for version in versions}:
        raise ConsentMissing(N_("Tick the box of each document to go on."))
    return versions


def accept(
    act: Act, member: Member, agreed: Agreed, *, shown: dict, declared_authority: bool, settings: Settings
) -> list[Acceptance]:
    """Records the acceptance of (version id, SHA-256 that was shown) for the member's partner and mails the receipt;
    to an applicant's address `send_receipt` does that once the address is confirmed: it may be a stranger's.

    `shown` holds the exact texts of the boxes ("boxes": kind -> text), of the authority box and of the button. A
    version that the partner accepted before is not recorded again, so a double click does no harm. Raises ConsentStale
    (nothing recorded), ConsentMissing without authority, NotFound for a member who may not accept.
    """
    if member.role != "admin":
        raise NotFound
    if not declared_authority:
        raise ConsentMissing(
            N_("Only someone who is authorised to bind the company can accept. Tick that box too."), "authority"
        )
    with write_tx():
        partner = locked(Partner.select().where(Partner.id == member.partner_id)).get()
        # A draft has confirmed nothing: what an earlier attempt under its address recorded does not count for it.
        wanted = None if partner.state == "draft" else missing_kinds(member, act.at)
        versions = checked(agreed, (), act.at)
        rows = [
            _accepted(act, partner, member, version, shown)
            for version in versions
            if wanted is None or version.kind in wanted
        ]
        if rows and partner.state != "draft":
            _send_receipt(act, settings, member, rows)
    return rows


def send_receipt(act: Act, settings: Settings, member: Member) -> None:
    """Mails the receipt for what the member accepted last of each kind: an address that several sign-ups used gets one
    receipt, for the sign-up that was confirmed. Call inside the transaction of the confirmation."""
    query = Acceptance.select(Acceptance, TermsVersion).join(TermsVersion).where(Acceptance.member == member)
    last: dict[str, Acceptance] = {}
    for row in query.order_by(Acceptance.id.desc()):
        last.setdefault(row.version.kind, row)
    if last:
        _send_receipt(act, settings, member, list(reversed(last.values())))


def receipts(member: Member) -> list[Acceptance]:
    """What this member can see the evidence of, newest first: an administrator the partner's, others their own."""
    own = Acceptance.partner == member.partner_id if member.role == "admin" else Acceptance.member == member
    query = Acceptance.select(Acceptance, TermsVersion).join(TermsVersion).where(own)
    return list(query.order_by(Acceptance.accepted_at.desc(), Acceptance.id.desc()))


def receipt(member: Member, acceptance_id: int) -> Acceptance:
    """One of `receipts`. Raises NotFound for unknown and foreign ones alike."""
    found = next((row for row in receipts(member) if row.id == acceptance_id), None)
    if found is None:
        raise NotFound
    return found


def _accepted(act: Act, partner: Partner, member: Member, version: TermsVersion, shown: dict) -> Acceptance:
    row = Acceptance.create(
        version=version,
        sha256=version.sha256,
        partner=partner,
        partner_name=partner.legal_name,
        register_number=partner.register_number or partner.vat_id,
        member=member,
        member_name=member.name,
        member_email=member.email,
        member_role=member.role,
        declared_authority=True,
        method=METHOD,
        accepted_at=act.at,
        ip=act.ip,
        user_agent=act.user_agent[:500],
        session_hash=act.session_hash,
        shown=_shown_of(shown, version.kind),
        request_id=act.request_id,
    )
    record(
        act,
        "terms.accepted",
        row,
        partner=partner,
        after={"kind": version.kind, "label": version.label, "language": version.language, "sha256": version.sha256},
    )
    return row


def _shown_of(shown: dict, kind: str) -> dict:
    """The labels as this document had them: its own box, the authority box, the button."""
    boxes = shown.get("boxes", {})
    return {**shown, "boxes": {kind: boxes[kind]}} if kind in boxes else shown


def _send_receipt(act: Act, settings: Settings, member: Member, rows: list[Acceptance]) -> None:
    versions = [row.version for row in rows]
    mail.queue(
        act,
        settings,
        "receipt",
        to=member.email,
        locale=member.locale,
        attachment=(f"documents-{rows[0].accepted_at:%Y-%m-%d}.txt", attachment(versions)),
        path="/terms/mine",
        name=member.name,
        company=rows[0].partner_name,
        accepted_at=rows[0].accepted_at,
        accepted=[(version.title, version.label, version.language, version.sha256) for version in versions],
        ip=rows[0].ip,
    )


def attachment(versions: Iterable[TermsVersion]) -> str:
    """The texts to store: each under a line with its version, language and SHA-256, then exactly the text digested."""
    line = "=" * 72
    return "\n".join(
        f"{line}\n{version.title} · {version.label} · {version.language}\n"
        f"SHA-256 {version.sha256}\n{line}\n{version.body}"
        for version in versions
    )
