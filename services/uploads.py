"""Files from people: what they are is read from their content, never from their name (T17, threats.md)."""

import hashlib
import io
import re
import secrets
import unicodedata

from pypdf import PdfReader
from pypdf.errors import PyPdfError
from pypdf.generic import DictionaryObject

from models.stored_file import StoredFile
from services.audit import Act
from services.refusal import N_, Refusal

LARGEST_BYTES = 10 * 10**6
LONGEST_NAME = 120
MOST_PAGES = 2000


class UploadRefused(Refusal):
    """Nothing was stored."""


def keep_pdf(act: Act, name: str, content: bytes, field: str = "file") -> StoredFile:
    """Stores a PDF of at most LARGEST_BYTES inside the caller's transaction and returns its row; the caller records
    the change. Raises UploadRefused, with `field`, for what is no PDF, is locked, damaged or runs programs."""
    if not content:
        raise UploadRefused(N_("The file is empty. Choose a PDF file."), field)
    if len(content) > LARGEST_BYTES:
        raise UploadRefused(
            N_("The file is too large: %(most_bytes)s is the most that can be stored."), field, most_bytes=LARGEST_BYTES
        )
    _refuse_what_is_no_pdf(content, field)
    return StoredFile.create(
        public_id=secrets.token_hex(13),
        name=plain_name(name),
        size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        content=content,
        created_at=act.at,
        created_by=act.actor_name,
    )


def plain_name(name: str) -> str:
    """The name without folders and signs that a download's header or a file system would trip over; ends in .pdf."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    plain = "".join(sign for sign in last if sign.isalnum() or sign in " ._-()").strip(" .")
    stem = re.sub(r"(\.pdf)+$", "", plain, flags=re.IGNORECASE)[: LONGEST_NAME - 4].strip(" .")
    return f"{stem or 'document'}.pdf"


def _refuse_what_is_no_pdf(content: bytes, field: str) -> None:
    if not content.startswith(b"%PDF-"):
        raise UploadRefused(N_("This is no PDF file. Save the document as PDF and choose that file."), field)
    try:
        reader = PdfReader(io.BytesIO(content), strict=False)
        if reader.is_encrypted:
            raise UploadRefused(N_("This PDF is protected by a password. Choose one without."), field)
        pages = len(reader.pages)
        active = _runs_something(reader.trailer["/Root"])
    except (PyPdfError, ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError, IndexError):
        raise UploadRefused(N_("This PDF is damaged and cannot be read. Save it anew and try again."), field) from None
    if not 0 < pages <= MOST_PAGES:
        raise UploadRefused(N_("This PDF is damaged and cannot be read. Save it anew and try again."), field)
    if active:
        raise UploadRefused(N_("This PDF contains a program or other files. Print it as a plain PDF first."), field)


def _runs_something(root: object) -> bool:
    """Scripts, launches and embedded files, looked for where readers start them: the root and its name trees."""
    if not isinstance(root, DictionaryObject):
        raise ValueError("a PDF without a root")
    names = root.get("/Names")
    names = names.get_object() if names is not None else {}
    starts = root.get("/OpenAction")
    starts = starts.get_object() if starts is not None else None
    opens = isinstance(starts, DictionaryObject) and starts.get("/S") not in (None, "/GoTo")
    return "/AA" in root or opens or "/JavaScript" in names or "/EmbeddedFiles" in names
