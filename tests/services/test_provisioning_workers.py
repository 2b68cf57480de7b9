"""Several workers, frozen workers, and members who change their mind while a call is under way."""

import pytest

from models.sub_account import AccessKey, SubAccount
from services import leases, promises
from services.allocation_ledger import APPLY_WITHIN
from services.provisioning import provision_next
from tests.services.ground import GB, TB, Interrupted, converge, fresh, trail, work


def test_a_leased_row_is_left_to_its_worker_until_the_lease_ends(ground, site):
    row = ground.account("A", TB)
    assert leases.take(site).id == row.id
    other = ground.site(site.storage, owner="worker-2")
    assert not provision_next(other)
    ground.clock.advance(seconds=120)
    assert not provision_next(other)
    ground.clock.advance(seconds=0.001)
    assert provision_next(other)
    converge(other)


def test_two_workers_in_turns_end_as_one_would(ground, site):
    rows = [ground.account(f"A{number}", TB) for number in range(4)]
    other = ground.site(site.storage, owner="worker-2")
    while provision_next(site) | provision_next(other):
        pass
    ground.move(*((row, (number + 1) * TB) for number, row in enumerate(rows)))
    while provision_next(site) | provision_next(other):
        ground.clock.advance(seconds=1)
    assert [fresh(row).in_force_bytes for row in rows] == [TB, 2 * TB, 3 * TB, 4 * TB]
    assert site.storage.most_bytes == 10 * TB


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("operation", ["read_account", "put_account", "put_bucket", "put_key"])
def test_a_wish_that_changes_during_any_call_of_the_setting_up_is_followed(ground, operation, when):
    storage = Interrupted()
    site = ground.site(storage)
    row = ground.account("A", TB)
    storage.during(operation, when, lambda: ground.move((row, 5 * TB)))
    work(site)
    assert storage.meanwhile == {}
    assert (fresh(row).phase, fresh(row).in_force_bytes, fresh(row).generation) == ("ready", 5 * TB, 2)
    assert fresh(row).observed_generation == 2


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("operation", ["read_account", "put_quota"])
@pytest.mark.parametrize("terabytes", [(3, 1), (3, 5), (1, 3), (1, 2)])
def test_a_wish_that_changes_while_a_change_is_applied_is_followed(ground, operation, when, terabytes):
    storage = Interrupted()
    site = ground.site(storage)
    row = ground.account("A", 2 * TB)
    work(site)
    first, second = terabytes
    ground.move((row, first * TB))
    storage.during(operation, when, lambda: ground.move((row, second * TB)))
    work(site)
    assert storage.meanwhile == {}
    assert (fresh(row).phase, fresh(row).in_force_bytes) == ("ready", second * TB)
    assert storage._state[row.remote_uid].quota_bytes == second * TB


def test_an_observation_of_an_old_wish_is_not_noted(ground):
    """Compare and set: the row must not look settled, or in force, at what was wanted before."""
    storage = Interrupted()
    site = ground.site(storage)
    row = ground.account("A", 2 * TB)
    work(site)
    ground.move((row, 3 * TB))
    storage.during("put_quota", "after", lambda: ground.move((row, 5 * TB)))
    provision_next(site)
    seen = fresh(row)
    assert (seen.phase, seen.in_force_bytes, seen.observed_generation) == ("updating", 2 * TB, 1)
    assert (seen.lease_owner, seen.lease_until_at, seen.next_attempt_at) == ("", None, ground.clock.now())
    work(site)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    ("key_import", "operation"),
    [(True, name) for name in ("read_account", "put_account", "put_quota", "put_bucket", "put_key")]
    + [(False, "read_account"), (False, "new_key")],
)
def test_a_frozen_worker_that_wakes_up_does_not_undo_what_its_successor_did(ground, key_import, operation, when):
    """It stood still for longer than its lease, in the middle of any call; the wish changed and was applied."""
    storage = Interrupted(key_import=key_import)
    frozen, successor = ground.site(storage, "frozen"), ground.site(storage, "successor")
    row, other = ground.account("A", 2 * TB), ground.account("B", TB)

    def two_minutes():
        ground.clock.advance(seconds=121)
        ground.move((row, GB), (other, 9 * TB))
        converge(successor)

    if operation == "put_quota":
        work(frozen)
        ground.move((row, 5 * TB))
    storage.during(operation, when, two_minutes)
    for _ in range(20):
        provision_next(frozen)
    converge(frozen)
    assert fresh(row).in_force_bytes == GB
    keys = storage._state[row.remote_uid].keys
    assert list(keys) == [AccessKey.get(sub_account=row).access_key_id]
    assert len(trail("access_key.made")) == 2
    if (operation, when) == ("read_account", "after"):
        assert storage._state[row.remote_uid].quota_bytes == GB
        assert storage.most_bytes <= 10 * TB


def test_what_a_late_call_may_have_undone_is_looked_at_again_within_its_time(ground):
    storage = Interrupted()
    frozen, successor = ground.site(storage, "frozen"), ground.site(storage, "successor")
    row = ground.account("A", 2 * TB)
    work(frozen)
    ground.move((row, 5 * TB))

    def two_minutes() -> None:
        ground.clock.advance(seconds=121)
        converge(successor)
        assert fresh(row).deadline_at is None

    storage.during("put_quota", "after", two_minutes)
    provision_next(frozen)
    assert not fresh(row).settled
    assert list(promises.check(ground.clock.now())) == []
    assert fresh(row).deadline_at == ground.clock.now() + APPLY_WITHIN
    converge(successor)
    assert fresh(row).deadline_at is None


@pytest.mark.parametrize("wish", ["less", "more", "suspended"])
def test_a_frozen_worker_makes_no_call_by_what_it_read_before(ground, wish):
    """Not even for a moment: a quota of yesterday would refuse a customer, a lifted suspension would let one in."""
    storage = Interrupted()
    frozen, successor = ground.site(storage, "frozen"), ground.site(storage, "successor")
    row = ground.account("A", 5 * TB)
    work(frozen)
    if wish == "suspended":
        SubAccount.update(wanted_state="suspended", generation=SubAccount.generation + 1).where(
            SubAccount.id == row.id
        ).execute()
    else:
        ground.move((row, 2 * TB if wish == "less" else 9 * TB))

    def two_minutes() -> None:
        ground.clock.advance(seconds=121)
        SubAccount.update(wanted_state="active", generation=SubAccount.generation + 1).where(
            SubAccount.id == row.id
        ).execute()
        if wish != "suspended":
            ground.move((row, 4 * TB))
        converge(successor)
        storage.calls.clear()

    storage.during("read_account", "after", two_minutes)
    provision_next(frozen)
    assert [call.operation for call in storage.calls] == []
    assert fresh(row).settled
