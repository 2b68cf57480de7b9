"""PDF documents of the portal: receipts, certificates, lists (T1, T19). Plain values in, bytes out.

Fonts are in services/fonts, as subsets; a sign that they lack is written as its code, for example [U+4E2D].
"""

import functools
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from fpdf import FPDF, FontFace
from fpdf.enums import Align, TableBordersLayout, TableHeadingsDisplay, VAlign, WrapMode, XPos, YPos
from fpdf.fonts import TTFFont
from fpdf.prefs import ViewerPreferences

FONTS = Path(__file__).parent / "fonts"
REGULAR, BOLD = FONTS / "DejaVuSans.subset.ttf", FONTS / "DejaVuSans-Bold.subset.ttf"
FAMILY = "DejaVu Sans"
MARGIN_MM = 20
TEXT_PT, SMALL_PT, HEADING_PT, TITLE_PT = 10, 8, 13, 17
LEADING = 1.35
GREY, LINE = (90, 90, 90), (190, 190, 190)
UNDATED = datetime(1970, 1, 1, tzinfo=UTC)
WORDS = {
    "de": {"page": "Seite {page} von {pages}", "confidential": "Vertraulich"},
    "en": {"page": "Page {page} of {pages}", "confidential": "Confidential"},
}


@dataclass(frozen=True)
class Heading:
    text: str


@dataclass(frozen=True)
class Paragraph:
    text: str


@dataclass(frozen=True)
class Facts:
    """(label, value) lines; values are printed as `str` gives them."""

    rows: Sequence[tuple[str, object]]


@dataclass(frozen=True)
class Rows:
    """A table. Its head is repeated on each page. `widths`: shares of the page, equal when left out."""

    heads: Sequence[str]
    rows: Iterable[Sequence[object]]
    widths: Sequence[int] | None = None


@dataclass(frozen=True)
class Preformatted:
    """Text whose line ends and spaces stay as they are; what is too long for the page is broken anywhere."""

    text: str


Block = Heading | Paragraph | Facts | Rows | Preformatted


def document(
    title: str,
    blocks: Iterable[Block],
    *,
    language: str,
    provider: str,
    confidential: bool = False,
    created_at: datetime | None = None,
) -> bytes:
    """The PDF, A4. `language` ("en", "de", or another, whose footer is English) and `title` stand in its metadata,
    `provider` in the footer and as author. The same input gives the same bytes: no clock is read, `created_at` is the
    date in the metadata and 1970 when left out."""
    paper = _Paper(language, provider, confidential)
    paper.set_title(title)
    paper.set_creation_date(created_at or UNDATED)
    paper.add_page()
    paper.words(title, size=TITLE_PT, bold=True, section=0)
    paper.ln(2)
    for block in blocks:
        _print(paper, block)
    content = bytes(paper.output())
    _close_fonts(paper)
    return content


