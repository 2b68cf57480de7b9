"""Setting capacity aside: every refusal in words, all or nothing, once, with a ledger that always adds up."""

from datetime import timedelta

import pytest
from peewee import IntegrityError

from models.base import write_tx
from models.contract import AllocationEntry, Contract
from models.sub_account import SubAccount
from services import allocation
from services.allocation import AllocationRefused, AllocationStale, BelowUse, Change
from services.allocation_ledger import APPLY_WITHIN
from services.audit import record
from services.capacity import LARGEST_BYTES
from services.once import KeyReused
from services.refusal import NotFound
from tests.services.deletions import begun
from tests.services.ground import GB, TB, everything, fresh, full_package, stands, work

UNDO_WITHIN = timedelta(minutes=15)


@pytest.fixture
def full(ground):
    return full_package(ground)


def refused(ground, *changes: Change, kind=AllocationRefused, **more) -> AllocationRefused:
    """The refusal, after a look that nothing moved."""
    before = everything()
    with pytest.raises(kind) as caught:
        ground.rebalance(*changes, **more)
    assert everything() == before
    assert caught.value.text % caught.value.values
    return caught.value


def use(row: SubAccount, used_bytes: int) -> None:
    SubAccount.update(used_bytes=used_bytes).where(SubAccount.id == row.id).execute()


def test_three_terabytes_move_from_a_to_b_of_a_full_package_in_one_act(ground, full, clock):
    a, b = full
    version = ground.contract.version
    batch = ground.move((a, 3 * TB), (b, 7 * TB), reason="A moved out")
    assert stands(a, b) == [3000, 7000]
    assert (ground.contract.allocated_bytes, ground.contract.version) == (10 * TB, version + 1)
    lines = list(AllocationEntry.select().where(AllocationEntry.batch == batch).order_by(AllocationEntry.id))
    assert [(line.sub_account_id, line.before_bytes, line.after_bytes) for line in lines] == [
        (a.id, 6 * TB, 3 * TB),
        (b.id, 4 * TB, 7 * TB),
    ]
    assert {(line.cause, line.reason, line.at) for line in lines} == {("changed", "A moved out", clock.now())}
    assert {line.actor for line in lines} == {f"member:{ground.cast.alice.id}"}


def test_a_change_becomes_due_for_the_worker_and_keeps_the_old_value_in_force(ground, clock):
    row = ground.account("A", TB)
    site = ground.site()
    work(site)
    ground.move((row, 2 * TB))
    row = fresh(row)
    assert (row.phase, row.in_force_bytes, row.allocated_bytes) == ("updating", TB, 2 * TB)
    assert (row.next_attempt_at, row.deadline_at) == (clock.now(), clock.now() + APPLY_WITHIN)
    assert not row.settled


def test_more_than_the_package_holds_is_refused_with_what_is_free(ground):
    a = ground.account("A", 6 * TB)
    refusal = refused(ground, Change(a.number, 11 * TB))
    assert refusal.values == {"over_bytes": TB, "free_bytes": 4 * TB}
    assert (refusal.number, refusal.field) == (None, "allocation")


def test_the_last_free_byte_can_be_set_aside(ground):
    a = ground.account("A", 6 * TB)
    ground.move((a, 10 * TB))
    assert ground.contract.free_bytes == 0


def test_of_many_changes_one_that_cannot_be_refuses_all(ground, full):
    a, b = full
    refusal = refused(ground, Change(a.number, 3 * TB), Change(b.number, 7 * TB + 1))
    assert (refusal.number, refusal.field) == (b.number, f"a-{b.number}")
    assert refusal.values["name"] == "B"


@pytest.mark.parametrize("after_bytes", [-1, -GB, 1, GB + 1, TB - 1])
def test_only_whole_gigabytes_from_zero_up_are_taken(ground, after_bytes):
    a = ground.account("A", TB)
    assert "whole gigabytes" in refused(ground, Change(a.number, after_bytes)).text


def test_zero_is_an_allocation(ground):
    a = ground.account("A", TB)
    ground.move((a, 0))
    row = fresh(a)
    assert (row.allocated_bytes, row.billing) == (0, "reserved")


