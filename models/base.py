"""The database: how it is opened, how a write begins, and the column types that both engines keep alike."""

import json
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from peewee import DatabaseProxy, DateTimeField, InterfaceError, Model, OperationalError, SqliteDatabase, TextField
from playhouse.db_url import connect as connect_url
from playhouse.pool import PooledPostgresqlDatabase, PooledSqliteDatabase

from models.turn import FairLock, Turnstile

database = DatabaseProxy()

# the database did not answer or let nobody write: nothing was stored, and the same may work in a moment
DATABASE_AWAY = (OperationalError, InterfaceError)

SQLITE_PRAGMAS = {
    "journal_mode": "wal",
    "synchronous": "full",
    "foreign_keys": 1,
    "busy_timeout": 5000,
    "secure_delete": 1,  # what is deleted or overwritten is overwritten in the file too: sealed secrets end there
}


_threads_turn = FairLock()
_processes_turn: Turnstile | None = None
_depth = threading.local()


def open_database(url: str):
    """Binds the models to the database at `url` (sqlite:///path or postgresql://…); opens no connection."""
    global _processes_turn
    if _processes_turn is not None:
        _processes_turn.close()
    _processes_turn = None
    scheme = urlparse(url).scheme
    if scheme == "sqlite":
        path = url.removeprefix("sqlite:///")
        if path != ":memory:":
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            _processes_turn = Turnstile(path)
        opened = PooledSqliteDatabase(
            path, pragmas=SQLITE_PRAGMAS, check_same_thread=False, max_connections=64, stale_timeout=300
        )
    elif scheme in ("postgres", "postgresql"):
        parsed = connect_url(url)
        opened = PooledPostgresqlDatabase(
            parsed.database,
            prefer_psycopg3=True,
            max_connections=64,
            stale_timeout=300,
            timeout=10,
            **parsed.connect_params,
        )
    else:
        raise ValueError(f"DATABASE_URL names the scheme {scheme!r}; sqlite:///path and postgresql://… are known")
    database.initialize(opened)
    _keep_values_out_of_the_log()
    return opened


def _keep_values_out_of_the_log() -> None:
    """At DEBUG peewee logs each statement with its values, links of mails and sealed secrets among them: never below
    INFO, whatever the root logger says (threats.md 9)."""
    log = logging.getLogger("peewee")
    if log.level < logging.INFO:
        log.setLevel(logging.INFO)


def is_sqlite() -> bool:
    return isinstance(database.obj, SqliteDatabase)


@contextmanager
def write_tx() -> Iterator[None]:
    """One write transaction: IMMEDIATE on SQLite behind fair queues, READ COMMITTED on Postgres.

    The caller locks the row that owns the rule first (`Contract.locked`), reads after that, writes last.
    Nested use joins the outer transaction. What `at_the_end` was given is done before the commit.
    """
    if getattr(_depth, "read_only", False):
        raise RuntimeError("nothing may be written here: somebody only looks")
    if getattr(_depth, "open", False):
        yield
        return
    _depth.open, _depth.ends = True, {}
    try:
        if is_sqlite():
            with sqlite_turn(), database.atomic("IMMEDIATE"):
                yield
                _end()
        else:
            with database.atomic():
                yield
                _end()
    finally:
        _depth.open, _depth.ends = False, {}


@contextmanager
def read_only() -> Iterator[None]:
    """Lets this thread begin no write transaction: a page that only shows cannot change anything by mistake."""
    _depth.read_only = True
    try:
        yield
    finally:
        _depth.read_only = False


def at_the_end(work: Callable[[list], None], item: Any) -> None:
    """Has `work` called once, as the last thing of this write transaction, with all items that it was given: what locks
    a row that every writer needs does it last and for the shortest time. Raises RuntimeError outside of write_tx."""
    if not getattr(_depth, "open", False):
        raise RuntimeError("outside the transaction of its change")
    _depth.ends.setdefault(work, []).append(item)


def _end() -> None:
    for work, items in _depth.ends.items():
        work(items)


@contextmanager
def taken_back_alone() -> Iterator[None]:
    """A part of a write transaction: what fails in it is taken back without the rest. Where none is open, nothing."""
    if getattr(_depth, "open", False):
        with database.atomic():
            yield
    else:
        yield


@contextmanager
def sqlite_turn() -> Iterator[None]:
    """Waits for this thread's and this process's turn to write. Raises OperationalError when none came."""
    _threads_turn.acquire()
    turnstile = _processes_turn
    try:
        if turnstile is not None and not turnstile.enter():
            raise OperationalError("database is locked: another process does not finish its write")
        try:
            yield
        finally:
            if turnstile is not None:
                turnstile.leave()
    finally:
        _threads_turn.release()


def empty_log() -> None:
    """What was overwritten stands in SQLite's write-ahead log until that is emptied; a reader at work puts it off to
    the next time. Postgres overwrites by itself (vacuum)."""
    if is_sqlite():
        with sqlite_turn():
            database.pragma("wal_checkpoint(truncate)")


def locked(query):
    """The query with a row lock where the engine has one; SQLite's IMMEDIATE transaction already holds the database.

    NO KEY: a row that refers to the locked one (an audit line to its partner) may still be written by others, else two
    who lock in the agreed order could wait for each other.
    """
    return query if is_sqlite() else query.for_update("FOR NO KEY UPDATE")


def skip_locked(query):
    """The query with row locks that passes over rows another worker holds; SQLite lets one writer in at a time."""
    return query if is_sqlite() else query.for_update("FOR NO KEY UPDATE SKIP LOCKED")


class UtcDateTimeField(DateTimeField):
    """An aware UTC datetime, stored without zone and with microseconds, so that text order is time order on SQLite."""

    def db_value(self, value):
        if value is None or isinstance(value, str):
            return value
        if value.tzinfo is None:
            raise ValueError(f"{self.name} needs an aware time")
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")

    def python_value(self, value):
        if value is None:
            return None
        parsed = datetime.fromisoformat(value) if isinstance(value, str) else value
        return parsed.replace(tzinfo=UTC)


class JsonField(TextField):
    """A plain JSON value in a text column."""

    def db_value(self, value):
        return None if value is None else json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)

    def python_value(self, value):
        return None if value is None else json.loads(value)


class ExactDecimalField(TextField):
    """A Decimal kept as text: SQLite would turn a numeric column into a float."""

    def db_value(self, value):
        return None if value is None else str(Decimal(value))

    def python_value(self, value):
        return None if value is None else Decimal(value)


class Table(Model):
    class Meta:
        database = database
        legacy_table_names = False
