"""Receipts of what was accepted: mailed with the texts and a PDF, found again under Terms and receipts (T1)."""

import hashlib
import secrets
from collections.abc import Iterable, Sequence

from babel.support import Translations

from models.evidence import ConsentReceipt, Evidence
from models.partner import Member
from models.stored_file import StoredFile
from models.terms import Acceptance, TermsVersion
from services import evidence, mail, pdf
from services.audit import Act
from services.refusal import NotFound
from services.settings import Settings


def receipts(member: Member) -> list[Acceptance]:
    """What this member can see the evidence of, newest first: an administrator the partner's, others their own."""
    query = Acceptance.select(Acceptance, TermsVersion).join(TermsVersion).where(_own(member))
    return list(query.order_by(Acceptance.accepted_at.desc(), Acceptance.id.desc()))


def receipt(member: Member, acceptance_id: int) -> Acceptance:
    """One of `receipts`. Raises NotFound for unknown and foreign ones alike."""
    query = Acceptance.select(Acceptance, TermsVersion).join(TermsVersion)
    found = query.where(_own(member), Acceptance.id == acceptance_id).first()
    if found is None:
        raise NotFound
    return found


def _own(member: Member):
    return Acceptance.partner == member.partner_id if member.role == "admin" else Acceptance.member == member


def send(act: Act, settings: Settings, member: Member) -> None:
    """Mails the receipt for what the member accepted last of each kind: an address that several sign-ups used gets one
    receipt, for the sign-up that was confirmed. Call inside the transaction of the confirmation."""
    query = Acceptance.select(Acceptance, TermsVersion).join(TermsVersion).where(Acceptance.member == member)
    last: dict[str, Acceptance] = {}
    for row in query.order_by(Acceptance.id.desc()):
        last.setdefault(row.version.kind, row)
    if last:
        make(act, settings, member, list(reversed(last.values())))


def make(act: Act, settings: Settings, member: Member, rows: Sequence[Acceptance]) -> ConsentReceipt:
    """Writes the receipt of one click: mail, PDF, and a row of evidence that names both; inside the transaction."""
    content = document(settings, member.locale, rows)
    name = f"receipt-{rows[0].accepted_at:%Y-%m-%d}.pdf"
    file = StoredFile.create(
        public_id=secrets.token_hex(13),
        name=name,
        size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        content=content,
        created_at=act.at,
        created_by=act.actor_name,
    )
    sent = _mail(act, settings, member, rows, (name, "application/pdf", content))
    link = evidence.chain(
        act.at,
        "receipt",
        member.partner_id,
        record={
            "acceptances": [row.hash for row in rows],
            "mail": sent.id,
            "member": member.id,
            "pdf_sha256": file.sha256,
            "texts_sha256": hashlib.sha256(sent.attachment.encode()).hexdigest(),
        },
        personal={"recipient": sent.recipient, "subject": sent.subject},
    )
    return ConsentReceipt.create(
        partner=member.partner_id,
        member=member,
        mail=sent,
        file=file,
        covers=[row.id for row in rows],
        made_at=act.at,
        hash=link.hash,
    )


def pdf_of(settings: Settings, member: Member, row: Acceptance) -> tuple[str, bytes]:
    """File name and PDF of the receipt that covers this acceptance: as it was mailed, or made now from the record where
    the acceptance is older than such receipts."""
    made = ConsentReceipt.select().where(ConsentReceipt.member == row.member_id).order_by(ConsentReceipt.id.desc())
    found = next((receipt.file for receipt in made if row.id in receipt.covers), None)
    if found is not None:
        return found.name, bytes(found.content)
    return f"receipt-{row.accepted_at:%Y-%m-%d}.pdf", document(settings, member.locale, [row])


