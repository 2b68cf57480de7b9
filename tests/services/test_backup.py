"""The backup of the SQLite database: whole, private, never half, and known for what it is."""

import shutil
import sqlite3
import stat
import threading
from contextlib import closing
from dataclasses import replace

import pytest

from models.base import database, open_database, write_tx
from models.outbox import OneTimeKey
from services import backup, restored
from services.backup import BackupFailed
from tests.models.rows import NOW


def files(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def target(tmp_path):
    folder = tmp_path / "backups"
    folder.mkdir()
    return folder / "portal.db"


@pytest.mark.sqlite_only
def test_it_is_one_private_file_that_is_whole(settings, cast, target, clock):
    [line] = backup.make(settings, target, clock.now())
    assert str(target) in line
    assert files(target.parent) == ["portal.db"]
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    with closing(sqlite3.connect(target)) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert copy.execute("SELECT COUNT(*) FROM member").fetchone() == (4,)


@pytest.mark.sqlite_only
def test_it_is_of_one_moment_while_others_write(settings, cast, target, clock):
    """A writer makes pairs, each in one transaction; no copy may hold half of one."""
    stop, failures = threading.Event(), []

    def write():
        number = 0
        try:
            with database.connection_context():
                while not stop.is_set():
                    number += 1
                    with write_tx():
                        for half in ("left", "right"):
                            OneTimeKey.create(
                                principal=half, key=str(number), request_hash="", answer="x" * 2000, created_at=NOW
                            )
        except Exception as failure:
            failures.append(failure)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(10):
            backup.make(settings, target.with_name(f"{number}.db"), clock.now())
    finally:
        stop.set()
        writer.join(60)
    assert failures == []
    sizes = set()
    for number in range(10):
        with closing(sqlite3.connect(target.with_name(f"{number}.db"))) as copy:
            counts = dict(copy.execute("SELECT principal, COUNT(*) FROM one_time_key GROUP BY principal"))
        assert counts.get("left") == counts.get("right")
        sizes.add(counts.get("left"))
    assert len(sizes) > 3, "the writer wrote meanwhile"


@pytest.mark.sqlite_only
def test_nothing_is_overwritten(settings, db, target, clock):
    target.write_text("the only backup of last year")
    with pytest.raises(BackupFailed, match="Choose another name"):
        backup.make(settings, target, clock.now())
    assert target.read_text() == "the only backup of last year"


@pytest.mark.sqlite_only
def test_what_came_under_that_name_meanwhile_stays(settings, db, target, clock, monkeypatch):
    copy = backup._copy

    def late(*arguments):
        copy(*arguments)
        target.write_text("another backup")

    monkeypatch.setattr(backup, "_copy", late)
    with pytest.raises(BackupFailed, match="was not made"):
        backup.make(settings, target, clock.now())
    assert target.read_text() == "another backup"
    assert files(target.parent) == ["portal.db"]


@pytest.mark.sqlite_only
def test_a_damaged_database_makes_no_backup(settings, cast, target, tmp_path, clock):
    source = tmp_path / "damaged.db"
    whole = tmp_path / "whole.db"
    backup.make(settings, whole, clock.now())
    content = bytearray(whole.read_bytes())
    for place in range(40 * 4096, 60 * 4096):
        content[place] ^= 0x5A
    source.write_bytes(content)
    with pytest.raises(BackupFailed):
        backup.make(replace(settings, database_url=f"sqlite:///{source}"), target, clock.now())
    assert files(target.parent) == []


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    "harm",
    [
        ("PRAGMA ignore_check_constraints = ON", "UPDATE contract SET reserved_bytes = -1"),
        ("PRAGMA foreign_keys = OFF", "UPDATE member SET partner_id = 999"),
    ],
    ids=["a row that breaks a rule", "a row that points at nothing"],
)
def test_what_no_write_would_notice_is_found_in_the_copy(settings, cast, target, tmp_path, clock, harm):
    source = tmp_path / "damaged.db"
    backup.make(settings, source, clock.now())
    with closing(sqlite3.connect(source)) as connection, connection:
        for statement in harm:
            connection.execute(statement)
    with pytest.raises(BackupFailed, match="The copy is damaged"):
        backup.make(replace(settings, database_url=f"sqlite:///{source}"), target, clock.now())
    assert files(target.parent) == []


@pytest.mark.sqlite_only
def test_where_there_is_no_database_or_no_folder_it_says_so(settings, db, target, tmp_path, clock):
    with pytest.raises(BackupFailed, match="There is no database"):
        backup.make(replace(settings, database_url=f"sqlite:///{tmp_path}/no.db"), target, clock.now())
    with pytest.raises(BackupFailed, match="was not made"):
        backup.make(settings, tmp_path / "nowhere" / "portal.db", clock.now())


@pytest.mark.sqlite_only
def test_the_copy_is_marked_and_the_database_is_not(settings, cast, target, tmp_path, clock):
    backup.make(settings, target, clock.now())
    assert not restored.on()
    made_at = clock.now()
    database.obj.close_all()
    shutil.copyfile(target, tmp_path / "restored.db")
    opened = open_database(f"sqlite:///{tmp_path}/restored.db")
    try:
        assert restored.on()
        assert (restored.current().cause, restored.current().began_at) == ("backup", made_at)
    finally:
        opened.close_all()


@pytest.mark.sqlite_only
def test_the_copy_of_a_restored_database_is_marked_once(settings, cast, acting, target, clock):
    restored.begin(acting())
    backup.make(settings, target, clock.now())
    with closing(sqlite3.connect(target)) as copy:
        assert copy.execute("SELECT cause FROM restoration").fetchall() == [("command",)]


@pytest.mark.sqlite_only
def test_the_command_prints_one_line_or_says_why_not(app, target):
    run = app.test_cli_runner().invoke
    done = run(args=["backup", str(target)])
    assert done.exit_code == 0 and str(target) in done.output
    again = run(args=["backup", str(target)])
    assert again.exit_code == 1 and "Choose another name" in again.output


@pytest.mark.postgres_only
def test_postgres_is_left_to_its_own_program(settings, db, target, clock):
    with pytest.raises(BackupFailed, match="pg_dump"):
        backup.make(settings, target, clock.now())
