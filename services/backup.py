"""A backup of the SQLite database while the portal works. Postgres has pg_dump for that (docs/operations.md)."""

import os
import sqlite3
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path

from models.base import UtcDateTimeField
from services.command_line import NotDone
from services.settings import Settings

ONE_STEP = -1  # one step sees one moment; several would begin anew with each write of the portal


class BackupFailed(NotDone):
    """No file was made."""


def make(settings: Settings, target: Path, at: datetime) -> list[str]:
    """Writes a consistent copy to `target`, readable by its owner alone, and looks through it before it gets its name.
    The copy is marked, so that a portal which opens it knows that it was restored. The data keys are not in it.

    Raises BackupFailed; then there is no file under that name."""
    if not settings.database_url.startswith("sqlite:///"):
        raise BackupFailed("This database is Postgres: use pg_dump. docs/operations.md shows the command.")
    source = Path(settings.database_url.removeprefix("sqlite:///"))
    if not source.is_file():
        raise BackupFailed(f"There is no database at {source}.")
    if target.exists():
        raise BackupFailed(f"{target} exists. Choose another name: nothing is overwritten.")
    draft = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        _copy(source, draft, at)
        _to_disk(draft)
        os.link(draft, target)  # unlike a rename it never replaces what came meanwhile
        _to_disk(target.parent)
    except (OSError, sqlite3.Error) as failure:
        raise BackupFailed(f"The backup was not made: {failure}") from failure
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()
    return [f"{target}: {target.stat().st_size} bytes, looked through, state of {at:%Y-%m-%d %H:%M:%S} UTC"]


def _copy(source: Path, draft: Path, at: datetime) -> None:
    uri = f"{source.resolve().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True)) as here, closing(sqlite3.connect(draft)) as there:
        here.backup(there, pages=ONE_STEP)
        there.execute("PRAGMA journal_mode = DELETE")  # one file, nothing beside it
        _mark(there, at)
        found = [text for (text,) in there.execute("PRAGMA integrity_check")]
        if found != ["ok"] or there.execute("PRAGMA foreign_key_check").fetchone():
            raise BackupFailed(f"The copy is damaged, and so may the database be: {'; '.join(found[:3])}")


def _mark(there: sqlite3.Connection, at: datetime) -> None:
    """In the copy alone, and not again in the copy of a database that is in restored mode itself."""
    values = (UtcDateTimeField().db_value(at), "backup")
    with there:
        there.execute(
            "INSERT INTO restoration (began_at, cause) SELECT ?, ? "
            "WHERE NOT EXISTS (SELECT 1 FROM restoration WHERE ended_at IS NULL)", values,
        )  # fmt: skip


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
