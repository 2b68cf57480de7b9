"""Calls that fail, answers that are lost, an hour without the service: what was wanted comes, late."""

from datetime import timedelta

import pytest

from models.sub_account import Region, SubAccount
from services import regions
from services.provisioning import ATTENTION_RETRY, provision_next
from services.storage.contract import StorageUnavailable
from services.storage.memory import MemoryStorage
from tests.services.ground import GB, KEY_IMPORT, TB, WatchedStorage, converge, fresh, moved, trail, work


@KEY_IMPORT
@pytest.mark.parametrize(
    "operation", ["read_account", "put_account", "put_quota", "put_bucket", "put_key", "new_key", "delete_key", "*"]
)
def test_a_lost_answer_at_any_call_ends_with_one_account_and_one_key(ground, key_import, operation):
    storage = WatchedStorage(key_import=key_import)
    site = ground.site(storage)
    b = ground.account("B", 4 * TB)
    for row_change in (None, (b, 2 * TB), (b, 6 * TB)):
        if row_change:
            ground.move(row_change)
        storage.drop_answer(operation, times=2)
        converge(site)
        storage.recover()
    assert list(storage._state) == [b.remote_uid]
    assert len(storage.read_account(b.remote_uid).keys) == 1
    assert storage.most_bytes <= 10 * TB


@pytest.mark.parametrize("times", [1, 3])
def test_a_lost_answer_while_capacity_moves_never_exceeds_the_package(ground, site, times):
    a, b = moved(ground)
    site.storage.drop_answer("put_quota", times=times)
    converge(site)
    assert (fresh(a).in_force_bytes, fresh(b).in_force_bytes) == (3 * TB, 7 * TB)
    assert site.storage.most_bytes == 10 * TB


def test_an_old_read_does_not_pass_for_the_last_change(ground, site):
    row = ground.account("A", TB)
    work(site)
    ground.move((row, 2 * TB))
    work(site)
    ground.move((row, 3 * TB))
    site.storage.answer_old(times=0)  # keeps this moment: 2 TB
    work(site)
    ground.move((row, 2 * TB))
    site.storage._faults.old_answers = 1
    work(site)
    assert site.storage._state[row.remote_uid].quota_bytes == 2 * TB


def test_the_service_is_away_for_an_hour_and_everything_converges_after(ground, site):
    a, b = moved(ground)
    site.storage.fail("*", times=10_000)
    ends_at = ground.clock.now() + timedelta(hours=1)
    c = ground.account("C", 0)
    while ground.clock.now() < ends_at:
        work(site)
        assert (fresh(a).in_force_bytes, fresh(b).in_force_bytes) == (6 * TB, 4 * TB)
        assert (fresh(a).allocated_bytes, fresh(b).allocated_bytes) == (3 * TB, 7 * TB)
        ground.clock.advance(minutes=1)
    assert {fresh(row).phase for row in (a, b, c)} == {"attention"}
    assert len(trail("sub_account.stuck")) == 3
    assert len(site.storage.calls) < 150
    site.storage.recover()
    converge(site)
    assert fresh(c).phase == "ready"
    assert (fresh(a).in_force_bytes, fresh(b).in_force_bytes) == (3 * TB, 7 * TB)
    assert ground.clock.now() - ends_at <= ATTENTION_RETRY
    assert site.storage.most_bytes == 10 * TB


def test_when_the_service_answers_again_nobody_waits_out_his_hour(ground, site):
    rows = [ground.account(f"A{number}", TB) for number in range(6)]
    site.storage.fail("*", times=10_000)
    for _ in range(40):
        work(site)
        ground.clock.advance(seconds=31)
    assert {fresh(row).phase for row in rows} == {"attention"}
    site.storage.recover()
    back_at = min(fresh(row).next_attempt_at for row in rows)
    ground.clock.advance(seconds=max(0, (back_at - ground.clock.now()).total_seconds()))
    work(site)
    assert {fresh(row).phase for row in rows} == {"ready"}


