"""Indexes over all runs of three letters of names, so that a part of a name is found without reading every name."""

import logging

from peewee import DatabaseError

log = logging.getLogger("portal.schema")

TABLES = ("sub_account", "customer")

SQLITE_UP = (
    """CREATE VIRTUAL TABLE {table}_search USING fts5(
        name_key, content='{table}', content_rowid='id', columnsize=0, tokenize='trigram case_sensitive 1')""",
    "INSERT INTO {table}_search ({table}_search) VALUES ('rebuild')",
    """CREATE TRIGGER {table}_search_insert AFTER INSERT ON {table} BEGIN
        INSERT INTO {table}_search (rowid, name_key) VALUES (new.id, new.name_key);
    END""",
    """CREATE TRIGGER {table}_search_delete AFTER DELETE ON {table} BEGIN
        INSERT INTO {table}_search ({table}_search, rowid, name_key) VALUES ('delete', old.id, old.name_key);
    END""",
    """CREATE TRIGGER {table}_search_update AFTER UPDATE OF name_key ON {table} BEGIN
        INSERT INTO {table}_search ({table}_search, rowid, name_key) VALUES ('delete', old.id, old.name_key);
        INSERT INTO {table}_search (rowid, name_key) VALUES (new.id, new.name_key);
    END""",
)
SQLITE_DOWN = (
    "DROP TRIGGER {table}_search_update",
    "DROP TRIGGER {table}_search_delete",
    "DROP TRIGGER {table}_search_insert",
    "DROP TABLE {table}_search",
)
POSTGRES_UP = ("CREATE INDEX {table}_search_idx ON {table} USING gin (name_key gin_trgm_ops)",)
POSTGRES_DOWN = ("DROP INDEX IF EXISTS {table}_search_idx",)


def run(db, statements):
    for table in TABLES:
        for statement in statements:
            db.execute_sql(statement.format(table=table))


def is_sqlite(migrator):
    return type(migrator).__name__ == "SqliteMigrator"


def can_search(db):
    """Whether Postgres has the operators; the owner of a database may add them unless its administrator forbids it."""
    db.execute_sql("SAVEPOINT before_extension")
    try:
        db.execute_sql("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except DatabaseError as refused:
        db.execute_sql("ROLLBACK TO SAVEPOINT before_extension")
        log.warning(
            "Search goes on without an index, because the database refused the extension pg_trgm (%s). "
            "To add it later, run as an administrator of the database: CREATE EXTENSION pg_trgm; and then: %s",
            str(refused).strip(),
            "; ".join(statement.format(table=table) for table in TABLES for statement in POSTGRES_UP),
        )
        return False
    return True


def up(migrator, db):
    if is_sqlite(migrator):
        run(db, SQLITE_UP)
    elif can_search(db):
        run(db, POSTGRES_UP)


def down(migrator, db):
    """The extension stays: others in the database may use it."""
    run(db, SQLITE_DOWN if is_sqlite(migrator) else POSTGRES_DOWN)
