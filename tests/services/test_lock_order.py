"""Acts that lock in the agreed order never wait for each other, whatever rows their trail refers to."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from models.base import database, locked, write_tx
from models.contract import Contract
from models.sub_account import SubAccount
from services import allocation, allocation_ledger, contracts_moves, leases, sub_accounts
from services.allocation import Change
from tests import accounts

TB = 10**12
SOMEBODY_WAITS = "SELECT 1 FROM pg_locks WHERE NOT granted LIMIT 1"


def test_a_rename_and_a_rebalance_of_one_sub_account_do_not_wait_for_each_other(
    db, engine, cast, settings, clock, acting, monkeypatch
):
    account = accounts.opened(cast, settings, clock.now(), "Adler AG")
    contract = Contract.get_by_id(cast.contract.id)
    holds_rows, renaming = threading.Event(), threading.Event()
    write = allocation_ledger.write

    def write_late(*given):
        """Rebalance holds contract and sub-account; its trail, which refers to the partner, comes after the rename."""
        holds_rows.set()
        renaming.wait(10)
        while engine == "postgres" and not database.execute_sql(SOMEBODY_WAITS).fetchone():
            continue
        return write(*given)

    def rebalance():
        with database.connection_context():
            changes = [Change(account.number, 2 * TB)]
            allocation.rebalance(acting(cast.alice), contract, changes, seen_version=contract.version, once_key="x")

    def rename():
        holds_rows.wait(10)
        with database.connection_context():
            renaming.set()
            sub_accounts.describe(acting(cast.bob), account, "Adler und Söhne", "Marta", "marta@example.com")

    monkeypatch.setattr(allocation_ledger, "write", write_late)
    with ThreadPoolExecutor(2) as threads:
        for done in [threads.submit(rebalance), threads.submit(rename)]:
            done.result(30)
    row = type(account).get_by_id(account.id)
    assert (row.allocated_bytes, row.name) == (2 * TB, "Adler und Söhne")


@pytest.mark.postgres_only
def test_making_many_due_and_locking_them_one_by_one_do_not_wait_for_each_other(db, engine, cast, settings, clock):
    """The table's own order is another one here: the first row was written last."""
    later = clock.now() + timedelta(hours=1)
    first, second = (accounts.opened(cast, settings, clock.now(), name, next_attempt_at=later) for name in "AB")
    for row in (second, first):
        SubAccount.update(name=f"{row.name} again").where(SubAccount.id == row.id).execute()

    def make_due():
        with database.connection_context():
            leases.make_due(SubAccount.contract == cast.contract.id, clock.now())

    def hold(row: SubAccount) -> SubAccount:
        return locked(SubAccount.select().where(SubAccount.id == row.id)).get()

    with ThreadPoolExecutor(1) as threads:
        with write_tx():
            hold(first)
            done = threads.submit(make_due)
            while not database.execute_sql(SOMEBODY_WAITS).fetchone():
                assert not done.done()
            hold(second)
        done.result(30)
    assert {row.next_attempt_at for row in SubAccount.select()} == {clock.now()}


@pytest.mark.postgres_only
@pytest.mark.parametrize("back", [False, True])
def test_a_move_takes_the_contract_of_the_smaller_id_first_whichever_way_it_goes(
    db, engine, cast, settings, clock, acting, back
):
    """Somebody holds the first contract and wants the second: a move that held the second already would never end."""
    first = Contract.get_by_id(cast.contract.id)
    values = first.__data__ | {"id": None, "public_id": "second", "number": "RCP-1002", "allocated_bytes": 0}
    second = Contract.create(**values)
    ready = {"phase": "ready", "observed_generation": 1, "observed_state": "active"}
    account = accounts.opened(cast, settings, clock.now(), "Adler AG", **ready)
    if back:
        contracts_moves.move(acting(cast.alice), cast.northwind, account.number, second.number, "there")

    def move():
        with database.connection_context():
            target = first if back else second
            contracts_moves.move(acting(cast.alice), cast.northwind, account.number, target.number, "move")

    with ThreadPoolExecutor(1) as threads:
        with write_tx():
            Contract.locked(first.id)
            done = threads.submit(move)
            while not database.execute_sql(SOMEBODY_WAITS).fetchone():
                assert not done.done()
            Contract.locked(second.id)
        done.result(30)
    assert SubAccount.get_by_id(account.id).contract_id == (first if back else second).id