def document(settings: Settings, locale: str, rows: Sequence[Acceptance]) -> bytes:
    """The PDF of these acceptances, all of one click: record, titles, versions, digests. The same rows give the same
    bytes."""
    _ = Translations.load(mail.ROOT / "translations", [locale]).gettext
    first = rows[0]
    numbers = {row.hash: row.number for row in Evidence.select().where(Evidence.hash << [row.hash for row in rows])}
    blocks: list[pdf.Block] = [
        pdf.Paragraph(_("This is the record of documents that were agreed to, or read, at the partner portal.")),
        pdf.Heading(_("Who and when")),
        pdf.Facts(_person(_, first)),
    ]
    for row in rows:
        blocks += [pdf.Heading(row.version.title), pdf.Facts(_record(_, row, numbers.get(row.hash)))]
    blocks.append(pdf.Heading(_("How to check this")))
    blocks.append(
        pdf.Paragraph(
            _(
                "Each text was attached to the mail of this receipt, and stays in the portal's archive. Its SHA-256 is"
                " the one above. The number and hash are this record's place in the portal's chain of evidence."
            )
        )
    )
    blocks.append(pdf.Paragraph(settings.public_url + "/terms/evidence"))
    return pdf.document(
        _("Receipt"),
        blocks,
        language=locale,
        provider=settings.provider.name,
        confidential=True,
        created_at=first.accepted_at,
    )


def _person(_, row: Acceptance) -> list[tuple[str, object]]:
    roles = {"admin": _("Administrator"), "staff": _("Staff"), "viewer": _("Viewer")}
    return [
        (_("Agreed"), evidence.moment(row.accepted_at)),
        (_("Company"), row.partner_name),
        (_("Register number or VAT ID"), row.register_number),
        (_("Person"), row.member_name),
        (_("Mail address"), row.member_email),
        (_("Role"), roles.get(row.member_role, row.member_role)),
        (_("Authorised to bind the company, own box ticked"), _("yes") if row.declared_authority else _("no")),
        (_("Words beside the authority box"), row.shown.get("authority", "")),
        (_("Words on the button"), row.shown.get("button", "")),
        (_("Proved by"), _proof(_, row)),
        (_("Network address"), row.ip),
        (_("Browser"), row.user_agent),
        (_("Reference"), row.request_id),
    ]


def _proof(_, row: Acceptance) -> str:
    if row.authentication == "password" and row.authenticated_at:
        return _("password, signed in at %(at)s") % {"at": evidence.moment(row.authenticated_at)}
    return _("mail address, confirmed by a link") if row.authentication == "sign_up" else ""


def _record(_, row: Acceptance, number: int | None) -> list[tuple[str, object]]:
    return [
        (_("Version"), f"{row.version.label} ({row.version.language})"),
        (_("In force from"), evidence.moment(row.version.effective_at)),
        (_("SHA-256 of the text"), row.sha256),
        (_("Words beside the box, which began empty"), row.shown.get("boxes", {}).get(row.version.kind, "")),
        (_("Number in the chain of evidence"), number or ""),
        (_("Hash of the record"), row.hash),
    ]


def _mail(act: Act, settings: Settings, member: Member, rows: Sequence[Acceptance], file: mail.Attachment) -> mail.Mail:
    versions = [row.version for row in rows]
    return mail.queue(
        act,
        settings,
        "receipt",
        to=member.email,
        locale=member.locale,
        of_partner=member.partner_id,
        attachment=(f"documents-{rows[0].accepted_at:%Y-%m-%d}.txt", attachment(versions)),
        attachments=[file],
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


def erase(receipts_of: Iterable[ConsentReceipt], act: Act, reason: str) -> int:
    """Takes the PDFs of these receipts away, and the address that they went to out of the chain. Inside the caller's
    transaction."""
    rows = list(receipts_of)
    files = [row.file_id for row in rows if row.file_id]
    ConsentReceipt.update(file=None, mail=None).where(ConsentReceipt.id << [row.id for row in rows]).execute()
    StoredFile.delete().where(StoredFile.id << files).execute()
    return evidence.erase(act.at, [row.hash for row in rows], reason)
