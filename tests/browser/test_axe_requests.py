"""Pages and states of requests, of fair use on the board and of the rules, for both sides: no finding of axe."""

import pytest
from playwright.sync_api import expect

from models.change_request import ChangeRequest
from models.sub_account import SubAccount
from services import change_requests, request_decisions
from tests.accounts import TB, opened
from tests.cast import act_of

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("axe-partner")]

BOARD = "/allocations/RCP-1001"
CHECK = "#board > .board-actions .button-primary"


@pytest.fixture
def two(cast, portal, clock) -> list[SubAccount]:
    at, settings = clock.now(), portal.app.settings
    rows = [("Anna Apotheke", 6 * TB), ("Bert Bau", 3 * TB)]
    return [
        opened(cast, settings, at, name, allocated_bytes=amount, used_bytes=TB // 2, measured_at=at)
        for name, amount in rows
    ]


def test_a_change_beyond_fair_use_is_asked_for_and_approved_in_part(eyes, cast, two):
    seen = eyes(cast.alice)
    seen.visitor.open(BOARD)
    amounts = seen.page.locator("[data-amount]")
    amounts.nth(0).fill("2")
    expect(seen.page.locator("#board-remainder .board-warning")).to_be_visible()
    seen.look("board, beyond fair use")
    seen.send("check, beyond fair use", CHECK)
    seen.send("check, asked without a reason", "#check [value=ask]")
    seen.page.locator("#why").fill("A customer leaves us in March.")
    seen.send("request, sent", "#check [value=ask]")
    number = ChangeRequest.get().number
    seen.open("/requests", "requests")
    desk = eyes(cast.olga)
    desk.open("/admin/requests", "queue of requests")
    desk.open(f"/admin/requests/{number}", "request of a decrease")
    field = desk.page.locator("[name^=approve-a-]").first
    field.fill("nothing")
    desk.send("approval, refused", "form[action$=approve] [type=submit]")
    desk.page.locator("[name^=approve-a-]").first.fill("5 TB")
    desk.send("approved in part", "form[action$=approve] [type=submit]")
    seen.open(f"/requests/{number}", "request, approved in part")
    eyes(cast.vera).open(f"/requests/{number}", "request of a viewer")


def test_other_requests(eyes, cast, two, portal, clock):
    seen = eyes(cast.alice)
    seen.open("/requests", "requests, none")
    seen.open("/requests/new", "what can be asked for")
    for kind in ("more_capacity", "contract_change", "correction", "closure"):
        seen.open(f"/requests/new/{kind}", f"new request: {kind}")
    seen.open("/requests/new/more_capacity")
    seen.send("more capacity, nothing entered", "main form[action*=requests] [type=submit]")
    seen.enter(more_bytes="5 TB", reason="We grow")
    seen.send("more capacity, sent", "main form[action*=requests] [type=submit]")
    request = ChangeRequest.get()
    act, settings = act_of(cast.olga, clock.now()), portal.app.settings
    change_requests.write(act, settings, request.number, "Until when do you need it?")
    seen.open(f"/requests/{request.number}", "request, asked back")
    desk = eyes(cast.olga)
    desk.open(f"/admin/requests/{request.number}", "request for more capacity")
    desk.send("declined without a reason", "form[action$=decline] [type=submit]")
    eyes(cast.oscar).open(f"/admin/requests/{request.number}", "request, for support")
    request_decisions.decline(act, settings, request.number, "Not before April.")
    seen.open("/requests", "requests, one decided")
    desk.open("/admin/requests", "queue of requests, empty")
    desk.open("/admin/requests?view=all", "all requests")


def test_the_rules(eyes, cast):
    seen = eyes(cast.olga)
    seen.open("/admin/policy", "rules")
    seen.enter(fair_use_percent="101")
    seen.send("rules, refused", "#policy [type=submit]")
    seen.enter(fair_use_percent="20")
    seen.send("rules, saved", "#policy [type=submit]")
    eyes(cast.oscar).open("/admin/policy", "rules, for support")
    seen.open("/admin/contracts/RCP-1001/fair-use", "fair use of a contract")
    seen.enter(fair_use_decreases="-1", reason="Agreed")
    seen.send("fair use of a contract, refused", "main form [type=submit]")
