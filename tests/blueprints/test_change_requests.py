"""What a partner asks for, on its pages: the list, a new request, the conversation, and who may do what."""

import re

import pytest

from models.change_request import ChangeRequest, RequestMessage
from models.contract import Contract
from models.outbox import Mail
from models.partner import Partner
from services import change_requests, request_decisions
from tests.cast import TB, act_of

MORE = {"contract": "RCP-1001", "more_bytes": "2,5 TB", "reason": "We grow"}


@pytest.fixture
def asked(cast, settings, clock):
    """`asked()` -> a request of Northwind for 5 TB more."""

    def make(reason="We grow", who=None) -> ChangeRequest:
        return change_requests.open_request(
            act_of(who or cast.alice, clock.now()), settings, cast.northwind, "more_capacity",
            reason=reason, contract=Contract.get_by_id(cast.contract.id), wanted={"more_bytes": 5 * TB},
        )  # fmt: skip

    return make


def once_of(page) -> str:
    return re.search(r'name="once"[^>]*value="([^"]+)"', page.text)[1]


def address(request: ChangeRequest) -> str:
    return f"/requests/{request.number}"


def test_more_capacity_is_asked_for_and_appears_in_the_list(client_as, cast):
    browser = client_as(cast.bob)
    assert "No requests yet" in browser.get("/requests").text
    assert "More capacity" in browser.get("/requests/new").text
    page = browser.get("/requests/new/more_capacity")
    sent = browser.post("/requests/new/more_capacity", data={**MORE, "once": once_of(page)})
    request = ChangeRequest.get()
    assert (sent.status_code, sent.location) == (303, address(request))
    assert request.wanted == {"more_bytes": 2500 * 10**9}
    assert "We grow" in browser.get(sent.location).text
    listed = browser.get("/requests").text
    assert request.number in listed and "Being looked at" in listed
    assert Mail.get().recipient == cast.olga.email


def test_a_double_click_asks_once(client_as, cast):
    browser = client_as(cast.alice)
    form = {**MORE, "once": once_of(browser.get("/requests/new/more_capacity"))}
    places = {browser.post("/requests/new/more_capacity", data=form).location for _ in range(2)}
    assert len(places) == ChangeRequest.select().count() == 1


@pytest.mark.parametrize("kind", ["contract_change", "correction", "closure"])
def test_each_kind_has_a_form_of_its_own(client_as, cast, kind):
    browser = client_as(cast.alice)
    page = browser.get(f"/requests/new/{kind}")
    assert "more_bytes" not in page.text
    sent = browser.post(f"/requests/new/{kind}", data={"contract": "RCP-1001", "reason": "Because", "once": "a-key"})
    assert sent.status_code == 303
    assert (ChangeRequest.get().kind, ChangeRequest.get().contract_id) == (kind, cast.contract.id)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"more_bytes": ""}, "Enter an amount"),
        ({"more_bytes": "0 TB"}, "Enter whole gigabytes"),
        ({"more_bytes": "much"}, "Enter an amount"),
        ({"reason": "  "}, "Write in a sentence"),
        ({"reason": "x" * 4001}, "at most 4000 characters"),
        ({"contract": "RCP-2001"}, "Choose the contract"),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_what_was_typed_stays(client_as, cast, changed, words):
    page = client_as(cast.alice).post("/requests/new/more_capacity", data={**MORE, **changed})
    assert page.status_code == 422
    assert words in page.text
    assert "field-error" in page.text
    assert not ChangeRequest.select().exists()


def test_only_kinds_that_have_a_form_are_known(client_as, cast):
    browser = client_as(cast.alice)
    assert {browser.get(f"/requests/new/{kind}").status_code for kind in ("decrease", "gift")} == {404}


def test_both_sides_talk_on_the_page(client_as, cast, asked, settings, clock):
    request, browser = asked(), client_as(cast.alice)
    change_requests.write(act_of(cast.olga, clock.now()), settings, request.number, "Until <b>when</b>?")
    page = browser.get(address(request))
    assert "Until &lt;b&gt;when&lt;/b&gt;?" in page.text
    assert "Waits for your answer" in page.text
    assert "Olga" not in page.text
    sent = browser.post(f"{address(request)}/messages", data={"text": "Until May\nplease", "once": once_of(page)})
    assert sent.status_code == 303
    assert RequestMessage.select().where(RequestMessage.text == "Until May\nplease").exists()
    assert "Being looked at" in browser.get(address(request)).text


def test_an_empty_message_is_refused_on_the_page(client_as, cast, asked):
    request = asked()
    page = client_as(cast.alice).post(f"{address(request)}/messages", data={"text": " "})
    assert (page.status_code, "Write a message first" in page.text) == (422, True)


def test_a_request_is_withdrawn_and_nothing_changes(client_as, cast, asked):
    request, browser = asked(), client_as(cast.bob)
    assert browser.post(f"{address(request)}/withdraw").status_code == 303
    page = browser.get(address(request)).text
    assert "Withdrawn" in page and "Bob Brandt" in page
    assert f"{address(request)}/withdraw" not in page
    assert Contract.get_by_id(cast.contract.id).reserved_bytes == 10 * TB


