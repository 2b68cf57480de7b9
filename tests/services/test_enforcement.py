"""Quotas that the worker holds: who is counted when, and what is kept of it."""

from datetime import UTC, datetime, timedelta

import pytest

from models.audit import AuditEvent
from models.sub_account import AccessKey, Region, SubAccount
from services import enforcement
from services.enforcement import LONGEST, REFUSED, SHORTEST, enforce_due, next_round
from services.storage.contract import Enforcement, StorageRefused
from services.storage.memory import CustomerRefused, MemoryStorage
from tests.services.ground import GB, TB, Interrupted, fresh, trail, work

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DELAYED = {"hard_quota": "delayed", "quota_delay_seconds": 2}


@pytest.fixture
def guard(ground):
    return ground.site(MemoryStorage(**DELAYED))


@pytest.fixture
def row(ground, guard) -> SubAccount:
    """A sub-account of 100 GB, set up and counted once."""
    made = ground.account("A", 100 * GB)
    work(guard)
    enforce_due(guard)
    return made


@pytest.mark.parametrize(
    ("quota_bytes", "used_bytes", "seconds"),
    [
        (100 * GB, 100 * GB, 1),
        (100 * GB, 200 * GB, 1),
        (100 * GB, 99 * GB, 1),
        (100 * GB, 98 * GB, 2),
        (100 * GB, 40 * GB, 60),
        (100 * GB, 40 * GB + 1, 59),
        (100 * GB, None, 100),
        (10 * TB, 0, 300),
        (0, 0, 1),
    ],
)
def test_an_account_is_counted_before_it_can_be_full(quota_bytes, used_bytes, seconds):
    assert next_round(Enforcement(used_bytes, quota_bytes, True), NOW) == NOW + timedelta(seconds=seconds)


def test_without_a_hard_quota_nobody_is_counted():
    assert next_round(Enforcement(5, None, True), NOW) is None


@pytest.mark.parametrize("hard_quota", ["immediate", "none"])
def test_where_the_service_holds_quotas_itself_nothing_is_done(ground, hard_quota):
    site = ground.site(MemoryStorage(hard_quota=hard_quota))
    ground.account("A", TB)
    work(site)
    assert enforce_due(site) == 0
    assert site.storage.called("enforce") == []


def test_a_new_sub_account_is_counted_at_once(ground, guard, clock):
    row = ground.account("A", 100 * GB)
    work(guard)
    assert fresh(row).enforce_next_at == clock.now()
    assert enforce_due(guard) == 1
    seen = fresh(row)
    assert (seen.enforced_at, seen.enforce_next_at) == (clock.now(), clock.now() + timedelta(seconds=100))
    assert (seen.writable, seen.used_bytes, seen.measured_at) == (True, 0, clock.now())


def test_writing_is_switched_off_and_on_and_each_switch_is_recorded_once(guard, row, clock):
    guard.storage.set_use(row.remote_uid, 100 * GB)
    for _ in range(5):
        clock.advance(seconds=100)
        enforce_due(guard)
    assert not fresh(row).writable
    guard.storage.set_use(row.remote_uid, 50 * GB)
    for _ in range(5):
        clock.advance(seconds=50)
        enforce_due(guard)
    assert fresh(row).writable
    assert [event.after for event in trail("sub_account.writing_switched")] == [
        {"writable": False, "used_bytes": 100 * GB, "quota_bytes": 100 * GB},
        {"writable": True, "used_bytes": 50 * GB, "quota_bytes": 100 * GB},
    ]


def test_a_full_account_is_refused_and_lets_itself_be_emptied(ground, guard, row, clock):
    key = AccessKey.get(sub_account=row)
    secret = guard.vault.open(key.retained_ct)
    guard.storage.store(key.access_key_id, secret, row.main_bucket, "one", 101 * GB)
    clock.advance(seconds=100)
    enforce_due(guard)
    with pytest.raises(CustomerRefused):
        guard.storage.store(key.access_key_id, secret, row.main_bucket, "two", 1)
    assert fresh(row).used_bytes == 101 * GB


def test_a_raised_quota_acts_at_the_next_round(ground, guard, row, clock):
    guard.storage.set_use(row.remote_uid, 100 * GB)
    clock.advance(seconds=100)
    enforce_due(guard)
    assert not fresh(row).writable
    ground.move((row, 200 * GB))
    work(guard)
    enforce_due(guard)
    assert fresh(row).writable


