"""What a deletion is believed of: not the rows alone, and not an answer that may come from another service."""

from dataclasses import replace

import pytest

from models.contract import AllocationEntry
from models.deletion import Deletion
from models.sub_account import SubAccount
from services import deletion_guard, promises, provisioning_desk, usage_keeping
from services.provisioning import provision_next
from services.provisioning_desk import DeskRefused, DeskStale, fingerprint
from services.purging import PROGRESS_WITHIN
from services.storage.contract import Measured
from services.worker_sites import open_site
from tests.services.deletions import asked, begun, delete, deletion_of, store
from tests.services.ground import GB, TB, WatchedStorage, fresh, trail, work


@pytest.fixture
def row(ground, site) -> SubAccount:
    row = ground.account("A", 2 * TB)
    work(site)
    return row


def standing(row) -> tuple[str, str]:
    now = fresh(row)
    return now.phase, now.reason_code


def measured(ground, row, used_bytes: int) -> None:
    usage_keeping.keep(row.id, Measured(used_bytes, 25, (), None, None, False), ground.clock.now())


def found(row) -> tuple:
    return deletion_of(row).found_bytes, deletion_of(row).found_objects


# what was found: as measured, never counted while others wait


def test_what_was_measured_since_access_was_barred_is_what_lay_there(ground, site, row):
    asked(ground, site, row)
    ground.clock.advance(minutes=5)
    measured(ground, row, 25 * GB)
    ground.clock.advance(days=30)
    deletion_guard.begin_due(site, ground.settings)
    work(site)
    assert found(row) == (25 * GB, 25)
    assert site.storage.called("measure") == []


def test_what_was_measured_before_is_not(ground, site, row):
    """Somebody may have stored more until access was barred."""
    measured(ground, row, 25 * GB)
    begun(ground, site, row)
    work(site)
    assert (fresh(row).phase, found(row)) == ("deleted", (None, None))
    assert site.storage.called("measure") == []


# an account that is gone


def gone(ground, site, row) -> None:
    """The region's address leads to another, empty service when the deletion begins."""
    begun(ground, site, row)
    site.storage, there = WatchedStorage(), site.storage
    work(site)
    assert there.read_account(row.remote_uid) is not None


def end(ground, row, reason="it burnt down") -> None:
    seen = fingerprint(fresh(row))
    provisioning_desk.end_deletion(ground.act(ground.cast.olga), row.number, seen, reason)


def test_one_that_was_never_seen_there_is_not_called_deleted(ground, site, row):
    gone(ground, site, row)
    assert standing(row) == ("attention", "gone")
    assert deletion_of(row).ended_at is None and ground.contract.allocated_bytes == 2 * TB
    ground.clock.advance(hours=1)
    work(site)
    assert standing(row) == ("attention", "gone") and trail("sub_account.deleted") == []


def test_when_the_right_service_answers_again_it_goes_on_by_itself(ground, site, row):
    there = site.storage
    gone(ground, site, row)
    site.storage = there
    ground.clock.advance(hours=1)
    work(site)
    assert fresh(row).phase == "deleted" and there.read_account(row.remote_uid) is None


def test_an_operator_confirms_that_it_is_gone_and_the_proof_says_so(ground, site, row):
    gone(ground, site, row)
    end(ground, row)
    assert (fresh(row).phase, deletion_of(row).ended_at) == ("deleting", None)  # the worker looks once more
    assert fresh(row).deadline_at == ground.clock.now() + PROGRESS_WITHIN
    work(site)
    assert fresh(row).phase == "deleted" and ground.contract.allocated_bytes == 0
    (event,) = trail("sub_account.deleted")
    assert event.after["verified"] == "was gone before the purge, confirmed by Olga Olsen"
    (event,) = trail("sub_account.gone_confirmed")
    assert event.after["reason"] == "it burnt down"
    assert AllocationEntry.select().where(AllocationEntry.cause == "closed").count() == 1
    assert list(promises.check(ground.clock.now())) == []


def test_one_that_stands_there_after_all_is_removed(ground, site, row):
    there = site.storage
    gone(ground, site, row)
    end(ground, row)
    site.storage = there
    work(site)
    assert there.read_account(row.remote_uid) is None
    (event,) = trail("sub_account.deleted")
    assert event.after["verified"] == "NoSuchUser"


