"""A decrease of which something moved, went or changed since it was asked: what is left of it can be decided."""

import secrets
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal

import pytest

from models.audit import AuditEvent
from models.base import database
from models.contract import Contract
from models.outbox import Mail
from models.sub_account import SubAccount
from services import contracts_moves, request_decisions, request_list
from services.allocation import AllocationStale
from services.change_requests import RequestOver, RequestRefused
from services.refusal import Refusal
from tests.services.asking import fresh, texts
from tests.services.deletions import begun
from tests.services.ground import TB, everything, stands, work


@pytest.fixture
def two(desk, site) -> tuple[SubAccount, SubAccount]:
    """A of 6 and B of 4 TB, set up on the storage service, so that they can move and go."""
    pair = desk.ground.account("A", 6 * TB), desk.ground.account("B", 4 * TB)
    work(site)
    return pair


def move(desk, row: SubAccount) -> None:
    """To another contract, as a member does it."""
    cast = desk.ground.cast
    Contract.get_or_create(
        number="RCP-1002",
        defaults={
            "public_id": "second", "partner": cast.northwind, "reserved_bytes": 10 * TB, "price_cents": Decimal("0.5"),
            "excess_price_cents": Decimal("0.8"), "egress_price_cents": Decimal(0), "starts_on": date(2026, 1, 1),
            "created_at": desk.ground.clock.now(),
        },
    )  # fmt: skip
    contracts_moves.move(desk.act(), cast.northwind, row.number, "RCP-1002", secrets.token_urlsafe(16))


def gone(request) -> dict[str, str]:
    return {line.name: line.gone for line in request_list.lines(fresh(request))}


def close(desk, request, note="Nothing is left to do"):
    return request_decisions.close_decrease(desk.staff, desk.settings, request.number, note)


def test_what_moved_is_left_out_and_the_rest_is_approved(desk, two):
    a, b = two
    request = desk.lower((a, TB), (b, TB))
    move(desk, b)
    assert gone(request) == {"A": "", "B": "moved"}
    decided = request_decisions.approve_decrease(
        desk.staff, desk.settings, request.number, {a.number: TB}, seen_version=desk.ground.contract.version
    )
    assert (stands(a, b), decided.state) == ([1000, 4000], "approved_in_part")
    assert fresh(request).granted == {"changes": [[a.number, 6 * TB, TB, True]], "gone": {b.number: "moved"}}
    assert gone(request) == {"A": "", "B": "moved"}


def test_why_it_was_left_out_stays_as_it_was_decided(desk, two):
    a, b = two
    request = desk.lower((a, TB), (b, TB))
    move(desk, b)
    figures = {a.number: TB}
    request_decisions.approve_decrease(
        desk.staff, desk.settings, request.number, figures, seen_version=desk.ground.contract.version
    )
    contracts_moves.move(desk.act(), desk.ground.cast.northwind, b.number, "RCP-1001", "back")
    assert gone(request) == {"A": "", "B": "moved"}


def test_what_is_deleted_is_left_out(desk, two, site):
    a, b = two
    request = desk.lower((a, TB), (b, TB))
    begun(desk.ground, site, b)
    assert gone(request) == {"A": "", "B": "deleted"}
    request_decisions.approve_decrease(
        desk.staff, desk.settings, request.number, {a.number: TB}, seen_version=desk.ground.contract.version
    )
    assert (stands(a), fresh(request).state) == ([1000], "approved_in_part")


def test_what_stands_at_its_amount_already_needs_nothing_and_the_whole_is_approved(desk, two):
    a, b = two
    request = desk.lower((a, TB), (b, 3 * TB))
    desk.ground.fair_use(decreases=1000, percent=100)
    desk.ground.move((b, 3 * TB))
    assert gone(request) == {"A": "", "B": "reached"}
    request_decisions.approve_decrease(
        desk.staff, desk.settings, request.number, {a.number: TB}, seen_version=desk.ground.contract.version
    )
    assert (stands(a, b), fresh(request).state) == ([1000, 3000], "approved")


