"""Hours and days of use: exact means whatever their size, gaps that stay gaps, buckets, two workers, what is let go."""

from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta

import pytest

from models.base import write_tx
from models.sub_account import SubAccount
from models.usage import AccountUse, TrafficHour, UsageDay, UsageHour
from services import enforcement, sweep, usage_keeping
from services.storage.contract import BucketUse, Measured, added_up
from services.storage.memory import MemoryStorage
from services.usage import measure_due
from services.usage_keeping import Answer
from tests.services.ground import GB, TB, fresh, work

EVERY = timedelta(minutes=5)
PB = 10**15


@pytest.fixture
def row(ground, site) -> SubAccount:
    row = ground.account("A", 100 * GB)
    work(site)
    return row


def measurement(used_bytes: int) -> Measured:
    return Measured(used_bytes, 1, (), None, None, exact=False)


def at(hour: int, minute: int = 0, day: int = 2) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


def keep(row: SubAccount, used_bytes: int, when: datetime) -> None:
    usage_keeping.keep(row.id, measurement(used_bytes), when)


def hours(row: SubAccount) -> list[UsageHour]:
    return list(UsageHour.select().where(UsageHour.sub_account == row).order_by(UsageHour.hour_at))


def day(row: SubAccount) -> UsageDay:
    return UsageDay.get(sub_account=row)


def test_an_hour_keeps_its_mean_to_the_byte_its_peak_and_its_last(row):
    for minute, used_bytes in ((0, 10), (5, 11), (59, 10)):
        keep(row, used_bytes, at(9, minute))
    (hour,) = hours(row)
    assert (hour.hour_at, hour.samples, hour.measured_at) == (at(9), 3, at(9, 59))
    assert hour.average_bytes * hour.samples + hour.rest_bytes == 31
    assert (hour.peak_bytes, hour.last_bytes, hour.object_count) == (11, 10, 1)


def test_a_day_is_byte_hours_over_hours_however_often_an_hour_was_measured(row):
    for minute in range(0, 60, 5):
        keep(row, 10 * GB, at(9, minute))
    keep(row, 40 * GB, at(10))
    found = day(row)
    assert (found.hours, found.samples, found.average_bytes, found.peak_bytes) == (2, 13, 25 * GB, 40 * GB)


def test_hours_without_a_measurement_have_no_row_and_no_weight(row):
    keep(row, 10 * GB, at(9))
    keep(row, 20 * GB, at(15))
    assert [hour.hour_at for hour in hours(row)] == [at(9), at(15)]
    assert (day(row).hours, day(row).average_bytes) == (2, 15 * GB)


def test_a_day_of_an_exabyte_every_five_minutes_does_not_run_over(row):
    """The sum alone would not fit into 64 bits beyond 32 PB."""
    for number in range(288):
        keep(row, 1000 * PB + number % 12, at(0) + number * EVERY)
    found = day(row)
    assert (found.samples, found.hours, found.peak_bytes) == (288, 24, 1000 * PB + 11)
    assert found.average_bytes == 1000 * PB + 5
    assert {(hour.average_bytes, hour.rest_bytes) for hour in hours(row)} == {(1000 * PB + 5, 6)}


def test_the_day_before_is_not_touched_by_the_next(row):
    keep(row, GB, at(23, 59))
    keep(row, 9 * GB, at(0, 0, day=3))
    assert [(one.day_on, one.average_bytes) for one in UsageDay.select().order_by(UsageDay.day_on)] == [
        (date(2026, 3, 2), GB),
        (date(2026, 3, 3), 9 * GB),
    ]


def test_an_older_answer_counts_but_does_not_replace_the_newer(row):
    """Another worker's, which was long on its way."""
    keep(row, 9 * GB, at(9, 30))
    keep(row, GB, at(9, 10))
    assert (fresh(row).used_bytes, fresh(row).measured_at) == (9 * GB, at(9, 30))
    (hour,) = hours(row)
    assert (hour.samples, hour.average_bytes, hour.last_bytes, hour.measured_at) == (2, 5 * GB, 9 * GB, at(9, 30))
    assert (day(row).last_bytes, AccountUse.get(sub_account=row).measured_at) == (9 * GB, at(9, 30))


def test_answers_of_several_accounts_and_days_are_written_together(ground, row, site):
    other = ground.account("B", 100 * GB)
    work(site)
    answers = [
        Answer(row.id, measurement(GB), at(23, 59)),
        Answer(row.id, measurement(3 * GB), at(0, 1, day=3)),
        Answer(other.id, measurement(5 * GB), at(0, 1, day=3)),
    ]
    usage_keeping.keep_all(row.contract_id, answers)
    assert {(one.sub_account_id, one.day_on.day): one.average_bytes for one in UsageDay.select()} == {
        (row.id, 2): GB,
        (row.id, 3): 3 * GB,
        (other.id, 3): 5 * GB,
    }
    assert ground.contract.used_bytes == 8 * GB