def test_only_what_is_gone_before_its_time_is_confirmed(ground, site, row):
    begun(ground, site, row)
    with pytest.raises(DeskRefused, match="not known to be gone"):
        end(ground, row)
    site.storage.purge(row.remote_uid)
    work(site)
    with pytest.raises(DeskStale):
        provisioning_desk.end_deletion(ground.act(ground.cast.olga), row.number, "of yesterday", "")
    assert deletion_of(row).gone_name == ""


def test_one_that_was_never_made_there_needs_nobody(ground, site):
    row = ground.account("B", TB)
    delete(ground, row)
    ground.clock.advance(days=30)
    deletion_guard.begin_due(site, ground.settings)
    work(site)
    assert fresh(row).phase == "deleted"


def test_an_answer_that_was_lost_after_the_last_page_ends_by_itself(ground, site, row):
    store(site, row, 5)
    begun(ground, site, row)
    site.storage.drop_answer("purge", times=1)
    work(site)
    assert site.storage.read_account(row.remote_uid) is None and deletion_of(row).removed_objects == 0
    ground.clock.advance(minutes=5)
    work(site)
    assert fresh(row).phase == "deleted"
    assert trail("sub_account.deleted")[0].after["verified"] == "NoSuchUser"


# rows that somebody wrote past the portal


@pytest.mark.parametrize("with_row", [True, False])
def test_what_nobody_began_removes_nothing(ground, site, row, with_row):
    asked(ground, site, row)
    if not with_row:
        Deletion.delete().execute()
    SubAccount.update(wanted_state="deleted", phase="deleting", delete_after_at=None, generation=9).execute()
    work(site)
    assert standing(row) == ("attention", "not_begun")
    assert site.storage.read_account(row.remote_uid) is not None and site.storage.called("purge") == []
    del site.storage._state[row.remote_uid]
    ground.clock.advance(hours=1)
    work(site)
    assert standing(row) == ("attention", "not_begun")
    SubAccount.update(wanted_state="suspended").execute()  # else `check` goes on saying so


@pytest.fixture
def many(ground, site) -> list[SubAccount]:
    """Written as if all had begun at once; two an hour may."""
    site.deletions_per_hour = 2
    ground.settings = replace(ground.settings, deletions_per_hour=5)
    rows = [ground.account(name, GB) for name in "ABCDE"]
    work(site)
    for row in rows:
        asked(ground, site, row)
    ground.clock.advance(days=30)
    assert deletion_guard.begin_due(site, ground.settings) == 5
    return rows


def test_rows_past_the_guard_do_not_run_without_bound(ground, site, many):
    work(site)
    stood = [fresh(row).phase for row in many]
    assert sorted(stood) == ["attention"] * 3 + ["deleted"] * 2
    assert {fresh(row).reason_code for row in many if fresh(row).phase == "attention"} == {"too_many"}
    assert len(site.storage.called("purge")) == 2
    ground.clock.advance(hours=1)
    work(site)
    assert sorted(fresh(row).phase for row in many) == ["attention"] + ["deleted"] * 4


def test_what_a_second_person_released_is_not_counted(ground, site, many):
    now = ground.clock.now()
    released = {"held_at": now, "held_reason": "many", "released_at": now, "released_by": "operator:1"}
    Deletion.update(**released).where(Deletion.sub_account.in_(many[:3])).execute()
    work(site)
    assert [fresh(row).phase for row in many] == ["deleted"] * 5
    assert list(promises.check(ground.clock.now())) == []


def test_what_a_second_person_released_does_not_wait_for_the_others(ground, site, many):
    now = ground.clock.now()
    released = {"held_at": now, "held_reason": "many", "released_at": now, "released_by": "operator:1"}
    Deletion.update(**released).where(Deletion.sub_account == many[4]).execute()
    work(site)
    assert [fresh(row).phase for row in many] == ["deleted", "deleted", "attention", "attention", "deleted"]


def test_the_worker_knows_how_many_may(ground):
    site = open_site(replace(ground.settings, deletions_per_hour=7), ground.clock, WatchedStorage())
    assert (site.deletions_per_hour, site.again().deletions_per_hour) == (7, 7)


def test_several_pages_of_one_count_once(ground, site, row):
    site.deletions_per_hour = 1
    store(site, row, 25)
    site.storage.page_objects = 10
    begun(ground, site, row)
    while provision_next(site):
        pass
    assert fresh(row).phase == "deleted" and len(site.storage.called("purge")) == 3
