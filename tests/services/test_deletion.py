"""A deletion that has begun: page after page, what holds it up, and what is left in the end."""

from datetime import timedelta

import pytest

from models.contract import AllocationEntry
from models.drift import Drift
from models.sub_account import AccessKey, HandOver, SubAccount
from models.usage import AccountUse
from services import deletion_guard, drift, enforcement, hand_over, promises, promises_there, regions, usage_keeping
from services.allocation import AllocationRefused
from services.provisioning import provision_next
from services.storage.contract import Measured, StorageRefused
from tests.services.deletions import asked, begun, delete, deletion_of, store
from tests.services.ground import GB, TB, Interrupted, fresh, trail, work


@pytest.fixture
def row(ground, site) -> SubAccount:
    row = ground.account("A", 2 * TB)
    work(site)
    return row


def progress(row) -> tuple:
    deletion = deletion_of(row)
    return deletion.cursor is not None, deletion.removed_objects, deletion.removed_bytes // GB


def test_each_page_is_saved_before_the_next(ground, site, row):
    store(site, row, 25)
    site.storage.page_objects = 10
    begun(ground, site, row)
    seen = []
    while provision_next(site) and fresh(row).phase == "deleting":
        seen.append(progress(row))
    assert seen == [(True, 10, 10), (True, 20, 20), (False, 25, 25)]
    assert fresh(row).phase == "deleted"
    assert [call.arguments[1] for call in site.storage.called("purge")] == [None, "more", "more"]


def test_the_end_gives_everything_back_and_leaves_the_proof(ground, site, row):
    store(site, row, 3)
    key = AccessKey.get(AccessKey.sub_account == row)
    hand_over.create(ground.act(), ground.settings, row.partner, row.number, key.id)
    asked(ground, site, row)
    ground.clock.advance(days=1)
    usage_keeping.keep(row.id, Measured(3 * GB, 3, (), None, None, False), ground.clock.now())
    ground.clock.advance(days=29)
    assert deletion_guard.begin_due(site, ground.settings) == 1
    began = fresh(row)
    assert (began.wanted_state, began.delete_after_at) == ("deleted", None)
    assert AccessKey.get_by_id(key.id).retained_ct is None
    assert HandOver.get().withdrawn_at == ground.clock.now()
    assert ground.contract.allocated_bytes == 2 * TB  # until it is gone
    ground.clock.advance(minutes=1)
    work(site)
    gone = fresh(row)
    assert (gone.phase, gone.observed_state, gone.settled) == ("deleted", "deleted", True)
    assert (gone.allocated_bytes, gone.observed_quota_bytes, gone.used_bytes) == (0, None, 0)
    assert ground.contract.allocated_bytes == 0
    last = AllocationEntry.select().where(AllocationEntry.sub_account_id == row.id).order_by(AllocationEntry.id)[-1]
    assert (last.cause, last.before_bytes, last.after_bytes) == ("closed", 2 * TB, 0)
    key = AccessKey.get_by_id(key.id)
    assert (key.wanted, key.phase) == ("deleted", "deleted")
    (event,) = trail("sub_account.deleted")
    proof = event.after
    assert (proof["remote_uid"], proof["verified"]) == (row.remote_uid, "NoSuchUser")
    assert (proof["found_bytes"], proof["removed_bytes"], proof["removed_objects"]) == (3 * GB, 3 * GB, 3)
    assert proof["asked_by"] == "Alice Adler"
    assert site.storage.read_account(row.remote_uid) is None
    assert list(promises.check(ground.clock.now())) == []
    assert list(promises_there.check_there(site.region, site.storage)) == []


def test_what_waits_for_capacity_gets_what_became_free(ground, site, row):
    """At once, even if it would be tried again in an hour only."""
    began = begun(ground, site, row)
    other = ground.account("B", 8 * TB)
    SubAccount.update(next_attempt_at=ground.clock.now() + timedelta(days=1)).where(SubAccount.id == row.id).execute()
    work(site)
    with pytest.raises(AllocationRefused):
        ground.move((other, 10 * TB))  # what is being deleted still holds its part
    SubAccount.update(next_attempt_at=began.next_attempt_at).where(SubAccount.id == row.id).execute()
    waiting = SubAccount.id == other.id
    later = {"reason_code": "no_room", "next_attempt_at": ground.clock.now() + timedelta(hours=1)}
    SubAccount.update(**later).where(waiting).execute()
    work(site)
    assert fresh(row).phase == "deleted"
    assert fresh(other).next_attempt_at == ground.clock.now()
    ground.move((other, 10 * TB))
    work(site)
    assert fresh(other).in_force_bytes == 10 * TB