def test_a_lowered_quota_acts_at_the_next_round(ground, guard, row):
    guard.storage.set_use(row.remote_uid, 60 * GB)
    ground.move((row, 50 * GB))
    work(guard)
    enforce_due(guard)
    assert not fresh(row).writable


def test_a_quota_that_is_lowered_while_it_is_counted_is_counted_again_at_once(ground, clock):
    """Otherwise the account would be written to for minutes, because the old count said that there was room."""
    storage = Interrupted(**DELAYED)
    site = ground.site(storage)
    row = ground.account("A", 9 * TB)
    work(site)
    storage.set_use(row.remote_uid, 60 * GB)

    def lowered() -> None:
        clock.advance(seconds=0.2)
        ground.move((row, 50 * GB))
        work(site)

    storage.during("enforce", "after", lowered)
    enforce_due(site)
    assert fresh(row).enforce_next_at == clock.now()
    enforce_due(site)
    assert not fresh(row).writable


def test_a_full_account_comes_round_each_second_and_an_empty_one_does_not(ground, guard, clock):
    full, empty = ground.account("Full", GB), ground.account("Empty", 9 * TB)
    work(guard)
    guard.storage.set_use(full.remote_uid, GB)
    for _ in range(10):
        enforce_due(guard)
        clock.advance(seconds=1)
    counted = [call.arguments[0] for call in guard.storage.called("enforce")]
    assert (counted.count(full.remote_uid), counted.count(empty.remote_uid)) == (10, 1)


def test_the_contract_total_follows_what_was_counted(ground, guard, row, clock):
    guard.storage.set_use(row.remote_uid, 77 * GB)
    clock.advance(seconds=100)
    enforce_due(guard)
    assert (ground.contract.used_bytes, ground.contract.measured_at) == (77 * GB, clock.now())


def test_the_region_says_when_the_loop_last_went_round(guard, row, clock):
    for _ in range(12):
        clock.advance(seconds=1)
        enforce_due(guard)
    assert clock.now() - Region.get_by_id(guard.region.id).enforced_at < timedelta(seconds=5)


def test_an_account_that_fails_does_not_keep_the_others_from_being_counted(ground, guard, clock):
    rows = [ground.account(f"A{number}", GB) for number in range(3)]
    work(guard)
    guard.storage.fail("enforce")
    enforce_due(guard)
    assert [fresh(row).enforced_at is None for row in rows] == [True, False, False]
    assert fresh(rows[0]).enforce_next_at == clock.now() + SHORTEST
    assert guard.region.failures == 0
    clock.advance(seconds=1)
    enforce_due(guard)
    assert fresh(rows[0]).enforced_at == clock.now()


def test_an_account_that_is_refused_for_good_is_tried_twice_a_minute(ground, guard, clock):
    rows = [ground.account(f"A{number}", GB) for number in range(2)]
    work(guard)
    guard.storage.fail("enforce", error=StorageRefused("no such policy"))
    assert enforce_due(guard) == 1
    assert fresh(rows[0]).enforce_next_at == clock.now() + REFUSED
    assert guard.region.failures == 0


def test_an_account_that_is_gone_is_asked_for_rarely(ground, guard, row, clock):
    guard.storage.purge(row.remote_uid)
    clock.advance(seconds=100)
    assert enforce_due(guard) == 0
    assert fresh(row).enforce_next_at == clock.now() + LONGEST
    ground.sites.clear()  # taken away by hand


def test_when_the_service_is_away_the_loop_rests_and_its_age_shows(ground, guard, clock):
    for number in range(8):
        ground.account(f"A{number}", GB)
    work(guard)
    enforce_due(guard)
    ran_at = Region.get_by_id(guard.region.id).enforced_at
    clock.advance(seconds=10)
    guard.storage.fail("enforce", times=100)
    enforce_due(guard)
    assert len(guard.storage.called("enforce")) == 8 + 5
    assert enforce_due(guard) == 0
    assert Region.get_by_id(guard.region.id).enforced_at == ran_at
    guard.storage.recover()
    clock.advance(seconds=30)
    assert enforce_due(guard) == 8


def test_no_more_than_a_batch_is_counted_in_one_round(ground, guard, monkeypatch):
    monkeypatch.setattr(enforcement, "BATCH", 2)
    for number in range(3):
        ground.account(f"A{number}", GB)
    work(guard)
    assert enforce_due(guard) == 2
    assert enforce_due(guard) == 1
    assert AuditEvent.select().where(AuditEvent.action == "sub_account.writing_switched").count() == 0
