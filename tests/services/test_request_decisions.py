"""Decisions about requests: one for each, carried out in the same act, by figures as they are now."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from models.audit import AuditEvent
from models.base import database
from models.closure import Closure
from models.contract import AllocationEntry, Contract
from models.operator import Operator
from models.outbox import Mail
from models.sub_account import SubAccount
from services import change_requests, fair_use, request_decisions
from services.allocation import AllocationRefused, AllocationStale, BelowUse
from services.change_requests import RequestOver, RequestRefused
from tests.services.asking import actions, fresh, mails, texts
from tests.services.ground import GB, TB, everything, full_package, stands


def test_an_approved_decrease_is_carried_out_at_once_and_takes_no_room(desk):
    a, b = full_package(desk.ground)
    request = desk.lower((a, TB), (b, 5 * TB))
    desk.approve(request, note="Agreed")
    assert stands(a, b) == [1000, 5000]
    request = fresh(request)
    assert (request.state, request.decided_by) == ("approved", "Olga Olsen")
    assert request.granted == {"changes": [[a.number, 6 * TB, TB, True], [b.number, 4 * TB, 5 * TB, True]]}
    lines = AllocationEntry.select().where(AllocationEntry.batch == request.batch)
    assert {(line.cause, line.reason, line.actor) for line in lines} == {
        ("changed", request.number, f"operator:{desk.ground.cast.olga.id}")
    }
    assert fair_use.room(desk.ground.contract, desk.ground.clock.now()).left_bytes == 2500 * GB
    assert texts(request) == ["A customer leaves", "Agreed"]
    assert mails("request_to_member") == ["alice"]
    assert actions() == ["opened", "approved"]


def test_a_decrease_is_approved_in_part_with_other_figures(desk):
    a, b = full_package(desk.ground)
    request = desk.lower((a, TB), (b, TB))
    desk.approve(request, **{a.number: 4 * TB, b.number: 4 * TB})
    assert stands(a, b) == [4000, 4000]
    assert fresh(request).state == "approved_in_part"
    assert fresh(request).granted["changes"][1] == [b.number, 4 * TB, 4 * TB, True]


@pytest.mark.parametrize("figure", [TB - GB, 6 * TB + GB, -1])
def test_a_figure_outside_of_what_was_asked_is_refused(desk, figure):
    a, _b = full_package(desk.ground)
    request, before = desk.lower((a, TB)), everything()
    with pytest.raises(RequestRefused) as caught:
        desk.approve(request, **{a.number: figure})
    assert caught.value.field == f"a-{a.number}"
    assert everything() == before
    assert fresh(request).state == "open"


def test_what_no_longer_fits_is_refused_and_stays_open(desk):
    """Room for the raised half went elsewhere between asking and deciding."""
    a, b = desk.ground.account("A", 6 * TB), desk.ground.account("B", TB)
    request = desk.lower((a, 3 * TB), (b, 3 * TB))
    desk.ground.account("C", 3 * TB)
    with pytest.raises(AllocationRefused, match="more than the package holds"):
        desk.approve(request, **{a.number: 6 * TB})
    assert (fresh(request).state, stands(a, b)) == ("open", [6000, 1000])
    desk.approve(request)
    assert (fresh(request).state, stands(a, b)) == ("approved", [3000, 3000])


def test_an_operator_who_saw_older_figures_looks_again(desk):
    a, b = full_package(desk.ground)
    request = desk.lower((a, TB))
    seen = desk.ground.contract.version
    desk.ground.move((b, 3 * TB))
    with pytest.raises(AllocationStale):
        desk.approve(request, seen_version=seen)
    assert fresh(request).state == "open"


def test_use_that_rose_above_an_asked_figure_is_not_passed_over(desk):
    a, _b = full_package(desk.ground)
    request = desk.lower((a, TB), below_use=False)
    SubAccount.update(used_bytes=2 * TB).where(SubAccount.id == a.id).execute()
    with pytest.raises(BelowUse):
        desk.approve(request)
    desk.approve(request, **{a.number: 2 * TB})
    assert stands(a) == [2000]


def test_more_capacity_changes_the_contract_in_the_same_act(desk):
    request = desk.more()
    version = desk.ground.contract.version
    desk.enlarge(request, 5 * TB)
    contract = desk.ground.contract
    assert (contract.reserved_bytes, contract.version) == (15 * TB, version + 1)
    assert fresh(request).state == "approved"
    event = AuditEvent.get(AuditEvent.action == "contract.enlarged")
    assert (event.before, event.after) == (
        {"reserved_bytes": 10 * TB},
        {"reserved_bytes": 15 * TB, "request": request.number},
    )


def test_a_part_of_the_capacity_is_approved_in_part_and_more_than_asked_is_refused(desk):
    request = desk.more()
    for wrong in (0, -TB, 5 * TB + GB, GB // 2):
        with pytest.raises(RequestRefused):
            desk.enlarge(request, wrong)
    desk.enlarge(request, 2 * TB)
    assert (desk.ground.contract.reserved_bytes, fresh(request).state) == (12 * TB, "approved_in_part")
    assert fresh(request).granted == {"more_bytes": 2 * TB}


def test_a_contract_that_ended_meanwhile_is_not_enlarged(desk):
    request = desk.more()
    Contract.update(state="expired").where(Contract.id == desk.ground.contract.id).execute()
    with pytest.raises(RequestRefused, match="not active"):
        desk.enlarge(request, TB)
    assert fresh(request).state == "open"
    Contract.update(state="active").where(Contract.id == desk.ground.contract.id).execute()


def test_a_declined_request_changes_nothing_and_says_why(desk):
    a, _b = full_package(desk.ground)
    request, before = desk.lower((a, TB)), everything()
    with pytest.raises(RequestRefused):
        request_decisions.decline(desk.staff, desk.settings, request.number, "  ")
    request_decisions.decline(desk.staff, desk.settings, request.number, "Please wait until April.")
    assert everything() == before
    assert (fresh(request).state, texts(request)[-1]) == ("declined", "Please wait until April.")
    mail = Mail.get(Mail.template == "request_to_member")
    assert "Please wait until April." in mail.text and "declined" in mail.subject


@pytest.mark.parametrize("kind", ["contract_change", "correction"])
def test_a_change_made_by_hand_ends_with_a_note(desk, kind):
    request = desk.ask(kind)
    with pytest.raises(RequestRefused):
        request_decisions.done(desk.staff, desk.settings, request.number, "")
    request_decisions.done(desk.staff, desk.settings, request.number, "The new price holds from May.")
    assert (fresh(request).state, texts(request)[-1]) == ("approved", "The new price holds from May.")


def test_an_approved_closure_begins_in_the_same_act(desk):
    contract = desk.ground.contract
    request = desk.ask("closure", reason="We stop", contract=contract)
    request_decisions.approve_closure(desk.staff, desk.settings, request.number)
    closure = Closure.get()
    assert (closure.partner_id, closure.reason, closure.contract_id) == (
        desk.ground.cast.northwind.id,
        "We stop",
        contract.id,
    )
    assert fresh(request).state == "approved"


def test_each_kind_is_decided_in_its_own_way(desk):
    request = desk.ask("correction")
    for decide in (
        lambda: desk.enlarge(request, TB),
        lambda: request_decisions.approve_closure(desk.staff, desk.settings, request.number),
    ):
        with pytest.raises(RequestRefused, match="another way"):
            decide()
    with pytest.raises(RequestRefused, match="another way"):
        request_decisions.done(desk.staff, desk.settings, desk.more().number, "done")


def together(*acts) -> list[str]:
    barrier = threading.Barrier(len(acts))

    def one(act) -> str:
        with database.connection_context():
            barrier.wait(30)
            try:
                act()
            except RequestOver:
                return "over"
            return "done"

    with ThreadPoolExecutor(len(acts)) as threads:
        return sorted(threads.map(one, acts))


def test_of_two_operators_at_once_one_decides(desk):
    Operator.update(right="manager").where(Operator.id == desk.ground.cast.oscar.id).execute()
    request, cast = desk.more(), desk.ground.cast
    outcomes = together(lambda: desk.enlarge(request, TB), lambda: desk.enlarge(request, TB, cast.oscar))
    assert outcomes == ["done", "over"]
    assert desk.ground.contract.reserved_bytes == 11 * TB


def test_of_an_operator_and_a_withdrawing_partner_one_is_first(desk):
    a, _b = full_package(desk.ground)
    request = desk.lower((a, TB))
    outcomes = together(
        lambda: desk.approve(request),
        lambda: change_requests.withdraw(desk.act(), desk.settings, request.number),
    )
    assert outcomes == ["done", "over"]
    assert stands(a) == [{"approved": 1000, "withdrawn": 6000}[fresh(request).state]]
