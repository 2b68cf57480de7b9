"""Portal and worker as a process that lives until it is killed, is started again, and goes on; and what is asked of
the world in between."""

import itertools
import os
import shutil
import signal
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from models.base import database, is_sqlite
from models.sub_account import Region, SubAccount
from services import deletion_guard, mail_sending, promises_desk
from services.provisioning import provision_next
from services.secret import Vault
from services.settings import Settings
from services.site import Site
from services.storage.contract import Storage
from tests import postgres
from tests.cast import Cast, make_cast
from tests.crash.client import TB, Client, Request
from tests.crash.points import A_REQUEST, PASSED, AtPoints, Frozen, Points, Shared, SharedClock, watched_commits
from tests.crash.stories import ending
from tests.services import invariants
from tests.services.ground import converge

RAN_OUT, FAILED = 0, 3
LONGEST_WAIT_SECONDS = 300
LEASE_IS_OVER_SECONDS = 121
MAILS = 100
RESERVED_BYTES = 10 * TB


@dataclass
class Tally:
    """What the table at the end says."""

    points: int = 0
    kills: int = 0
    second_kills: int = 0
    frozen: int = 0
    violations: list[str] = field(default_factory=list)


class Lives:
    """One world (database, storage service, clock) in which a story is told again and again from its beginning.

    `open_gateway` is called in each new process; `empty` brings the storage service back to nothing."""

    def __init__(
        self, settings: Settings, at: datetime, folder: Path, story: Iterable[Request],
        open_gateway: Callable[[], Storage], empty: Callable[[], None],
    ):  # fmt: skip
        self.settings, self.story, self.tally = settings, tuple(story), Tally()
        self._at, self._folder, self._open_gateway, self._empty = at, folder, open_gateway, empty
        self._owners = itertools.count(1)
        self._template = folder / "template.db"
        self._cast: Cast | None = None
        self.begin()

    def begin(self) -> None:
        """Everything as it was before the story."""
        self.shared = Shared()
        self.clock = SharedClock(self.shared, self._at)
        self._acknowledged = self._folder / "acknowledged"
        self._acknowledged.unlink(missing_ok=True)
        self._empty()
        database.obj.close_all()
        if not is_sqlite():
            postgres.empty(database.obj)
            self._cast = make_cast(self.settings, self._at)
            return
        path = Path(database.obj.database)
        for own in ("-wal", "-shm"):
            path.with_name(path.name + own).unlink(missing_ok=True)
        if self._cast is None:
            self._cast = make_cast(self.settings, self._at)
            database.obj.close_all()
            shutil.copyfile(path, self._template)
        shutil.copyfile(self._template, path)

    def client(self) -> Client:
        return Client(self._cast, self.settings, self.clock, self._acknowledged, self._open_gateway)

    def site(self, storage: Any) -> Site:
        region = Region.get(Region.name == self.settings.storage_region)
        vault, owner = Vault(self.settings.data_keys), f"worker-{next(self._owners)}"
        return Site(region, storage, vault, self.clock, owner, jitter=lambda _least, most: most)

    # one life

    def live(self, deadly: int | None = None, *, worker_first: bool = False) -> bool:
        """A process that tells the story from where it stands. True: it died at its `deadly` point; False: it told the
        story to its end. Raises AssertionError when it ended in any other way."""
        child = self._born(Points(self.shared, deadly), worker_first)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            return True
        if os.WEXITSTATUS(status) != RAN_OUT:
            raise AssertionError(f"the process failed by itself: {self.shared.text}")
        return False

    def freeze(self, call: int) -> int | None:
        """A process that stands still after so many remote calls; None when it came to its end before."""
        child = self._born(Frozen(self.shared, call), False)
        _, status = os.waitpid(child, os.WUNTRACED)
        return child if os.WIFSTOPPED(status) else None

    def wake(self, child: int) -> None:
        """Lets it go on, to its next request at most."""
        os.kill(child, signal.SIGCONT)
        os.waitpid(child, 0)

    def _born(self, points: Callable[[str], None], worker_first: bool) -> int:
        next(self._owners)
        database.obj.close_all()
        child = os.fork()
        if child == 0:
            self._be_the_child(points, worker_first)
        return child

    def _be_the_child(self, points: Callable[[str], None], worker_first: bool) -> None:
        code = FAILED
        try:
            with watched_commits(points):
                site = self.site(AtPoints(self._open_gateway(), points))
                if worker_first:
                    settle(site)
                self._tell(site, self.client(), points)
            code = RAN_OUT
        except BaseException:  # the child must never return into the test runner
            self.shared.text = "".join(traceback.format_exc())[-1000:]
        finally:
            os._exit(code)

    def _tell(self, site: Site, client: Client, points: Callable[[str], None]) -> None:
        """Each request that was not answered yet, then time for the worker. The last one that was answered is sent once
        more, as by somebody who pressed the button twice."""
        answered = [request for request in self.story if request.name in client.answers]
        if answered and answered[-1].again:
            first, second = client.answers[answered[-1].name], answered[-1].send(client)
            assert first == second, f"{answered[-1].name}: answered {first}, then {second}"
        if answered:
            self._let_time_pass(site, answered[-1])
        for request in self.story[len(answered) :]:
            points(A_REQUEST)
            client.ask(request)
            self._let_time_pass(site, request)
        settle(site)

    def _let_time_pass(self, site: Site, request: Request) -> None:
        if request.then == "step":
            provision_next(site)
            return
        settle(site)
        if request.then == "time":
            self._wait_for_deletion(site)

    def _wait_for_deletion(self, site: Site) -> None:
        mail_sending.send_due(self.settings, self.clock.now(), MAILS)
        waiting = SubAccount.delete_after_at > self.clock.now()
        for row in SubAccount.select().where(waiting):
            self.clock.advance(seconds=(row.delete_after_at - self.clock.now()).total_seconds())
        deletion_guard.begin_due(site, self.settings)
        settle(site)

    # what is asked of the world

    def look(self, when: str, storage: Storage) -> None:
        """Every promise, and every acknowledged request."""
        found = [f"{when}: {text}" for text in self.client().lost()]
        asked = promises_desk.ask(self.settings, self.clock, storage=True, service=storage)
        found += [f"{when}: {violation}" for violation in asked]
        found += [f"{when}: {text}" for text in _broken(invariants.check_books)]
        if hasattr(storage, "most_bytes"):
            vault = Vault(self.settings.data_keys)
            found += [f"{when}: {text}" for text in _broken(lambda: invariants.check_storage(storage, vault))]
            if (most_bytes := storage.most_bytes) > RESERVED_BYTES:
                found.append(f"{when}: the service held {most_bytes} bytes")
        self.tally.violations += found

    def repeat_everything(self, when: str) -> None:
        """Each request with a one-time key gets its first answer again, at any time later."""
        client = self.client()
        for request in self.story:
            if request.again:
                first, second = client.answers[request.name], request.send(client)
                if first.value != second.value:
                    self.tally.violations.append(f"{when}: {request.name}: first {first.value}, then {second.value}")


