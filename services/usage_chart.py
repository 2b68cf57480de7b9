"""The picture of one sub-account's use: a bar a day, its peak as a frame, and the allocation of that day as a line.

Gaps stay gaps: a day without a measurement has neither bar nor line.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from models.sub_account import SubAccount
from models.usage import AccountUse, UsageDay
from models.usage_days import TrafficSum, shown

DAYS = 30


@dataclass(frozen=True)
class Bar:
    """One measured day. Places are percent of the picture, from its upper left corner."""

    day: UsageDay
    left: str
    width: str
    top: str
    height: str
    peak_top: str
    peak_height: str
    right: str
    line_top: str
    over: bool


@dataclass(frozen=True)
class Chart:
    """`top_bytes` is the highest value in it; `bars` holds the measured days of the days shown, oldest first. `use` is
    the last measurement by bucket and `traffic` that of the days shown, where they are known."""

    first_on: date
    last_on: date
    top_bytes: int
    bars: tuple[Bar, ...]
    use: AccountUse | None = None
    traffic: TrafficSum | None = None

    @property
    def span(self) -> int:
        """How many days it shows, measured or not."""
        return (self.last_on - self.first_on).days + 1

    @property
    def days(self) -> list[UsageDay]:
        return [bar.day for bar in self.bars]


def of_last_days(account: SubAccount, at: datetime, days: int = DAYS) -> Chart:
    """The chart of the last UTC days up to today. One query."""
    last_on = at.astimezone(UTC).date()
    return of_days(account, last_on - timedelta(days=days - 1), last_on)


def of_days(account: SubAccount, first_on: date, last_on: date) -> Chart:
    """The chart of these days, both included. One query."""
    found = shown(account, first_on, last_on)
    chart = drawn(found.days, first_on, last_on, account.billing == "reserved")
    return replace(chart, use=found.use, traffic=found.traffic if found.traffic.hours else None)


def drawn(measured: Sequence[UsageDay], first_on: date, last_on: date, limited: bool) -> Chart:
    """Places the days between two dates. Whole numbers throughout: bytes do not fit into floats."""
    slots = (last_on - first_on).days + 1
    highest_bytes = max((max(day.peak_bytes, day.allocated_bytes * limited) for day in measured), default=0)
    top_bytes = highest_bytes + highest_bytes // 20 or 1
    bars = (_bar(day, first_on, slots, top_bytes, limited) for day in measured)
    return Chart(first_on, last_on, highest_bytes, tuple(bars))


def _bar(day: UsageDay, first_on: date, slots: int, top_bytes: int, limited: bool) -> Bar:
    slot = (day.day_on - first_on).days
    left, right = slot * 10_000 // slots, (slot + 1) * 10_000 // slots
    height, peak = (amount * 10_000 // top_bytes for amount in (day.average_bytes, day.peak_bytes))
    return Bar(
        day=day,
        left=_percent(left),
        width=_percent((right - left) * 3 // 4),
        top=_percent(10_000 - height),
        height=_percent(height),
        peak_top=_percent(10_000 - peak),
        peak_height=_percent(peak),
        right=_percent(right),
        line_top=_percent(10_000 - day.allocated_bytes * 10_000 // top_bytes),
        over=limited and day.average_bytes > day.allocated_bytes,
    )


def _percent(hundredths: int) -> str:
    return f"{hundredths // 100}.{hundredths % 100:02d}%"