@pytest.mark.parametrize("how", ["moved", "deleted"])
def test_a_decision_about_a_sub_account_that_went_meanwhile_is_looked_at_again(desk, two, site, how):
    """Also where the version of the contract says nothing: a deletion begins without a change of the allocation."""
    a, b = two
    request = desk.lower((a, TB), (b, TB))
    move(desk, b) if how == "moved" else begun(desk.ground, site, b)
    before, seen = everything(), desk.ground.contract.version
    with pytest.raises(AllocationStale):
        desk.approve(request, seen_version=seen)
    assert (everything(), fresh(request).state) == (before, "open")


def test_a_request_of_which_nothing_is_left_is_closed_with_a_sentence(desk, two):
    a, b = two
    request = desk.lower((a, TB), (b, 3 * TB))
    move(desk, a)
    with pytest.raises(RequestRefused, match="can be done"):
        close(desk, request)
    move(desk, b)
    before = everything()
    with pytest.raises(RequestRefused, match="Nothing of this request is left to do"):
        desk.approve(request)
    with pytest.raises(RequestRefused):
        close(desk, request, " ")
    close(desk, request, "Both went to RCP-1002.")
    request = fresh(request)
    assert everything() == before and texts(request)[-1] == "Both went to RCP-1002."
    assert (request.state, request.outcome, request.decided_by) == ("approved", "overtaken", "Olga Olsen")
    assert request.granted == {"changes": [], "gone": {a.number: "moved", b.number: "moved"}}
    assert AuditEvent.select().where(AuditEvent.action == "change_request.closed").count() == 1
    mail = Mail.get(Mail.template == "request_to_member")
    assert "nothing is left to do" in mail.subject and "nothing was changed" in mail.text
    assert "Both went to RCP-1002." in mail.text and "approved" not in mail.text + mail.html
    with pytest.raises(RequestOver, match="closed this request"):
        close(desk, request)


def test_a_contract_that_is_over_leaves_nothing_to_do(desk, two):
    a, _b = two
    request = desk.lower((a, TB))
    Contract.update(state="expired").where(Contract.id == desk.ground.contract.id).execute()
    assert gone(request) == {"A": "contract_over"}
    close(desk, request)
    assert (stands(a), fresh(request).outcome) == ([6000], "overtaken")
    Contract.update(state="active").where(Contract.id == desk.ground.contract.id).execute()


def test_only_a_decrease_is_closed_so(desk):
    request = desk.more()
    with pytest.raises(RequestRefused, match="another way"):
        close(desk, request)


def together(*acts) -> list[str]:
    barrier = threading.Barrier(len(acts))

    def one(act) -> str:
        with database.connection_context():
            barrier.wait(30)
            try:
                act()
            except Refusal as refusal:
                return type(refusal).__name__
            return "done"

    with ThreadPoolExecutor(len(acts)) as threads:
        return list(threads.map(one, acts))


def test_while_a_sub_account_moves_the_decision_is_about_what_it_saw_or_is_looked_at_again(desk, two):
    """Moved first: nothing is approved unseen. Approved first: it waits until that is applied, and moves with it."""
    a, b = two
    request, seen = desk.lower((a, TB), (b, TB)), desk.ground.contract.version
    decided, moved = together(lambda: desk.approve(request, seen_version=seen), lambda: move(desk, b))
    assert (decided, moved) in [("done", "MoveRefused"), ("AllocationStale", "done")]
    assert stands(a, b) == ([1000, 1000] if decided == "done" else [6000, 4000])


def test_while_the_last_one_comes_back_the_request_is_closed_or_stays(desk, two):
    a, _b = two
    request = desk.lower((a, TB))
    move(desk, a)
    back = (desk.act(), desk.ground.cast.northwind, a.number, "RCP-1001", "back")
    closed, moved = together(lambda: close(desk, request), lambda: contracts_moves.move(*back))
    assert moved == "done" and closed in ("done", "RequestRefused")
    assert fresh(request).outcome == ("overtaken" if closed == "done" else "open")