def test_delays_double_up_to_five_minutes_and_honour_what_the_service_asks_for(ground, site):
    row = ground.account("A", TB)
    SubAccount.update(deadline_at=None).where(SubAccount.id == row.id).execute()
    seen = []
    for _ in range(10):
        site.storage.fail("read_account")
        site.region.retry_at = None
        provision_next(site)
        seen.append((fresh(row).next_attempt_at - ground.clock.now()).total_seconds())
        ground.clock.advance(seconds=seen[-1])
    assert seen == [4, 8, 16, 32, 64, 128, 256, 300, 300, 300]
    site.storage.fail("read_account", error=StorageUnavailable("busy", retry_after_seconds=77))
    site.region.retry_at = None
    provision_next(site)
    assert fresh(row).next_attempt_at == ground.clock.now() + timedelta(seconds=77)
    assert (fresh(row).reason_code, fresh(row).last_error) == ("unavailable", "busy")


def test_the_delay_is_spread_by_chance(ground, site):
    row, asked = ground.account("A", TB), []
    site.jitter = lambda least, most: asked.append((least, most)) or 1.5
    site.storage.fail("read_account")
    provision_next(site)
    assert asked == [(0, 4)]
    assert fresh(row).next_attempt_at == ground.clock.now() + timedelta(seconds=1.5)


def test_after_five_failures_the_service_is_left_alone_and_probed_after_thirty_seconds(ground, site):
    for number in range(8):
        ground.account(f"A{number}", TB)
    site.storage.fail("*", times=1000)
    assert work(site) == 5
    region = Region.get_by_id(site.region.id)
    assert (region.failures, region.failing_since_at) == (5, ground.clock.now())
    assert region.retry_at == ground.clock.now() + timedelta(seconds=30)
    ground.clock.advance(seconds=29)
    assert work(site) == 0
    ground.clock.advance(seconds=1)
    assert work(site) == 1
    assert Region.get_by_id(region.id).retry_at == ground.clock.now() + timedelta(seconds=30)
    site.storage.recover()
    ground.clock.advance(seconds=30)
    work(site)
    region = Region.get_by_id(region.id)
    assert (region.failures, region.failing_since_at, region.retry_at) == (0, None, None)
    assert region.last_ok_at == ground.clock.now()


def test_failures_count_only_when_they_follow_each_other(ground, site):
    row = ground.account("A", TB)
    for _ in range(3):
        site.storage.fail("read_account", times=4)
        while site.storage._faults.failures["read_account"]:
            provision_next(site)
            ground.clock.advance(minutes=1)
        assert site.region.failures == 4
        work(site)
        assert (site.region.failures, site.region.retry_at) == (0, None)
        ground.move((row, fresh(row).allocated_bytes + GB))
    work(site)


def test_a_worker_that_starts_anew_remembers_that_the_service_rests(ground, site):
    for number in range(6):
        ground.account(f"A{number}", TB)
    site.storage.fail("*", times=5)
    work(site)
    successor = ground.site(site.storage, owner="worker-2")
    assert regions.resting(successor.region, ground.clock.now())
    assert not provision_next(successor)
    ground.clock.advance(minutes=20)
    converge(successor)


def test_describing_a_region_brings_its_row_to_what_the_storage_says(db, clock):
    storage = MemoryStorage(hard_quota="delayed", quota_delay_seconds=3, endpoint="https://s3.example.com")
    first = regions.describe("north", storage)
    regions.note_failure(first, clock.now(), "x" * 900)
    again = regions.describe("north", MemoryStorage())
    assert again.id == first.id
    assert (first.hard_quota, first.quota_delay_seconds, first.endpoint) == ("delayed", 3, "https://s3.example.com")
    assert (again.hard_quota, again.quota_delay_seconds) == ("immediate", None)
    assert (again.failures, len(again.last_error)) == (1, 500)
