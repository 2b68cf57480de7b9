"""A worker is killed (SIGKILL, a process of its own) at every point at which it touches the world; the next goes on.

Points are: before and after each call of the storage service, before and after each commit. After each death, every
third time also after a second one during recovery, the promises hold and everything converges.
"""

import itertools
import os
import signal
import traceback
from collections.abc import Callable
from dataclasses import replace

import pytest

from models.audit import AuditEvent, AuditHead, AuditPersonal
from models.base import database
from models.sub_account import AccessKey, SubAccount
from services.provisioning import provision_next
from services.site import Site
from tests.crash.kept_storage import KeptStorage
from tests.evidence_ground import unguarded
from tests.services import invariants
from tests.services.ground import KEY_IMPORT, TB, Ground, converge, fresh, work

owners = itertools.count(1)

pytestmark = pytest.mark.crash


class Points:
    """Counts the points that are passed and dies at the one that was chosen."""

    def __init__(self, deadly: int):
        self.passed, self.deadly = 0, deadly

    def __call__(self, _name: str) -> None:
        self.passed += 1
        if self.passed == self.deadly:
            os.kill(os.getpid(), signal.SIGKILL)


def killed_at(deadly: int, site: Site) -> bool:
    """Works in a child process until nothing is due. True: it died at the point; False: there were not so many."""
    database.close_all()
    child = os.fork()
    if child == 0:
        code = 3
        try:
            _work_as_child(Points(deadly), site)
            code = 0
        except BaseException:  # the child must never return into the test runner
            traceback.print_exc()
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    site.storage.load()
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "the worker failed by itself"
    return os.WIFSIGNALED(status)


def _work_as_child(points: Points, site: Site) -> None:
    site.storage.at_point = points
    commit = database.obj.commit

    def commit_between_points() -> None:
        points("commit begins")
        commit()
        points("commit done")

    database.obj.commit = commit_between_points
    for _ in range(3):
        while provision_next(site):
            pass
        site.clock.advance(seconds=1)


def another(site: Site) -> Site:
    return replace(site, owner=f"worker-{next(owners)}")


def check(site: Site) -> None:
    invariants.check_books()
    invariants.check_storage(site.storage, site.vault)
    assert site.storage.most_bytes <= 10 * TB


def at_every_point(ground: Ground, site: Site, begin: Callable, end: Callable) -> int:
    """`begin` writes a wish, a worker dies at the k-th point of following it, the next one at some point of recovering,
    the one after that converges; `end` looks at the result. Returns how many points there were."""
    for deadly in itertools.count(1):
        wish = begin()
        died = killed_at(deadly, another(site))
        check(site)
        if died:
            ground.clock.advance(seconds=121)
            if deadly % 3 == 0:
                killed_at(1 + deadly * 7 % 19, another(site))
                check(site)
                ground.clock.advance(seconds=121)
        converge(another(site))
        check(site)
        end(wish)
        if not died:
            return deadly - 1
    raise AssertionError


@KEY_IMPORT
def test_setting_up_a_sub_account_survives_a_kill_at_every_point(ground, tmp_path, key_import):
    site = ground.site(KeptStorage(tmp_path / "storage", key_import=key_import))
    numbers = itertools.count(1)

    def begin() -> SubAccount:
        return ground.account(f"A{next(numbers)}", TB)

    def end(row: SubAccount) -> None:
        keys = list(AccessKey.select().where(AccessKey.sub_account == row))
        assert [key.phase for key in keys] == ["live"]
        assert fresh(row).phase == "ready"
        made = invariants.AuditEvent.select().where(invariants.AuditEvent.action == "access_key.made")
        assert made.count() == SubAccount.select().count()
        ground.move((row, 0))
        work(site)
        site.storage.purge(row.remote_uid)
        AccessKey.delete().execute()
        with unguarded():
            for table in (AuditPersonal, AuditHead, AuditEvent):
                table.delete().execute()
        invariants.AllocationEntry.delete().execute()
        row.delete_instance(recursive=True)

    points = at_every_point(ground, site, begin, end)
    assert points >= 40, points


def test_moving_capacity_of_a_full_package_survives_a_kill_at_every_point(ground, tmp_path):
    site = ground.site(KeptStorage(tmp_path / "storage"))
    a, b = ground.account("A", 6 * TB), ground.account("B", 4 * TB)
    work(site)
    targets = itertools.cycle([(3 * TB, 7 * TB), (6 * TB, 4 * TB)])

    def begin() -> tuple[int, int]:
        target = next(targets)
        ground.move((a, target[0]), (b, target[1]))
        return target

    def end(target: tuple[int, int]) -> None:
        assert (fresh(a).in_force_bytes, fresh(b).in_force_bytes) == target
        assert site.storage.most_bytes == 10 * TB

    points = at_every_point(ground, site, begin, end)
    assert points >= 40, points
