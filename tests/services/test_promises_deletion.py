"""`check` finds what was deleted by half, before its time, or not at all."""

from datetime import timedelta

import pytest

from models.base import write_tx
from models.deletion import Deletion
from models.sub_account import AccessKey, SubAccount
from services import deletion_guard, promises, worker
from tests.services.deletions import asked, begun, delete, deletion_of
from tests.services.ground import TB, fresh, work


@pytest.fixture
def row(ground, site) -> SubAccount:
    row = ground.account("A", 2 * TB)
    work(site)
    return row


class _Back(Exception):
    """Takes back what was spoiled."""


def found_after(ground, table, where, **values) -> list[str]:
    """What is found after this row was spoiled; then it is as it was."""
    try:
        with write_tx():
            assert table.update(**values).where(where).execute()
            found = [each.text for each in promises.check(ground.clock.now()) if each.promise == "deletion"]
            raise _Back
    except _Back:
        return found


def test_a_whole_life_breaks_no_promise(ground, site, row):
    asked(ground, site, row)
    for pause in ({"days": 30}, {"minutes": 1}):
        ground.clock.advance(**pause)
        deletion_guard.begin_due(site, ground.settings)
        assert list(promises.check(ground.clock.now())) == []
        work(site)
    assert fresh(row).phase == "deleted"
    assert list(promises.check(ground.clock.now())) == []


def test_what_runs_without_a_beginning_is_found(ground, site, row):
    begun(ground, site, row)
    own = SubAccount.id == row.id
    (text,) = found_after(ground, Deletion, Deletion.sub_account == row, started_at=None)
    assert "nobody began" in text
    (text,) = found_after(ground, SubAccount, own, wanted_state="active")
    assert "is wanted again" in text


@pytest.mark.parametrize("left", [{"allocated_bytes": 1}, {"used_bytes": 1}, {"observed_quota_bytes": 1}])
def test_what_is_left_of_a_deleted_one_is_found(ground, site, row, left):
    begun(ground, site, row)
    work(site)
    (text,) = found_after(ground, SubAccount, SubAccount.id == row.id, **left)
    assert "something of it is left" in text


def test_a_deletion_without_proof_or_with_a_key_is_found(ground, site, row):
    begun(ground, site, row)
    work(site)
    (text,) = found_after(ground, Deletion, Deletion.sub_account == row, ended_at=None)
    assert "nothing proves it" in text
    (text,) = found_after(ground, AccessKey, AccessKey.sub_account == row, phase="live")
    assert "belongs to a deleted sub-account" in text


def test_one_that_is_due_and_that_nobody_begins_is_found(ground, site, row):
    delete(ground, row)
    work(site)
    ground.clock.advance(days=30, minutes=61)
    own, now = Deletion.sub_account == row, ground.clock.now()
    (text,) = found_after(ground, Deletion, own, asked_name="somebody")
    assert "in nobody's list" in text
    assert found_after(ground, Deletion, own, held_at=now) == []
    assert found_after(ground, SubAccount, SubAccount.id == row.id, paused_at=now) == []
    (text,) = found_after(ground, Deletion, own, held_at=now, released_at=now, released_by="operator:1")
    assert "nobody has begun" in text
    deletion_guard.begin_due(site, ground.settings)


def test_the_worker_itself_begins_what_is_due_and_brings_it_to_its_end(ground, site, row):
    delete(ground, row)
    while worker.round_of_work(site, ground.settings):
        pass
    assert fresh(row).phase == "suspended"
    ground.clock.advance(days=30)
    for _ in range(3):
        while worker.round_of_work(site, ground.settings):
            pass
    assert fresh(row).phase == "deleted"
    assert deletion_of(row).ended_at - deletion_of(row).asked_at == timedelta(days=30)
