"""Exports: tables that stay tables in every spreadsheet program, whatever a partner called its customers."""

import csv
import io
import tracemalloc
from datetime import UTC, date, datetime

import pytest

from services.csv_export import harmless, lines

FORMULAS = (
    "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1+1", "\u00a0=1", "\u200b=1", "\ufeff=1", " \t x",
    "＝1+1", "＋1", "－1", "＠SUM", "  ＝1", "﹢1", '=HYPERLINK("http://x.example";"Click")', "=cmd|'/c calc'!A1",
)  # fmt: skip
PLAIN = ("Müller GmbH", "A-B", "a=b", "C++", "x@y.example", "'=1", "", "株式会社", "3 + 4", "Nord; Süd")


def read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


@pytest.mark.parametrize("text", FORMULAS)
def test_nothing_becomes_a_formula(text):
    assert harmless(text) == f"'{text}"


@pytest.mark.parametrize("text", PLAIN)
def test_plain_names_stay_as_they_are(text):
    assert harmless(text) == text


@pytest.mark.parametrize("sign", "=+-@＝＋－＠")
def test_a_semicolon_starts_no_formula_where_semicolons_separate_cells(sign):
    assert harmless(f"Müller; {sign}1+1") == f"Müller; '{sign}1+1"


def test_the_file_is_rfc_4180_with_a_byte_order_mark():
    text = "".join(lines(["name", "used_bytes"], [['Quote " and, comma', 1], ["two\r\nlines", 2]]))
    assert text == '\ufeffname,used_bytes\r\n"Quote "" and, comma",1\r\n"two\r\nlines",2\r\n'
    assert read(text)[1:] == [['Quote " and, comma', "1"], ["two\r\nlines", "2"]]


def test_numbers_times_and_gaps_are_written_for_programs():
    row = [10**18, -5, datetime(2026, 3, 2, 9, 0, 1, 500, tzinfo=UTC), date(2026, 3, 2), None, True, False]
    assert read("".join(lines(["x"] * 7, [row])))[1] == [
        "1000000000000000000", "-5", "2026-03-02T09:00:01Z", "2026-03-02", "", "yes", "no",
    ]  # fmt: skip


def test_an_empty_table_has_its_header():
    assert "".join(lines(["a", "b"], [])) == "\ufeffa,b\r\n"


def test_memory_stays_flat_over_a_hundred_thousand_rows():
    rows = (["Customer GmbH", n, "active"] for n in range(100_000))
    tracemalloc.start()
    try:
        size = sum(len(piece) for piece in lines(["name", "n", "state"], rows))
        assert size > 2_000_000
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
