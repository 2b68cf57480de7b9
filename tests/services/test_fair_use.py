"""Fair use of decreases: what counts, what does not, how much is left, and for how long it is taken."""

from datetime import timedelta

import pytest

from models.audit import AuditEvent
from models.contract import AllocationEntry, Contract
from models.sub_account import SubAccount
from services import allocation, fair_use, policy
from services.allocation import Change
from services.fair_use import BeyondFairUse, FairUseRefused, Rules
from services.refusal import NotFound
from tests.services.ground import GB, TB, everything, fresh, full_package, stands

UNDO_WITHIN = timedelta(minutes=15)


@pytest.fixture
def strict(ground):
    """The provider's rules: 4 decreases of a sub-account and 25 % of 10 TB within 30 days."""
    ground.fair_use()
    return ground


def left(ground, *rows: SubAccount) -> int:
    """What may be lowered now, in GB."""
    known = fair_use.room(ground.contract, ground.clock.now(), [row.id for row in rows])
    return known.left_bytes // GB


def times(ground, row: SubAccount) -> int:
    return fair_use.room(ground.contract, ground.clock.now(), [row.id]).counts.get(row.id, 0)


def beyond(ground, *pairs) -> BeyondFairUse:
    """The refusal, after a look that nothing moved."""
    before = everything()
    with pytest.raises(BeyondFairUse) as caught:
        ground.move(*pairs)
    assert everything() == before
    assert caught.value.text % caught.value.values
    return caught.value


def test_a_quarter_of_the_package_may_be_lowered_at_once_and_no_gigabyte_more(strict):
    a, _b = full_package(strict)
    refusal = beyond(strict, (a, 6 * TB - 2501 * GB))
    assert refusal.values == {"lowered_bytes": 2501 * GB, "left_bytes": 2500 * GB}
    strict.move((a, 6 * TB - 2500 * GB))
    assert stands(a) == [3500]
    assert left(strict) == 0
    assert beyond(strict, (a, 3499 * GB)).values["left_bytes"] == 0


def test_each_sub_account_may_be_lowered_four_times(strict):
    a, b = full_package(strict)
    for number in range(1, 5):
        strict.move((a, 6 * TB - number * GB))
    assert times(strict, a) == 4
    refusal = beyond(strict, (a, 6 * TB - 5 * GB))
    assert refusal.values == {"name": "A", "times": 4, "days": 30}
    beyond(strict, (a, 6 * TB - 5 * GB), (b, 4 * TB - GB))
    strict.move((b, 4 * TB - GB))
    assert (times(strict, a), times(strict, b)) == (4, 1)


