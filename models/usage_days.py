"""Use day by day: of one sub-account for its pages, of a partner's sub-accounts for a file."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from peewee import JOIN, Case, fn

from models.partner import Partner
from models.sub_account import Customer, SubAccount
from models.usage import AccountUse, TrafficDay, TrafficTold, UsageDay
from models.usage_lists import after_place

BATCH_ROWS = 20  # sub-accounts of a file that are read at a time, with up to 366 days each
FIGURES = ("received_bytes", "sent_bytes", "requests")


@dataclass(frozen=True)
class TrafficSum:
    """`hours` of the days asked for were told by the storage service; these are their sums."""

    hours: int
    received_bytes: int
    sent_bytes: int
    requests: int


@dataclass(frozen=True)
class Shown:
    """`days` are the measured ones, oldest first; `use` is the last measurement by bucket, None before the first."""

    days: list[UsageDay]
    use: AccountUse | None
    traffic: TrafficSum


@dataclass(frozen=True)
class DayLine:
    """One day of one sub-account. `usage` None: nothing was measured. `traffic_hours`: so many hours of the day were
    told; `traffic` None: nothing went in them."""

    account: Any
    day_on: date
    usage: UsageDay | None
    traffic_hours: int
    traffic: TrafficDay | None


def shown(account: SubAccount, first_on: date, last_on: date) -> Shown:
    """Everything that a page shows of the use in these days. One query: the buckets come with the newest day alone."""
    newest = UsageDay.alias()
    last_on_of = newest.select(fn.MAX(newest.day_on)).where(
        newest.sub_account == account.id, newest.day_on.between(first_on, last_on)
    )
    with_buckets = UsageDay.day_on.is_null() | (UsageDay.day_on == last_on_of)
    buckets = Case(None, [(with_buckets, AccountUse.buckets)])
    within = (UsageDay.sub_account == SubAccount.id) & UsageDay.day_on.between(first_on, last_on)
    fields = [field for field in UsageDay._meta.sorted_fields if field.name not in ("id", "sub_account")]
    use = (AccountUse.measured_at, AccountUse.noncurrent_bytes, AccountUse.unfinished_bytes)
    query: Any = (
        SubAccount.select(*_traffic(account, first_on, last_on), *use, buckets, *fields)
        .join(AccountUse, JOIN.LEFT_OUTER, on=(AccountUse.sub_account == SubAccount.id))
        .switch(SubAccount)
        .join(UsageDay, JOIN.LEFT_OUTER, on=within)
        .where(SubAccount.id == account.id)
        .order_by(UsageDay.day_on)
        .tuples()
    )
    rows = list(query)
    names = [field.name for field in fields]
    days = [UsageDay(sub_account=account, **dict(zip(names, row[8:], strict=True))) for row in rows if row[8]]
    last = rows[-1]
    traffic = TrafficSum(*(int(figure) for figure in last[:4]))
    return Shown(days, _use(account, last[4:8]) if last[4] else None, traffic)


def _use(account: SubAccount, row: Sequence) -> AccountUse:
    measured_at, noncurrent_bytes, unfinished_bytes, buckets = row
    return AccountUse(
        sub_account=account,
        measured_at=measured_at,
        noncurrent_bytes=noncurrent_bytes,
        unfinished_bytes=unfinished_bytes,
        buckets=json.loads(buckets) if isinstance(buckets, str) else buckets,
    )


def _traffic(account: SubAccount, first_on: date, last_on: date) -> list:
    told = TrafficTold.select(fn.COUNT(TrafficTold.id)).where(
        TrafficTold.region == account.region_id, TrafficTold.hour_at.between(*_hours(first_on, last_on))
    )
    of_days = (TrafficDay.sub_account == account.id) & TrafficDay.day_on.between(first_on, last_on)
    sums = [
        TrafficDay.select(fn.COALESCE(fn.SUM(getattr(TrafficDay, name)), 0)).where(of_days).alias(f"of_{name}")
        for name in FIGURES
    ]
    return [told.alias("told"), *sums]


def daily(partner: Partner, first_on: date, last_on: date, number: str = "") -> Iterator[DayLine]:
    """Every day of every sub-account (or of the one), by name and day, those without a measurement too: from the day on
    that it was opened, and of one that is gone until the last day of which something is known."""
    told = _told(partner, first_on, last_on)
    place: list | None = None
    while True:
        query = _accounts(partner, first_on, last_on, number)
        if place is not None:
            query = query.where(after_place(place))
        rows = list(query.order_by(SubAccount.name_key, SubAccount.id).limit(BATCH_ROWS).namedtuples())
        ids = [row.id for row in rows]
        usage, traffic = (_by_day(table, ids, first_on, last_on) for table in (UsageDay, TrafficDay))
        for row in rows:
            yield from _lines(row, first_on, last_on, usage[row.id], traffic[row.id], told)
        if len(rows) < BATCH_ROWS:
            return
        place = [rows[-1].name_key, rows[-1].id]


def sub_accounts(partner: Partner, first_on: date, last_on: date) -> int:
    """How many sub-accounts `daily` has lines of."""
    return _accounts(partner, first_on, last_on).count()


def _accounts(partner: Partner, first_on: date, last_on: date, number: str = ""):
    """Those that were opened by then, and of those that are gone the ones of which something is known."""
    query = SubAccount.select(
        SubAccount.id, SubAccount.number, SubAccount.name, SubAccount.name_key, SubAccount.billing, SubAccount.phase,
        SubAccount.created_at, SubAccount.region.alias("region_id"), Customer.name.alias("customer_name"),
    ).join(Customer).where(
        SubAccount.partner == partner,
        SubAccount.created_at < datetime.combine(last_on + timedelta(days=1), time(), UTC),
        (SubAccount.phase != "deleted")
        | fn.EXISTS(_known(UsageDay, first_on, last_on))
        | fn.EXISTS(_known(TrafficDay, first_on, last_on)),
    )  # fmt: skip
    return query.where(SubAccount.number == number) if number else query


def _known(table: Any, first_on: date, last_on: date):
    return table.select(table.id).where(table.sub_account == SubAccount.id, table.day_on.between(first_on, last_on))


def _by_day(table: Any, ids: list[int], first_on: date, last_on: date) -> dict[int, dict[date, Any]]:
    found: dict[int, dict[date, Any]] = defaultdict(dict)
    if ids:
        for row in table.select().where(table.sub_account.in_(ids), table.day_on.between(first_on, last_on)):
            found[row.sub_account_id][row.day_on] = row
    return found


def _lines(
    row: Any, first_on: date, last_on: date, usage: dict[date, Any], traffic: dict[date, Any], told: Counter
) -> Iterator[DayLine]:
    first_on = max(first_on, row.created_at.date())
    if row.phase == "deleted":
        last_on = max([*usage, *traffic], default=first_on - timedelta(days=1))
    for day in range((last_on - first_on).days + 1):
        day_on = first_on + timedelta(days=day)
        yield DayLine(row, day_on, usage.get(day_on), told[row.region_id, day_on], traffic.get(day_on))


def _told(partner: Partner, first_on: date, last_on: date) -> Counter:
    """How many hours of each day each of the partner's regions has told."""
    regions = SubAccount.select(SubAccount.region).where(SubAccount.partner == partner).distinct()
    query: Any = TrafficTold.select(TrafficTold.region, TrafficTold.hour_at).where(
        TrafficTold.region.in_(regions), TrafficTold.hour_at.between(*_hours(first_on, last_on))
    )
    return Counter((region_id, hour_at.date()) for region_id, hour_at in query.tuples().iterator())


def _hours(first_on: date, last_on: date) -> tuple[datetime, datetime]:
    return datetime.combine(first_on, time(), UTC), datetime.combine(last_on, time(23), UTC)
