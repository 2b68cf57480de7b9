"""Use of one partner's sub-accounts over a range of UTC days: one line each, and their sums."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from peewee import JOIN, OP, Case, EnclosedNodeList, Expression, fn

from models.partner import Partner
from models.sub_account import Customer, SubAccount
from models.usage import UsageDay

PAGE_ROWS = 50
BATCH_ROWS = 500
SPLIT = 10**6


@dataclass(frozen=True)
class Line:
    """`days` were measured; without one, the figures are None. Averages are those of the measured days: gaps stay gaps.
    `excess_bytes` is the average over these days of what was used above that day's allocation."""

    number: str
    name: str
    customer_name: str
    billing: str
    days: int = 0
    average_bytes: int | None = None
    peak_bytes: int | None = None
    last_bytes: int | None = None
    allocated_bytes: int | None = None
    excess_bytes: int | None = None
    measured_at: datetime | None = None


@dataclass(frozen=True)
class Sums:
    sub_accounts: int
    average_bytes: int
    last_bytes: int
    allocated_bytes: int
    excess_bytes: int


@dataclass(frozen=True)
class Page:
    lines: list[Line]
    earlier: str | None
    later: str | None


def page(partner: Partner, first_on: date, last_on: date, after: str = "", before: str = "") -> Page:
    """By name, 50 a page, from the sub-account of that number on. Two queries."""
    query, backwards = _accounts(partner, first_on, last_on), bool(before)
    if after or before:
        other = SubAccount.alias()
        place = other.select(other.name_key, other.id).where(
            other.partner == partner, other.number == (before or after)
        )
        query = query.where(_beyond(place, backwards))
    order = (SubAccount.name_key.desc(), SubAccount.id.desc()) if backwards else (SubAccount.name_key, SubAccount.id)
    rows = list(query.order_by(*order).limit(PAGE_ROWS + 1).namedtuples())
    more, rows = len(rows) > PAGE_ROWS, rows[:PAGE_ROWS]
    if backwards:
        rows.reverse()
    ends = (rows[0].number, rows[-1].number) if rows else (None, None)
    earlier = ends[0] if (more if backwards else bool(after)) else None
    later = ends[1] if (backwards or more) else None
    return Page(_lines(rows, first_on, last_on), earlier, later)


def everything(partner: Partner, first_on: date, last_on: date) -> Iterator[Line]:
    """Every line by name, in batches, so that memory stays flat."""
    place: list | None = None
    while True:
        query = _accounts(partner, first_on, last_on)
        if place is not None:
            query = query.where(after_place(place))
        rows = list(query.order_by(SubAccount.name_key, SubAccount.id).limit(BATCH_ROWS).namedtuples())
        yield from _lines(rows, first_on, last_on)
        if len(rows) < BATCH_ROWS:
            return
        place = [rows[-1].name_key, rows[-1].id]


def sums(partner: Partner, first_on: date, last_on: date) -> Sums:
    """What the lines of all pages add up to. One query."""
    figures = _figures(first_on, last_on).join(SubAccount).where(SubAccount.partner == partner)
    each = figures.alias("figures")
    last = UsageDay.alias()
    limited = Case(None, [(SubAccount.billing == "reserved", each.c.excess_bytes)], 0)
    totals = (each.c.average_bytes, last.last_bytes, last.allocated_bytes, limited)
    row = (
        SubAccount.select(fn.COUNT(SubAccount.id), *(fn.COALESCE(fn.SUM(column), 0) for column in totals))
        .join(each, on=(each.c.sub_account_id == SubAccount.id))
        .join(last, on=(last.sub_account == SubAccount.id) & (last.day_on == each.c.last_on))
        .scalar(as_tuple=True)
    )
    return Sums(*(int(value) for value in row))


def _accounts(partner: Partner, first_on: date, last_on: date):
    """Those that exist, and those that are gone but were measured in the range."""
    measured = UsageDay.select(UsageDay.id).where(
        UsageDay.sub_account == SubAccount.id, UsageDay.day_on.between(first_on, last_on)
    )
    return (
        SubAccount.select(
            SubAccount.id,
            SubAccount.number,
            SubAccount.name,
            SubAccount.name_key,
            SubAccount.billing,
            Customer.name.alias("customer_name"),
        )
        .join(Customer)
        .where(SubAccount.partner == partner, (SubAccount.phase != "deleted") | fn.EXISTS(measured))
    )


def _lines(rows: Sequence, first_on: date, last_on: date) -> list[Line]:
    each = _figures(first_on, last_on).where(UsageDay.sub_account.in_([row.id for row in rows])).alias("figures")
    last = UsageDay.alias()
    query: Any = (
        last.select(
            last.sub_account, each.c.days, each.c.average_bytes, each.c.peak_bytes, last.last_bytes,
            last.allocated_bytes, each.c.excess_bytes, last.measured_at,
        )
        .join(each, JOIN.INNER, on=(each.c.sub_account_id == last.sub_account) & (each.c.last_on == last.day_on))
        .tuples()
    )  # fmt: skip
    found = {account_id: figures for account_id, *figures in query} if rows else {}
    return [_line(row, found.get(row.id)) for row in rows]


def _line(row, figures: list | None) -> Line:
    line = Line(row.number, row.name, row.customer_name, row.billing)
    if figures is None:
        return line
    days, average, peak, last, allocated, excess, measured_at = figures
    limited = row.billing == "reserved"
    return Line(
        row.number, row.name, row.customer_name, row.billing, int(days), int(average), int(peak), int(last),
        int(allocated) if limited else None, int(excess) if limited else None, measured_at,
    )  # fmt: skip


def _figures(first_on: date, last_on: date):
    above = Case(
        None,
        [(UsageDay.average_bytes > UsageDay.allocated_bytes, UsageDay.average_bytes - UsageDay.allocated_bytes)],
        0,
    )
    return (
        UsageDay.select(
            UsageDay.sub_account.alias("sub_account_id"),
            fn.COUNT(UsageDay.id).alias("days"),
            _mean(UsageDay.average_bytes).alias("average_bytes"),
            fn.MAX(UsageDay.peak_bytes).alias("peak_bytes"),
            _mean(above).alias("excess_bytes"),
            fn.MAX(UsageDay.day_on).alias("last_on"),
        )
        .where(UsageDay.day_on.between(first_on, last_on))
        .group_by(UsageDay.sub_account)
    )


def _mean(column):
    """The mean in whole bytes, rounded down. Summed in two parts: a year of bytes in one sum can pass 64 bits."""
    high = fn.SUM(column / SPLIT).cast("BIGINT")
    low = fn.SUM(column - column / SPLIT * SPLIT).cast("BIGINT")
    count = fn.COUNT(UsageDay.id)
    return high / count * SPLIT + ((high - high / count * count) * SPLIT + low) / count


def after_place(place: list) -> Expression:
    """Those whose (name_key, id) comes after this one."""
    return _beyond(EnclosedNodeList(place), False)


def _beyond(place, backwards: bool) -> Expression:
    return Expression(EnclosedNodeList([SubAccount.name_key, SubAccount.id]), OP.LT if backwards else OP.GT, place)
