"""The time, given to whoever needs it. Nothing else in the product asks the machine what time it is."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo


class Clock(Protocol):
    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        ...


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class FakeClock:
    """A clock that stands until it is moved: for tests and drills."""

    def __init__(self, at: datetime):
        if at.tzinfo is None:
            raise ValueError("the clock needs an aware time")
        self._at = at

    def now(self) -> datetime:
        return self._at

    def advance(self, **by: float) -> datetime:
        """Moves by what `timedelta` takes, e.g. `advance(days=30)`."""
        self._at += timedelta(**by)
        return self._at


def local_day(at: datetime, zone: str) -> date:
    """The calendar day that `at` falls on in the named time zone."""
    return at.astimezone(ZoneInfo(zone)).date()


def due_day(at: datetime, zone: str) -> date:
    """The last calendar day in the named time zone on which there is time until `at`: at midnight the day before."""
    return local_day(at - timedelta(microseconds=1), zone)


def day_that_ends(at: datetime, zone: str) -> date | None:
    """The calendar day of the named time zone that is over at this very moment; None at any other than midnight."""
    return None if midnight(local_day(at, zone), zone) != at else due_day(at, zone)


def midnight(day: date, zone: str) -> datetime:
    """The moment in UTC at which this day begins in the named time zone. Where clocks are put forward at midnight, the
    first moment of the day that there is."""
    return datetime.combine(day, time.min, ZoneInfo(zone)).astimezone(UTC)
