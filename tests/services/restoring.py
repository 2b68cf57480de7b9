"""Backups made and restored by the real programs, into a database of its own beside the first."""

import shutil
import subprocess
from pathlib import Path

from models.base import database, open_database
from services import backup
from services.settings import Settings
from tests import postgres

TEST_SECONDS = 120


def back_up(settings: Settings, at, folder: Path) -> Path:
    """While others write. Postgres: as docs/operations.md says."""
    if settings.database_url.startswith("sqlite"):
        target = folder / "backup.db"
        backup.make(settings, target, at)
        return target
    target = folder / "backup.dump"
    _run("pg_dump", "--format=custom", "--no-owner", f"--file={target}", settings.database_url)
    return target


def restore(settings: Settings, backup_file: Path, folder: Path) -> str:
    """Into a fresh database; returns its address. Nothing is opened yet."""
    if settings.database_url.startswith("sqlite"):
        copy = folder / "restored.db"
        shutil.copyfile(backup_file, copy)
        return f"sqlite:///{copy}"
    server, name = settings.database_url.rsplit("/", 1)
    url = postgres.fresh_database(f"{server}/postgres", f"{name}_restored")
    _run("pg_restore", "--no-owner", "--exit-on-error", "--single-transaction", f"--dbname={url}", backup_file)
    return url


def opened(url: str):
    """The models speak to this database from now on; what waits for the disk is not what these tests are about."""
    database.obj.close_all()
    found = open_database(url)
    if url.startswith("sqlite"):
        found.pragma("synchronous", "off", permanent=True)
    return found


def _run(program: str, *arguments: object) -> None:
    command = [str(postgres.programs() / program), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TEST_SECONDS)
    assert done.returncode == 0, done.stderr
