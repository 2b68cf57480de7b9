"""Sixteen threads move capacity between customers while the worker and the storage service are killed at random.

Nothing that was acknowledged is lost, nobody ever sees a sum that is not the whole, and the service never holds more
than the package.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from models.contract import AllocationEntry
from models.sub_account import SubAccount
from services import promises_desk
from services.secret import Vault
from services.site import Site
from tests.cast import act_of
from tests.crash.bank import Bank
from tests.crash.far_storage import PORTS, ROOT, FarStorage, wait_for
from tests.crash.restless import QuickClock
from tests.crash.storage_service import free_port
from tests.services import invariants
from tests.services.ground import TB, Ground, converge

THREADS, CUSTOMERS, TOTAL_BYTES = 16, 8, 10 * TB
SPEED = 30  # a lease of two minutes is over in four seconds
LEAST_KILLS_A_SECOND = 0.3


class Restless:
    """A process that dies all the time, until `calm`."""

    def __init__(self, *arguments: object):
        program = [sys.executable, "-m", "tests.crash.restless", *map(str, arguments)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self._process = subprocess.Popen(program, cwd=ROOT, start_new_session=True, **pipes)
        assert self._process.stdout.readline() == "begun\n"

    def calm(self) -> int:
        """Lets the present one live; returns how many died."""
        self._process.stdin.write("calm\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def end(self) -> None:
        self._process.stdin.close()
        assert self._process.wait(10) == 0, "it died by itself"

    def put_away(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(10)
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(BrokenPipeError):
                pipe.close()


@contextmanager
def restless(*arguments: object) -> Iterator[Restless]:
    running = Restless(*arguments)
    try:
        yield running
        running.end()
    finally:
        running.put_away()


@pytest.fixture
def quick() -> QuickClock:
    return QuickClock(time.monotonic(), SPEED)


def opened(cast, settings, quick: QuickClock) -> dict[str, int]:
    """A full package, shared out among all customers: what each has, by number."""
    ground = Ground(cast, settings, quick)
    rows = [ground.account(f"C{n}", TOTAL_BYTES // CUSTOMERS) for n in range(CUSTOMERS)]
    return {row.number: row.allocated_bytes for row in rows}


def move_for(bank: Bank, numbers: list[str], seconds: float) -> None:
    movers = [threading.Thread(target=bank.move_on, args=(numbers, seed)) for seed in range(THREADS)]
    threads = [*movers, threading.Thread(target=bank.look_on)]
    for thread in threads:
        thread.start()
    bank.stop.wait(seconds)
    bank.stop.set()
    for thread in threads:
        thread.join()


@pytest.mark.parametrize("seconds", [5, pytest.param(60, marks=pytest.mark.crash)])
def test_moves_between_customers_survive_random_kills(
    db, cast, settings, quick, engine, seconds, tmp_path, record_property
):
    stood = opened(cast, settings, quick)
    bank = Bank(cast.contract.id, TOTAL_BYTES, lambda: act_of(cast.alice, quick.now()))
    port = free_port(*PORTS)
    storage = FarStorage(port)
    started_at, world = quick.started_at, (settings.database_url, settings.data_keys[0], settings.var_dir)
    with restless("service", port, tmp_path / "storage.json") as service:
        with restless("worker", port, *world, started_at, SPEED) as worker:
            move_for(bank, list(stood), seconds)
            worker_deaths, service_deaths = worker.calm(), service.calm()
        wait_for(storage)
        site = Site(cast.region, storage, Vault(settings.data_keys), quick, "the last")
        converge(site)
        for giver, taker, amount_bytes, _batch in bank.moves:
            stood[giver] -= amount_bytes
            stood[taker] += amount_bytes
        check(bank, stood, site, settings)
        storage.close()
    deaths = {"worker killed": worker_deaths, "service killed": service_deaths}
    figures = {"moves": len(bank.moves), "reads": bank.reads, **deaths, "violations": len(bank.wrong)}
    record_property("bank", {"database": engine, "seconds": seconds, **figures})
    assert min(deaths.values()) >= seconds * LEAST_KILLS_A_SECOND
    assert not bank.wrong


def check(bank: Bank, stood: dict[str, int], site: Site, settings) -> None:
    """The acknowledged moves, one after the other, lead to where everything stands, here and on the service."""
    found = dict(SubAccount.select(SubAccount.number, SubAccount.allocated_bytes).tuples())
    there = {row.number: site.storage.read_account(row.remote_uid).quota_bytes for row in SubAccount.select()}
    if not found == stood == there:
        bank.wrong.append(f"the moves lead to {stood}; set aside are {found}, there {there}")
    kept = Counter(AllocationEntry.select(AllocationEntry.batch).where(AllocationEntry.cause == "changed").tuples())
    if kept != Counter({(batch,): 2 for *_, batch in bank.moves}):
        bank.wrong.append("the ledger holds other moves than those that were acknowledged")
    if site.storage.most_bytes > TOTAL_BYTES:
        bank.wrong.append(f"the service held {site.storage.most_bytes} bytes")
    bank.wrong += map(str, promises_desk.ask(settings, site.clock, storage=True, service=site.storage))
    invariants.check_books()
    invariants.check_storage(site.storage, site.vault)
    assert bank.moves and bank.reads
