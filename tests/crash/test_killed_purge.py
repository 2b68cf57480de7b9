"""A worker is killed at every point of a deletion, from the look whether it may begin to the tombstone; the next one
goes on. Nothing of the customer's is left, the capacity is given back once, and the proof is written once."""

import itertools
from datetime import timedelta

import pytest

from models.audit import AuditEvent
from models.base import database
from models.contract import AllocationEntry
from models.deletion import Deletion
from models.sub_account import AccessKey, SubAccount
from services import deletion_guard, promises, usage_keeping
from services.provisioning import provision_next
from services.site import Site
from services.storage.contract import Measured
from tests.crash import test_killed_worker as killing
from tests.crash.kept_storage import KeptStorage
from tests.services.deletions import delete, store
from tests.services.ground import GB, TB, Ground, fresh, work

OBJECTS = 5

pytestmark = pytest.mark.crash


def work_as_child(points: killing.Points, site: Site, ground: Ground) -> None:
    """As `killing` does it, with the look at what may begin."""
    site.storage.at_point = points
    commit = database.obj.commit

    def commit_between_points() -> None:
        points("commit begins")
        commit()
        points("commit done")

    database.obj.commit = commit_between_points
    _until_nothing_is_due(site, ground)


def _until_nothing_is_due(site: Site, ground: Ground) -> None:
    for _ in range(3):
        deletion_guard.begin_due(site, ground.settings)
        while provision_next(site):
            pass
        site.clock.advance(seconds=1)


def proven(row: SubAccount) -> list[AuditEvent]:
    own = (AuditEvent.thing_id == row.number) & (AuditEvent.thing_kind == "sub_account")
    return list(AuditEvent.select().where(own, AuditEvent.action == "sub_account.deleted"))


def end(site: Site, row: SubAccount) -> None:
    gone, deletion = fresh(row), Deletion.get(Deletion.sub_account == row)
    assert (gone.phase, gone.settled, gone.allocated_bytes) == ("deleted", True, 0)
    assert row.remote_uid not in site.storage._state
    assert not any(row.main_bucket in account.buckets for account in site.storage._state.values())
    assert len(proven(row)) == 1
    lines = AllocationEntry.select().where(AllocationEntry.sub_account_id == row.id, AllocationEntry.cause == "closed")
    assert [line.before_bytes for line in lines] == [TB]
    assert deletion.seen_at is not None and proven(row)[0].after["verified"] == "NoSuchUser"
    # a page whose answer died with the worker is not counted, and none is counted twice
    assert deletion.removed_objects <= deletion.found_objects == OBJECTS
    for key in AccessKey.select().where(AccessKey.sub_account == row):
        assert (key.phase, key.retained_ct, key.secret_ct, key.parked_ct) == ("deleted", None, None, None)


def test_a_deletion_survives_a_kill_at_every_point(ground, tmp_path, monkeypatch):
    site = ground.site(KeptStorage(tmp_path / "storage"))
    site.storage.page_objects = 2
    numbers = itertools.count(1)
    monkeypatch.setattr(killing, "_work_as_child", lambda points, site: work_as_child(points, site, ground))

    def begin() -> SubAccount:
        row = ground.account(f"A{next(numbers)}", TB)
        work(site)
        site.storage.load()
        store(site, row, OBJECTS, GB)
        site.storage.save()
        delete(ground, row)
        work(site)
        ground.clock.advance(days=30)
        usage_keeping.keep(row.id, Measured(OBJECTS * GB, OBJECTS, (), None, None, False), ground.clock.now())
        return row

    for deadly in itertools.count(1):
        row = begin()
        died = killing.killed_at(deadly, killing.another(site))
        killing.check(site)
        if died:
            ground.clock.advance(seconds=121)
            if deadly % 3 == 0:
                killing.killed_at(1 + deadly * 7 % 19, killing.another(site))
                killing.check(site)
                ground.clock.advance(seconds=121)
        _until_nothing_is_due(killing.another(site), ground)
        killing.check(site)
        end(site, row)
        ground.clock.advance(hours=2)  # the next round is not held back by how many there were
        asked = [found for found in promises.check(ground.clock.now()) if found.promise != "jobs"]
        assert asked == []
        if not died:
            break
    assert deadly > 40, deadly


def test_a_kill_while_objects_are_locked_neither_loops_nor_forgets_them(ground, tmp_path, monkeypatch):
    site = ground.site(KeptStorage(tmp_path / "storage"))
    monkeypatch.setattr(killing, "_work_as_child", lambda points, site: work_as_child(points, site, ground))
    for deadly in itertools.count(1):
        row = ground.account(f"L{deadly}", TB)
        work(site)
        delete(ground, row)
        work(site)
        ground.clock.advance(days=30)
        site.storage.load()
        site.storage.lock_until(row.remote_uid, ground.clock.now() + timedelta(days=3))
        site.storage.save()
        died = killing.killed_at(deadly, killing.another(site))
        ground.clock.advance(seconds=121)
        _until_nothing_is_due(killing.another(site), ground)
        assert (fresh(row).phase, fresh(row).reason_code) == ("deleting", "locked")
        site.storage.load()
        site.storage.lock_until(row.remote_uid, None)
        site.storage.save()
        ground.clock.advance(days=1)
        _until_nothing_is_due(killing.another(site), ground)
        assert fresh(row).phase == "deleted"
        killing.check(site)
        if not died:
            break
    assert deadly > 15, deadly
