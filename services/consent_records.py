"""What is kept of a click, and its place in the chain of evidence (legal.md 4.2)."""

from datetime import datetime

from models.evidence import ConsentEvent
from models.partner import Member, Partner
from models.session import Session
from models.terms import Acceptance, TermsVersion
from services import evidence
from services.audit import Act, record

METHOD = "tick_box_and_button"
PERSONAL = (
    "partner_name", "register_number", "member_name", "member_email", "ip", "user_agent", "session_hash", "shown",
    "request_id",
)  # fmt: skip
BLANK: dict = dict.fromkeys(PERSONAL, "") | {"shown": {}}


def accepted(
    act: Act, partner: Partner, member: Member, version: TermsVersion, shown: dict, *, authority: bool
) -> Acceptance:
    """Writes and chains one acceptance, and its line in the trail. Inside the caller's transaction, partner locked."""
    strength, since_at = _authentication(act, partner)
    row = Acceptance(
        version=version,
        sha256=version.sha256,
        partner=partner,
        partner_name=partner.legal_name,
        register_number=partner.register_number or partner.vat_id,
        member=member,
        member_name=member.name,
        member_email=member.email,
        member_role=member.role,
        declared_authority=authority,
        method=METHOD,
        accepted_at=act.at,
        ip=act.ip,
        user_agent=act.user_agent[:500],
        session_hash=act.session_hash,
        shown=_shown_of(shown, version.kind),
        request_id=act.request_id,
        authentication=strength,
        authenticated_at=since_at,
    )
    keep(row)
    record(
        act,
        "terms.accepted",
        row,
        partner=partner,
        after={"kind": version.kind, "label": version.label, "language": version.language, "sha256": version.sha256},
    )
    return row


def keep(row: Acceptance) -> None:
    """Chains the acceptance and stores it."""
    record_part, personal = parts(row)
    link = evidence.chain(row.accepted_at, "acceptance", row.partner_id, record=record_part, personal=personal)
    row.prev_hash, row.hash = link.prev_hash, link.hash
    row.save(force_insert=True)


def parts(row: Acceptance) -> tuple[dict, dict]:
    """What the chain keeps of an acceptance for ever, and what can be erased."""
    return {
        "version": version_of(row.version),
        "sha256": row.sha256,
        "member": row.member_id,
        "role": row.member_role,
        "declared_authority": bool(row.declared_authority),
        "method": row.method,
        "authentication": row.authentication,
        "authenticated_at": evidence.moment(row.authenticated_at),
    }, {name: getattr(row, name) for name in PERSONAL}


def version_of(version: TermsVersion) -> dict:
    return {"kind": version.kind, "label": version.label, "language": version.language}


def known(kind: str, member: Member, version: TermsVersion) -> bool:
    """Whether `happened` was kept before."""
    row = ConsentEvent.select().where(
        ConsentEvent.member == member, ConsentEvent.kind == kind, ConsentEvent.version == version
    )
    return row.exists()


def happened(act: Act, kind: str, member: Member, version: TermsVersion, **more: str) -> ConsentEvent | None:
    """Keeps once per member and version that it was viewed, notified, declined or continued; `more` are personal
    values of the moment. None when it was kept before. Inside the caller's transaction."""
    # who waited for the head may find the row of the one it waited for
    if known(kind, member, version) or (evidence.hold() and known(kind, member, version)):
        return None
    link = evidence.chain(
        act.at,
        kind,
        member.partner_id,
        record={"version": version_of(version), "sha256": version.sha256, "member": member.id, "role": member.role},
        personal={
            "member_name": member.name,
            "member_email": member.email,
            "ip": act.ip,
            "user_agent": act.user_agent[:500],
            "session_hash": act.session_hash,
            "request_id": act.request_id,
            **more,
        },
    )
    return ConsentEvent.create(
        kind=kind, version=version, partner=member.partner_id, member=member, at=act.at, hash=link.hash
    )


def _authentication(act: Act, partner: Partner) -> tuple[str, datetime | None]:
    """How sure it is who acts, and since when: an applicant has proved nothing yet but the address, afterwards."""
    session = Session.get_or_none(Session.origin_hash == act.session_hash) if act.session_hash else None
    if session is not None:
        return "password", session.created_at
    return ("sign_up", None) if partner.state == "draft" else ("", None)


def _shown_of(shown: dict, kind: str) -> dict:
    """The labels as this document had them: its own box, the authority box, the button."""
    boxes = shown.get("boxes", {})
    return {**shown, "boxes": {kind: boxes[kind]}} if kind in boxes else shown


def erase(at: datetime, rows: list[Acceptance], reason: str) -> int:
    """Takes names, addresses and words out of these acceptances, here and in the chain, which says so; returns how many
    had them still. Inside the caller's transaction."""
    hashes = [row.hash for row in rows]
    erased = evidence.erase(at, hashes, reason)
    Acceptance.update(BLANK).where(Acceptance.hash << hashes).execute()
    return erased
