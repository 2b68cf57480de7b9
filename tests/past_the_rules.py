"""What only somebody with the rights of the database itself can do: tests need it to look at what must not happen."""

from collections.abc import Iterator
from contextlib import contextmanager

from models.base import database, is_sqlite


@contextmanager
def published_texts_can_be_changed() -> Iterator[None]:
    """Takes the trigger away for a moment."""
    if not is_sqlite():
        database.execute_sql("ALTER TABLE terms_version DISABLE TRIGGER terms_version_fixed")
        yield
        database.execute_sql("ALTER TABLE terms_version ENABLE TRIGGER terms_version_fixed")
        return
    [(made,)] = database.execute_sql("SELECT sql FROM sqlite_master WHERE name = 'terms_version_fixed'").fetchall()
    database.execute_sql("DROP TRIGGER terms_version_fixed")
    yield
    database.execute_sql(made)