def test_what_was_decided_meanwhile_is_said(client_as, cast, asked, settings, clock):
    request, browser = asked(), client_as(cast.alice)
    request_decisions.approve_capacity(act_of(cast.olga, clock.now()), settings, request.number, 2 * TB, note="For now")
    late = browser.post(f"{address(request)}/withdraw")
    assert (late.status_code, "approved this request on" in late.text) == (409, True)
    late = browser.post(f"{address(request)}/messages", data={"text": "Wait"})
    assert late.status_code == 409
    page = browser.get(address(request)).text
    assert "Approved in part" in page and "For now" in page and "2\u00a0TB" in page
    assert "Decided" in browser.get("/requests").text


def test_a_stranger_finds_nothing(client_as, cast, asked):
    request, charlie = asked(), client_as(cast.charlie)
    assert charlie.get(address(request)).status_code == 404
    for end in ("messages", "withdraw"):
        assert charlie.post(f"{address(request)}/{end}", data={"text": "Mine"}).status_code == 404
    assert request.number not in charlie.get("/requests").text
    assert client_as(cast.olga).get("/requests").status_code == 404


def test_a_viewer_looks_and_changes_nothing(client_as, cast, asked):
    request, vera = asked(), client_as(cast.vera)
    page = vera.get(address(request))
    assert (page.status_code, "<textarea" in page.text) == (200, False)
    assert vera.get("/requests/new").status_code == 403
    assert vera.post("/requests/new/correction", data={"reason": "Typo"}).status_code == 403
    assert vera.post(f"{address(request)}/withdraw").status_code == 403
    assert "New request" not in vera.get("/requests").text


def test_closing_is_for_administrators(client_as, cast):
    bob = client_as(cast.bob)
    assert "/requests/new/closure" not in bob.get("/requests/new").text
    assert bob.get("/requests/new/closure").status_code == 403
    assert bob.post("/requests/new/closure", data={"reason": "Bye"}).status_code == 403
    assert "/requests/new/closure" in client_as(cast.alice).get("/requests/new").text


@pytest.mark.parametrize("level", ["export", "read"])
def test_a_partner_that_leaves_or_may_only_read_can_still_ask(client_as, cast, asked, monkeypatch, level):
    from services import standing

    request, browser = asked(), client_as(cast.alice)
    monkeypatch.setattr(standing, "of", lambda _partner, _at: standing.Standing(level, "suspended"))
    assert browser.get("/requests").status_code == 200
    assert browser.post("/requests/new/correction", data={"reason": "Typo"}).status_code == 303
    assert browser.post(f"{address(request)}/messages", data={"text": "And more"}).status_code == 303
    assert browser.post(f"{address(request)}/withdraw").status_code == 303


def test_an_applicant_has_no_requests_yet(client_as, cast):
    browser = client_as(cast.alice)
    Partner.update(state="applied").where(Partner.id == cast.northwind.id).execute()
    assert browser.get("/requests").status_code == 303
    assert browser.post("/requests/new/correction", data={"reason": "Typo"}).status_code == 403


def test_a_partner_without_a_contract_is_told_so(client_as, cast):
    Contract.delete().where(Contract.partner == cast.northwind).execute()
    assert "no contract for this" in client_as(cast.alice).get("/requests/new/more_capacity").text


def test_long_lists_are_leafed_through(client_as, cast, asked, settings, clock, monkeypatch):
    monkeypatch.setattr("services.request_list.PAGE_SIZE", 2)
    numbers = [asked(f"Number {number}").number for number in range(3)]
    for number in numbers:
        request_decisions.decline(act_of(cast.olga, clock.now()), settings, number, "No")
    browser = client_as(cast.alice)
    first = browser.get("/requests").text
    assert [number in first for number in numbers] == [False, True, True]
    further = re.search(r'rel="next" href="([^"]+)"', first)[1]
    assert numbers[0] in browser.get(further).text


def test_the_home_page_says_what_waits_for_an_answer(client_as, cast, asked, settings, clock):
    request = asked()
    assert f"Request {request.number}" not in client_as(cast.alice).get("/home").text
    change_requests.write(act_of(cast.olga, clock.now()), settings, request.number, "Until when?")
    waits = f"Request {request.number} waits for your answer"
    assert waits in client_as(cast.bob).get("/home").text
    assert waits not in client_as(cast.vera).get("/home").text


def test_the_menus_lead_to_requests_and_staff_see_how_many_wait(client_as, cast, asked):
    assert 'href="/requests">Requests</a>' in client_as(cast.vera).get("/home").text
    olga = client_as(cast.olga)
    assert 'href="/admin/requests">Requests</a>' in olga.get("/admin/partners").text
    asked()
    assert 'href="/admin/requests">Requests (1 waiting)</a>' in olga.get("/admin/partners").text
