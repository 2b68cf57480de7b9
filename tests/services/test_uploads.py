"""PDFs from people: taken by what they are, refused in words otherwise."""

import io

import pytest
from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, DictionaryObject, NameObject, NumberObject, TextStringObject

from models.base import write_tx
from models.stored_file import StoredFile
from services import attempts, pdf_check, uploads
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
    act = act_of(cast.olga, clock.now())
    checked = uploads.checked(act, name, content)
    with write_tx():
        return uploads.keep_pdf(act, checked)


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


def action(kind: str) -> DictionaryObject:
    return DictionaryObject({NameObject("/S"): NameObject(kind), NameObject("/F"): TextStringObject("x")})


def page_acts(writer: PdfWriter) -> None:
    opened = DictionaryObject({NameObject("/O"): action("/JavaScript")})
    writer.pages[0][NameObject("/AA")] = opened


def note(**more) -> DictionaryObject:
    values = {"Type": NameObject("/Annot"), "Subtype": NameObject("/Link"), **more}
    return DictionaryObject({NameObject(f"/{name}"): value for name, value in values.items()})


def with_note(kind: str):
    def change(writer: PdfWriter) -> None:
        written = writer._add_object(note(A=action(kind)))
        writer.pages[0][NameObject("/Annots")] = ArrayObject([written])

    return change


def after_another(writer: PdfWriter) -> None:
    first = action("/GoTo")
    first[NameObject("/Next")] = ArrayObject([action("/Launch")])
    writer.pages[0][NameObject("/Annots")] = ArrayObject([note(A=first)])


def has_form_program(writer: PdfWriter) -> None:
    writer.root_object[NameObject("/AcroForm")] = DictionaryObject({NameObject("/XFA"): TextStringObject("<xdp/>")})


def bookmarked(writer: PdfWriter) -> None:
    item = writer._add_object(DictionaryObject({NameObject("/A"): action("/JavaScript")}))
    writer.root_object[NameObject("/Outlines")] = DictionaryObject({NameObject("/First"): item})


def without_end(writer: PdfWriter) -> None:
    """A branch that hangs on itself, twice: 2 to the power of its depth pages."""
    pages = writer.root_object.raw_get("/Pages")
    pages.get_object()[NameObject("/Kids")] = ArrayObject([pages, pages])


def of_many_pages(writer: PdfWriter) -> None:
    writer.root_object["/Pages"][NameObject("/Count")] = NumberObject(100_000)


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
        (pdf(page_acts), "contains a program"),
        (pdf(with_note("/Launch")), "contains a program"),
        (pdf(with_note("/SubmitForm")), "contains a program"),
        (pdf(with_note("/ImportData")), "contains a program"),
        (pdf(after_another), "contains a program"),
        (pdf(has_form_program), "contains a program"),
        (pdf(bookmarked), "contains a program"),
        (pdf(without_end), "is damaged"),
        (pdf(of_many_pages), "is damaged"),
        (pdf().replace(b"startxref\n", b"startxref\n9"), "is damaged"),
        (pdf().replace(b"startxref", b"beginxref"), "is damaged"),
        (b"%PDF-" + b"x" * uploads.LARGEST_BYTES, "is too large"),
    ],
)
def test_what_is_no_plain_pdf_is_refused(cast, clock, content, words):
    with pytest.raises(UploadRefused, match=words):
        keep(cast, clock, "a.pdf", content)
    assert not StoredFile.select().count()


@pytest.mark.parametrize(
    "change", [with_note("/URI"), with_note("/GoTo"), lambda writer: writer.add_outline_item(title="a", page_number=0)]
)
def test_links_and_bookmarks_are_no_programs(change):
    assert pdf_check.verdict(pdf(change)) == "good"


def test_what_takes_too_long_or_has_too_many_parts_is_refused(cast, clock, monkeypatch):
    monkeypatch.setattr(pdf_check, "MOST_OBJECTS", 2)
    assert pdf_check.looked_at(pdf()) == "involved"
    monkeypatch.setattr(pdf_check, "SECONDS", 0.001)
    with pytest.raises(UploadRefused, match="too many parts"):
        keep(cast, clock, "a.pdf", pdf())


def test_a_program_that_dies_over_a_file_refuses_it(monkeypatch):
    monkeypatch.setattr(pdf_check.sys, "executable", "/bin/false")
    assert pdf_check.verdict(pdf()) == "involved"


def test_nobody_waits_for_a_file_that_is_looked_at(cast, clock):
    with pytest.raises(RuntimeError), write_tx():
        uploads.checked(act_of(cast.olga, clock.now()), "a.pdf", pdf())


def test_one_person_cannot_keep_the_portal_busy_with_files(cast, clock):
    most = attempts.LIMITS[attempts.UPLOAD].per_account
    act = act_of(cast.bob, clock.now())
    for _ in range(most):
        with pytest.raises(UploadRefused):
            uploads.checked(act, "a.pdf", b"no PDF")
    with pytest.raises(attempts.TooManyAttempts):
        uploads.checked(act, "a.pdf", pdf())


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
