"""Looks at a PDF from a stranger in a process of its own, with bounds on time and memory: what parses it there takes
nothing from the portal (threats.md). Content goes in by standard input, one word of VERDICTS comes out.

Looked for is what a reader would run or open by itself: in the catalogue, its name trees, pages, notes on pages, forms,
and bookmarks. Not looked into is what only draws.
"""

import io
import re
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

from pypdf import PdfReader
from pypdf.errors import PyPdfError
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject

ROOT = Path(__file__).parents[1]
VERDICTS = ("good", "locked", "damaged", "active", "involved")
SECONDS = 5
MEMORY_BYTES = 512 * 2**20
MOST_PAGES = 2000
MOST_OBJECTS = 200_000
TAIL_BYTES = 2048  # what readers search for the end of the file
RUNS = ("/AA", "/JS", "/JavaScript", "/XFA", "/EmbeddedFiles", "/EF")
ACTIONS = ("/JavaScript", "/Launch", "/SubmitForm", "/ImportData", "/GoToE", "/Rendition", "/RichMediaExecute")
ONLY_DRAW = ("/Contents", "/Resources", "/StructTreeRoot", "/Metadata", "/PieceInfo", "/Thumb", "/Parent", "/P")
BROKEN = (
    PyPdfError, ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError, IndexError,
    NotImplementedError, AssertionError,
)  # fmt: skip


class Involved(Exception):
    """More objects than are looked at."""


def verdict(content: bytes) -> str:
    """One of VERDICTS; "involved" when it could not be told within SECONDS and MEMORY_BYTES."""
    if not has_index(content):
        return "damaged"
    try:
        told = subprocess.run(
            [sys.executable, "-m", __name__],
            cwd=ROOT,
            env={},  # the portal's settings are nothing for it
            input=content,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "involved"
    word = told.stdout.decode("ascii", "replace").strip()
    return word if told.returncode == 0 and word in VERDICTS else "involved"


def has_index(content: bytes) -> bool:
    """Whether the file's end says where its table of objects is, and one is there: nothing is found by searching."""
    ends = re.findall(rb"startxref\s+(\d{1,10})\s+%%EOF", content[-TAIL_BYTES:])
    if not ends:
        return False
    at = int(ends[-1])
    return re.match(rb"\s*(xref\s|\d{1,10}\s+\d{1,5}\s+obj\b)", content[at : at + 64]) is not None


def looked_at(content: bytes) -> str:
    """The verdict, without bounds on time and memory."""
    try:
        reader = PdfReader(io.BytesIO(content), strict=False)
        if reader.is_encrypted:
            return "locked"
        root = reader.trailer["/Root"].get_object()
        if not isinstance(root, DictionaryObject) or not 0 < _pages(root) <= MOST_PAGES:
            return "damaged"
        return "active" if _opens(root) or _runs_something(root) else "good"
    except (Involved, MemoryError):
        return "involved"
    except BROKEN:
        return "damaged"


def _pages(root: DictionaryObject) -> int:
    """Counts them, up to one more than is allowed; the tree's own /Count is no more than a first hint."""
    top: Any = root["/Pages"]
    if int(top["/Count"]) > MOST_PAGES:
        return MOST_PAGES + 1
    waiting: list[Any] = [root.raw_get("/Pages")]
    branches: set[int] = set()
    pages = 0
    while waiting and pages <= MOST_PAGES:
        found = waiting.pop()
        node = found.get_object()
        if not isinstance(node, DictionaryObject):
            raise ValueError("a page that is none")
        if "/Kids" not in node:
            pages += 1
            continue
        mark = found.idnum if isinstance(found, IndirectObject) else -id(node)
        kids: Any = node["/Kids"]
        if mark in branches or len(branches) > MOST_PAGES or len(kids) > MOST_PAGES:
            raise ValueError("a tree of pages without end")
        branches.add(mark)
        waiting += kids
    return pages


def _opens(root: DictionaryObject) -> bool:
    starts = root.get("/OpenAction")
    starts = starts.get_object() if starts is not None else None
    return isinstance(starts, DictionaryObject) and starts.get("/S") not in (None, "/GoTo")


def _runs_something(root: DictionaryObject) -> bool:
    """Whatever hangs on the catalogue, each object once."""
    waiting: list[Any] = [root]
    seen: set[int] = set()
    looked = 0
    while waiting:
        found = waiting.pop()
        if isinstance(found, IndirectObject):
            if found.idnum in seen:
                continue
            seen.add(found.idnum)
            found = found.get_object()
        looked += 1
        if looked > MOST_OBJECTS:
            raise Involved
        if isinstance(found, DictionaryObject):
            if any(name in found for name in RUNS) or found.get("/S") in ACTIONS:
                return True
            inner = [found.raw_get(name) for name in found if name not in ONLY_DRAW]
        elif isinstance(found, ArrayObject):
            inner = list(found)
        else:
            continue
        waiting += [value for value in inner if isinstance(value, DictionaryObject | ArrayObject | IndirectObject)]
    return False


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    sys.stdout.write(looked_at(sys.stdin.buffer.read()))


if __name__ == "__main__":
    main()
