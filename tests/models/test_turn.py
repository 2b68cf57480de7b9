"""Turns to write: between processes nobody starves, nobody waits for the dead, and nobody waits for ever."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from models.base import open_database, write_tx
from models.turn import Turnstile

# Writes without a pause until its input ends; says when it holds the turn for the first time.
GREEDY = """
import sys, threading
from models.turn import Turnstile
turnstile, stop = Turnstile(sys.argv[1]), threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), stop.set())).start()
turnstile.enter(); print("holds", flush=True)
while not stop.is_set():
    stop.wait(0.005)
    turnstile.leave(); turnstile.enter()
turnstile.leave()
"""


@pytest.fixture
def greedy(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", GREEDY, str(tmp_path / "db")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        text=True,
    )
    assert process.stdout.readline() == "holds\n"
    yield process
    process.kill()
    process.communicate()


def test_a_process_that_writes_without_pause_leaves_every_second_turn_to_another(greedy, tmp_path):
    turnstile = Turnstile(str(tmp_path / "db"))
    for _ in range(20):
        assert turnstile.enter()
        turnstile.leave()


def test_the_turn_of_a_killed_process_is_free_at_once(greedy, tmp_path):
    greedy.kill()
    greedy.wait()
    assert Turnstile(str(tmp_path / "db"), longest_wait_seconds=1).enter()


def test_a_frozen_process_is_not_waited_for_without_end(greedy, tmp_path):
    turnstile = Turnstile(str(tmp_path / "db"), longest_wait_seconds=0.05)
    greedy.send_signal(signal.SIGSTOP)
    assert not turnstile.enter()
    greedy.send_signal(signal.SIGCONT)
    assert Turnstile(str(tmp_path / "db")).enter()


def test_databases_opened_one_after_another_keep_no_file_of_the_earlier_one(tmp_path):
    def opened(name: str) -> int:
        database = open_database(f"sqlite:///{tmp_path / name}")
        with write_tx():
            pass
        database.close_all()
        return len(os.listdir("/proc/self/fd"))

    first = opened("first.db")
    assert [opened(f"{number}.db") for number in range(5)] == [first] * 5
