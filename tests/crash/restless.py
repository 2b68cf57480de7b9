"""A process that is killed (SIGKILL) at random and started again at once, until it is let live.

python -m tests.crash.restless service PORT FILE
python -m tests.crash.restless worker PORT DATABASE DATA_KEY VAR_DIR STARTED_AT SPEED

Reads lines: `calm` ends the killing (the one that then runs goes on), the end of input ends everything. Says how often
it killed when it is calm.
"""

import logging
import os
import random
import select
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from models.base import database, open_database
from models.sub_account import Region
from services import worker
from services.clock import Clock
from services.secret import Secret, Vault
from services.settings import Settings
from services.site import Site
from tests.crash.far_storage import FarStorage, wait_for
from tests.crash.storage_service import serve

SHORTEST_LIFE_SECONDS, LONGEST_LIFE_SECONDS = 0.2, 1.5
PAUSE_SECONDS = 0.02


class QuickClock:
    """Runs `speed` times as fast as the machine's, so that what waits for minutes comes by within seconds. Alike in all
    processes. `started_at`: seconds of the machine's monotonic clock."""

    def __init__(self, started_at: float, speed: float):
        self.started_at, self._speed, self._ahead = started_at, speed, timedelta()

    def now(self) -> datetime:
        gone = timedelta(seconds=(time.monotonic() - self.started_at) * self._speed)
        return datetime(2026, 3, 2, 9, 0, tzinfo=UTC) + gone + self._ahead

    def advance(self, **by: float) -> datetime:
        self._ahead += timedelta(**by)
        return self.now()


def work(port: int, settings: Settings, clock: Clock) -> None:
    """The worker's rounds, without an end."""
    open_database(settings.database_url)
    wait_for(storage := FarStorage(port))
    with database.connection_context():
        region = Region.get(Region.name == settings.storage_region)
    site = Site(region, storage, Vault(settings.data_keys), clock, f"worker-{os.getpid()}")
    while True:
        with database.connection_context():
            more = worker.round_of_work(site, settings)
        if not more:
            time.sleep(PAUSE_SECONDS)


def restless(live: Callable[[], None]) -> None:
    kills, chance = 0, random.Random(os.getpid())
    child = _born(live)
    _say("begun")
    while not select.select([sys.stdin], [], [], chance.uniform(SHORTEST_LIFE_SECONDS, LONGEST_LIFE_SECONDS))[0]:
        _dead(child)
        kills += 1
        child = _born(live)
    _say(str(kills))
    sys.stdin.read()
    _dead(child)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _born(live: Callable[[], None]) -> int:
    child = os.fork()
    if child == 0:
        try:
            live()
        except BaseException:  # whatever it was: the test has to see it, and nobody goes on here
            logging.exception("died by itself")
        finally:
            os._exit(1)
    return child


def _dead(child: int) -> None:
    ended, _status = os.waitpid(child, os.WNOHANG)
    if ended:
        sys.exit("it died by itself")
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def main(kind: str, port: str, *more: str) -> None:
    logging.basicConfig(level=logging.ERROR, stream=sys.stderr)
    if kind == "service":
        restless(lambda: serve(int(port), Path(more[0])))
        return
    url, data_key, var_dir, started_at, speed = more
    settings = Settings(Secret("x" * 40), (data_key,), url, Path(var_dir))
    restless(lambda: work(int(port), settings, QuickClock(float(started_at), float(speed))))


if __name__ == "__main__":
    main(*sys.argv[1:])