def test_moving_capacity_does_not_count_and_is_never_held_up(strict):
    a, b = full_package(strict)
    for number in range(1, 8):
        strict.move((a, 6 * TB - number * TB // 2), (b, 4 * TB + number * TB // 2))
    assert (left(strict), times(strict, a)) == (2500, 0)


def test_a_change_counts_by_what_is_missing_in_sum_and_once_for_each_that_is_lowered(strict):
    a, b, c = strict.account("A", 5 * TB), strict.account("B", TB), strict.account("C", TB)
    strict.move((a, 2 * TB), (b, 2 * TB), (c, TB - GB))
    assert left(strict) == 2500 - 2001
    assert [times(strict, row) for row in (a, b, c)] == [1, 0, 1]


def test_raising_is_never_held_up(strict):
    strict.fair_use(decreases=0, percent=0)
    a = strict.account("A", TB)
    strict.move((a, 9 * TB))
    beyond(strict, (a, 9 * TB - GB))


def test_nothing_may_be_lowered_where_no_decrease_is_allowed(strict):
    strict.fair_use(decreases=0)
    a = strict.account("A", TB)
    assert beyond(strict, (a, TB - GB)).values["times"] == 0


def test_an_undone_change_gives_its_room_back(strict):
    a, _b = full_package(strict)
    batch = strict.move((a, 4 * TB))
    assert (left(strict), times(strict, a)) == (500, 1)
    allocation.undo(strict.act(), strict.contract, batch, within=UNDO_WITHIN)
    assert (left(strict), times(strict, a)) == (2500, 0)
    strict.move((a, 4 * TB))
    assert left(strict) == 500


def test_undoing_a_rise_does_not_count(strict):
    a = strict.account("A", TB)
    batch = strict.move((a, 9 * TB))
    allocation.undo(strict.act(), strict.contract, batch, within=UNDO_WITHIN)
    assert stands(a) == [1000]
    assert (left(strict), times(strict, a)) == (2500, 0)


def test_only_what_was_undone_gives_room_back(strict):
    a, b = full_package(strict)
    strict.move((a, 5 * TB))
    batch = strict.move((b, 3 * TB))
    allocation.undo(strict.act(), strict.contract, batch, within=UNDO_WITHIN)
    assert (left(strict), times(strict, a), times(strict, b)) == (1500, 1, 0)


def test_room_comes_back_when_a_decrease_is_as_old_as_the_window(strict):
    a, _b = full_package(strict)
    strict.move((a, 5 * TB))
    first_at = strict.clock.now()
    strict.clock.advance(days=10)
    strict.move((a, 4 * TB))
    assert left(strict) == 500
    known = fair_use.room(strict.contract, strict.clock.now(), [a.id])
    assert known.until_at == first_at + timedelta(days=30)
    strict.clock.advance(seconds=20 * 86400 - 1)
    assert left(strict) == 500
    strict.clock.advance(seconds=1)
    assert (left(strict), times(strict, a)) == (1500, 1)


def test_what_an_operator_changes_takes_no_room_and_knows_no_limit(strict):
    a, _b = full_package(strict)
    strict.move((a, TB), person=strict.cast.olga)
    assert stands(a) == [1000]
    assert (left(strict), times(strict, a)) == (2500, 0)


def test_another_contract_has_room_of_its_own(strict):
    a, _b = full_package(strict)
    strict.move((a, 4 * TB))
    other = Contract.get_by_id(strict.cast.other_contract.id)
    assert fair_use.room(other, strict.clock.now()).left_bytes == 2500 * GB


def test_closing_a_sub_account_does_not_count(strict):
    """Its ledger line says `closed`; the deletion before it had to wait long enough."""
    a, _b = full_package(strict)
    row, contract = fresh(a), strict.contract
    line = {"contract": contract, "sub_account_id": row.id, "actor": "system:", "at": strict.clock.now()}
    entry = AllocationEntry.create(before_bytes=6 * TB, after_bytes=0, cause="closed", batch="gone", **line)
    assert (left(strict), times(strict, a)) == (2500, 0)
    entry.delete_instance()


def test_a_contract_without_a_package_has_no_fair_use(strict):
    other = Contract.get_by_id(strict.cast.other_contract.id)
    other.kind = "pay_per_use"
    assert fair_use.room(other, strict.clock.now()) is None


def test_a_contract_has_the_providers_rules_unless_it_has_its_own(strict):
    act = strict.act(strict.cast.olga)
    policy.change(act, {"fair_use_percent": 10, "fair_use_decreases": 2})
    assert fair_use.rules_of(strict.contract) == Rules(30, 2, 10)
    wanted = {"fair_use_window_days": 7, "fair_use_decreases": None, "fair_use_percent": 50}
    fair_use.set_own(act, strict.contract.id, wanted, "agreed by phone")
    assert fair_use.rules_of(strict.contract) == Rules(7, 2, 50)
    assert left(strict) == 5000
    event = AuditEvent.get(AuditEvent.action == "contract.fair_use_set")
    assert event.before == {"fair_use_window_days": None, "fair_use_percent": None}
    assert event.after == {"fair_use_window_days": 7, "fair_use_percent": 50, "reason": "agreed by phone"}
    assert event.partner_id == strict.cast.northwind.id


def test_the_same_rules_again_leave_no_trail(strict):
    nothing = dict.fromkeys(fair_use.NAMES)
    fair_use.set_own(strict.act(strict.cast.olga), strict.contract.id, nothing, "as before")
    assert not AuditEvent.select().where(AuditEvent.action == "contract.fair_use_set").exists()


@pytest.mark.parametrize(
    ("name", "value", "reason", "field"),
    [
        ("fair_use_window_days", 0, "why", "fair_use_window_days"),
        ("fair_use_decreases", -1, "why", "fair_use_decreases"),
        ("fair_use_percent", 101, "why", "fair_use_percent"),
        ("fair_use_percent", 50, " ", "reason"),
        ("fair_use_percent", 50, "x" * 501, "reason"),
    ],
)
def test_rules_out_of_bounds_or_without_a_reason_are_refused(strict, name, value, reason, field):
    wanted = dict.fromkeys(fair_use.NAMES) | {name: value}
    with pytest.raises(FairUseRefused) as caught:
        fair_use.set_own(strict.act(strict.cast.olga), strict.contract.id, wanted, reason)
    assert caught.value.field == field
    assert fair_use.rules_of(strict.contract) == Rules(30, 4, 25)


def test_rules_of_an_unknown_contract_are_nobodys(strict):
    with pytest.raises(NotFound):
        fair_use.set_own(strict.act(strict.cast.olga), 10**6, dict.fromkeys(fair_use.NAMES), "why")


def test_a_rehearsal_refuses_as_the_act_would(strict):
    a, _b = full_package(strict)
    with pytest.raises(BeyondFairUse):
        allocation.rehearse(strict.act(), strict.contract, [Change(a.number, TB)], seen_version=strict.contract.version)


def test_earlier_decreases_are_told_the_latest_first(strict):
    a, b = full_package(strict)
    strict.move((a, 5 * TB))
    strict.move((a, 4 * TB), (b, 5 * TB))
    strict.clock.advance(days=1)
    strict.move((b, 4 * TB), person=strict.cast.olga)
    found = [(actor.split(":")[0], amount // TB) for _at, actor, amount in fair_use.decreases(strict.contract, 10)]
    assert found == [("operator", 1), ("member", 1)]