def test_each_bucket_is_kept_with_its_time_and_what_is_not_told_stays_untold(row):
    told = [BucketUse("a", 10, 1, None, 5), BucketUse("b", 20, 2, None, 0)]
    usage_keeping.keep(row.id, added_up(told, exact=True), at(9))
    use = AccountUse.get(sub_account=row)
    assert (use.measured_at, use.noncurrent_bytes, use.unfinished_bytes) == (at(9), None, 5)
    assert use.buckets == [
        {"name": "a", "used_bytes": 10, "objects": 1, "noncurrent_bytes": None, "unfinished_bytes": 5},
        {"name": "b", "used_bytes": 20, "objects": 2, "noncurrent_bytes": None, "unfinished_bytes": 0},
    ]
    assert (day(row).object_count, day(row).noncurrent_bytes, day(row).unfinished_bytes) == (3, None, 5)
    usage_keeping.keep(row.id, added_up([BucketUse("b", 1, 1, 7, 0)], exact=True), at(10))
    use = AccountUse.get(sub_account=row)
    assert [bucket["name"] for bucket in use.buckets] == ["b"]
    assert (use.noncurrent_bytes, day(row).noncurrent_bytes) == (7, 7)


def test_an_account_whose_quota_is_counted_each_second_gets_its_buckets_too(ground, clock):
    site = ground.site(MemoryStorage(hard_quota="delayed", quota_delay_seconds=2))
    row = ground.account("Full", 100 * GB)
    work(site)
    site.storage.set_use(row.remote_uid, 100 * GB)
    answered_at = clock.now()
    clock.advance(seconds=1)
    enforcement.enforce_due(site)
    keep(row, 99 * GB, answered_at)
    assert (fresh(row).used_bytes, fresh(row).measured_at) == (100 * GB, clock.now())
    assert AccountUse.get(sub_account=row).measured_at == answered_at
    assert day(row).average_bytes == 99 * GB


def test_an_answer_that_comes_after_the_account_was_deleted_is_dropped(row):
    SubAccount.update(observed_state="deleted", used_bytes=0).where(SubAccount.id == row.id).execute()
    keep(row, GB, at(9))
    assert (fresh(row).used_bytes, UsageDay.select().count(), AccountUse.select().count()) == (0, 0, 0)


def test_old_hours_are_let_go_and_their_days_stay(ground, settings, row, clock):
    keep(row, GB, at(8))
    keep(row, GB, at(9))
    clock.advance(days=35)
    assert clock.now() == at(9) + timedelta(days=35)
    assert "1 hours of use whose days are kept removed" in sweep.sweep(ground.act(), settings)
    assert [hour.hour_at for hour in hours(row)] == [at(9)]
    assert day(row).hours == 2


def test_old_hours_are_let_go_a_page_at_a_time_and_no_more_than_some_pages(row, clock, monkeypatch):
    monkeypatch.setattr(usage_keeping, "TIDY_ROWS", 2)
    monkeypatch.setattr(usage_keeping, "TIDY_PAGES", 2)
    for hour in range(5):
        keep(row, GB, at(hour))
        TrafficHour.create(sub_account=row, hour_at=at(hour), received_bytes=1, sent_bytes=1, requests=1)
    clock.advance(days=35)
    turns = []

    @contextmanager
    def turn():
        with write_tx():
            left = UsageHour.select().count() + TrafficHour.select().count()
            yield
            turns.append(left - UsageHour.select().count() - TrafficHour.select().count())

    monkeypatch.setattr(usage_keeping, "write_tx", turn)
    assert usage_keeping.tidy(clock.now()) == 8
    assert turns == [2, 2, 2, 2]
    assert [hour.hour_at for hour in hours(row)] == [at(4)], "the oldest go first"
    assert [usage_keeping.tidy(clock.now()) for _ in range(2)] == [2, 0]
    assert UsageHour.select().count() == TrafficHour.select().count() == 0 and day(row).hours == 5


@pytest.mark.sqlite_only
def test_what_is_old_is_found_by_its_index(row, engine):
    for table in (UsageHour, TrafficHour):
        query = table.select(table.id).where(table.hour_at < at(9)).order_by(table.hour_at).limit(2)
        sql, values = query.sql()
        plan = " ".join(line[3] for line in table._meta.database.execute_sql(f"EXPLAIN QUERY PLAN {sql}", values))
        assert "hour_at_idx" in plan and "TEMP B-TREE" not in plan


def test_two_workers_ask_for_each_account_once(ground, site, row):
    other = ground.site(owner="worker-2")
    for _ in range(3):
        assert measure_due(site, EVERY) + measure_due(other, EVERY) == 1
        ground.clock.advance(minutes=5)
    assert len(site.storage.called("measure")) == 3
    assert hours(row)[0].samples == 3


def test_the_board_s_total_follows_and_a_package_counts_its_own(ground, row):
    keep(row, TB, at(9))
    assert (ground.contract.used_bytes, ground.contract.measured_at) == (TB, at(9))
