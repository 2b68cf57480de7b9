"""Used capacity: the figure with its time, the day with its allocation, gaps that stay gaps."""

import contextlib
import threading
from datetime import UTC, date, datetime, timedelta

import pytest

from models.base import database
from models.contract import Contract
from models.sub_account import Region, SubAccount
from models.usage import UsageDay
from services import enforcement, usage, usage_asking, usage_keeping
from services.storage.contract import StorageRefused
from services.storage.memory import MemoryStorage
from services.usage import measure_due
from tests.services.ground import GB, TB, converge, fresh, work

EVERY = timedelta(minutes=5)


@pytest.fixture
def batch(monkeypatch) -> int:
    """A small batch, so that a test needs few sub-accounts to fill it."""
    monkeypatch.setattr(usage, "BATCH", 4)
    return 4


@pytest.fixture
def accounts(ground, site):
    """`accounts(3)`: so many sub-accounts of 1 TB, set up."""

    def make(number: int) -> list[SubAccount]:
        made = [ground.account(f"A{index:02}", 100 * GB) for index in range(number)]
        work(site)
        return made

    return make


def measured(site, row: SubAccount, used_bytes: int, objects: int = 1) -> None:
    site.storage.set_use(row.remote_uid, used_bytes, objects)
    site.clock.advance(minutes=5)
    measure_due(site, EVERY)


def days(row: SubAccount) -> list[UsageDay]:
    return list(UsageDay.select().where(UsageDay.sub_account == row).order_by(UsageDay.day_on))


def test_a_measurement_is_kept_with_its_time(ground, site, accounts, clock):
    (row,) = accounts(1)
    assert fresh(row).measured_at is None
    site.storage.set_use(row.remote_uid, 7 * GB + 1, 12)
    assert measure_due(site, EVERY) == 1
    row = fresh(row)
    assert (row.used_bytes, row.object_count, row.measured_at) == (7 * GB + 1, 12, clock.now())
    contract = ground.contract
    assert (contract.used_bytes, contract.measured_at) == (7 * GB + 1, clock.now())