def settle(site: Site) -> None:
    """Until nothing is open. Who waits for capacity looks each second, and what it waits for may be in the hands of a
    dead worker, for as long as its lease."""
    converge(site, at_most=LONGEST_WAIT_SECONDS)


def _broken(check: Callable[[], None]) -> list[str]:
    try:
        check()
    except AssertionError as wrong:
        return [str(wrong).splitlines()[0]]
    return []


class Story:
    """Kills at one point after the other, and again while what follows recovers."""

    def __init__(self, lives: Lives, storage: Storage):
        self.lives, self.storage = lives, storage
        assert not lives.live(), "nobody was to die"
        self.points = lives.shared[PASSED]
        lives.look("undisturbed", storage)
        self.wanted = ending(storage, lives.client())
        lives.repeat_everything("undisturbed")
        lives.look("undisturbed, repeated", storage)

    def kill_at(self, point: int, second: int | None = None) -> None:
        lives = self.lives
        lives.begin()
        when = f"point {point}"
        died = lives.live(point)
        when += f" ({lives.shared.text})" if died else " (not reached)"
        lives.tally.points += 1
        lives.tally.kills += died
        if not died:
            lives.tally.violations.append(f"{when}: the story took another way")
        lives.look(f"{when}, dead", self.storage)
        if second is not None and lives.live(second, worker_first=second % 2 == 0):
            when += f" and {second} ({lives.shared.text})"
            lives.tally.second_kills += 1
            lives.look(f"{when}, dead again", self.storage)
        lives.live(worker_first=point % 2 == 0)
        self._compare(f"{when}, recovered")

    def freeze_at(self, call: int) -> bool:
        """Another worker goes on in the place of one that stands still, to the end of the story; then that one wakes.
        False: the story has not that many remote calls."""
        lives = self.lives
        lives.begin()
        frozen = lives.freeze(call)
        if frozen is None:
            return False
        when = f"frozen {lives.shared.text} ({call})"
        lives.tally.frozen += 1
        lives.clock.advance(seconds=LEASE_IS_OVER_SECONDS)
        try:
            lives.live()
            lives.look(f"{when}, another went on", self.storage)
        finally:
            lives.wake(frozen)
        lives.look(f"{when}, woken", self.storage)
        lives.live()
        self._compare(f"{when}, all awake")
        return True

    def _compare(self, when: str) -> None:
        lives = self.lives
        lives.look(when, self.storage)
        found = ending(self.storage, lives.client())
        lives.tally.violations += [f"{when}: {text}" for text in _differences(found, self.wanted)]
        lives.repeat_everything(when)


def _differences(found: dict, wanted: dict) -> list[str]:
    return [f"{name} is {found[name]}, not {wanted[name]}" for name in wanted if found[name] != wanted[name]]