def test_nothing_different_is_refused(ground, full):
    a, _b = full
    assert "Nothing is different" in refused(ground, Change(a.number, 6 * TB)).text
    assert "Nothing is different" in refused(ground).text


def test_unchanged_rows_leave_no_ledger_line(ground, full):
    a, b = full
    batch = ground.move((a, 5 * TB), (b, 4 * TB))
    assert AllocationEntry.select().where(AllocationEntry.batch == batch).count() == 1
    assert fresh(b).generation == 1


def test_who_saw_an_old_version_is_refused_and_nothing_is_lost(ground, full):
    a, b = full
    seen = ground.contract.version
    ground.move((a, 5 * TB))
    refusal = refused(ground, Change(b.number, 5 * TB), seen_version=seen, kind=AllocationStale)
    assert "changed elsewhere" in refusal.text
    assert refused(ground, Change(b.number, 5 * TB), seen_version=seen + 9, kind=AllocationStale)


def test_opening_a_sub_account_also_makes_what_others_saw_old(ground):
    a = ground.account("A", TB)
    seen = ground.contract.version
    ground.account("B", TB)
    refused(ground, Change(a.number, 2 * TB), seen_version=seen, kind=AllocationStale)


def test_the_same_form_sent_twice_is_carried_out_once(ground, full):
    a, _b = full
    seen = ground.contract.version
    form = {"seen_version": seen, "once_key": "double-click"}
    first = ground.move((a, 5 * TB), **form)
    lines = AllocationEntry.select().count()
    assert ground.move((a, 5 * TB), **form) == first
    assert AllocationEntry.select().count() == lines
    assert ground.contract.version == seen + 1


def test_a_form_key_with_other_values_is_refused(ground, full):
    a, _b = full
    form = {"seen_version": ground.contract.version, "once_key": "reused"}
    ground.move((a, 5 * TB), **form)
    with pytest.raises(KeyReused):
        ground.move((a, 4 * TB), **form)
    assert stands(a) == [5000]


def test_another_person_may_have_the_same_form_key(ground, full):
    a, _b = full
    ground.move((a, 5 * TB), once_key="one")
    ground.move((a, 4 * TB), once_key="one", person=ground.cast.bob)
    assert stands(a) == [4000]


def test_a_refused_form_may_be_corrected_and_sent_under_its_key(ground):
    a = ground.account("A", 2 * TB)
    use(a, TB)
    refused(ground, Change(a.number, GB), once_key="again", kind=BelowUse)
    ground.rebalance(Change(a.number, GB, below_use=True), once_key="again")
    assert stands(a) == [1]


def test_below_what_is_used_is_refused_until_the_member_means_it(ground):
    a = ground.account("A", 2 * TB)
    use(a, 1500 * GB + 7)
    refusal = refused(ground, Change(a.number, 1500 * GB), kind=BelowUse)
    assert (refusal.field, refusal.values["used_bytes"]) == (f"a-{a.number}", 1500 * GB + 7)
    ground.rebalance(Change(a.number, 1500 * GB, below_use=True))
    assert stands(a) == [1500]


def test_lowering_to_exactly_the_use_needs_no_leave(ground):
    a = ground.account("A", 2 * TB)
    use(a, 1500 * GB)
    ground.rebalance(Change(a.number, 1500 * GB))
    assert stands(a) == [1500]


def test_raising_below_the_use_needs_no_leave(ground):
    a = ground.account("A", TB)
    use(a, 3 * TB)
    ground.rebalance(Change(a.number, 2 * TB))
    assert stands(a) == [2000]


def test_one_that_only_lowers_may_while_the_contract_is_overdrawn(ground):
    """The overdraft was allowed once; the database refuses what would make it worse, not what makes it better."""
    a = ground.account("A", 6 * TB)
    Contract.update(allow_overdraft=True).where(Contract.id == ground.contract.id).execute()
    b = ground.account("B", 9 * TB)
    ground.move((a, 5 * TB))
    assert ground.contract.free_bytes == -4 * TB
    ground.move((b, 3 * TB))
    assert ground.contract.free_bytes == 2 * TB
    Contract.update(allow_overdraft=False).where(Contract.id == ground.contract.id).execute()


