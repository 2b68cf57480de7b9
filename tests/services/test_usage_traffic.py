"""Traffic by hour and day: late figures, repetition, hours that were missed, services that tell nothing."""

from datetime import UTC, date, datetime, timedelta

import pytest

from models.base import DATABASE_AWAY
from models.sub_account import Region
from models.usage import TrafficDay, TrafficHour, TrafficTold
from services import usage_keeping, usage_traffic
from services.storage.contract import StorageRefused, Traffic
from services.usage import measure_due
from tests.services.ground import GB, WatchedStorage, work
from tests.services.test_allocation_races import together

EVERY = timedelta(minutes=5)
HOUR = timedelta(hours=1)


@pytest.fixture
def telling(ground):
    """A worker of a service that tells traffic."""
    return ground.site(WatchedStorage(traffic=True))


@pytest.fixture
def row(ground, telling):
    row = ground.account("A", 100 * GB)
    work(telling)
    return row


def at(hour: int, day: int = 2) -> datetime:
    return datetime(2026, 3, day, hour, tzinfo=UTC)


def went(site, row, hour_at: datetime, received: int, sent: int = 0, requests: int = 1) -> None:
    site.storage.set_traffic(row.remote_uid, hour_at, Traffic(received, sent, requests))


def kept(row) -> dict[datetime, tuple]:
    return {
        hour.hour_at: (hour.received_bytes, hour.sent_bytes, hour.requests)
        for hour in TrafficHour.select().where(TrafficHour.sub_account == row)
    }


def days(row) -> dict[date, tuple]:
    return {
        day.day_on: (day.received_bytes, day.sent_bytes, day.requests)
        for day in TrafficDay.select().where(TrafficDay.sub_account == row)
    }


def collect_all(site) -> int:
    total = 0
    while asked := usage_traffic.collect(site):
        total += asked
    return total


def test_hours_that_are_over_are_kept_and_summed_up_by_day(ground, telling, row, clock):
    went(telling, row, at(7), 10, 100, 1)
    went(telling, row, at(8), 20, 200, 2)
    went(telling, row, at(9), 99, 999, 9)
    clock.advance(minutes=10)
    measure_due(telling, EVERY)
    collect_all(telling)
    assert kept(row) == {at(7): (10, 100, 1), at(8): (20, 200, 2)}
    assert days(row) == {date(2026, 3, 2): (30, 300, 3)}
    assert Region.get_by_id(telling.region.id).traffic_until_at == at(9)


def test_only_hours_that_are_over_for_a_while_are_asked_for(telling, row, clock):
    clock.advance(minutes=9, seconds=59)
    collect_all(telling)
    assert max(call.arguments[1] for call in telling.storage.called("traffic")) == at(8)
    clock.advance(seconds=1)
    assert collect_all(telling) == 1 + usage_traffic.ASKED_AGAIN // HOUR
    assert max(call.arguments[1] for call in telling.storage.called("traffic")) == at(9)
    assert usage_traffic.collect(telling) == 0


def test_what_comes_late_is_added_and_what_the_service_tidied_away_stays(telling, row, clock):
    clock.advance(minutes=10)
    went(telling, row, at(8), 10, 5, 1)
    went(telling, row, at(7), 70, 7, 7)
    collect_all(telling)
    went(telling, row, at(8), 15, 5, 2)
    went(telling, row, at(7), 1, 7, 1)
    clock.advance(hours=1)
    collect_all(telling)
    assert kept(row) == {at(8): (15, 5, 2), at(7): (70, 7, 7)}
    assert days(row) == {date(2026, 3, 2): (85, 12, 9)}


def test_an_answer_that_nobody_foresaw_ends_nothing_and_is_asked_for_again_in_an_hour(telling, row, clock, caplog):
    collect_all(telling)
    clock.advance(minutes=70)
    telling.storage.fail("traffic", error=KeyError("bytes_sent"))
    assert usage_traffic.collect(telling) == 0
    assert "KeyError" in caplog.text and telling.region.name in caplog.text
    clock.advance(minutes=59)
    assert usage_traffic.collect(telling) == 0
    clock.advance(minutes=1)
    assert usage_traffic.collect(telling) > 0


@pytest.mark.parametrize("error", DATABASE_AWAY)
def test_a_database_that_is_away_is_no_fault_of_the_answer(telling, row, clock, error):
    telling.storage.fail("traffic", error=error("server closed the connection"))
    with pytest.raises(error):
        usage_traffic.collect(telling)


def test_doing_it_twice_changes_nothing(telling, row):
    for _ in range(2):
        usage_traffic.keep(telling.region, at(8), {row.remote_uid: Traffic(10, 20, 3), "pp-stranger": Traffic(1, 1, 1)})
    assert kept(row) == {at(8): (10, 20, 3)}
    assert days(row) == {date(2026, 3, 2): (10, 20, 3)}
    assert TrafficTold.select().count() == 1


def test_two_workers_that_write_the_same_hour_at_once_count_it_once(ground, telling, row):
    sites = [telling, ground.site(telling.storage, owner="worker-2")]

    def write(index: int) -> None:
        usage_traffic.keep(sites[index].region, at(8), {row.remote_uid: Traffic(10 + index, 20, 3)})

    together(2, write)
    assert kept(row) == {at(8): (11, 20, 3)}
    assert days(row) == {date(2026, 3, 2): (11, 20, 3)}


def test_hours_that_were_missed_are_made_up_for_a_bounded_number_at_a_time(telling, row, clock):
    clock.advance(minutes=10)
    collect_all(telling)
    clock.advance(days=2)
    for hour in range(48):
        went(telling, row, at(9) + hour * HOUR, 1)
    assert usage_traffic.collect(telling) == usage_traffic.HOURS_A_ROUND + usage_traffic.ASKED_AGAIN // HOUR
    collect_all(telling)
    assert sum(day[0] for day in days(row).values()) == 48
    assert Region.get_by_id(telling.region.id).traffic_until_at == at(9, day=4)


def test_hours_so_old_that_they_would_be_let_go_are_not_asked_for(telling, row, clock):
    clock.advance(minutes=10)
    collect_all(telling)
    clock.advance(days=100)
    telling.storage.calls.clear()
    collect_all(telling)
    assert min(call.arguments[0] for call in telling.storage.called("traffic")) > clock.now() - usage_keeping.HOURS_KEPT


def test_a_failure_is_noted_and_tried_again_after_a_while(telling, row, clock):
    telling.storage.fail("traffic")
    assert usage_traffic.collect(telling) == 0
    assert telling.region.failures == 1
    assert usage_traffic.collect(telling) == 0
    clock.advance(minutes=5)
    assert collect_all(telling) > 0
    telling.storage.fail("traffic", error=StorageRefused("no right to look"))
    clock.advance(hours=2)
    assert usage_traffic.collect(telling) == 0
    assert telling.region.failures == 0


def test_a_service_that_does_not_tell_is_never_asked(ground, site):
    ground.account("B", GB)
    work(site)
    measure_due(site, EVERY)
    assert site.storage.called("traffic") == []
    assert Region.get_by_id(site.region.id).traffic_until_at is None
