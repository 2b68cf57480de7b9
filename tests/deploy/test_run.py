"""`make run`, from the first start to Ctrl-C: everything comes up, is found again, and nothing is left running."""

import contextlib
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.after import answers
from tests.postgres import free_port
from tests.storage.customers import free_base_port

ROOT = Path(__file__).resolve().parents[2]
READY = "Ctrl-C ends everything."
PATIENCE_SECONDS = 120

pytestmark = [pytest.mark.slow, pytest.mark.storage, pytest.mark.xdist_group("storage")]


class Running:
    """One `make run`, its output in a file."""

    def __init__(self, environment: dict[str, str], log: Path):
        self.environment, self.log = environment, log
        with log.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "deploy.run"],
                cwd=ROOT,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def said(self) -> str:
        return self.log.read_text()

    def wait_for(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            assert self.process.poll() is None, self.said
            assert time.monotonic() < deadline, self.said
            time.sleep(0.1)

    def wait_until_ready(self) -> str:
        self.wait_for(lambda: READY in self.said)
        return self.said

    def end(self) -> int:
        """Ctrl-C."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A home with nothing in it, a var folder and ports of its own."""
    home = tmp_path / "home"
    home.mkdir()
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "PORTAL_VAR_DIR": str(tmp_path / "var"),
        "PORTAL_PORT": str(free_port()),
        "STORAGE_PORT": str(free_base_port()),
    }


@pytest.fixture
def run(environment: dict[str, str], tmp_path: Path) -> Iterator:
    started: list[Running] = []

    def begin(**changes: str) -> Running:
        started.append(Running({**environment, **changes}, tmp_path / f"run-{len(started)}.log"))
        return started[-1]

    yield begin
    for one in started:
        one.end()


def pids(said: str) -> list[int]:
    return [int(pid) for pid in re.findall(r"started \(pid=(\d+)\)", said)]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def log_ins(said: str) -> list[str]:
    return re.findall(r"\S+@\S+\.example\.com", said) + re.findall(r"password\s+(\S+)", said)


def test_everything_starts_is_found_again_and_ends(run, environment):
    first = run()
    said = first.wait_until_ready()
    url = f"http://127.0.0.1:{environment['PORTAL_PORT']}"
    assert url in said
    assert f"Mails land in {environment['PORTAL_VAR_DIR']}/mail" in said
    assert len(log_ins(said)) >= 3
    with urllib.request.urlopen(f"{url}/login") as answer:  # noqa: S310 - our own address
        assert answer.status == 200
    assert len(pids(said)) == 3
    second = run()
    assert second.process.wait(60) == 1
    assert second.said.count("\n") == 1
    assert f"Port {environment['PORTAL_PORT']}, which the portal needs, is taken" in second.said
    assert first.end() == 0
    assert [pid for pid in pids(said) if alive(pid)] == []
    assert not answers(int(environment["PORTAL_PORT"]))
    assert not answers(int(environment["STORAGE_PORT"]))

    again = run()
    assert log_ins(again.wait_until_ready()) == log_ins(said), "the data of the first run are there"
    assert "the database is up to date" in again.said
    assert again.end() == 0


def children(pid: int, command: str) -> list[int]:
    """Processes that this one started, with these words in their command."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == pid and command in (folder / "cmdline").read_text().replace("\0", " "):
                found.append(int(folder.name))
    return found


def facts(var: Path) -> dict[str, int]:
    """What there is of the sample data."""
    questions = {
        "partners": "partner WHERE state IN ('active', 'applied')",
        "ready": "sub_account WHERE phase = 'ready'",
        "stored": "access_key WHERE stored_at IS NOT NULL",
        "days": "usage_day",
    }
    with contextlib.closing(sqlite3.connect(f"file:{var}/portal.db?mode=ro", uri=True)) as opened:
        # no part of these comes from elsewhere
        return {name: opened.execute(f"SELECT count(*) FROM {what}").fetchone()[0] for name, what in questions.items()}  # noqa: S608


def test_ctrl_c_while_the_sample_data_are_made_ends_that_too_and_the_next_start_finishes_them(run, environment):
    var = Path(environment["PORTAL_VAR_DIR"])
    first = run()
    first.wait_for(lambda: "web started" in first.said and facts(var)["partners"])
    [maker] = children(first.process.pid, "portal.py demo")
    assert first.end() == 0
    assert not alive(maker)
    assert READY not in first.said and "No sample data" not in first.said
    assert facts(var)["stored"] < 3, "this was to be an interruption"

    second = run()
    said = second.wait_until_ready()
    assert len(log_ins(said)) >= 3
    assert second.end() == 0
    found = facts(var)
    assert (found["partners"], found["ready"], found["stored"]) == (2, 4, 4)
    assert found["days"] >= 4 * 29


def one_sentence(running: Running) -> str:
    assert running.process.wait(60) == 1
    assert running.said.count("\n") == 1, running.said
    return running.said


def test_a_port_of_the_storage_server_that_is_taken_is_named(run, environment):
    with socket.socket() as other:
        other.bind(("127.0.0.1", int(environment["STORAGE_PORT"]) + 1))
        other.listen()
        said = one_sentence(run())
    assert f"Port {int(environment['STORAGE_PORT']) + 1}, which the storage server needs, is taken" in said


def test_a_folder_that_cannot_be_used_is_named(run, tmp_path):
    (tmp_path / "file").write_text("")
    assert "cannot be used for data" in one_sentence(run(PORTAL_VAR_DIR=str(tmp_path / "file")))


def test_a_port_that_is_no_port_is_named(run):
    assert "STORAGE_PORT must be a port" in one_sentence(run(STORAGE_PORT="99"))


def test_a_missing_secret_in_production_is_named(run):
    assert "PORTAL_SECRET_KEY is not set" in one_sentence(run(PORTAL_ENV="production"))


def test_the_same_processes_are_named_for_a_platform_and_for_this_machine():
    platform = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())
    here = dict(line.split(": ", 1) for line in (ROOT / "deploy" / "Procfile.local").read_text().splitlines())
    assert set(platform) == {"web", "worker", "release"}
    assert set(here) == {"web", "worker", "storage"}
    for name in ("web", "worker"):
        assert here[name].endswith(platform[name])
