"""Whose turn it is to write to SQLite. Only fairness lives here; that two writers never meet is SQLite's own doing.

SQLite's busy handler is unfair twice over. Within a process a dozen threads waited 2.4 s in the median; behind
`FairLock` it is milliseconds. Between processes a busy web process left the worker not a single turn in five seconds;
behind `Turnstile` each gets the turn after the present one.
"""

import os
import threading
import time
from collections import deque
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: one process at a time is busy there, and SQLite's own wait has to do
    fcntl = None  # type: ignore[assignment]

LONGEST_WAIT_SECONDS = 10.0
LOOK_AGAIN_SECONDS = 0.0005


class FairLock:
    """A lock that serves the threads of a process in the order in which they came."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._waiting: deque[threading.Event] = deque()
        self._held = False

    def acquire(self) -> None:
        with self._guard:
            if not self._held:
                self._held = True
                return
            turn = threading.Event()
            self._waiting.append(turn)
        turn.wait()

    def release(self) -> None:
        with self._guard:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._held = False


class Turnstile:
    """Lets the processes that write to one database file take turns.

    Whoever wants to write first takes the place `next`, waits there for `turn`, and frees `next` on getting it. A
    process that has just written and wants to write again finds `next` taken by the one that waits. The kernel frees
    both when a process dies.
    """

    def __init__(self, database_path: str, longest_wait_seconds: float = LONGEST_WAIT_SECONDS):
        self._longest_wait_seconds = longest_wait_seconds
        self._paths = (Path(f"{database_path}-next"), Path(f"{database_path}-turn"))
        self._opened: tuple[int, int, int] | None = None

    def enter(self) -> bool:
        """False when somebody held the turn for all the time that one waits: a frozen process, most likely."""
        if fcntl is None:
            return True
        place, turn = self._files()
        deadline = time.monotonic() + self._longest_wait_seconds
        if not _wait_for(place, deadline):
            return False
        try:
            return _wait_for(turn, deadline)
        finally:
            fcntl.flock(place, fcntl.LOCK_UN)

    def leave(self) -> None:
        if fcntl is not None and self._opened is not None:
            fcntl.flock(self._opened[2], fcntl.LOCK_UN)

    def close(self) -> None:
        """Gives both files back. Entering again opens them anew."""
        if self._opened is not None:
            for file in self._opened[1:]:
                os.close(file)
            self._opened = None

    def _files(self) -> tuple[int, int]:
        """Opened anew in a forked process: a lock belongs to the open file, which parent and child would share."""
        if self._opened is None or self._opened[0] != os.getpid():
            self.close()
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
            place, turn = (os.open(path, flags, 0o660) for path in self._paths)
            self._opened = (os.getpid(), place, turn)
        return self._opened[1:]


def _wait_for(file: int, deadline: float) -> bool:
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(LOOK_AGAIN_SECONDS)
        else:
            return True
