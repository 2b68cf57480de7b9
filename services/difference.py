"""What changed between two texts of a document, by words, as something to read (T5)."""

import functools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

# A comparison costs at most the product of both lengths; what would cost more is shown as replaced.
MOST_CELLS = 4_000_000
MOST_CELLS_A_PARAGRAPH = 400_000
AHEAD = 8
LIKE = 0.5
ISLAND = 1

Op = Literal["same", "added", "removed"]
Kind = Literal["heading", "item", "paragraph"]


@dataclass(frozen=True)
class Run:
    """Words that stay, came or went."""

    op: Op
    text: str


@dataclass(frozen=True)
class Block:
    """A heading, an item of a list or a paragraph."""

    kind: Kind
    runs: tuple[Run, ...]

    @property
    def changed(self) -> bool:
        return any(run.op != "same" for run in self.runs)


@dataclass(frozen=True)
class Part:
    """Neighbouring blocks, all changed or all as they were."""

    changed: bool
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Difference:
    """All of the newer text, with what the older one had beside it. `added` and `removed` count words."""

    parts: tuple[Part, ...]
    added: int
    removed: int

    @property
    def changed(self) -> bool:
        return bool(self.added or self.removed)


Plain = tuple[Kind, str]


@functools.lru_cache(maxsize=64)
def between(before: str, after: str) -> Difference:
    """Compares two Markdown texts: paragraph by paragraph, then word by word. Emphasis and addresses of links are read
    as words. The time is bounded for texts of any length; what is too long to compare is shown as replaced."""
    blocks = list(_compared(_blocks(before), _blocks(after)))
    words = Counter({"added": 0, "removed": 0})
    for run in (run for block in blocks for run in block.runs):
        words[run.op] += len(run.text.split())
    return Difference(tuple(_parts(blocks)), words["added"], words["removed"])


def _parts(blocks: Sequence[Block]) -> Iterator[Part]:
    start = 0
    for end in range(1, len(blocks) + 1):
        if end == len(blocks) or blocks[end].changed != blocks[start].changed:
            yield Part(blocks[start].changed, tuple(blocks[start:end]))
            start = end


def _blocks(text: str) -> list[Plain]:
    """The text without marks: headings, items and paragraphs, blanks made single."""
    found: list[Plain] = []
    for piece in re.split(r"\n\s*\n", text):
        fresh = True
        for line in piece.splitlines():
            mark = re.match(r"\s*(#+ |- |\d+[.)] )?(.*)", line)
            sign, words = (mark[1] or "", mark[2]) if mark else ("", line)
            if sign.startswith("#"):
                found.append(("heading", _plain(words)))
            elif sign:
                shown = "" if sign == "- " else sign
                found.append(("item", _plain(shown + words)))
            elif fresh or found[-1][0] == "heading":
                found.append(("paragraph", _plain(words)))
            else:
                found[-1] = (found[-1][0], f"{found[-1][1]} {_plain(words)}".strip())
            fresh = False
    return [block for block in found if block[1]]


def _plain(text: str) -> str:
    text = re.sub(r"\[((?:[^\[\]\\]|\\.)*)\]\(([^()\s]*)\)", _link, text).replace("**", "")
    return " ".join(re.sub(r"\\([\\`*_\[\]<>#])", r"\1", text).split())


def _link(found: re.Match[str]) -> str:
    shown, address = re.sub(r"\\(.)", r"\1", found[1]), found[2].removeprefix("mailto:")
    return shown if shown == address else f"{shown} ({address})"


def _compared(before: list[Plain], after: list[Plain]) -> Iterator[Block]:
    head = _common(before, after)
    tail = _common(before[head:][::-1], after[head:][::-1])
    yield from (_whole(block, "same") for block in after[:head])
    old, new = before[head : len(before) - tail], after[head : len(after) - tail]
    budget = [MOST_CELLS]
    if len(old) * len(new) > MOST_CELLS:
        yield from (*(_whole(block, "removed") for block in old), *(_whole(block, "added") for block in new))
    else:
        for op, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
            if op == "equal":
                yield from (_whole(block, "same") for block in new[j1:j2])
            else:
                yield from _replaced(old[i1:i2], new[j1:j2], budget)
    yield from (_whole(block, "same") for block in after[len(after) - tail :])


def _common(before: Sequence[Plain], after: Sequence[Plain]) -> int:
    """How many blocks both begin with."""
    pairs = zip(before, after, strict=False)
    return next((place for place, (old, new) in enumerate(pairs) if old != new), min(len(before), len(after)))


def _replaced(old: Sequence[Plain], new: Sequence[Plain], budget: list[int]) -> Iterator[Block]:
    """Each old block beside the one that became of it, where one did."""
    place = 0
    for block in old:
        near = (at for at in range(place, min(place + AHEAD, len(new))) if _alike(block, new[at]))
        found = next(near, None)
        if found is None:
            yield _whole(block, "removed")
            continue
        yield from (_whole(other, "added") for other in new[place:found])
        yield Block(new[found][0], tuple(_words(block[1].split(), new[found][1].split(), budget)))
        place = found + 1
    yield from (_whole(other, "added") for other in new[place:])


def _alike(one: Plain, other: Plain) -> bool:
    if one[0] != other[0]:
        return False
    left, right = Counter(one[1].split()), Counter(other[1].split())
    return 2 * (left & right).total() >= LIKE * (left.total() + right.total())


def _words(old: list[str], new: list[str], budget: list[int]) -> Iterator[Run]:
    cells = len(old) * len(new)
    if cells > min(MOST_CELLS_A_PARAGRAPH, budget[0]):
        yield from (Run("removed", " ".join(old)), Run("added", " ".join(new)))
        return
    budget[0] -= cells
    gone: list[str] = []
    come: list[str] = []
    steps = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    for number, (op, i1, i2, j1, j2) in enumerate(steps):
        # one word that stayed between two changes would only tear the sentence apart
        island = op == "equal" and i2 - i1 <= ISLAND and 0 < number < len(steps) - 1
        if op == "equal" and not island:
            yield from _change(gone, come)
            gone, come = [], []
            yield Run("same", " ".join(new[j1:j2]))
        else:
            gone, come = gone + old[i1:i2], come + new[j1:j2]
    yield from _change(gone, come)


def _change(gone: list[str], come: list[str]) -> Iterator[Run]:
    if gone:
        yield Run("removed", " ".join(gone))
    if come:
        yield Run("added", " ".join(come))


def _whole(block: Plain, op: Op) -> Block:
    return Block(block[0], (Run(op, block[1]),))
