"""Taking back: the last change only, for fifteen minutes, by the same rules."""

from datetime import timedelta

import pytest

from models.contract import AllocationEntry, Contract
from models.sub_account import SubAccount
from services import allocation
from services.allocation import AllocationRefused, BelowUse, Change
from tests.services.ground import TB, everything, full_package, stands

UNDO_WITHIN = timedelta(minutes=15)


@pytest.fixture
def full(ground) -> tuple[SubAccount, SubAccount]:
    return full_package(ground)


def test_a_change_is_taken_back_within_fifteen_minutes(ground, full, clock):
    a, b = full
    batch = ground.move((a, 3 * TB), (b, 7 * TB))
    clock.advance(minutes=14, seconds=59)
    assert allocation.undoable_batch(ground.contract, clock.now(), UNDO_WITHIN) == batch
    undone = allocation.undo(ground.act(), ground.contract, batch, within=UNDO_WITHIN)
    assert stands(a, b) == [6000, 4000]
    causes = AllocationEntry.select(AllocationEntry.cause).where(AllocationEntry.batch == undone).tuples()
    assert set(causes) == {("undone",)}


def cannot_undo(ground, batch: str) -> None:
    before = everything()
    assert allocation.undoable_batch(ground.contract, ground.clock.now(), UNDO_WITHIN) != batch
    with pytest.raises(AllocationRefused, match="no longer be undone"):
        allocation.undo(ground.act(), ground.contract, batch, within=UNDO_WITHIN)
    assert everything() == before


def test_after_fifteen_minutes_it_stays(ground, full, clock):
    batch = ground.move((full[0], 3 * TB))
    clock.advance(minutes=15)
    cannot_undo(ground, batch)


def test_an_undo_is_not_taken_back(ground, full):
    batch = ground.move((full[0], 3 * TB))
    undone = allocation.undo(ground.act(), ground.contract, batch, within=UNDO_WITHIN)
    cannot_undo(ground, undone)
    cannot_undo(ground, batch)


def test_only_the_last_act_is_taken_back(ground, full):
    batch = ground.move((full[0], 3 * TB))
    last = ground.move((full[0], 2 * TB))
    cannot_undo(ground, batch)
    ground.account("C", TB)
    cannot_undo(ground, last)


def test_opening_a_sub_account_and_an_unknown_batch_cannot_be_undone(ground):
    ground.account("A", TB)
    cannot_undo(ground, AllocationEntry.get().batch)
    cannot_undo(ground, "unknown")


def test_a_change_of_another_contract_cannot_be_undone_here(ground):
    ground.account("A", TB)
    theirs = ground.account("C", TB, person=ground.cast.charlie, contract=ground.cast.other_contract)
    other = Contract.get_by_id(ground.cast.other_contract.id)
    act = ground.act(ground.cast.charlie)
    change = [Change(theirs.number, 2 * TB)]
    batch = allocation.rebalance(act, other, change, seen_version=other.version, once_key="theirs")
    cannot_undo(ground, batch)


def test_an_undo_below_what_is_used_since_is_refused(ground):
    a = ground.account("A", TB)
    batch = ground.move((a, 3 * TB))
    SubAccount.update(used_bytes=2 * TB).where(SubAccount.id == a.id).execute()
    with pytest.raises(BelowUse) as caught:
        allocation.undo(ground.act(), ground.contract, batch, within=UNDO_WITHIN)
    assert caught.value.field == f"a-{a.number}"
    assert stands(a) == [3000]


def test_an_undo_whose_room_was_given_away_is_not_the_last_act_any_more(ground):
    a = ground.account("A", 10 * TB)
    batch = ground.move((a, TB))
    ground.account("B", 9 * TB)
    cannot_undo(ground, batch)
