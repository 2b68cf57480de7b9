"""Why a deletion is held back, since when its account is known to stand there, and who confirmed that it was gone."""

# a column's own check goes with the column, also on SQLite
COLUMNS = (
    ("held_reason", "TEXT NOT NULL DEFAULT '' CHECK (held_reason IN ('', 'many', 'restored', 'operator', 'partner'))"),
    ("seen_at", "{at} CHECK (seen_at IS NULL OR started_at IS NOT NULL)"),
    ("gone_name", "TEXT NOT NULL DEFAULT '' CHECK (gone_name = '' OR started_at IS NOT NULL)"),
)

# what was counted before the first page stood there
KNOWN = (
    "UPDATE deletion SET held_reason = 'many' WHERE held_at IS NOT NULL",
    "UPDATE deletion SET seen_at = started_at WHERE found_bytes IS NOT NULL",
)

TYPES = {"sqlite": "TEXT", "postgres": "TIMESTAMP"}


def up(migrator, db):
    at = TYPES["sqlite" if type(migrator).__name__ == "SqliteMigrator" else "postgres"]
    for column, kind in COLUMNS:
        db.execute_sql(f"ALTER TABLE deletion ADD COLUMN {column} {kind.replace('{at}', at)}")
    for statement in KNOWN:
        db.execute_sql(statement)


def down(migrator, db):
    for column, _kind in reversed(COLUMNS):
        db.execute_sql(f"ALTER TABLE deletion DROP COLUMN {column}")