class _Paper(FPDF):
    def __init__(self, language: str, provider: str, confidential: bool):
        super().__init__(format="A4")
        logging.getLogger("fontTools").setLevel(logging.WARNING)  # it tells each step of making a font smaller
        self.foot = WORDS.get(language.partition("-")[0].partition("_")[0], WORDS["en"])
        self.provider, self.confidential = provider, confidential
        self.add_font(FAMILY, "", REGULAR)
        self.add_font(FAMILY, "B", BOLD)
        self.set_lang(language)
        self.set_author(provider)
        self.set_margin(MARGIN_MM)
        self.set_auto_page_break(True, MARGIN_MM)
        self.set_font(FAMILY, size=TEXT_PT)
        self.viewer_preferences = ViewerPreferences(display_doc_title=True)
        self.alias_nb_pages("{pages}")

    def footer(self) -> None:
        self.set_y(-MARGIN_MM + 6)
        self.set_font(FAMILY, size=SMALL_PT)
        self.set_text_color(*GREY)
        mark = self.foot["confidential"] if self.confidential else ""
        left = " · ".join(filter(None, (mark, printable(self.provider))))
        self.cell(text=left)
        page = self.foot["page"].replace("{page}", str(self.page_no()))
        # the place of the number of pages is wider than the number: measured with digits, it ends at the margin
        self.set_x(-MARGIN_MM - self.get_string_width(page.replace("{pages}", "00")) - 2)
        self.cell(text=page)
        self.set_text_color(0)

    def words(self, text: str, *, size: int = TEXT_PT, bold: bool = False, section: int | None = None) -> None:
        self.set_font(FAMILY, "B" if bold else "", size)
        height = size * 25.4 / 72 * LEADING
        if section is not None:
            if self.will_page_break(height * 3):  # a heading stays with the text below it
                self.add_page()
            self.start_section(printable(text), section)
        self.multi_cell(0, height, printable(text), align=Align.L, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.set_font(FAMILY, size=TEXT_PT)


def _print(paper: _Paper, block: Block) -> None:
    match block:
        case Heading(text):
            paper.ln(3)
            paper.words(text, size=HEADING_PT, bold=True, section=1)
            paper.ln(1)
        case Paragraph(text):
            paper.words(text)
            paper.ln(2)
        case Facts(rows):
            _table(paper, [], rows, (30, 70))
        case Rows(heads, rows, widths):
            _table(paper, heads, rows, widths)
        case Preformatted(text):
            _exact(paper, text)


def _exact(paper: _Paper, text: str) -> None:
    paper.set_font(FAMILY, size=SMALL_PT)
    height = SMALL_PT * 25.4 / 72 * LEADING
    for line in printable(text).split("\n"):
        kept = line.expandtabs(4)
        indent = len(kept) - len(kept.lstrip(" "))
        kept = "\u00a0" * indent + kept[indent:] or " "
        paper.multi_cell(0, height, kept, align=Align.L, wrapmode=WrapMode.CHAR, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    paper.set_font(FAMILY, size=TEXT_PT)
    paper.ln(2)


def _table(paper: _Paper, heads: Sequence[str], rows: Iterable[Sequence[object]], widths: Sequence[int] | None) -> None:
    """Facts are a table whose first column is the heading of each row."""
    cells = [[printable(str(value)) for value in row] for row in rows]
    if not cells and not heads:
        return
    paper.set_font(FAMILY, size=SMALL_PT if heads else TEXT_PT)
    paper.set_draw_color(*LINE)
    with paper.table(
        [list(map(printable, heads)), *cells] if heads else cells,
        borders_layout=TableBordersLayout.HORIZONTAL_LINES,
        col_widths=tuple(widths) if widths else None,
        first_row_as_headings=bool(heads),
        headings_style=FontFace(emphasis="BOLD"),
        line_height=(SMALL_PT if heads else TEXT_PT) * 25.4 / 72 * LEADING,
        text_align=Align.L,
        v_align=VAlign.T,
        repeat_headings=TableHeadingsDisplay.ON_TOP_OF_EVERY_PAGE,
        padding=1,
    ):
        pass
    paper.set_font(FAMILY, size=TEXT_PT)
    paper.ln(3)


@functools.cache
def _signs() -> frozenset[int]:
    paper = FPDF()
    paper.add_font(FAMILY, "", REGULAR)
    signs = frozenset(sign for font in paper.fonts.values() if isinstance(font, TTFFont) for sign in font.cmap)
    _close_fonts(paper)
    return signs


def _close_fonts(paper: FPDF) -> None:
    for font in paper.fonts.values():
        if isinstance(font, TTFFont):
            font.ttfont.close()


def printable(text: str) -> str:
    """The text with each sign that the fonts lack written as its code; line ends stay, other control signs go."""
    known = _signs()
    return "".join(
        sign if ord(sign) in known or sign in "\n\t" else f"[U+{ord(sign):04X}]"
        for sign in text.replace("\r\n", "\n")
        if sign in "\n\t" or ord(sign) >= 32
    )
