"""What the database itself can say about its rows."""

from collections.abc import Iterator

from models.base import database, is_sqlite

UNCHECKED = "SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE NOT convalidated"


def broken_references() -> Iterator[str]:
    """Rows that name a row which does not exist (SQLite holds foreign keys only while they are switched on), or, on
    Postgres, constraints that were never checked against the rows that were there before them."""
    if is_sqlite():
        for table, row, parent, _key in database.execute_sql("PRAGMA foreign_key_check"):
            yield f"row {row} of {table} names a row of {parent} that does not exist"
        return
    for table, name in database.execute_sql(UNCHECKED):
        yield f"constraint {name} of {table} was never checked"
