"""Personal parts of the trail go; its rows stay, and the chain over them holds.

Whatever is erased is vouched for by a row of the trail itself, which says of which rows, which parts, and why. A part
that is gone without such a row is a fault (services/audit_check.py). Call inside write_tx.
"""

import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from peewee import Case, Cast, Value, chunked

from models.audit import AuditEvent, AuditPersonal
from services import audit_parts
from services.audit import Act, Thing, record

ERASED = "trail.erased"
KIND = "audit_event"
ALL = tuple(audit_parts.PARTS)
AT_ONCE = 500  # a statement has so many places for values
NAMELESS = {"member": "member #", "operator": "operator #", "console_user": "console user #"}
FORMER = {"member": "former member #", "console_user": "former console user #"}


def erase(
    at: datetime, numbers: Sequence[int], parts: Sequence[str], reason: str, *, called: dict[str, str] = NAMELESS
) -> int:
    """Empties these parts of the rows with these numbers; `called` says what stands, with the number of the person, in
    place of a name, by the kind of actor. Names of other kinds of actors are no persons' and stay."""
    if not numbers:
        return 0
    for part in parts:
        values = _emptied(part, called)
        for some in chunked(sorted(numbers), AT_ONCE):
            own: Any = AuditPersonal.number.in_(some)
            if part == "name":
                own &= AuditPersonal.number.in_(
                    AuditEvent.select(AuditEvent.number).where(
                        AuditEvent.number.in_(some), AuditEvent.actor_kind.in_(list(called))
                    )
                )
            AuditPersonal.update(values).where(own).execute()
    _vouch(at, numbers, {"parts": sorted(parts), "reason": reason})
    return len(numbers)


def forget(at: datetime, kind: str, person_id: int) -> None:
    """Of every act of this person, also of those that are no partner's, who and from where it was."""
    own = (AuditEvent.actor_kind == kind) & (AuditEvent.actor_id == str(person_id))
    erase(at, numbers_of(own), ["name", "ip", "place"], "erasure", called=FORMER)


def numbers_of(condition: Any) -> list[int]:
    return [number for (number,) in AuditEvent.select(AuditEvent.number).where(condition).tuples()]


def rewrite(at: datetime, texts: dict[int, dict[str, str | None]], reason: str) -> None:
    """Other texts in `before` and `after` (JSON) of these rows, each under a new salt and digest, which are vouched
    for: words of a person who was erased are replaced, and what is left still cannot be changed unseen."""
    now = {}
    for number, changed in texts.items():
        personal = {**as_texts(number), **changed}
        salt = secrets.token_hex(16)
        values = {name: Value(text, converter=False) for name, text in changed.items()}
        AuditPersonal.update(**values, values_salt=salt).where(AuditPersonal.number == number).execute()
        now[str(number)] = audit_parts.digest("values", salt, personal)
    if now:
        _vouch(at, list(texts), {"parts": ["values"], "reason": reason, "now": now})


def rename(at: datetime, numbers: Sequence[int], called: str, reason: str) -> int:
    """Another name for whoever acted in these rows: that of a person who was erased and acted before it was known."""
    for some in chunked(sorted(numbers), AT_ONCE):
        AuditPersonal.update(actor_name=called, name_salt="").where(AuditPersonal.number.in_(some)).execute()
    if numbers:
        _vouch(at, numbers, {"parts": ["name"], "reason": reason})
    return len(numbers)


def _emptied(part: str, called: dict[str, str]) -> dict:
    values: dict[str, Any] = {f"{part}_salt": ""}
    for name in audit_parts.PARTS[part]:
        values[name] = None if name in audit_parts.JSON else ""
    if part == "name":
        whens = [(kind, Value(word).concat(AuditEvent.actor_id)) for kind, word in called.items()]
        own = AuditEvent.select(Case(AuditEvent.actor_kind, whens, "")).where(AuditEvent.number == AuditPersonal.number)
        values["actor_name"] = own
    return values


def as_texts(number: int) -> dict[str, str | None]:
    """`before` and `after` of a row as they are stored."""
    columns = [Cast(getattr(AuditPersonal, name), "text").alias(f"{name}_text") for name in audit_parts.JSON]
    row: Any = AuditPersonal.select(*columns).where(AuditPersonal.number == number).tuples().get()
    return dict(zip(audit_parts.JSON, row, strict=True))


def _vouch(at: datetime, numbers: Iterable[int], what: dict) -> None:
    spans = spans_of(numbers)
    after = {**what, "rows": ",".join(f"{first}-{last}" if last > first else str(first) for first, last in spans)}
    record(Act(at=at, source="erasure"), ERASED, Thing(KIND, str(spans[0][0])), after=after)


def spans_of(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Runs of numbers that follow on each other, first and last of each."""
    spans: list[tuple[int, int]] = []
    for number in sorted(set(numbers)):
        if spans and spans[-1][1] == number - 1:
            spans[-1] = (spans[-1][0], number)
        else:
            spans.append((number, number))
    return spans
