"""PDF documents: what is written in them can be read again, on every page, and the same input gives the same bytes."""

import hashlib
import io
import logging
import re
from datetime import UTC, datetime

import pytest
from pypdf import PdfReader

from services import pdf, pdf_check

FONT_ROW = re.compile(
    r"^\| `(?P<name>[\w.-]+\.ttf)` .*`(?P<licence>[\w.]+\.txt)` \| `(?P<sha256>[0-9a-f]{64})` \|$", re.M
)
BLOCKS = (
    pdf.Heading("Wer zugestimmt hat"),
    pdf.Paragraph("Größe, „Zitat“ – 5 €"),
    pdf.Facts([("Firma", "Łódź Storage sp. z o.o."), ("SHA-256", "a" * 64), ("Ort", "")]),
    pdf.Rows(["When", "What"], [(number, f"line {number}") for number in range(120)], (20, 80)),
    pdf.Preformatted("  two spaces\n\n" + "y" * 300),
)


def made(blocks=BLOCKS, **changes):
    given = {"language": "de", "provider": "Müller & Söhne", "confidential": True} | changes
    return pdf.document("Beleg über Ä ☑", blocks, **given)


def pages_of(content):
    return [page.extract_text() for page in PdfReader(io.BytesIO(content)).pages]


def test_title_language_and_provider_stand_in_the_metadata():
    reader = PdfReader(io.BytesIO(made()))
    root = reader.trailer["/Root"]
    assert (reader.metadata.title, reader.metadata.author) == ("Beleg über Ä ☑", "Müller & Söhne")
    assert root["/Lang"] == "de" and root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert [entry.title for entry in reader.outline[1]] == ["Wer zugestimmt hat"]


def test_everything_can_be_read_again():
    text = "\n".join(pages_of(made()))
    assert "Größe, „Zitat“ – 5 €" in text and "Łódź Storage sp. z o.o." in text
    assert re.sub(r"\s", "", text).count("a" * 64) == 1 and re.sub(r"\s", "", text).count("y" * 300) == 1
    assert all(f"line {number}" in text for number in range(120))


def test_each_page_names_the_provider_its_number_and_the_head_of_the_table():
    pages = pages_of(made())
    assert len(pages) > 2
    for number, page in enumerate(pages, start=1):
        assert f"Seite {number} von {len(pages)}" in page
        assert "Vertraulich · Müller & Söhne" in page
    assert all("When What" in page for page in pages[:2])
    assert "Vertraulich" not in "".join(pages_of(made(confidential=False)))


def test_an_unknown_language_gets_the_english_footer():
    assert "Page 1 of 1" in pages_of(made((), language="fr"))[0]


def test_the_same_input_gives_the_same_bytes_and_the_date_is_the_one_given():
    at = datetime(2026, 3, 2, 9, tzinfo=UTC)
    assert made() == made()
    assert made(created_at=at) == made(created_at=at) != made()
    assert PdfReader(io.BytesIO(made(created_at=at))).metadata.creation_date == at


@pytest.mark.parametrize(
    ("text", "printed"),
    [("中 GmbH", "[U+4E2D] GmbH"), ("a\x00b\x1bc", "abc"), ("e\u0301", "e\u0301"), ("{nb}", "{nb}")],
)
def test_a_sign_without_a_glyph_is_written_as_its_code_and_nothing_is_lost(text, printed):
    assert pdf.printable(text) == printed
    assert made((pdf.Paragraph(text), pdf.Rows([text], [[text]]), pdf.Facts([(text, text)]), pdf.Preformatted(text)))


def test_empty_tables_and_texts_are_no_fault():
    assert pages_of(made((pdf.Rows(["A"], []), pdf.Facts([]), pdf.Preformatted(""), pdf.Paragraph(""))))


def test_what_the_portal_writes_it_would_also_take():
    assert pdf_check.verdict(made()) == "good"


def test_making_one_says_nothing_in_the_log(caplog):
    with caplog.at_level(logging.INFO):
        made()
    assert caplog.messages == []


def test_the_fonts_are_those_of_the_manifest():
    rows = {row["name"]: row for row in FONT_ROW.finditer((pdf.FONTS / "FONTS.md").read_text())}
    assert set(rows) == {path.name for path in pdf.FONTS.glob("*.ttf")} == {pdf.REGULAR.name, pdf.BOLD.name}
    for name, row in rows.items():
        assert hashlib.sha256((pdf.FONTS / name).read_bytes()).hexdigest() == row["sha256"]
        assert (pdf.FONTS / row["licence"]).read_text().strip()
