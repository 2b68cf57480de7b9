"""Measurements under way: a few calls at once, so that a slow service or a huge account does not hold up the others.

Those that take long move out of the way: they keep going beside the quick ones, few at a time, and are asked again less
often. Measuring changes nothing, so a call that the end of the process cuts off harms nobody; its thread may end so.
"""

import logging
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime
from queue import Empty, SimpleQueue

from models.base import DATABASE_AWAY
from models.sub_account import SubAccount
from services.clock import Clock
from services.storage.contract import Measured, Storage, StorageError

AT_ONCE = 4  # calls in flight, slow ones aside
SLOW_AT_ONCE = 4
SLOW_SECONDS = 5

log = logging.getLogger("portal.worker")


@dataclass(frozen=True)
class Asked:
    """What came of one call: a measurement, or what the service said instead, or (no StorageError) what went wrong in
    reading its answer."""

    row: SubAccount
    at: datetime
    seconds: float
    measured: Measured | None = None
    failure: Exception | None = None


@dataclass
class Asking:
    """The calls of one region. Belongs to one loop; only the calls themselves run beside it."""

    slow: set[int] = field(default_factory=set)  # sub-accounts whose last call took long
    stay_next_at: datetime | None = None
    _since: dict[int, float] = field(default_factory=dict)
    _done: SimpleQueue = field(default_factory=SimpleQueue)

    @property
    def under_way(self) -> list[int]:
        return list(self._since)

    def quick(self) -> int:
        """Calls that are not known to be slow, with those that are more than may be slow."""
        return max(len(self._since) - self._slow_ones(), len(self._since) - SLOW_AT_ONCE)

    def takes(self, row: SubAccount) -> bool:
        """Whether there is room for this one now."""
        if row.id in self._since:
            return False
        return self._slow_ones() < SLOW_AT_ONCE if row.id in self.slow else self.quick() < AT_ONCE

    def passed_over(self) -> list[int]:
        """For whom there is no room now, whoever else is due."""
        return [*self._since, *(self.slow if self._slow_ones() >= SLOW_AT_ONCE else ())]

    def start(self, storage: Storage, clock: Clock, row: SubAccount) -> None:
        self._since[row.id] = time.monotonic()
        threading.Thread(target=self._ask, args=(storage, clock, row), name="measuring", daemon=True).start()

    def next(self, timeout_seconds: float) -> Asked | None:
        """The next answer; None when none came in this time. Raises when it is the database that is away."""
        try:
            asked: Asked = self._done.get(timeout=max(0.0, timeout_seconds))
        except Empty:
            return None
        del self._since[asked.row.id]
        (self.slow.add if asked.seconds >= SLOW_SECONDS else self.slow.discard)(asked.row.id)
        if isinstance(asked.failure, DATABASE_AWAY):
            raise asked.failure
        return asked

    def _slow_ones(self) -> int:
        late = time.monotonic() - SLOW_SECONDS
        return sum(id in self.slow or since <= late for id, since in self._since.items())

    def _ask(self, storage: Storage, clock: Clock, row: SubAccount) -> None:
        begin = time.monotonic()
        measured: Measured | None = None
        failure: Exception | None = None
        try:
            measured = storage.measure(row.remote_uid)
        except (StorageError, *DATABASE_AWAY) as said:
            failure = said
        except Exception as unforeseen:
            log.exception("%s was not measured: its answer cannot be read", row.remote_uid)
            failure = unforeseen
        self._done.put(Asked(row, clock.now(), time.monotonic() - begin, measured, failure))
