"""Points at which a process can be made to die: before and after each commit, each remote call, before each request.

What the dying one and its heirs share (how far it came, what time it was) stands in memory that a kill leaves alone.
"""

import mmap
import os
import signal
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from models.base import database
from services.storage.contract import Storage

WRITES = ("INSERT", "UPDATE", "DELETE")


class Shared:
    """A few figures and a text that this process and all that it forks see alike."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, mmap.PAGESIZE)

    def __getitem__(self, place: int) -> int:
        return struct.unpack_from("q", self._memory, place * 8)[0]

    def __setitem__(self, place: int, value: int) -> None:
        struct.pack_into("q", self._memory, place * 8, value)

    @property
    def text(self) -> str:
        return self._memory[1024:2048].rstrip(b"\0").decode()

    @text.setter
    def text(self, value: str) -> None:
        self._memory[1024:2048] = value.encode()[:1024].ljust(1024, b"\0")


PASSED, MICROSECONDS = range(2)
A_REQUEST, AFTER_COMMIT = "before a request", "after a commit"


class SharedClock:
    """A clock that stands until it is moved, and never goes back when the one who moved it dies."""

    def __init__(self, shared: Shared, at: datetime):
        self._shared, self._at = shared, at

    def now(self) -> datetime:
        return self._at + timedelta(microseconds=self._shared[MICROSECONDS])

    def advance(self, **by: float) -> datetime:
        self._shared[MICROSECONDS] += timedelta(**by) // timedelta(microseconds=1)
        return self.now()


class Points:
    """Counts what is passed and dies (SIGKILL) at the one that was chosen; None: at none."""

    def __init__(self, shared: Shared, deadly: int | None):
        self._shared, self._deadly = shared, deadly
        shared[PASSED] = 0

    def __call__(self, name: str) -> None:
        self._shared[PASSED] += 1
        if self._shared[PASSED] == self._deadly:
            self._shared.text = name
            os.kill(os.getpid(), signal.SIGKILL)


class Frozen:
    """Stands still (SIGSTOP) after the remote call that was chosen, as on a machine that hangs, with no transaction
    open; woken, it goes on with what it knew. It makes no more requests."""

    def __init__(self, shared: Shared, chosen: int):
        self._shared, self._chosen, self._woken = shared, chosen, False
        shared[PASSED] = 0

    def __call__(self, name: str) -> None:
        if self._woken:
            if name == A_REQUEST:
                os.kill(os.getpid(), signal.SIGKILL)
        elif name.startswith("after ") and name != AFTER_COMMIT:
            self._shared[PASSED] += 1
            if self._shared[PASSED] == self._chosen:
                self._shared.text = name
                os.kill(os.getpid(), signal.SIGSTOP)
                self._woken = True


class AtPoints:
    """The gateway, with a point before and after each call."""

    def __init__(self, storage: Storage, points: Points):
        self._storage, self._points = storage, points

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._storage, name)
        if name not in Storage.OPERATIONS and name not in Storage.OPTIONAL:
            return found

        def call(*arguments: Any, **named: Any) -> Any:
            self._points(f"before {name}")
            result = found(*arguments, **named)
            self._points(f"after {name}")
            return result

        return call


@contextmanager
def watched_commits(points: Points) -> Iterator[None]:
    """A point before and after each commit. A write that is no part of a transaction would be a commit that nobody
    counts: it is refused."""
    opened = database.obj
    commit, execute = opened.commit, opened.execute_sql

    def commit_between_points() -> None:
        points("before a commit")
        commit()
        points(AFTER_COMMIT)

    def execute_in_transaction(sql: str, *arguments: Any, **named: Any) -> Any:
        assert opened.in_transaction() or not sql.startswith(WRITES), f"written outside a transaction: {sql}"
        return execute(sql, *arguments, **named)

    opened.commit, opened.execute_sql = commit_between_points, execute_in_transaction
    try:
        yield
    finally:
        del opened.commit, opened.execute_sql
