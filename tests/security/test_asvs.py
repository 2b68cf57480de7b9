"""The list of security requirements stays honest (OWASP ASVS 5.0.0): each row that is shown names tests that exist, each
that is documented a heading that exists, and what is open is said in docs/security.md."""

import ast
import csv
import re
from collections import Counter
from functools import cache
from pathlib import Path

from tests.house.source import ROOT

ROWS = list(csv.DictReader((Path(__file__).parent / "asvs.csv").open(encoding="utf-8")))
DECISIONS = ("shown", "documented", "open", "conditional", "not applicable")
APPLIES = DECISIONS[:3]


@cache
def tests_of(path: str) -> frozenset[str]:
    """Names of the test functions that pytest collects from a file."""
    file = ROOT / path
    if not file.exists() or not re.fullmatch(r"test_\w+\.py", file.name):
        return frozenset()
    nodes = ast.parse(file.read_text(encoding="utf-8")).body
    return frozenset(node.name for node in nodes if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"))


@cache
def headings_of(path: str) -> frozenset[str]:
    file = ROOT / path
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    return frozenset(line.lstrip("#").strip() for line in text.splitlines() if line.startswith("#"))


def test_every_requirement_has_one_row_and_one_decision():
    numbers = [row["number"] for row in ROWS]
    assert [number for number, count in Counter(numbers).items() if count > 1] == []
    assert numbers == sorted(numbers, key=lambda number: [int(part) for part in number.split(".")])
    assert [row["number"] for row in ROWS if row["decision"] not in DECISIONS or not row["shown_by"].strip()] == []
    assert len(ROWS) >= 282


def test_what_is_shown_names_tests_that_exist():
    named = [(row["number"], test) for row in ROWS if row["decision"] == "shown" for test in row["shown_by"].split(" ")]
    gone = [pair for pair in named if pair[1].split("::")[-1] not in tests_of(pair[1].split("::")[0])]
    assert gone == []


def test_what_is_documented_names_a_heading_that_exists():
    named = [(row["number"], row["shown_by"].split("#", 1)) for row in ROWS if row["decision"] == "documented"]
    assert [(number, place) for number, place in named if place[1] not in headings_of(place[0])] == []


def test_the_document_says_how_many_and_names_what_is_open():
    text = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    counts = Counter(row["decision"] for row in ROWS)
    for decision in DECISIONS:
        assert f"| {decision} | {counts[decision]} |" in text, f"{decision}: {counts[decision]}"
    not_said = [row["number"] for row in ROWS if row["decision"] == "open" and f"{row['number']} " not in text]
    assert not_said == []


def test_every_threat_has_a_test_that_exists():
    """The rows of the threat model in docs/security.md."""
    text = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| (.+?) \| (.+?) \| (.+?) \|$", text, re.MULTILINE)
    assert [int(number) for number, *_more in rows] == list(range(1, 29))
    tests = [(number, test) for number, *_words, named in rows for test in re.findall(r"`(tests/\S+?)`", named)]
    assert {number for number, _test in tests} == {str(number) for number in range(1, 29)}
    gone = [pair for pair in tests if "::" in pair[1] and pair[1].split("::")[1] not in tests_of(pair[1].split("::")[0])]
    assert gone + [pair for pair in tests if not (ROOT / pair[1].split("::")[0]).exists()] == []
