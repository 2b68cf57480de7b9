"""Several storage services at once: what customers and operators read of each, whether it takes new sub-accounts, when
a worker last looked after it; which operators were told of what got stuck; and the portal's own part of the names that
it uses on storage services."""

COLUMNS = (
    ("region", "display_name", "TEXT NOT NULL DEFAULT ''"),
    ("region", "place", "TEXT NOT NULL DEFAULT ''"),
    ("region", "iam_url", "TEXT NOT NULL DEFAULT ''"),
    ("region", "sts_url", "TEXT NOT NULL DEFAULT ''"),
    ("region", "capabilities", "TEXT NOT NULL DEFAULT '{{}}'"),
    ("region", "closed", "BOOLEAN NOT NULL DEFAULT FALSE"),
    ("region", "removed_at", "{at}"),
    ("region", "tended_at", "{at}"),
    ("region", "told_at", "{at}"),
    ("sub_account", "told_at", "{at}"),
)

INSTALLATION = """
CREATE TABLE installation (
    id INTEGER PRIMARY KEY,
    code TEXT NOT NULL,
    CHECK (id = 1),
    CHECK (length(code) = 6 AND code = lower(code))
)"""

INDEXES = (
    "CREATE INDEX sub_account_untold_idx ON sub_account (region_id) WHERE phase = 'attention' AND told_at IS NULL",
    "CREATE INDEX sub_account_told_idx ON sub_account (told_at) WHERE told_at IS NOT NULL",
    "CREATE INDEX sub_account_region_idx ON sub_account (region_id, created_at) WHERE phase <> 'deleted'",
)

TYPES = {"sqlite": "TEXT", "postgres": "TIMESTAMP"}


def up(migrator, db):
    engine = "sqlite" if type(migrator).__name__ == "SqliteMigrator" else "postgres"
    for table, column, kind in COLUMNS:
        db.execute_sql(f"ALTER TABLE {table} ADD COLUMN {column} {kind.format(at=TYPES[engine])}")
    for statement in (INSTALLATION, *INDEXES):
        db.execute_sql(statement)


def down(migrator, db):
    db.execute_sql("DROP TABLE installation")
    for name in ("sub_account_untold_idx", "sub_account_told_idx", "sub_account_region_idx"):
        db.execute_sql(f"DROP INDEX {name}")
    for table, column, _kind in reversed(COLUMNS):
        db.execute_sql(f"ALTER TABLE {table} DROP COLUMN {column}")
