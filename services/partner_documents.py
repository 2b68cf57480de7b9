"""Agreements, price lists and other papers of one partner: confidential, by role, each download on record (T17)."""

import secrets

from models.base import locked, write_tx
from models.partner import Member, Partner
from models.partner_document import DOCUMENT_KINDS, PartnerDocument
from models.stored_file import StoredFile
from services import mail, once, uploads
from services.audit import Act, record
from services.refusal import N_, NotFound, Refusal
from services.settings import Settings
from services.uploads import CheckedPdf

# role -> the `readers` that it is one of
READS = {"admin": ("admin", "staff", "viewer"), "staff": ("staff", "viewer"), "viewer": ("viewer",)}
LONGEST_TITLE = 120


class DocumentRefused(Refusal):
    """Nothing was stored."""


def add(
    act: Act,
    settings: Settings,
    partner_id: int,
    *,
    kind: str,
    title: str,
    readers: str,
    file: CheckedPdf,
    once_key: str,
) -> PartnerDocument:
    """Lays a PDF into the partner's file and tells those who may read it. The same form sent twice is
    carried out once. Raises NotFound, and DocumentRefused with the field that it concerns."""
    title = " ".join(title.split())
    _refuse(kind, title, readers)
    with write_tx():
        partner = locked(Partner.select().where(Partner.id == partner_id)).first()
        if partner is None:
            raise NotFound
        said = repr((partner_id, kind, title, readers, file.name, file.sha256))
        earlier = once.earlier_answer(act, once_key, said)
        if earlier is not None:
            return PartnerDocument.get(PartnerDocument.public_id == earlier)
        kept = uploads.keep_pdf(act, file)
        row = PartnerDocument.create(
            public_id=secrets.token_hex(13),
            partner=partner,
            file=kept,
            kind=kind,
            title=title,
            readers=readers,
            created_at=act.at,
            created_by=act.actor_name,
        )
        after = {"kind": kind, "name": title, "readers": readers, "sha256": kept.sha256}
        record(act, "document.added", row, partner=partner, after=after)
        once.remember(act, once_key, said, row.public_id)
        _tell_readers(act, settings, partner, row)
    return row


def listed(partner: Partner, role: str = "admin", *, withdrawn: bool = False) -> list[PartnerDocument]:
    """What a role sees of the partner's papers, newest first, with name and size of the file but not its content."""
    file = (StoredFile.id, StoredFile.name, StoredFile.size_bytes)
    query = PartnerDocument.select(PartnerDocument, *file).join(StoredFile)
    query = query.where(PartnerDocument.partner == partner, PartnerDocument.readers.in_(READS[role]))
    if not withdrawn:
        query = query.where(PartnerDocument.withdrawn_at.is_null())
    return list(query.order_by(PartnerDocument.id.desc()))


def download(act: Act, partner: Partner, public_id: str, role: str = "admin", *, withdrawn: bool = False) -> StoredFile:
    """The file of one of `listed`; who took it is on record. Raises NotFound for unknown, foreign, withdrawn papers and
    for those of a higher role alike."""
    row = next((row for row in listed(partner, role, withdrawn=withdrawn) if row.public_id == public_id), None)
    if row is None:
        raise NotFound
    with write_tx():
        record(act, "document.downloaded", row, partner=partner, after={"name": row.title})
    return StoredFile.get_by_id(row.file_id)


def withdraw(act: Act, partner: Partner, public_id: str) -> PartnerDocument:
    """The partner sees it no more; operators do, because what was agreed has to be kept. Again, it does nothing."""
    with write_tx():
        wanted = (PartnerDocument.public_id == public_id) & (PartnerDocument.partner == partner)
        row = locked(PartnerDocument.select().where(wanted)).first()
        if row is None:
            raise NotFound
        if row.withdrawn_at is None:
            row.withdrawn_at, row.withdrawn_by = act.at, act.actor_name
            row.save(only=[PartnerDocument.withdrawn_at, PartnerDocument.withdrawn_by])
            record(act, "document.withdrawn", row, partner=partner, before={"name": row.title})
    return row


def _refuse(kind: str, title: str, readers: str) -> None:
    if kind not in DOCUMENT_KINDS:
        raise DocumentRefused(N_("Choose one of the kinds."), "kind")
    if not title:
        raise DocumentRefused(N_("Enter a title."), "title")
    if len(title) > LONGEST_TITLE:
        raise DocumentRefused(N_("Write at most %(most)s characters."), "title", most=LONGEST_TITLE)
    if readers not in READS:
        raise DocumentRefused(N_("Choose who may read it."), "readers")


def _tell_readers(act: Act, settings: Settings, partner: Partner, row: PartnerDocument) -> None:
    """A mail names the title alone: the paper itself stays in the portal."""
    roles = [role for role, reads in READS.items() if row.readers in reads]
    for member in Member.select().where(Member.partner == partner, Member.active, Member.role.in_(roles)):
        mail.queue(
            act,
            settings,
            "document_added",
            to=member.email,
            locale=member.locale,
            of_partner=partner,
            path="/documents",
            name=member.name,
            company=partner.legal_name,
            title=row.title,
        )
