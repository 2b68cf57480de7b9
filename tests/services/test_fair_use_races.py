"""Two members who lower at the same moment never use the same room, whatever the engine."""

import multiprocessing
import secrets
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from models.base import database, open_database
from models.contract import Contract
from models.sub_account import SubAccount
from services import allocation, fair_use
from services.allocation import AllocationStale, Change
from services.audit import Act
from services.fair_use import BeyondFairUse
from tests.services.ground import GB, TB, stands

CONTENDERS = 12
PROCESSES = 3


def lower_own(act: Act, contract_id: int, number: str, amount_bytes: int) -> str:
    """Looks and saves until nobody was faster: `lowered`, or `asked` when no room was left."""
    while True:
        contract = Contract.get_by_id(contract_id)
        row = SubAccount.get(SubAccount.number == number)
        change = [Change(number, row.allocated_bytes - amount_bytes)]
        try:
            allocation.rebalance(act, contract, change, seen_version=contract.version, once_key=secrets.token_hex(8))
        except AllocationStale:
            continue
        except BeyondFairUse:
            return "asked"
        return "lowered"


def lower_all(url: str, act: Act, contract_id: int, numbers: list[str]) -> list[str]:
    """In a process of its own: 500 GB less for each of the sub-accounts."""
    opened = open_database(url)
    try:
        return [lower_own(act, contract_id, number, 500 * GB) for number in numbers]
    finally:
        opened.close_all()


@pytest.fixture
def twelve(ground) -> list[str]:
    """Twelve sub-accounts of 800 GB; five times 500 GB may be lowered at once."""
    ground.fair_use()
    return [ground.account(f"A{number}", 800 * GB).number for number in range(CONTENDERS)]


def together(number: int, act) -> list:
    barrier = threading.Barrier(number)

    def one(index: int):
        with database.connection_context():
            barrier.wait(30)
            return act(index)

    with ThreadPoolExecutor(number) as threads:
        return list(threads.map(one, range(number)))


def test_of_twelve_threads_five_get_the_room(ground, twelve):
    act, contract_id = ground.act(), ground.contract.id
    outcomes = together(CONTENDERS, lambda index: lower_own(act, contract_id, twelve[index], 500 * GB))
    assert sorted(outcomes) == ["asked"] * 7 + ["lowered"] * 5
    assert fair_use.room(ground.contract, ground.clock.now()).left_bytes == 0


def test_of_processes_of_their_own_as_many_get_the_room(ground, twelve, database_url):
    act, contract_id = ground.act(), ground.contract.id
    with multiprocessing.get_context("spawn").Pool(PROCESSES) as processes:
        shares = [(database_url, act, contract_id, twelve[start::PROCESSES]) for start in range(PROCESSES)]
        outcomes = [one for part in processes.starmap(lower_all, shares, chunksize=1) for one in part]
    assert sorted(outcomes) == ["asked"] * 7 + ["lowered"] * 5
    assert fair_use.room(ground.contract, ground.clock.now()).left_bytes == 0


def test_the_last_decrease_of_one_sub_account_goes_to_one_of_two(ground):
    ground.fair_use(decreases=1, percent=100)
    row, act, contract_id = ground.account("A", 2 * TB), ground.act(), ground.contract.id
    outcomes = together(2, lambda _index: lower_own(act, contract_id, row.number, GB))
    assert sorted(outcomes) == ["asked", "lowered"]
    assert stands(row) == [1999]
