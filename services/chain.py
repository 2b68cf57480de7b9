"""Rows chained by hashes, as evidence and the trail keep them: their one head, and how a chain is walked.

What is written into a chain, and how it is digested, stands in services/evidence_check.py, once for both.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from models.base import locked
from services.evidence_check import GENESIS, link


@dataclass(frozen=True)
class Link:
    """A row's place in the chain."""

    number: int
    prev_hash: str
    hash: str


def hold(heads: Any, rows: Any) -> Any:
    """Locks the row of `heads`: nobody else adds one to `rows` until the caller's transaction ends."""
    found = locked(heads.select().where(heads.id == 1)).first()
    if found is None:
        last = rows.select(rows.number, rows.hash).order_by(rows.number.desc()).first()
        number, hash = (last.number, last.hash) if last else (0, GENESIS)
        heads.insert(id=1, number=number, hash=hash).on_conflict_ignore().execute()
        found = locked(heads.select().where(heads.id == 1)).get()
    return found


def head(heads: Any) -> Link:
    """The newest row. Number 0 and GENESIS before the first."""
    row = heads.get_or_none(heads.id == 1)
    return Link(row.number, "", row.hash) if row else Link(0, "", GENESIS)


def moment(at: datetime | None) -> str | None:
    """A time as a chain writes it: UTC, to the microsecond."""
    return at.astimezone(UTC).isoformat(timespec="microseconds") if at else None


def faults(
    chain: str,
    row: str,
    links: Iterable[tuple[Any, str | None]],
    last: Link,
    also: Callable[[Any], Iterable[str]],
    start: Link = Link(0, "", GENESIS),
) -> Iterator[str]:
    """One sentence for each fault between `start` and the head `last`. `links`: each row with the digest of its
    content, None when that is not written in its one form. `also` looks at one row for itself."""
    number, reached = start.number, start.hash
    for found, content in links:
        number += 1
        if found.number != number:
            yield f"{chain} has a gap before number {found.number}"
            number = found.number
        if found.prev_hash != reached:
            yield f"{row} {found.number} does not follow on the row before it"
        if content is None or link(found.prev_hash, content) != found.hash:
            yield f"{row} {found.number} was changed: its hash does not fit its content"
        yield from also(found)
        reached = found.hash
    if (number, reached) != (last.number, last.hash):
        yield f"the chain of {chain} ends at number {number}; its head says {last.number}, or another hash"
