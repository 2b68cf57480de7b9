"""A sub-account goes to another contract of its partner, with its allocation; nobody holds more than there is."""

import secrets
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal

import pytest

from models.base import database
from models.contract import AllocationEntry, Contract
from models.sub_account import SubAccount
from services import allocation, contracts_moves, promises
from services.allocation import AllocationRefused, AllocationStale, Change
from services.contracts_moves import MoveRefused
from services.refusal import NotFound
from services.sweep import sweep
from tests.cast import act_of
from tests.services.ground import GB, TB, everything, fresh, trail, work

ROUNDS = 12


@pytest.fixture
def second(ground) -> Contract:
    return contract(ground, "RCP-1002", 5 * TB)


def contract(ground, number: str, reserved_bytes: int, kind: str = "reserved") -> Contract:
    return Contract.create(
        public_id=number.lower(),
        partner=ground.cast.northwind,
        number=number,
        kind=kind,
        reserved_bytes=reserved_bytes,
        price_cents=Decimal("0.5"),
        excess_price_cents=Decimal("0.8"),
        egress_price_cents=Decimal(0),
        starts_on=date(2026, 1, 1),
        created_at=ground.clock.now(),
    )


def move(ground, row: SubAccount, to: Contract, **more) -> SubAccount:
    person = more.get("person", ground.cast.alice)
    once = more.get("once", secrets.token_urlsafe(16))
    return contracts_moves.move(ground.act(person), person.partner, row.number, to.number, once)


def held(*numbers: str) -> list[int]:
    return [Contract.get(Contract.number == number).allocated_bytes // GB for number in numbers]


def test_its_allocation_goes_with_it_and_both_ledgers_say_so(ground, site, second):
    row = ground.account("Adler AG", 2 * TB)
    work(site)
    versions = [Contract.get_by_id(found).version for found in (ground.contract.id, second.id)]
    once = secrets.token_urlsafe(16)
    move(ground, row, second, once=once)
    move(ground, row, second, once=once)
    assert held("RCP-1001", "RCP-1002") == [0, 2000]
    assert [Contract.get_by_id(found).version for found in (ground.contract.id, second.id)] == [v + 1 for v in versions]
    lines = AllocationEntry.select().where(AllocationEntry.sub_account_id == row.id).order_by(AllocationEntry.id)
    assert [(line.contract.number, line.before_bytes // TB, line.after_bytes // TB) for line in lines] == [
        ("RCP-1001", 0, 2),
        ("RCP-1001", 2, 0),
        ("RCP-1002", 0, 2),
    ]
    assert fresh(row).contract_id == second.id and fresh(row).settled
    assert [event.after["contract_number"] for event in trail("sub_account.moved")] == ["RCP-1002"]
    assert list(promises.check(ground.clock.now())) == []
    assert work(site) == 0
    move(ground, row, ground.contract)
    assert held("RCP-1001", "RCP-1002") == [2000, 0]
    assert list(promises.check(ground.clock.now())) == []


def test_without_room_nothing_is_changed(ground, site, second):
    row, there = ground.account("Adler AG", 2 * TB), ground.account("Bär AG", 4 * TB, contract=second)
    work(site)
    before = everything()
    with pytest.raises(AllocationRefused, match="more than the package holds"):
        move(ground, row, second)
    assert everything() == before
    ground_change = [Change(there.number, 3 * TB)]
    found = Contract.get_by_id(second.id)
    allocation.rebalance(ground.act(), found, ground_change, seen_version=found.version, once_key="less")
    with pytest.raises(MoveRefused, match="still held by a change") as refused:
        move(ground, row, second)  # the storage service has not let go of the terabyte yet
    assert refused.value.field == "contract"
    work(site)
    assert (fresh(there).observed_quota_bytes, fresh(there).phase) == (3 * TB, "ready"), fresh(there).last_error
    move(ground, row, second)
    assert held("RCP-1002") == [5000]


def test_what_does_not_fit_is_refused_in_words(ground, site, second):
    fixed = ground.account("Adler AG", 2 * TB)
    with pytest.raises(MoveRefused, match="still being applied"):
        move(ground, fixed, second)
    loose = ground.account("Bär AG", 0, billing="pay_per_use")
    work(site)
    used = contract(ground, "PPU-1", 0, "pay_per_use")
    with pytest.raises(MoveRefused, match="pay per use"):
        move(ground, fixed, used)
    assert move(ground, loose, used).contract.number == "PPU-1"
    with pytest.raises(MoveRefused, match="already"):
        move(ground, fixed, ground.contract)
    Contract.update(state="expired").where(Contract.id == second.id).execute()
    with pytest.raises(MoveRefused, match="not active"):
        move(ground, fixed, second)
    with pytest.raises(MoveRefused, match="one of your contracts"):
        move(ground, fixed, ground.cast.other_contract)
    with pytest.raises(NotFound):
        move(ground, fixed, ground.cast.other_contract, person=ground.cast.charlie)


def test_what_a_contract_that_ended_had_barred_works_again_in_another_one(ground, site, second):
    row = ground.account("Adler AG", 2 * TB)
    work(site)
    Contract.update(ends_on=date(2026, 3, 1)).where(Contract.id == ground.contract.id).execute()
    sweep(act_of(None, ground.clock.now()), ground.settings)
    work(site)
    assert site.storage.read_account(row.remote_uid).suspended
    move(ground, row, second)
    work(site)
    assert not site.storage.read_account(row.remote_uid).suspended
    assert list(promises.check(ground.clock.now())) == []


def test_moves_back_and_forth_beside_changes_neither_wait_for_each_other_nor_lose_anything(ground, site, second):
    """Two go in opposite directions, two change allocations of either contract."""
    rows = [ground.account(f"A{number}", TB) for number in range(2)]
    rows += [ground.account(f"B{number}", TB, contract=second) for number in range(2)]
    work(site)
    barrier, act = threading.Barrier(4), ground.act()

    def to_and_fro(index: int) -> int:
        done = 0
        for step in range(ROUNDS):
            target = second if (step + index) % 2 == 0 else ground.contract
            try:
                contracts_moves.move(
                    act, ground.cast.northwind, rows[index * 2].number, target.number, secrets.token_urlsafe(16)
                )
                done += 1
            except (MoveRefused, AllocationRefused):
                continue
        return done

    def change(index: int) -> int:
        done = 0
        while done < ROUNDS:
            own = SubAccount.get_by_id(rows[index * 2 + 1].id)
            found = Contract.get_by_id(own.contract_id)
            changes = [Change(own.number, TB + (done + 1) * 10 * GB, True)]
            try:
                allocation.rebalance(
                    act, found, changes, seen_version=found.version, once_key=secrets.token_urlsafe(16)
                )
                done += 1
            except AllocationStale:
                continue
        return done

    def one(index: int) -> int:
        with database.connection_context():
            barrier.wait(30)
            return to_and_fro(index // 2) if index % 2 else change(index // 2)

    with ThreadPoolExecutor(4) as threads:
        done = list(threads.map(one, range(4)))
    assert done[0] == done[2] == ROUNDS and min(done) > 0, done
    work(site)
    assert list(promises.check(ground.clock.now())) == []
    assert sum(held("RCP-1001", "RCP-1002")) * GB == sum(fresh(row).allocated_bytes for row in rows)
