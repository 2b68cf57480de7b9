"""Tests that change what nobody may change: the guards of the database are off for a moment."""

import contextlib
from collections.abc import Iterator

from models.base import database, is_sqlite


@contextlib.contextmanager
def unguarded() -> Iterator[None]:
    """Statements inside pass the triggers, as those of somebody who owns the database can."""
    if not is_sqlite():
        with database.atomic():
            database.execute_sql("SET LOCAL session_replication_role = replica")
            yield
        return
    found = database.execute_sql("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    guards = [(name, sql) for name, sql in found if "RAISE" in sql]
    for name, _sql in guards:
        database.execute_sql(f"DROP TRIGGER {name}")
    database.pragma("foreign_keys", 0)
    try:
        yield
    finally:
        database.pragma("foreign_keys", 1)
        for _name, sql in guards:
            database.execute_sql(sql)
