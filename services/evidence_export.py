"""Evidence of one partner as an archive that anybody can check without the portal (legal.md 4.2)."""

import hashlib
import json
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import IO

from models.base import write_tx
from models.evidence import ConsentReceipt, Evidence, EvidencePersonal
from models.outbox import Mail
from models.partner import Partner
from models.stored_file import StoredFile
from models.terms import TermsVersion
from services import documents, evidence, evidence_check, evidence_guide
from services.audit import Act, record
from services.evidence_check import CHAIN, HEAD, MAILS, MANIFEST, RECEIPTS, RECORDS, TEXTS, canonical
from services.refusal import N_, Refusal
from services.settings import Settings

# one file for each record: an archive of more is not what a person looks at
MOST_RECORDS = 20_000
PUBLISHED = "/terms/evidence"


class TooMuch(Refusal):
    """The archive would be larger than anybody can open."""


def hand_out(act: Act, file: IO[bytes], settings: Settings, partner: Partner) -> None:
    """As `write`, and on record: the archive holds names and addresses."""
    write(file, settings, partner, act.at)
    with write_tx():
        record(act, "evidence.exported", partner, partner=partner, after={"number": evidence.head().number})


def write(file: IO[bytes], settings: Settings, partner: Partner, at: datetime) -> None:
    """Writes the archive to an open file that can be sought in; memory holds one document at a time. Raises TooMuch
    (nothing written)."""
    count = Evidence.select().where(Evidence.partner == partner).count()
    if count > MOST_RECORDS:
        raise TooMuch(
            N_("There are %(count)s records, more than one file can hold. Write to us, and we make the files for you."),
            count=count,
        )
    head = evidence.head()
    with zipfile.ZipFile(file, "w") as archive:
        _Archive(archive).fill(settings, partner, head, at)


class _Archive:
    def __init__(self, archive: zipfile.ZipFile):
        self.archive = archive
        self.listed: dict[str, str] = {}

    def fill(self, settings: Settings, partner: Partner, head: evidence.Link, at: datetime) -> None:
        self.add("README.txt", evidence_guide.text(settings, at))
        self.add("verify.py", Path(evidence_check.__file__).read_bytes())
        self.add(HEAD, canonical(_head(settings, head, at)))
        first, versions = self._records(partner, head.number)
        self._chain(first, head.number)
        for version in _texts(versions):
            self.add(f"{TEXTS}{version.kind}-{version.label}-{version.language}.txt", version.body)
        mails = self._receipts(partner)
        self.add(MAILS, canonical(mails))
        self._write(MANIFEST, canonical(self.listed).encode())

    def add(self, name: str, content: str | bytes) -> None:
        data = content if isinstance(content, bytes) else content.encode()
        self.listed[name] = hashlib.sha256(data).hexdigest()
        self._write(name, data)

    def _write(self, name: str, data: bytes) -> None:
        self.archive.writestr(evidence_check.entry(name), data)

    def _records(self, partner: Partner, upto: int) -> tuple[int, set[str]]:
        """Number of the first record, and the digests of the texts that records name."""
        first, texts = 0, set()
        for row, personal in evidence.rows(Evidence.partner == partner, upto=upto):
            first = first or row.number
            content = evidence.content_of(row) | {"personal": _personal(personal)}
            texts.add(content["record"].get("sha256", ""))
            self.add(f"{RECORDS}{row.number}.json", canonical(content))
        return first or upto + 1, texts

    def _chain(self, first: int, upto: int) -> None:
        """The hash before the first record, then the content digests of all rows up to the head: of rows of others
        nothing can be read from that."""
        made = hashlib.sha256()
        with self.archive.open(evidence_check.entry(CHAIN), "w", force_zip64=False) as file:
            for line in _lines(first, upto):
                made.update(line)
                file.write(line)
        self.listed[CHAIN] = made.hexdigest()

    def _receipts(self, partner: Partner) -> list[dict]:
        """The PDFs as they were mailed, and what became of the mails."""
        mails = []
        for row in ConsentReceipt.select().where(ConsentReceipt.partner == partner).order_by(ConsentReceipt.id):
            mail = Mail.get_or_none(Mail.id == row.mail_id)
            if row.file_id:
                self.add(f"{RECEIPTS}{row.id}.pdf", bytes(StoredFile.get_by_id(row.file_id).content))
            mails.append({"receipt": row.id, "record": row.hash, "mail": _mail(mail)})
        return mails


def _lines(first: int, upto: int) -> Iterator[bytes]:
    before = evidence.at_number(first - 1)
    yield f"{first - 1} {before.hash if before else evidence_check.GENESIS}\n".encode()
    for row in evidence.links(after=first - 1, upto=upto):
        yield f"{row.number} {evidence_check.content_digest(evidence.content_of(row))}\n".encode()


def _head(settings: Settings, head: evidence.Link, at: datetime) -> dict:
    return {
        "number": head.number,
        "hash": head.hash,
        "at": evidence.moment(at),
        "provider": settings.provider.name,
        "published_at": settings.public_url + PUBLISHED,
    }


def _personal(row: EvidencePersonal | None) -> dict | None:
    return {"salt": row.salt, "values": json.loads(row.body)} if row else None


def _texts(digests: set[str]) -> Iterator[TermsVersion]:
    return iter(
        TermsVersion.select()
        .where(TermsVersion.state.in_(documents.OPEN_STATES), TermsVersion.sha256 << list(digests))
        .order_by(TermsVersion.id)
    )


def _mail(mail: Mail | None) -> dict | None:
    if mail is None:
        return None
    return {
        "number": mail.id,
        "recipient": mail.recipient,
        "subject": mail.subject,
        "written_at": evidence.moment(mail.created_at),
        "sent_at": evidence.moment(mail.sent_at),
    }
