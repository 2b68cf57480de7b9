"""Whether the trail still is what was written (T3, threats.md 24): one sentence for each fault, the first broken row
first. What was cut off at its end is found only with a head that was kept outside (services/audit_heads.py)."""

import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Any

from peewee import Cast, fn

from models.audit import AuditEvent, AuditHead, AuditPersonal
from services import audit_parts, chain
from services.audit import content_of
from services.audit_erasing import ERASED, KIND
from services.chain import Link
from services.evidence_check import GENESIS, canonical, content_digest

PAGE = 1000
TAIL = 500
# what may stand in place of a name that was erased
NAMELESS = re.compile(r"((former )?(member|operator|console user) #\d*)?")


def faults(heads: Iterable[Link] = ()) -> Iterator[str]:
    """Walks the whole chain once, some rows at a time. `heads`: those that were kept outside; each has to lie on it."""
    last = chain.head(AuditHead)  # first, so that what is added meanwhile lies behind it
    known = {head.number: head for head in heads}
    yield from _walk(last, Link(0, "", GENESIS), known)
    yield from _behind()
    for head in known.values():
        if head.number > last.number:
            yield (
                f"the trail ends at number {last.number}, and a head that was kept outside says {head.number}:"
                " rows were cut off at its end"
            )


def tail() -> Iterator[str]:
    """The newest rows alone: what a check that is asked often can afford."""
    last = chain.head(AuditHead)
    before = AuditEvent.select(AuditEvent.number, AuditEvent.hash).where(AuditEvent.number <= last.number - TAIL)
    start = before.order_by(AuditEvent.number.desc()).first()
    yield from _walk(last, Link(start.number, "", start.hash) if start else Link(0, "", GENESIS), {})
    yield from _behind()


def _behind() -> Iterator[str]:
    newest = AuditEvent.select(fn.COALESCE(fn.MAX(AuditEvent.number), 0)).scalar()
    last = chain.head(AuditHead)  # second: whoever writes meanwhile moves both
    if newest > last.number:
        yield f"the trail has rows behind number {last.number}, which its head says is the last"


def _walk(last: Link, start: Link, heads: dict[int, Link]) -> Iterator[str]:
    vouched = _Vouched()
    stored: dict[int, dict[str, Any]] = {}

    def links() -> Iterator[tuple[AuditEvent, str | None]]:
        for found in _pages(start.number, last.number):
            stored.clear()
            stored.update(_parts([row.number for row in found]))
            for row in found:
                one_form = canonical(_digests(row)) == row.parts
                yield row, content_digest(content_of(row)) if one_form else None

    def also(row: AuditEvent) -> Iterator[str]:
        if row.number in heads and heads[row.number].hash != row.hash:
            yield f"audit row {row.number} is not the one of which a head was kept outside"
        yield from _personal(row, stored.get(row.number), vouched)

    return chain.faults("audit", "audit row", links(), last, also, start)


def _pages(after: int, upto: int) -> Iterator[list[AuditEvent]]:
    columns = AuditEvent._meta.sorted_fields
    while found := list(
        AuditEvent.select(*columns)
        .where(AuditEvent.number > after, AuditEvent.number <= upto)
        .order_by(AuditEvent.number)
        .limit(PAGE)
    ):
        yield found
        after = found[-1].number


def _parts(numbers: list[int]) -> dict[int, dict[str, Any]]:
    """The personal parts as they are stored, JSON as text."""
    plain = [field for field in AuditPersonal._meta.sorted_fields if field.name not in audit_parts.JSON]
    texts = [Cast(getattr(AuditPersonal, name), "text").alias(f"{name}_text") for name in audit_parts.JSON]
    names = [field.name for field in plain] + list(audit_parts.JSON)
    rows: Any = AuditPersonal.select(*plain, *texts).where(AuditPersonal.number.in_(numbers)).tuples()
    return {row[0]: dict(zip(names, row, strict=True)) for row in rows}


def _digests(row: AuditEvent) -> dict:
    """Of its parts; none where somebody wrote something else there."""
    try:
        found = json.loads(row.parts)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _personal(row: AuditEvent, personal: dict[str, Any] | None, vouched: "_Vouched") -> Iterator[str]:
    if personal is None:
        yield f"audit row {row.number} has lost its personal parts"
        return
    digests = _digests(row)
    for part in audit_parts.PARTS:
        salt = personal[f"{part}_salt"]
        if salt:
            wanted = vouched.digests.get(row.number, digests.get(part)) if part == "values" else digests.get(part)
            if audit_parts.digest(part, salt, personal) != wanted:
                yield f"audit row {row.number} was changed: {part} does not fit its digest"
        elif not _is_blank(part, personal):
            yield f"audit row {row.number} was changed: {part} was put in"
        elif part in digests and not vouched.erased(part, row.number):
            yield f"audit row {row.number} has lost {part}, and no row says that it was erased"


def _is_blank(part: str, personal: dict[str, Any]) -> bool:
    if part == "name":
        return NAMELESS.fullmatch(personal["actor_name"]) is not None
    return not audit_parts.is_filled(part, personal)


class _Vouched:
    """What rows of the trail say of erased parts: spans of numbers for each, and the digests of texts that were written
    anew. These rows are in the chain themselves."""

    def __init__(self) -> None:
        spans: dict[str, list[tuple[int, int]]] = {part: [] for part in audit_parts.PARTS}
        self.digests: dict[int, str] = {}
        said = AuditEvent.thing_kind == KIND
        for row in AuditEvent.select().where(said, AuditEvent.action == ERASED).order_by(AuditEvent.id).iterator():
            after = row.after or {}
            for part in after.get("parts", ()):
                spans[part] += [_span(text) for text in after.get("rows", "").split(",") if text]
            self.digests |= {int(number): digest for number, digest in after.get("now", {}).items()}
        self._spans = {part: _joined(some) for part, some in spans.items()}

    def erased(self, part: str, number: int) -> bool:
        spans = self._spans[part]
        place = bisect_right(spans, (number, float("inf"))) - 1
        return place >= 0 and spans[place][0] <= number <= spans[place][1]


def _span(text: str) -> tuple[int, int]:
    first, _, last = text.partition("-")
    return int(first), int(last or first)


def _joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for first, last in sorted(spans):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        else:
            joined.append((first, last))
    return joined
