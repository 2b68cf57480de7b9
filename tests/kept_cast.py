"""The cast, made once a session: each later test gets the same rows written as they are, in a few statements."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from models.base import database, is_sqlite
from services.settings import Settings
from tests.cast import Cast, make_cast
from tests.postgres import HISTORY


@dataclass
class KeptCasts:
    """By what a cast depends on: the kind of database, the provider in the documents, the region, the time."""

    _kept: dict[tuple, "_Kept"] = field(default_factory=dict)

    def make(self, settings: Settings, at: datetime, make: Callable[[Settings, datetime], Cast] = make_cast) -> Cast:
        """What `make` would make; in a database that holds rows already it is asked itself."""
        key = (is_sqlite(), settings.provider, settings.storage_region, at)
        kept = self._kept.get(key)
        if _filled(kept.rows if kept else _tables()):
            return make(settings, at)
        if kept is None:
            made = make(settings, at)
            self._kept[key] = _Kept(copy.deepcopy(made), _rows(), _counters())
            return made
        kept.write()
        return copy.deepcopy(kept.cast)


@dataclass(frozen=True)
class _Kept:
    cast: Cast
    rows: dict[str, tuple[list[str], list[tuple]]]  # by table: its columns, its rows
    counters: dict[str, int]

    def write(self) -> None:
        sign = "?" if is_sqlite() else "%s"
        with database.atomic():
            # each row was checked when it was made: now only all of them together are whole
            off = "PRAGMA defer_foreign_keys = ON" if is_sqlite() else "SET LOCAL session_replication_role = replica"
            database.execute_sql(off)
            for table, (columns, rows) in self.rows.items():
                names, places = ", ".join(f'"{name}"' for name in columns), ", ".join([sign] * len(columns))
                values = ", ".join([f"({places})"] * len(rows))
                statement = f'INSERT INTO "{table}" ({names}) VALUES {values}'  # noqa: S608 - own names
                database.execute_sql(statement, [value for row in rows for value in row])
            if self.counters:
                each = ", ".join(["setval(%s, %s)"] * len(self.counters))
                database.execute_sql(f"SELECT {each}", [part for pair in self.counters.items() for part in pair])


def _tables() -> list[str]:
    """All but what SQLite keeps by itself: counters, and what is searched, which triggers fill."""
    own = [name for name in database.get_tables() if name != HISTORY]
    return [name for name in own if "_search" not in name and not name.startswith("sqlite_")]


def _filled(tables) -> bool:
    held = " OR ".join(f'EXISTS (SELECT 1 FROM "{table}")' for table in tables)  # noqa: S608 - own names
    return bool(database.execute_sql(f"SELECT {held}").fetchone()[0])


def _rows() -> dict[str, tuple[list[str], list[tuple]]]:
    found = {}
    for table in _tables():
        cursor = database.execute_sql(f'SELECT * FROM "{table}"')  # noqa: S608 - own names
        if rows := cursor.fetchall():
            found[table] = ([column[0] for column in cursor.description], rows)
    return found


def _counters() -> dict[str, int]:
    """SQLite's follow its rows."""
    if is_sqlite():
        return {}
    used = database.execute_sql(
        "SELECT quote_ident(sequencename), last_value FROM pg_sequences WHERE last_value IS NOT NULL"
        " AND sequencename !~ %s",
        (f"^{HISTORY}_",),
    )
    return dict(used.fetchall())
