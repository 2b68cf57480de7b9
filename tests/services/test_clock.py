"""The time is given, aware and in UTC; days follow the zone of the reader."""

from datetime import UTC, date, datetime, timedelta

import pytest

from services.clock import FakeClock, SystemClock, local_day

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_the_system_clock_is_aware_and_in_utc():
    now = SystemClock().now()
    assert now.tzinfo is UTC
    assert abs(now - datetime.now(UTC)) < timedelta(seconds=5)


def test_a_fake_clock_stands_until_it_is_moved():
    clock = FakeClock(NOON)
    assert clock.now() == clock.now() == NOON
    assert clock.advance(days=30, minutes=1) == clock.now() == datetime(2026, 4, 1, 12, 1, tzinfo=UTC)
    assert clock.advance(hours=-1) == datetime(2026, 4, 1, 11, 1, tzinfo=UTC)


def test_a_clock_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="aware"):
        FakeClock(datetime(2026, 3, 2))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("at", "zone", "day"),
    [
        (datetime(2026, 3, 2, 22, 59, tzinfo=UTC), "Europe/Berlin", date(2026, 3, 2)),
        (datetime(2026, 3, 2, 23, 0, tzinfo=UTC), "Europe/Berlin", date(2026, 3, 3)),
        (datetime(2026, 7, 2, 22, 0, tzinfo=UTC), "Europe/Berlin", date(2026, 7, 3)),
        (datetime(2026, 3, 2, 23, 59, tzinfo=UTC), "UTC", date(2026, 3, 2)),
        (datetime(2026, 3, 2, 4, 59, tzinfo=UTC), "America/New_York", date(2026, 3, 1)),
    ],
)
def test_a_day_is_the_one_on_the_wall_of_the_reader(at, zone, day):
    assert local_day(at, zone) == day
