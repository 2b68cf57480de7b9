"""A Postgres server for one test session: made in a temporary folder, on a free loopback port, gone at the end."""

import contextlib
import ctypes
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
from psycopg.sql import SQL, Identifier

PLACES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/usr/local/opt/postgresql*/bin",
    "/opt/homebrew/opt/postgresql*/bin",
)
START_SECONDS = 60
USER = "portal"
HISTORY = "schema_migration"
# Nothing here has to survive a power cut, so nothing waits for the disk.
OPTIONS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_connections": "300",
    "unix_socket_directories": "",
    "listen_addresses": "127.0.0.1",
    "autovacuum": "off",
}


class PostgresMissing(Exception):
    """The programs of the server are not installed here; the text says which package holds them."""


def programs() -> Path:
    """The folder that holds initdb and postgres: the newest installed release, else what PATH names."""
    found = [folder for place in PLACES for folder in Path("/").glob(place.lstrip("/")) if (folder / "initdb").exists()]
    if found:
        return max(found, key=_release)
    if on_path := shutil.which("initdb"):
        return Path(on_path).parent
    raise PostgresMissing("PostgreSQL is not installed here. Install the package postgresql, or test with --db sqlite.")


def _release(folder: Path) -> float:
    digits = "".join(sign for sign in str(folder) if sign.isdigit() or sign == ".").strip(".")
    return float(digits) if digits.replace(".", "", 1).isdigit() else 0


def _owner() -> dict:
    """The server refuses to run as root: then it runs as `postgres`, or as `nobody`."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            account = pwd.getpwnam(name)
            return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    raise PostgresMissing("PostgreSQL does not run as root, and there is no account `postgres` or `nobody` here.")


def _stop_with_parent() -> None:
    """Linux ends the server when the tests are killed; elsewhere only an orderly end stops it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGINT)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _initialise(bin_folder: Path, data: Path, owner: dict) -> None:
    """A linguistic collation, as most real installations have it: its order differs from SQLite's."""
    command = [bin_folder / "initdb", "-D", data, "-U", USER, "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C"]
    collation = ["--locale-provider=icu", "--icu-locale=en"]
    for attempt in (command + collation, command):
        done = subprocess.run(attempt, capture_output=True, text=True, cwd="/", **owner)
        if done.returncode == 0:
            return
        shutil.rmtree(data, ignore_errors=True)
    raise RuntimeError(f"initdb failed: {done.stderr.strip()}")


@contextlib.contextmanager
def server() -> Iterator[str]:
    """Runs a server and yields the address of its first database; always stops it and removes its files."""
    bin_folder, owner, port = programs(), _owner(), free_port()
    folder = Path(tempfile.mkdtemp(prefix="portal-postgres-"))
    if owner:
        os.chown(folder, owner["user"], owner["group"])
    try:
        _initialise(bin_folder, folder / "data", owner)
        settings = [part for name, value in OPTIONS.items() for part in ("-c", f"{name}={value}")]
        with (folder / "log").open("w") as log:
            process = subprocess.Popen(
                [bin_folder / "postgres", "-D", folder / "data", "-p", str(port), *settings],
                stdout=log, stderr=log, cwd="/", preexec_fn=_stop_with_parent, **owner,
            )  # fmt: skip
        try:
            url = f"postgresql://{USER}@127.0.0.1:{port}/postgres"
            _wait(url, process, folder / "log")
            yield url
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait(url: str, process: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            psycopg.connect(url).close()
            return
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"Postgres did not start: {log.read_text().strip()}") from None
            time.sleep(0.05)


def empty(database) -> None:
    """Deletes all rows and restarts all counters. Ten times faster than TRUNCATE on tables that hold a few rows."""
    names = [name for name in database.get_tables() if name != HISTORY]
    deletes = "; ".join(f'DELETE FROM "{name}"' for name in names)  # noqa: S608 - own names
    with database.atomic():
        # the role turns foreign keys off; the time-out names a test that left a transaction open
        database.execute_sql(f"SET LOCAL lock_timeout = '10s'; SET LOCAL session_replication_role = replica; {deletes}")
        used = database.execute_sql(
            "SELECT quote_ident(sequencename) FROM pg_sequences WHERE last_value IS NOT NULL AND sequencename !~ %s",
            (f"^{HISTORY}_",),
        )
        restarts = "; ".join(f"ALTER SEQUENCE {name} RESTART" for (name,) in used.fetchall())
        if restarts:
            database.execute_sql(restarts)


def fresh_database(server_url: str, name: str) -> str:
    """Makes an empty database on the server, replacing one of the same name, and returns its address."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name)))
        connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
    return server_url.rsplit("/", 1)[0] + "/" + name
