"""The portal as it runs for real: web, worker and storage server as processes of their own, on free ports.

What happens inside is seen from outside alone: pages, mails as files, and rows read with the database's own driver.
"""

import ctypes
import email
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from email.message import EmailMessage
from email.policy import default as modern
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from services.settings import KNOWN
from services.storage.embedded import embedded_url
from tests.postgres import free_port
from tests.storage.customers import free_base_port

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 60
STOP_SECONDS = 20
FIRST_STORAGE_PORT = 20_500


def wait_until(what: Callable[[], Any], why: str, seconds: float = PATIENCE_SECONDS) -> Any:
    """The first true answer of `what`; fails with `why` when there is none in time."""
    ends = time.monotonic() + seconds
    while not (answer := what()):
        assert time.monotonic() < ends, f"{why}: not within {seconds} s"
        time.sleep(0.05)
    return answer


class RunningPortal:
    """`start()` … `stop()`. Data, mails and logs lie below `folder`; database_url empty: SQLite in that folder."""

    def __init__(self, folder: Path, database_url: str = "", **settings: str):
        self.folder, self.database_url = folder, database_url
        self.storage_port = free_base_port(FIRST_STORAGE_PORT)
        self.endpoint = f"http://127.0.0.1:{self.storage_port}"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.processes: dict[str, subprocess.Popen] = {}
        self.environment = dict.fromkeys(KNOWN, "") | {  # nothing comes in from the .env of whoever runs the tests
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(folder),
            "LC_ALL": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            "PORTAL_PORT": str(self.port),
            "PORTAL_VAR_DIR": str(folder),
            "PORTAL_MEASURE_MINUTES": "1",
            "DATABASE_URL": database_url,
            "STORAGE_URL": embedded_url(self.storage_port),
            "STORAGE_CREDENTIALS_FILE": str(folder / "storage" / "credentials.json"),
            **settings,
        }

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        storage = ["-m", "services.storage.embedded", "--dir", str(self.folder / "storage")]
        self._run("storage", [*storage, "--port", str(self.storage_port)])
        self.command("init")
        self._run("web", ["portal.py", "serve"])
        wait_until(lambda: "ready" in self.log("storage"), "the storage server")
        self._run("worker", ["portal.py", "worker"])
        wait_until(self._answers, "the portal")

    def stop(self) -> None:
        """Ends all processes in order; what one of them complained about fails the session."""
        for name in ("web", "worker", "storage"):
            if process := self.processes.get(name):
                process.send_signal(signal.SIGTERM)
        for process in self.processes.values():
            process.wait(STOP_SECONDS)
        for name in self.processes:
            assert "Traceback" not in self.log(name), self.log(name)

    def command(self, *words: str) -> str:
        """What `python portal.py …` prints."""
        done = subprocess.run(
            [sys.executable, "portal.py", *words], cwd=ROOT, env=self.environment, capture_output=True, text=True,
            timeout=PATIENCE_SECONDS, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def log(self, name: str) -> str:
        path = self.folder / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def mails(self, address: str) -> list[EmailMessage]:
        """Mails to this address, the oldest first."""
        files = sorted((self.folder / "mail").glob("*.eml"), key=lambda file: (file.stat().st_mtime_ns, file.name))
        found = [email.message_from_bytes(file.read_bytes(), policy=modern) for file in files]
        return [mail for mail in found if address in str(mail["to"])]

    def mail(self, address: str, about: str) -> EmailMessage:
        """The latest mail to this address whose subject contains `about`, as soon as the worker has sent it."""

        def latest() -> EmailMessage | None:
            return next((mail for mail in reversed(self.mails(address)) if about in mail["subject"]), None)

        return wait_until(latest, f"a mail to {address} about {about!r}")

    def link_in(self, mail: EmailMessage) -> str:
        """The path of the first link of the mail that leads here."""
        body = mail.get_body(("plain",))
        found = re.search(re.escape(self.url) + r"(/\S+)", body.get_content())
        assert found, body.get_content()
        return found[1]

    def rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        """Rows of the running database. `?` stands for a value."""
        if not self.database_url:
            with closing(sqlite3.connect(self.folder / "portal.db")) as connection:
                connection.row_factory = sqlite3.Row
                return [dict(row) for row in connection.execute(query, values)]
        with psycopg.connect(self.database_url, row_factory=dict_row) as connection:
            return connection.execute(query.replace("?", "%s"), values).fetchall()

    def _answers(self) -> bool:
        web = self.processes["web"]
        assert web.poll() is None, self.log("web")
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def _run(self, name: str, arguments: list[str]) -> None:
        with (self.folder / f"{name}.log").open("w") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, *arguments], cwd=ROOT, env=self.environment, stdout=log, stderr=subprocess.STDOUT,
                preexec_fn=_stop_with_parent,
            )  # fmt: skip


def _stop_with_parent() -> None:
    """Linux ends the processes when the tests are killed; elsewhere only an orderly end stops them."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)