def test_an_overdrawn_contract_that_may_no_longer_be_refuses_growth_and_takes_lowering(ground):
    contract = ground.contract
    contract.reserved_bytes, contract.allocated_bytes = TB, 3 * TB
    allocation._refuse_overdrawn(contract, -GB)
    allocation._refuse_overdrawn(contract, 0)
    with pytest.raises(AllocationRefused) as caught:
        allocation._refuse_overdrawn(contract, GB)
    assert caught.value.values == {"over_bytes": 2 * TB + GB, "free_bytes": 0}


def test_what_overflows_every_count_is_refused_in_words(ground):
    Contract.update(allow_overdraft=True).where(Contract.id == ground.contract.id).execute()
    a, b = ground.account("A", TB), ground.account("B", TB)
    assert "can count" in refused(ground, Change(a.number, LARGEST_BYTES)).text
    assert "can count" in refused(ground, Change(a.number, 50 * LARGEST_BYTES), Change(b.number, 0)).text


def test_pay_per_use_and_deleted_sub_accounts_have_no_allocation_to_change(ground, site):
    a, b = ground.account("A", TB), ground.account("B", 0, billing="pay_per_use")
    assert "no fixed allocation" in refused(ground, Change(b.number, TB)).text
    begun(ground, site, a)
    assert "no fixed allocation" in refused(ground, Change(a.number, 2 * TB)).text


def test_a_suspended_sub_account_keeps_its_allocation_and_may_give_it_up(ground):
    a = ground.account("A", TB)
    site = ground.site()
    SubAccount.update(wanted_state="suspended").where(SubAccount.id == a.id).execute()
    work(site)
    ground.move((a, GB))
    work(site)
    assert (fresh(a).phase, fresh(a).in_force_bytes) == ("suspended", GB)


def test_foreign_and_unknown_numbers_are_refused_alike(ground):
    mine = ground.account("A", TB)
    theirs = ground.account("C", TB, person=ground.cast.charlie, contract=ground.cast.other_contract)
    foreign = refused(ground, Change(mine.number, 2 * TB), Change(theirs.number, GB))
    unknown = refused(ground, Change(mine.number, 2 * TB), Change("000000000000", GB))
    assert (foreign.text, foreign.values) == (unknown.text, unknown.values)


def test_a_contract_is_found_by_its_owner_only(ground):
    found = allocation.own_contract(ground.cast.northwind, "RCP-1001")
    assert found.id == ground.contract.id
    for number in ("RCP-2001", "RCP-9999", ""):
        with pytest.raises(NotFound):
            allocation.own_contract(ground.cast.northwind, number)


@pytest.mark.parametrize("state", ["draft", "expired", "terminated"])
def test_nothing_is_set_aside_from_a_contract_that_is_not_active(ground, state):
    a = ground.account("A", TB)
    batch = ground.move((a, 2 * TB))
    Contract.update(state=state).where(Contract.id == ground.contract.id).execute()
    assert "not active" in refused(ground, Change(a.number, TB)).text
    with pytest.raises(AllocationRefused, match="not active"):
        allocation.undo(ground.act(), ground.contract, batch, within=UNDO_WITHIN)


def test_a_rehearsal_refuses_as_the_act_would_and_leaves_nothing(ground, full):
    a, _b = full
    before = everything()
    version = ground.contract.version
    allocation.rehearse(ground.act(), ground.contract, [Change(a.number, TB)], seen_version=version)
    assert everything() == before
    with pytest.raises(AllocationRefused, match="more than the package holds"):
        allocation.rehearse(ground.act(), ground.contract, [Change(a.number, 7 * TB)], seen_version=version)
    with pytest.raises(AllocationStale):
        allocation.rehearse(ground.act(), ground.contract, [Change(a.number, TB)], seen_version=version - 1)
    assert everything() == before


def test_the_database_itself_refuses_more_than_the_package(ground, full):
    """The second line: a rule that was forgotten, or an update by hand, is stopped by the CHECK."""
    own = Contract.id == ground.contract.id
    for amount_bytes in (10 * TB + 1, -1):
        with pytest.raises(IntegrityError), write_tx():
            Contract.update(allocated_bytes=amount_bytes).where(own).execute()


def test_a_trail_outside_its_transaction_is_refused(ground):
    with pytest.raises(RuntimeError, match="outside the transaction"):
        record(ground.act(), "allocation.changed", ground.contract)