def test_pay_per_use_has_nothing_to_give_back(ground, site):
    row = ground.account("P", 0, billing="pay_per_use")
    work(site)
    begun(ground, site, row)
    work(site)
    assert fresh(row).phase == "deleted"
    assert AllocationEntry.select().where(AllocationEntry.cause == "closed").count() == 0


def test_the_keys_are_refused_before_anything_is_removed(ground, site, row):
    """Even if somebody let the account in again by hand."""
    begun(ground, site, row)
    site.storage.put_suspended(row.remote_uid, False)
    provision_next(site)
    assert site.storage.read_account(row.remote_uid).suspended
    assert len(site.storage.called("purge")) == 0


def test_locked_objects_are_named_with_their_date_and_tried_daily(ground, site, row):
    store(site, row, 2)
    site.storage.lock_until(row.remote_uid, ground.clock.now() + timedelta(days=32))
    began = begun(ground, site, row)
    until_at = began.next_attempt_at + timedelta(days=2)
    work(site)
    waiting = fresh(row)
    assert (waiting.phase, waiting.reason_code) == ("deleting", "locked")
    assert deletion_of(row).locked_until_at == until_at
    assert waiting.next_attempt_at == ground.clock.now() + timedelta(days=1)
    assert waiting.deadline_at == waiting.next_attempt_at + timedelta(days=1)
    assert len(site.storage.called("purge")) == 1
    assert [found for found in promises.check(ground.clock.now()) if found.promise == "jobs"] == []
    ground.clock.advance(days=1)
    work(site)
    assert len(site.storage.called("purge")) == 2
    assert fresh(row).next_attempt_at == until_at
    site.storage.lock_until(row.remote_uid, None)
    ground.clock.advance(days=1)
    work(site)
    assert fresh(row).phase == "deleted"


def test_what_is_refused_reaches_people_and_begins_anew(ground, site, row):
    """A legal hold has no date: whoever set it has to lift it, and the next look sees all objects again."""
    store(site, row, 25)
    site.storage.page_objects = 10
    begun(ground, site, row)
    provision_next(site)
    site.storage.fail("purge", error=StorageRefused("2 objects stand under a legal hold"))
    provision_next(site)
    stuck = fresh(row)
    assert (stuck.phase, stuck.reason_code, deletion_of(row).cursor) == ("attention", "refused", None)
    ground.clock.advance(hours=1)
    work(site)
    assert fresh(row).phase == "deleted"
    assert deletion_of(row).removed_objects == 25


def test_a_service_that_is_away_is_waited_for_and_goes_on_at_the_cursor(ground, site, row):
    store(site, row, 25)
    site.storage.page_objects = 10
    begun(ground, site, row)
    provision_next(site)
    assert progress(row) == (True, 10, 10)
    site.storage.fail("purge")
    provision_next(site)
    waiting = fresh(row)
    assert (waiting.phase, waiting.reason_code) == ("deleting", regions.UNAVAILABLE)
    assert progress(row) == (True, 10, 10)
    ground.clock.advance(minutes=5)
    work(site)
    assert (fresh(row).phase, deletion_of(row).removed_objects) == ("deleted", 25)


def test_a_day_without_progress_reaches_people(ground, site, row):
    begun(ground, site, row)
    site.storage.fail("purge", times=10**4)
    ground.clock.advance(hours=24, seconds=1)
    while fresh(row).phase == "deleting":
        work(site)
        ground.clock.advance(minutes=5)
    assert (fresh(row).phase, fresh(row).reason_code) == ("attention", regions.UNAVAILABLE)


def test_an_answer_that_was_lost_does_no_harm(ground, site, row):
    store(site, row, 5)
    begun(ground, site, row)
    site.storage.drop_answer("purge", times=1)
    work(site)
    ground.clock.advance(minutes=5)
    work(site)
    assert fresh(row).phase == "deleted"


def test_a_strangers_account_is_never_removed(ground, site, row):
    begun(ground, site, row)
    site.storage._state[row.remote_uid].marker = "somebody else"
    work(site)
    assert (fresh(row).phase, fresh(row).reason_code) == ("attention", "stranger")
    assert len(site.storage.called("purge")) == 0


