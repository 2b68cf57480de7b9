"""Tables as CSV files (RFC 4180) that stay tables: no cell of them becomes a formula (threats.md 14)."""

import csv
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from io import StringIO

BATCH = 200
# Spreadsheet programs open a file without this mark in the machine's old code page: "Müller" becomes "MÃ¼ller".
BYTE_ORDER_MARK = "\ufeff"
FORMULA_SIGNS = "=+-@"
# German Excel splits cells at semicolons, whatever the quotes in the middle of a cell say.
CELL_AFTER_SEMICOLON = re.compile(r"(;\s*)(?=[=+\-@＝＋－＠])")

Cell = str | int | date | datetime | bool | None


def lines(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[str]:
    """The file in pieces of some hundred rows, so that memory stays flat however long the table is.

    Numbers stay bare numbers, times are ISO 8601 in UTC, texts are quoted where RFC 4180 asks for it, None is empty.
    """
    piece = StringIO()
    writer = csv.writer(piece, lineterminator="\r\n")
    piece.write(BYTE_ORDER_MARK)
    writer.writerow(header)
    for count, row in enumerate(rows, start=1):
        writer.writerow([_cell(value) for value in row])
        if count % BATCH == 0:
            yield piece.getvalue()
            piece.seek(0)
            piece.truncate()
    yield piece.getvalue()


def harmless(text: str) -> str:
    """The text with an apostrophe before it where a spreadsheet program would calculate it."""
    text = CELL_AFTER_SEMICOLON.sub(r"\1'", text)
    start = next((place for place, sign in enumerate(text) if not _unseen(sign)), len(text))
    sign = unicodedata.normalize("NFKC", text[start : start + 1])
    calculated = sign != "" and sign in FORMULA_SIGNS
    return f"'{text}" if calculated or any(blank in "\t\r\n" for blank in text[:start]) else text


def _unseen(sign: str) -> bool:
    return sign.isspace() or unicodedata.category(sign) in ("Cc", "Cf")


def _cell(value: Cell) -> str | int:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds").replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    return value if isinstance(value, int) else harmless(value)
