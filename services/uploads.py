"""Files from people: what they are is read from their content, never from their name (T17, threats.md)."""

import hashlib
import re
import secrets
import unicodedata
from dataclasses import dataclass, field

from models.base import database
from models.stored_file import StoredFile
from services import attempts, pdf_check
from services.audit import Act
from services.refusal import N_, Refusal

LARGEST_BYTES = 10 * 10**6
LONGEST_NAME = 120
REFUSED = {
    "locked": N_("This PDF is protected by a password. Choose one without."),
    "damaged": N_("This PDF is damaged and cannot be read. Save it anew and try again."),
    "active": N_("This PDF contains a program or other files. Print it as a plain PDF first."),
    "involved": N_("This PDF has too many parts to be checked. Print it as a plain PDF first."),
}


class UploadRefused(Refusal):
    """Nothing was stored."""


@dataclass(frozen=True)
class CheckedPdf:
    """A PDF that was found good to keep; made by `checked`, or by `own` of what the portal wrote itself."""

    name: str
    content: bytes = field(repr=False)
    sha256: str


def checked(act: Act, name: str, content: bytes, form_field: str = "file") -> CheckedPdf:
    """What a person sent, of at most LARGEST_BYTES. It takes up to pdf_check.SECONDS: call it before the write
    transaction, in which everybody would wait for it. Raises UploadRefused, with `form_field`, for what is no PDF, is
    locked, damaged, runs programs or takes too long to look at, and TooManyAttempts."""
    if database.in_transaction():
        raise RuntimeError("a file was looked at while a transaction was open")
    attempts.count(act, f"{act.kind}:{act.actor_id}", attempts.UPLOAD)
    _refuse_what_is_no_pdf(content, form_field)
    refused = REFUSED.get(pdf_check.verdict(content))
    if refused is not None:
        raise UploadRefused(refused, form_field)
    return own(name, content)


def own(name: str, content: bytes) -> CheckedPdf:
    """A PDF that the portal wrote itself."""
    return CheckedPdf(plain_name(name), content, hashlib.sha256(content).hexdigest())


def keep_pdf(act: Act, pdf: CheckedPdf) -> StoredFile:
    """Stores it inside the caller's transaction and returns its row; the caller records the change."""
    return StoredFile.create(
        public_id=secrets.token_hex(13),
        name=pdf.name,
        size_bytes=len(pdf.content),
        sha256=pdf.sha256,
        content=pdf.content,
        created_at=act.at,
        created_by=act.actor_name,
    )


def plain_name(name: str) -> str:
    """The name without folders and signs that a download's header or a file system would trip over; ends in .pdf."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    plain = "".join(sign for sign in last if sign.isalnum() or sign in " ._-()").strip(" .")
    stem = re.sub(r"(\.pdf)+$", "", plain, flags=re.IGNORECASE)[: LONGEST_NAME - 4].strip(" .")
    return f"{stem or 'document'}.pdf"


def _refuse_what_is_no_pdf(content: bytes, form_field: str) -> None:
    if not content:
        raise UploadRefused(N_("The file is empty. Choose a PDF file."), form_field)
    if len(content) > LARGEST_BYTES:
        raise UploadRefused(
            N_("The file is too large: %(most_bytes)s is the most that can be stored."),
            form_field,
            most_bytes=LARGEST_BYTES,
        )
    if not content.startswith(b"%PDF-"):
        raise UploadRefused(N_("This is no PDF file. Save the document as PDF and choose that file."), form_field)
