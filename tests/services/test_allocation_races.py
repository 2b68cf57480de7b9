"""Many at once, in threads and in processes, on one contract: never over capacity, no update lost, no error."""

import multiprocessing
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import models.contract
from models.base import database
from models.contract import AllocationEntry, Contract
from models.sub_account import AccessKey, SubAccount
from services import allocation, once
from services.allocation import AllocationRefused, AllocationStale, Change
from services.provisioning import provision_next
from tests.services import invariants
from tests.services.contenders import change_many, raise_all, raise_own
from tests.services.ground import TB, converge, work

CONTENDERS = 20
PROCESSES = 4


@pytest.fixture
def twenty(ground) -> list[str]:
    """Twenty sub-accounts of nothing, in a package with room for ten times 1 TB."""
    return [ground.account(f"A{number}", 0).number for number in range(CONTENDERS)]


def together(number: int, act) -> list:
    """Runs `act(0) … act(number - 1)` in threads that start at the same moment; raises what any of them raised."""
    barrier = threading.Barrier(number)

    def one(index: int):
        with database.connection_context():
            barrier.wait(30)
            return act(index)

    with ThreadPoolExecutor(number) as threads:
        return list(threads.map(one, range(number)))


def test_twenty_threads_want_a_terabyte_each_and_ten_get_it(ground, twenty):
    act, contract_id = ground.act(), ground.contract.id
    outcomes = together(CONTENDERS, lambda index: raise_own(act, contract_id, twenty[index], TB))
    assert sorted(outcomes) == ["full"] * 10 + ["raised"] * 10
    assert ground.contract.allocated_bytes == 10 * TB
    assert SubAccount.select().where(SubAccount.allocated_bytes == TB).count() == 10


def test_twenty_threads_move_capacity_about_and_no_move_is_lost(ground, twenty):
    ground.rebalance(*(Change(number, TB // 2) for number in twenty))
    act, contract_id, version = ground.act(), ground.contract.id, ground.contract.version
    moves = together(CONTENDERS, lambda index: change_many(act, contract_id, twenty, index, times=2))
    assert moves == [2] * CONTENDERS
    assert (ground.contract.allocated_bytes, ground.contract.version) == (10 * TB, version + 2 * CONTENDERS)


def test_processes_of_their_own_never_get_more_than_there_is(ground, twenty, database_url):
    """What holds between threads by a lock of Python must hold between processes by the database alone."""
    act, contract_id = ground.act(), ground.contract.id
    shares = [twenty[start::PROCESSES] for start in range(PROCESSES)]
    with multiprocessing.get_context("spawn").Pool(PROCESSES) as processes:
        shared = [(database_url, act, contract_id, share) for share in shares]
        outcomes = [one for part in processes.starmap(raise_all, shared, chunksize=1) for one in part]
    assert sorted(outcomes) == ["full"] * 10 + ["raised"] * 10
    assert ground.contract.allocated_bytes == 10 * TB


def test_the_same_form_from_twenty_threads_is_carried_out_once(ground):
    row = ground.account("A", TB)
    act, contract, lines = ground.act(), ground.contract, AllocationEntry.select().count()

    def send(_index: int) -> str:
        change = [Change(row.number, 2 * TB)]
        return allocation.rebalance(act, contract, change, seen_version=contract.version, once_key="clicked")

    assert len(set(together(CONTENDERS, send))) == 1
    assert AllocationEntry.select().count() == lines + 1


def test_of_two_that_saw_the_same_version_one_is_refused(ground, twenty):
    act, contract = ground.act(), ground.contract

    def save(index: int) -> str:
        change = [Change(twenty[index], TB)]
        try:
            return allocation.rebalance(act, contract, change, seen_version=contract.version, once_key=f"tab-{index}")
        except AllocationStale:
            return "stale"

    assert together(2, save).count("stale") == 1


def meet_between_read_and_write(monkeypatch) -> list[bool]:
    """Lets two acts wait for each other after they have read the contract; returns whether each met the other."""
    barrier, met, earlier_answer = threading.Barrier(2), [], once.earlier_answer

    def wait_then_answer(*arguments):
        try:
            barrier.wait(1)
            met.append(True)
        except threading.BrokenBarrierError:
            met.append(False)
        return earlier_answer(*arguments)

    monkeypatch.setattr(once, "earlier_answer", wait_then_answer)
    return met


def raise_two(ground, first: SubAccount, second: SubAccount) -> list[str]:
    act, contract = ground.act(), ground.contract

    def save(index: int) -> str:
        change = [Change((first, second)[index].number, 6 * TB)]
        try:
            allocation.rebalance(act, contract, change, seen_version=contract.version, once_key=f"tab-{index}")
        except AllocationRefused:
            return "refused"
        return "raised"

    return sorted(together(2, save))


def test_with_the_lock_nobody_reads_what_another_is_about_to_change(ground, monkeypatch):
    a, b = ground.account("A", 0), ground.account("B", 0)
    met = meet_between_read_and_write(monkeypatch)
    assert raise_two(ground, a, b) == ["raised", "refused"]
    assert met == [False, False]
    assert ground.contract.allocated_bytes == 6 * TB


@pytest.mark.postgres_only
def test_without_the_lock_postgres_loses_an_update_and_these_tests_notice(ground, engine, monkeypatch):
    """A test of the tests: the row lock is what holds the promise, and the invariant check sees when it is gone."""
    a, b = ground.account("A", 0), ground.account("B", 0)
    monkeypatch.setattr(models.contract, "locked", lambda query: query)
    met = meet_between_read_and_write(monkeypatch)
    assert raise_two(ground, a, b) == ["raised", "raised"]
    assert met == [True, True]
    with pytest.raises(AssertionError, match="counter, rows, ledger differ"):
        invariants.check_books()
    Contract.update(allocated_bytes=12 * TB, reserved_bytes=12 * TB).where(Contract.id == ground.contract.id).execute()


def test_three_workers_at_once_set_up_each_sub_account_once(ground):
    sites = [ground.site(owner=f"worker-{number}") for number in range(3)]
    rows = [ground.account(f"A{number}", TB) for number in range(6)]

    def loop(index: int) -> int:
        steps = 0
        while provision_next(sites[index]):
            steps += 1
        return steps

    together(3, loop)
    converge(sites[0])
    ground.move(*((row, number * TB // 2) for number, row in enumerate(rows)))
    together(3, loop)
    converge(sites[1])
    work(sites[2])
    assert AccessKey.select().where(AccessKey.phase == "live").count() == len(rows)
    assert sites[0].storage.most_bytes <= 10 * TB
