"""The second process: what a round does, how it ends, and what it outlives."""

import contextlib
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from peewee import InterfaceError, OperationalError

from models.base import database, write_tx
from models.outbox import Mail
from models.sub_account import AccessKey, Region
from models.usage import UsageDay
from services import enforcement, usage, worker, worker_sites
from services.provisioning import provision_next
from services.secret import Vault
from services.storage import memory
from tests.services.ground import GB, TB, fresh

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "tests" / "services" / "worker_process.py"
LONGEST_SECONDS = 60


def wait_for(condition: Callable[[], object], what: str) -> None:
    until = time.monotonic() + LONGEST_SECONDS
    while not condition():
        assert time.monotonic() < until, f"{what} did not happen in {LONGEST_SECONDS} s"
        threading.Event().wait(0.02)


@contextlib.contextmanager
def running(settings, *mode: object) -> Iterator[subprocess.Popen]:
    """The worker's process; killed at the end if it is still there."""
    arguments = [settings.database_url, settings.data_keys[0], settings.var_dir, *mode]
    program = [sys.executable, str(PROGRAM), *map(str, arguments)]
    environment = {"PYTHONPATH": str(ROOT), "PATH": ""}
    with subprocess.Popen(program, stderr=subprocess.PIPE, text=True, env=environment) as process:
        try:
            yield process
        finally:
            process.kill()


def queue_mail(ground) -> None:
    at = ground.clock.now()
    with write_tx():
        Mail.create(
            template="any", recipient="a@b.example", subject="Hello", text="Hi\n", created_at=at, next_attempt_at=at
        )


def test_a_round_sets_up_measures_and_sends_mails(ground, site, settings):
    row = ground.account("A", TB)
    queue_mail(ground)
    assert not worker.round_of_work(site, settings)
    assert fresh(row).phase == "ready"
    assert UsageDay.select().count() == 1
    assert Mail.get().sent_at is not None
    assert len(list(settings.mail_dir.glob("*.eml"))) == 1


def test_a_round_does_a_bounded_amount_and_says_that_there_is_more(ground, site, settings, monkeypatch):
    monkeypatch.setattr(worker, "STEPS_A_ROUND", 3)
    ground.account("A", TB)
    assert worker.round_of_work(site, settings)
    assert len(site.storage.called("read_account")) == 3
    while worker.round_of_work(site, settings):
        pass
    monkeypatch.setattr(usage, "BATCH", 1)
    ground.clock.advance(minutes=5)
    assert worker.round_of_work(site, settings)
    assert not worker.round_of_work(site, settings)


def test_mails_go_on_while_the_storage_service_is_away(ground, site, settings):
    site.storage.fail("*", times=50)
    ground.account("A", TB)
    queue_mail(ground)
    worker.round_of_work(site, settings)
    assert Mail.get().sent_at is not None


def test_once_does_all_that_is_due_and_ends(ground, settings, clock, monkeypatch):
    rows = [ground.account(f"A{number}", GB) for number in range(3)]
    queue_mail(ground)
    monkeypatch.setattr(worker, "STEPS_A_ROUND", 2)
    before = threading.active_count()
    worker.run(settings, clock, once=True)
    assert {fresh(row).phase for row in rows} == {"ready"}
    assert Mail.get().sent_at is not None
    assert UsageDay.select().count() == 3
    assert threading.active_count() == before


def test_a_site_describes_its_region_and_names_its_worker(ground, settings, clock):
    storage = memory.MemoryStorage(hard_quota="delayed", quota_delay_seconds=2)
    site = worker.open_site(settings, clock, storage)
    region = Region.get(name=settings.storage_region)
    assert (site.region.id, region.hard_quota, region.quota_delay_seconds) == (region.id, "delayed", 2)
    assert (site.storage, site.act().source, site.act().at) == (storage, "worker", clock.now())
    host, _, process = site.owner.rpartition(":")
    assert host
    assert process.isdigit()
    assert isinstance(site.vault, Vault)


def test_a_signal_ends_all_loops_cleanly(ground, settings):
    row = ground.account("A", TB)
    with running(settings, "well") as process:
        wait_for(lambda: fresh(row).phase == "ready" and fresh(row).enforced_at, "setting up")
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=LONGEST_SECONDS)
    assert process.returncode == 0, log
    assert "worker stopped" in log
    assert AccessKey.get(sub_account=row).phase == "live"
    assert fresh(row).lease_owner == ""