def test_the_day_keeps_average_peak_last_and_that_days_allocation(ground, site, accounts, clock):
    (row,) = accounts(1)
    for used_bytes in (10 * GB, 40 * GB, 21 * GB + 1):
        measured(site, row, used_bytes)
    ground.move((row, 300 * GB))
    measured(site, row, 20 * GB)
    (day,) = days(row)
    assert day.day_on == clock.now().date()
    assert (day.samples, day.hours, day.average_bytes) == (4, 1, (91 * GB + 1) // 4)
    assert (day.peak_bytes, day.last_bytes, day.allocated_bytes) == (40 * GB, 20 * GB, 300 * GB)
    assert day.measured_at == clock.now()


def test_the_day_ends_at_midnight_in_utc(ground, site, accounts, clock):
    (row,) = accounts(1)
    until_midnight = datetime(2026, 3, 3, tzinfo=UTC) - clock.now()
    clock.advance(seconds=until_midnight.total_seconds() - 600)
    measured(site, row, GB)
    clock.advance(seconds=299.999999)
    site.storage.set_use(row.remote_uid, 2 * GB)
    usage_keeping.keep(row.id, site.storage.measure(row.remote_uid), clock.now())
    assert len(days(row)) == 1
    clock.advance(seconds=0.000001)
    measure_due(site, EVERY)
    first, second = days(row)
    assert (first.day_on, first.samples, first.last_bytes) == (date(2026, 3, 2), 2, 2 * GB)
    assert (second.day_on, second.samples, second.peak_bytes) == (date(2026, 3, 3), 1, 2 * GB)


def test_nobody_is_asked_for_before_his_figure_is_old(site, accounts, clock):
    accounts(2)
    assert measure_due(site, EVERY) == 2
    clock.advance(minutes=4, seconds=59)
    assert measure_due(site, EVERY) == 0
    clock.advance(seconds=1)
    assert measure_due(site, EVERY) == 2


def test_while_the_service_fails_figures_and_times_stay_and_the_day_has_a_gap(ground, site, accounts, clock):
    (row,) = accounts(1)
    measured(site, row, 10 * GB)
    known_at = clock.now()
    site.storage.fail("measure", times=12)
    for _ in range(12):
        measured(site, row, 90 * GB)
    assert (fresh(row).used_bytes, fresh(row).measured_at) == (10 * GB, known_at)
    assert [(day.samples, day.peak_bytes) for day in days(row)] == [(1, 10 * GB)]
    assert ground.contract.measured_at == known_at
    site.storage.recover()
    measured(site, row, 20 * GB)
    assert [(day.samples, day.average_bytes) for day in days(row)] == [(2, 15 * GB)]


def test_a_day_without_any_measurement_has_no_row(site, accounts, clock):
    (row,) = accounts(1)
    measured(site, row, GB)
    clock.advance(days=2)
    measure_due(site, EVERY)
    assert [day.day_on for day in days(row)] == [date(2026, 3, 2), date(2026, 3, 4)]


def test_batches_begin_with_the_oldest_figure(site, accounts, clock, batch):
    rows = accounts(batch + 2)
    assert measure_due(site, EVERY) == batch
    clock.advance(seconds=1)
    assert measure_due(site, EVERY) == 2
    clock.advance(minutes=10)
    site.storage.calls.clear()
    assert measure_due(site, EVERY) == batch
    asked = [call.arguments[0] for call in site.storage.called("measure")]
    assert sorted(asked) == sorted(row.remote_uid for row in rows[:batch])
    clock.advance(seconds=1)
    measure_due(site, EVERY)
    later = [call.arguments[0] for call in site.storage.called("measure")][batch:]
    assert sorted(later) == sorted(row.remote_uid for row in rows[batch:])


def test_sub_accounts_that_cannot_be_measured_do_not_stand_in_the_way(ground, site, accounts, clock, batch):
    """More of them than a batch holds: gone on the service, or refused for good."""
    rows = accounts(batch + 1)
    for row in rows[: batch - 1]:
        site.storage.purge(row.remote_uid)
    site.storage.fail("measure", error=StorageRefused("no right to look"))
    asked = 0
    for _ in range(3):
        asked += measure_due(site, EVERY)
        clock.advance(seconds=1)
    assert asked == batch + 1
    assert fresh(rows[-1]).measured_at is not None
    assert site.region.failures == 0
    clock.advance(minutes=5)
    assert measure_due(site, EVERY) == batch
    ground.sites.clear()  # accounts were taken away by hand: what is promised of settled ones does not hold here


def test_one_slow_account_does_not_open_the_circuit_breaker(site, accounts, clock):
    accounts(6)
    for _ in range(10):
        site.storage.fail("measure")
        measure_due(site, EVERY)
        clock.advance(minutes=6)
    assert site.region.failures == 0
    assert Region.get_by_id(site.region.id).failing_since_at is None


def test_a_service_that_is_away_is_left_alone_after_some_tries(site, accounts, clock):
    """Five failures open the breaker; what is in flight then comes to its end."""
    rows = accounts(12)
    site.storage.fail("measure", times=100)
    asked = measure_due(site, EVERY)
    assert 5 <= asked < 5 + usage_asking.AT_ONCE
    assert measure_due(site, EVERY) == 0
    site.storage.recover()
    clock.advance(seconds=30)
    assert measure_due(site, EVERY) == len(rows) - asked
    assert site.region.failures == 0


def test_a_sub_account_that_is_not_set_up_yet_is_not_measured(ground, site):
    ground.account("A", TB)
    assert measure_due(site, EVERY) == 0
    assert site.storage.calls == []
    work(site)


def test_deleted_sub_accounts_are_not_asked_for(ground, site, accounts):
    (row,) = accounts(1)
    SubAccount.update(observed_state="deleted").where(SubAccount.id == row.id).execute()
    assert measure_due(site, EVERY) == 0


def test_counting_for_the_quota_does_not_keep_an_account_out_of_the_history(ground, clock):
    """The fullest accounts are counted each second; their days are what is billed."""
    site = ground.site(MemoryStorage(hard_quota="delayed", quota_delay_seconds=2))
    row = ground.account("Full", 100 * GB)
    work(site)
    site.storage.set_use(row.remote_uid, 100 * GB)
    for _ in range(20):
        clock.advance(minutes=1)
        enforcement.enforce_due(site)
        measure_due(site, EVERY)
    assert days(row)[0].samples == 4
    assert days(row)[0].average_bytes == 100 * GB


def test_a_contract_shows_the_sum_of_its_sub_accounts_and_the_oldest_of_their_times(ground, site, accounts, clock):
    first, second = accounts(2)
    theirs = ground.account("C", TB, person=ground.cast.charlie, contract=ground.cast.other_contract)
    work(site)
    for row, used_bytes in ((first, GB), (second, 2 * GB), (theirs, 50 * GB)):
        site.storage.set_use(row.remote_uid, used_bytes)
    measure_due(site, EVERY)
    before = clock.now()
    clock.advance(minutes=3)
    usage_keeping.keep(second.id, site.storage.measure(second.remote_uid), clock.now())
    usage_keeping.sum_up(ground.contract.id)
    assert (ground.contract.used_bytes, ground.contract.measured_at) == (3 * GB, before)
    assert Contract.get_by_id(ground.cast.other_contract.id).used_bytes == 50 * GB


def test_pay_per_use_is_not_counted_into_a_package(ground, site, accounts):
    first, second = accounts(2)
    work(site)
    for row, used_bytes in ((first, GB), (second, 2 * GB)):
        site.storage.set_use(row.remote_uid, used_bytes)
    SubAccount.update(billing="pay_per_use", allocated_bytes=0).where(SubAccount.id == second.id).execute()
    measure_due(site, EVERY)
    assert ground.contract.used_bytes == GB
    SubAccount.update(billing="reserved", allocated_bytes=second.allocated_bytes).where(
        SubAccount.id == second.id
    ).execute()


def test_a_contract_without_measurements_shows_none(ground):
    usage_keeping.sum_up(ground.contract.id)
    assert (ground.contract.used_bytes, ground.contract.measured_at) == (0, None)


def test_measuring_and_changing_one_sub_account_at_once_loses_neither(ground, site, accounts):
    (row,) = accounts(1)
    stale = fresh(row)
    ground.move((row, 200 * GB))
    usage_keeping.keep(stale.id, site.storage.measure(row.remote_uid), site.clock.now())
    assert fresh(row).allocated_bytes == 200 * GB
    converge(site)


def test_of_two_that_sum_up_at_once_the_older_sum_is_not_written_last(ground, site, accounts, monkeypatch):
    """The loop that measures and the one that holds quotas both do it."""
    (row,) = accounts(1)
    SubAccount.update(used_bytes=GB, measured_at=ground.clock.now()).execute()
    begin, first, go = usage_keeping.write_tx, threading.Event(), threading.Event()

    @contextlib.contextmanager
    def slow():
        if threading.current_thread().name == "old":
            first.set()
            assert go.wait(30)
        with begin():
            yield

    def old() -> None:
        with database.connection_context():
            usage_keeping.sum_up(row.contract_id)

    monkeypatch.setattr(usage_keeping, "write_tx", slow)
    thread = threading.Thread(target=old, name="old")
    thread.start()
    assert first.wait(30)
    SubAccount.update(used_bytes=90 * GB).execute()
    usage_keeping.sum_up(row.contract_id)
    go.set()
    thread.join(30)
    assert ground.contract.used_bytes == 90 * GB