def test_a_worker_that_comes_back_late_does_not_bring_the_account_back(ground):
    """It had read the wish of before, and slept until everything was over."""
    site = ground.site(Interrupted())
    row = ground.account("A", TB)
    other = ground.site(site.storage, "worker-2")

    def meanwhile() -> None:
        ground.clock.advance(seconds=121)
        delete(ground, row)
        ground.clock.advance(days=30)
        assert deletion_guard.begin_due(other, ground.settings) == 1
        work(other)
        assert fresh(row).phase == "deleted"

    site.storage.during("put_account", "before", meanwhile)
    provision_next(site)
    assert site.storage.read_account(row.remote_uid) is not None  # the late call came through
    for _ in range(2):
        provision_next(site)
        assert fresh(row).phase == "deleted"
    work(site)
    assert site.storage.read_account(row.remote_uid) is None
    assert (fresh(row).phase, fresh(row).settled) == ("deleted", True)
    assert len(trail("sub_account.deleted")) == 1
    assert AllocationEntry.select().where(AllocationEntry.cause == "closed").count() == 1


def test_its_use_ends_with_it_and_a_late_measurement_does_not_give_it_back(ground, site, row):
    usage_keeping.keep(row.id, Measured(TB, 5, (), None, None, False), ground.clock.now())
    assert (ground.contract.used_bytes, AccountUse.select().count()) == (TB, 1)
    begun(ground, site, row)
    work(site)
    assert (fresh(row).used_bytes, ground.contract.used_bytes, AccountUse.select().count()) == (0, 0, 0)
    usage_keeping.keep(row.id, Measured(TB, 5, (), None, None, False), ground.clock.now())
    assert (fresh(row).used_bytes, ground.contract.used_bytes, AccountUse.select().count()) == (0, 0, 0)


def test_a_count_for_the_quota_that_was_on_its_way_does_not_either(ground):
    site = ground.site(Interrupted(hard_quota="delayed", quota_delay_seconds=2))
    row = ground.account("A", TB)
    work(site)
    site.storage.set_use(row.remote_uid, TB)

    def meanwhile() -> None:
        begun(ground, site, row)
        work(site)

    site.storage.during("enforce", "after", meanwhile)
    enforcement.enforce_due(site)
    gone = fresh(row)
    assert (gone.phase, gone.used_bytes, gone.enforce_next_at) == ("deleted", 0, None)


def scan(ground, site) -> None:
    ground.clock.advance(minutes=15)
    while drift.look(site, ground.settings):
        pass


def test_a_deleted_account_that_stands_there_again_is_a_finding(ground, site, row):
    begun(ground, site, row)
    work(site)
    scan(ground, site)
    assert Drift.select().count() == 0
    site.storage.put_account(row.remote_uid, row.public_id, "A", TB)
    scan(ground, site)
    assert [(found.kind, found.remote_uid) for found in Drift.select()] == [("unknown_account", row.remote_uid)]
    work(site)
    assert fresh(row).phase == "deleted"
    (found,) = promises_there.check_there(site.region, site.storage)
    assert "was reported as deleted" in found.text
    site.storage.purge(row.remote_uid)


def test_one_that_is_deleted_while_the_service_is_compared_is_no_finding(ground, site, row):
    begun(ground, site, row)
    ground.clock.advance(minutes=15)
    site.comparison = drift._begin(site)
    work(site)
    assert fresh(row).phase == "deleted"
    while drift.look(site, ground.settings):
        pass
    assert Drift.select().count() == 0


def test_the_check_does_not_take_one_for_left_that_goes_while_it_looks(ground):
    site = ground.site(Interrupted())
    row = ground.account("A", TB)
    work(site)
    begun(ground, site, row)
    site.storage.during("list_accounts", "after", lambda: work(site))
    assert list(promises_there.check_there(site.region, site.storage)) == []
    assert fresh(row).phase == "deleted"


def test_what_is_being_deleted_is_not_compared(ground, site, row):
    site.storage.lock_until(row.remote_uid, ground.clock.now() + timedelta(days=400))
    begun(ground, site, row)
    work(site)
    site.storage.put_quota(row.remote_uid, 5 * TB)
    scan(ground, site)
    assert Drift.select().count() == 0
    site.storage.put_quota(row.remote_uid, 2 * TB)
