"""The archive of what law keeps of those who have gone. Nothing else reads it; each look is written into the trail with
its reason, and what is due is deleted."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from peewee import fn

from models.archive import ArchiveRecord, Erasure, PurgeReport
from models.base import write_tx
from models.partner import Partner
from services.audit import Act, record
from services.refusal import N_, NotFound, Refusal

PAGE_ROWS = 50
RECORDS_AT_ONCE = 500


class ReasonMissing(Refusal):
    """The archive stays closed."""


@dataclass(frozen=True)
class Shelf:
    """What is kept of one former partner in one class, without a look into it. `from_on` and `until_on`: when the first
    and the last of it is deleted; None while its period has not begun."""

    former_partner_id: int
    record_class: str
    rows: int
    from_on: date | None
    until_on: date | None


@dataclass(frozen=True)
class Kept:
    """What law still keeps of a partner: `rows` of one class until the last of them, `until_on`, is over."""

    record_class: str
    rows: int
    until_on: date | None


def shelves(after: int = 0) -> tuple[list[Shelf], int | None]:
    """A page of them by the number of the former partner, and where the next begins (None: nowhere)."""
    numbers: Any = (
        ArchiveRecord.select(ArchiveRecord.former_partner_id)
        .where(ArchiveRecord.former_partner_id > after)
        .distinct()
        .order_by(ArchiveRecord.former_partner_id)
        .limit(PAGE_ROWS + 1)
    )
    partners = [number for (number,) in numbers.tuples()]
    more, partners = len(partners) > PAGE_ROWS, partners[:PAGE_ROWS]
    return _shelves(partners), partners[-1] if more else None


def _shelves(partners: list[int]) -> list[Shelf]:
    query: Any = (
        ArchiveRecord.select(
            ArchiveRecord.former_partner_id,
            ArchiveRecord.record_class,
            fn.SUM(ArchiveRecord.rows),
            fn.MIN(ArchiveRecord.delete_after_on),
            fn.MAX(ArchiveRecord.delete_after_on),
        )
        .where(ArchiveRecord.former_partner_id.in_(partners))
        .group_by(ArchiveRecord.former_partner_id, ArchiveRecord.record_class)
        .order_by(ArchiveRecord.former_partner_id, ArchiveRecord.record_class)
    )
    return [
        Shelf(number, name, int(rows), day(first_on), day(last_on))
        for number, name, rows, first_on, last_on in query.tuples()
    ]


def kept(partner_id: int) -> list[Kept]:
    """What the archive keeps of an erased partner, class by class: for the certificate."""
    query: Any = (
        ArchiveRecord.select(
            ArchiveRecord.record_class,
            fn.SUM(ArchiveRecord.rows).alias("lines"),
            fn.MAX(ArchiveRecord.delete_after_on).alias("until"),
        )
        .where(ArchiveRecord.former_partner_id == partner_id)
        .group_by(ArchiveRecord.record_class)
        .order_by(ArchiveRecord.record_class)
    )
    return [Kept(name, int(lines), day(until)) for name, lines, until in query.tuples()]


def look(act: Act, former_partner_id: int, record_class: str, reason: str, after: int = 0) -> list[ArchiveRecord]:
    """The next records of one shelf as they were kept, for `reason`, which the trail keeps with who looked. Raises
    ReasonMissing and NotFound."""
    if not reason.strip():
        raise ReasonMissing(N_("Write down why the archive is opened. The history keeps it."), "reason")
    with write_tx():
        own = (ArchiveRecord.former_partner_id == former_partner_id) & (ArchiveRecord.record_class == record_class)
        query = ArchiveRecord.select().where(own, ArchiveRecord.id > after).order_by(ArchiveRecord.id)
        found = list(query.limit(PAGE_ROWS))
        if not found:
            raise NotFound
        seen = {"class": record_class, "reason": reason.strip(), "records": [found[0].id, found[-1].id]}
        partner = Partner.get_or_none(id=former_partner_id)
        record(act, "archive.read", found[0], partner=partner, after=seen)
    return found


def purge(today: date) -> int:
    """Deletes what is due, in batches; returns how many rows of tables that were."""
    gone = 0
    while True:
        with write_tx():
            due = ArchiveRecord.select(ArchiveRecord.id, ArchiveRecord.rows).where(
                ArchiveRecord.delete_after_on < today
            )
            some = list(due.order_by(ArchiveRecord.id).limit(RECORDS_AT_ONCE))
            if not some:
                return gone
            ArchiveRecord.delete().where(ArchiveRecord.id.in_([row.id for row in some])).execute()
            gone += sum(row.rows for row in some)


def reports(most: int = 30) -> list[PurgeReport]:
    """What the nightly purge did, the latest first."""
    return list(PurgeReport.select().order_by(PurgeReport.id.desc()).limit(most))


def waiting() -> list[Erasure]:
    """Erasures that are not complete."""
    return list(Erasure.select().where(Erasure.finished_at.is_null()).order_by(Erasure.id))


def day(value: date | str | None) -> date | None:
    """SQLite gives the greatest of some days as text."""
    return date.fromisoformat(value) if isinstance(value, str) else value