def test_while_something_is_measured_for_long_the_others_are_followed_and_counted(ground, settings, tmp_path):
    """A quota follows within seconds, whatever a service takes to list the objects of somebody else."""
    ground.account("A", TB)
    with running(settings, "measuring", tmp_path) as process:
        wait_for((tmp_path / "begun").exists, "measuring")
        other = ground.account("B", TB)
        wait_for(lambda: fresh(other).phase == "ready" and fresh(other).enforced_at, "setting up")
        assert not (tmp_path / "go").exists()
        process.send_signal(signal.SIGTERM)
        (tmp_path / "go").touch()
        _, log = process.communicate(timeout=LONGEST_SECONDS)
    assert process.returncode == 0, log
    assert "worker stopped" in log


def test_no_two_loops_share_what_they_know_of_the_region(ground, settings, clock, monkeypatch):
    sites = []
    monkeypatch.setattr(signal, "signal", lambda number, handler: None)
    monkeypatch.setattr(worker, "_loop", lambda work, stop, pause_seconds: work())
    monkeypatch.setattr(
        worker_sites, "open_storage", lambda *_: memory.MemoryStorage(hard_quota="delayed", quota_delay_seconds=2)
    )
    for module, name in ((worker, "follow"), (worker, "tend"), (enforcement, "enforce_due")):
        monkeypatch.setattr(module, name, lambda site, *_: sites.append(site))
    worker.run(settings, clock)
    assert len({id(site.region) for site in sites}) == len(sites) == 3
    assert len({id(site.storage) for site in sites}) == 1


def test_a_step_that_is_under_way_is_finished_before_the_end(ground, settings, tmp_path):
    row = ground.account("A", TB)
    with running(settings, "busy", tmp_path) as process:
        wait_for((tmp_path / "begun").exists, "the call")
        process.send_signal(signal.SIGTERM)
        (tmp_path / "go").touch()
        _, log = process.communicate(timeout=LONGEST_SECONDS)
    assert process.returncode == 0, log
    seen = fresh(row)
    assert (seen.observed_state, seen.lease_owner, seen.lease_until_at) == ("active", "", None)


def test_what_nobody_foresaw_ends_the_whole_process_and_not_half_of_it(ground, settings):
    ground.account("A", TB)
    with running(settings, "broken") as process:
        _, log = process.communicate(timeout=LONGEST_SECONDS)
    assert process.returncode == 1, log
    assert "nobody foresaw this" in log


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_a_database_that_is_away_is_waited_for(db, caplog, error):
    stop, rounds = threading.Event(), []

    def work() -> bool:
        rounds.append(database.is_closed())
        if len(rounds) < 4:
            raise error("server closed the connection")
        stop.set()
        return False

    worker._loop(work, stop, 0)
    assert rounds == [False] * 4
    assert caplog.text.count("server closed the connection") == 3


@pytest.mark.postgres_only
def test_a_connection_that_the_server_cuts_is_replaced(ground, site, settings, engine, database_url, caplog):
    row, stop, rounds = ground.account("A", TB), threading.Event(), []

    def work() -> bool:
        rounds.append(len(rounds))
        if len(rounds) == 1:
            provision_next(site)
            cut_all(database_url)
        more = worker.round_of_work(site, settings)
        if not more:
            stop.set()
        return more

    database.close()
    worker._loop(work, stop, 0)
    assert len(rounds) >= 2
    assert "database: " in caplog.text
    assert fresh(row).phase == "ready"


def cut_all(url: str) -> None:
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> %s"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(others, [connection.info.backend_pid])


def test_the_loop_pauses_only_when_there_is_nothing_more(db):
    class Stop(threading.Event):
        waits = 0

        def wait(self, timeout=None):
            self.waits += 1
            return super().wait(0)

    stop, answers = Stop(), [True, True, False, True, False]

    def work() -> bool:
        more = answers.pop(0)
        if not answers:
            stop.set()
        return more

    worker._loop(work, stop, 99)
    assert stop.waits == 2
