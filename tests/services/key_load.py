"""Partners at work with keys, in threads: they create, show, replace, hand over, switch off and on, and delete, and
know each secret that they ever saw."""

import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from models.base import database
from models.sub_account import AccessKey, Region, SubAccount
from services import access_keys, hand_over, key_rotation, regions
from services.secret import Vault
from services.settings import Settings
from services.site import Site
from tests.cast import act_of
from tests.services.ground import GB, Ground, WatchedStorage, fresh, work

PATIENCE_SECONDS = 120
MOST_ROUNDS = 200


class KeyLoad:
    """`settings` are those of every process; a test puts others there, as a restart would. `done` counts whole lives
    of a key, `failures` holds a traceback for each that went wrong."""

    def __init__(self, ground: Ground, **can):
        self.ground, self.settings = ground, ground.settings
        self.storage = WatchedStorage(**can)
        regions.describe(ground.cast.region.name, self.storage)
        self.done, self.failures = 0, []
        self._stop, self._progress = threading.Event(), threading.Condition()

    @contextmanager
    def running(self, threads: int) -> Iterator["KeyLoad"]:
        people = [threading.Thread(target=self._live, args=(number,)) for number in range(threads)]
        for thread in people:
            thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            for thread in people:
                thread.join(PATIENCE_SECONDS)

    def wait_for(self, more: int) -> None:
        """Until so many more lives have passed."""
        goal = self.done + more
        with self._progress:
            reached = self._progress.wait_for(lambda: self.done >= goal or self.failures, PATIENCE_SECONDS)
        assert not self.failures, self.failures[0]
        assert reached, "the load stands still"

    def restart_with(self, *keys: str) -> Settings:
        """New settings for everybody; what is under way ends with the ones it began with."""
        self.settings = replace(self.settings, data_keys=keys)
        return self.settings

    def _live(self, number: int) -> None:
        turn = 0
        while not self._stop.is_set() and not self.failures:
            turn += 1
            try:
                with database.connection_context():
                    self._one_life(number, turn)
            except Exception:
                self.failures.append(traceback.format_exc())
            with self._progress:
                self.done += 1
                self._progress.notify_all()

    def _one_life(self, number: int, turn: int) -> None:
        name = f"P{number}-{turn}"
        row = self.ground.account(name, GB)
        first = self._live_key(row, number)
        self._same(row, first, access_keys.reveal(self._act(name), self.settings, first.id))
        new = key_rotation.replace(self._act(name), *self._args(row, first), f"once-{name}")
        new = self._live_key(row, number, new)
        self._same(row, new, access_keys.reveal(self._act(name), self.settings, new.id))
        token, _until = hand_over.create(self._act(name), self.settings, *self._args(row, new))
        handed = hand_over.use(self._act(name, f"198.51.{number}.{turn % 250}"), self.settings, token)
        self._same(row, new, (handed.access_key_id, handed.secret))
        key_rotation.switch_off(self._act(name), self.settings, *self._args(row, new))
        self._settled(row, number)
        key_rotation.switch_on(self._act(name), *self._args(row, new))
        self._settled(row, number)
        self._same(row, new, (handed.access_key_id, handed.secret))
        if turn % 2:
            key_rotation.switch_off(self._act(name), self.settings, *self._args(row, first))
            self._settled(row, number)
            key_rotation.delete(self._act(name), *self._args(row, first))

    def _act(self, session: str, ip: str = "192.0.2.7"):
        return replace(act_of(self.ground.cast.alice, self.ground.clock.now()), session_hash=session, ip=ip)

    def _args(self, row: SubAccount, key: AccessKey):
        return self.ground.cast.northwind, row.number, key.id

    def _work(self, number: int) -> None:
        work(self.site(number))

    def site(self, number: int) -> Site:
        region = Region.get_by_id(self.ground.cast.region.id)
        vault = Vault(self.settings.data_keys)
        return Site(region, self.storage, vault, self.ground.clock, f"worker-{number}", jitter=lambda _least, most: 0)

    def _live_key(self, row: SubAccount, number: int, key: AccessKey | None = None) -> AccessKey:
        for _round in range(MOST_ROUNDS):
            self._work(number)
            key = AccessKey.get_by_id(key.id) if key else AccessKey.get(sub_account=row)
            if key.phase == "live" and fresh(row).settled:
                return key
            self._let_others()
        raise AssertionError(f"{row.name}: the key is {key.phase}, the row {fresh(row).phase} {fresh(row).last_error}")

    def _settled(self, row: SubAccount, number: int) -> None:
        for _round in range(MOST_ROUNDS):
            self._work(number)
            if fresh(row).settled:
                return
            self._let_others()
        raise AssertionError(f"{row.name} is {fresh(row).phase}: {fresh(row).last_error}")

    def _let_others(self) -> None:
        """Another worker has the row: its next step, or its end, is waited for."""
        with self._progress:
            self._progress.wait(0.02)

    def _same(self, row: SubAccount, key: AccessKey, pair: tuple) -> None:
        there = self.storage._state[row.remote_uid].keys[pair[0]].secret
        assert pair == (key.access_key_id, there), f"{row.name}: another secret than the service's"
