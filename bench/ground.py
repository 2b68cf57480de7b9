"""What every measurement stands on: a database on a disk that keeps its promises, the portal, and people in it."""

import contextlib
import logging
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.fernet import Fernet

from models.base import database, open_database
from models.schema import migrate
from portal import create_app
from services.clock import SystemClock
from services.secret import Secret
from services.settings import Settings
from tests import postgres
from tests.cast import Cast, make_cast
from tests.client import PortalClient

RUNS = 5
DURABLE = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on", "autovacuum": "on"}


@dataclass(frozen=True)
class Ground:
    engine: str
    app: object
    cast: Cast
    settings: Settings
    at: datetime

    def client_as(self, person) -> PortalClient:
        client = self.app.test_client()
        client.sign_in(person)
        return client

    def settle(self) -> None:
        """Lets the database learn how many rows there are, as it does by itself in an installation that grew."""
        with database.connection_context():
            database.execute_sql("ANALYZE")


@contextlib.contextmanager
def ground(engine: str) -> Iterator[Ground]:
    with tempfile.TemporaryDirectory(prefix="portal-bench-") as folder, contextlib.ExitStack() as stack:
        if engine == "postgres":
            postgres.OPTIONS.update(DURABLE)
            server = stack.enter_context(postgres.server())
            url = postgres.fresh_database(server, "bench")
        else:
            url = f"sqlite:///{folder}/portal.db"
        settings = Settings(
            secret_key=Secret("a key for measuring, long enough to sign cookies"),
            data_keys=(Fernet.generate_key().decode(),),
            database_url=url,
            var_dir=Path(folder),
        )
        opened = open_database(url)
        migrate()
        now = datetime.now(UTC)
        cast = make_cast(settings, now)
        app = create_app(settings, clock=SystemClock())
        app.test_client_class = PortalClient
        try:
            yield Ground(engine, app, cast, settings, now)
        finally:
            database.obj.close_all()
            opened.close_all()


def median(work: Callable[[], object], times: int, clock: Callable[[], float], runs: int = RUNS) -> float:
    """Milliseconds that one call takes: the median of the runs of `times` calls each, after one run to warm up."""

    def run() -> float:
        start = clock()
        for _ in range(times):
            work()
        return (clock() - start) / times * 1000

    run()
    return statistics.median(run() for _ in range(runs))


def processor_ms(work: Callable[[], object], times: int = 30) -> float:
    return median(work, times, time.process_time)


def wall_ms(work: Callable[[], object], times: int = 30, runs: int = RUNS) -> float:
    return median(work, times, time.perf_counter, runs)


class Counter(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.count = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.count += isinstance(record.msg, tuple)


def queries(work: Callable[[], object]) -> int:
    """How many statements one call sends."""
    counter, log = Counter(), logging.getLogger("peewee")
    log.addHandler(counter)
    log.setLevel(logging.DEBUG)
    try:
        work()
    finally:
        log.removeHandler(counter)
        log.setLevel(logging.WARNING)
    return counter.count
