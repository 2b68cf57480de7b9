"""PDFs from people: taken by what they are, refused in words otherwise."""

import io

import pytest
from pypdf import PdfReader, PdfWriter
from pypdf.generic import DictionaryObject, NameObject, TextStringObject

from models.base import write_tx
from models.stored_file import StoredFile
from services import uploads
from services.uploads import UploadRefused
from tests.cast import act_of


def pdf(change=lambda writer: None) -> bytes:
    writer = PdfWriter()
    writer.add_blank_page(200, 200)
    change(writer)
    written = io.BytesIO()
    writer.write(written)
    return written.getvalue()


def keep(cast, clock, name, content):
    with write_tx():
        return uploads.keep_pdf(act_of(cast.olga, clock.now()), name, content)


def test_a_pdf_is_kept_as_it_came(cast, clock):
    content = pdf()
    kept = StoredFile.get_by_id(keep(cast, clock, "Agreement 2026.pdf", content).id)
    assert bytes(kept.content) == content and kept.size_bytes == len(content)
    assert len(PdfReader(io.BytesIO(bytes(kept.content))).pages) == 1
    assert (kept.name, kept.created_by) == ("Agreement 2026.pdf", "Olga Olsen")


def runs_script(writer: PdfWriter) -> None:
    action = {NameObject("/S"): NameObject("/JavaScript"), NameObject("/JS"): TextStringObject("app.alert(1)")}
    writer.root_object[NameObject("/OpenAction")] = DictionaryObject(action)


def opens_a_program(writer: PdfWriter) -> None:
    action = DictionaryObject({NameObject("/S"): NameObject("/Launch"), NameObject("/F"): TextStringObject("cmd.exe")})
    writer.root_object[NameObject("/OpenAction")] = action


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"MZ\x90 a program", "is no PDF file"),
        (b"<html>%PDF-1.7</html>", "is no PDF file"),
        (b"%PDF-1.7\nnothing more", "is damaged"),
        (pdf()[:300], "is damaged"),
        (pdf(lambda writer: writer.encrypt("secret")), "protected by a password"),
        (pdf(runs_script), "contains a program"),
        (pdf(opens_a_program), "contains a program"),
        (pdf(lambda writer: writer.add_attachment("other.exe", b"MZ")), "contains a program"),
        (b"%PDF-" + b"x" * uploads.LARGEST_BYTES, "is too large"),
    ],
)
def test_what_is_no_plain_pdf_is_refused(cast, clock, content, words):
    with pytest.raises(UploadRefused, match=words):
        keep(cast, clock, "a.pdf", content)
    assert not StoredFile.select().count()


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd.pdf"),
        ("C:\\Users\\kim\\Vertrag.PDF", "Vertrag.pdf"),
        ("a\r\nSet-Cookie: x.pdf", "aSet-Cookie x.pdf"),
        ("Preisliste für Ärzte.pdf", "Preisliste für Ärzte.pdf"),
        ("\u202efdp.exe", "fdp.exe.pdf"),
        ("...", "document.pdf"),
        ("x" * 500, "x" * 116 + ".pdf"),
    ],
)
def test_a_name_can_be_put_into_a_header_and_a_folder(given, kept):
    assert uploads.plain_name(given) == kept
