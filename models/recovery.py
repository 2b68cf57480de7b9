"""What a database knows of itself: where it stands, which data key it needs, and whether it came out of a backup."""

from peewee import AutoField, TextField

from models.base import Table, UtcDateTimeField, database, is_sqlite

# Differs in every database that a dump was restored into. Opened files of SQLite are told apart by their backup's mark.
POSTGRES_MARK = """
SELECT (SELECT system_identifier FROM pg_control_system()) || '/'
    || (SELECT oid FROM pg_database WHERE datname = current_database()) || '/' || 'restoration'::regclass::oid"""


class Home(Table):
    """One row. `mark`: where this database stood when it was last written down; another one means that it was restored
    elsewhere. `probe_ct` is sealed with a data key, so that a start with other keys is noticed."""

    id = AutoField()
    mark = TextField(default="")
    probe_ct = TextField(null=True)

    class Meta:
        table_name = "database_home"


class Restoration(Table):
    """The database was restored from a backup. Until `ended_at` staff looks at what the storage service did since.

    `cause`: backup (the file was marked when it was made; `began_at` is that moment), moved (the database stands
    elsewhere), command. `prepared_at`: when what could undo later decisions was put on hold.
    """

    id = AutoField()
    began_at = UtcDateTimeField()
    cause = TextField()
    prepared_at = UtcDateTimeField(null=True)
    ended_at = UtcDateTimeField(null=True)
    ended_by = TextField(default="")
    reason = TextField(default="")


def mark_here() -> str:
    """What tells this database from a restored one; empty on SQLite."""
    return "" if is_sqlite() else str(database.execute_sql(POSTGRES_MARK).fetchone()[0])


def is_elsewhere() -> bool:
    """Whether the database stands elsewhere than it says. One that says nothing was never in use."""
    home = None if is_sqlite() else Home.get_or_none(Home.id == 1)
    return home is not None and home.mark not in ("", mark_here())
