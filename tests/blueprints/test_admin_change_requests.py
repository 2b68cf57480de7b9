"""The operators' queue of requests: found, answered, decided with what it shows, by whom it may be."""

import re

import pytest

from models.change_request import ChangeRequest, RequestMessage
from models.closure import Closure
from models.contract import Contract
from models.sub_account import SubAccount
from services import allocation, change_requests
from services.allocation import Change
from tests.cast import TB, act_of


@pytest.fixture
def ask(cast, settings, clock):
    """`ask("correction")` -> a request of Northwind."""

    def make(kind="more_capacity", reason="We grow", who=None) -> ChangeRequest:
        person = who or cast.alice
        contract = Contract.get(Contract.partner == person.partner)
        return change_requests.open_request(
            act_of(person, clock.now()), settings, person.partner, kind, reason=reason,
            contract=contract if kind in change_requests.ABOUT_A_CONTRACT else None,
            wanted={"more_bytes": 5 * TB} if kind == "more_capacity" else None,
        )  # fmt: skip

    return make


@pytest.fixture
def decrease(cast, settings, clock, opened):
    """A request to lower Adler from 6 to 1 TB and to raise Bach from 2 to 3 TB."""
    adler, bach = opened("Adler AG", 6 * TB), opened("Bach AG", 2 * TB)
    contract = Contract.get_by_id(cast.contract.id)
    changes = [Change(adler.number, TB), Change(bach.number, 3 * TB)]
    request = change_requests.ask_decrease(
        act_of(cast.alice, clock.now()), settings, contract, changes, seen_version=contract.version, reason="One leaves"
    )
    return request, adler, bach


def address(request: ChangeRequest) -> str:
    return f"/admin/requests/{request.number}"


def approval(page) -> dict[str, str]:
    """The fields of the approval as a browser would send them."""
    names = re.findall(r'<input[^>]*name="(approve-[^"]+)"[^>]*>', page.text)
    return {name: re.search(rf'name="{name}"[^>]*value="([^"]*)"', page.text)[1] for name in names}


def fresh(row):
    return type(row).get_by_id(row.id)


def allocated(*rows: SubAccount) -> list[int]:
    return [fresh(row).allocated_bytes // TB for row in rows]


def test_the_queue_shows_what_waits_the_oldest_first_with_filters(client_as, cast, ask, clock):
    browser = client_as(cast.oscar)
    assert "No request waits for us" in browser.get("/admin/requests").text
    first = ask("correction")
    clock.advance(days=3)
    second = ask(who=cast.charlie)
    browser = client_as(cast.oscar)  # three days end a session
    page = browser.get("/admin/requests").text
    assert page.index(first.number) < page.index(second.number)
    assert "Northwind" in page and "Contoso" in page and '<td data-label="Days" class="numeric">3</td>' in page
    assert first.number not in browser.get("/admin/requests?kind=more_capacity").text
    part = browser.get("/admin/requests?q=contoso", htmx=True).text
    assert second.number in part and first.number not in part and "<h1" not in part
    assert "No request fits" in browser.get("/admin/requests?view=decided").text
    assert first.number in browser.get("/admin/requests?view=nonsense&kind=nonsense&after=x").text


def test_a_decrease_is_approved_with_the_figures_that_were_asked(client_as, cast, decrease):
    request, adler, bach = decrease
    browser = client_as(cast.olga)
    page = browser.get(address(request))
    assert (
        "One leaves" in page.text and "Alice Adler" in page.text and "Nothing of this contract was lowered" in page.text
    )
    form = approval(page)
    assert form[f"approve-a-{adler.number}"] == "1 TB"
    done = browser.post(f"{address(request)}/approve", data={**form, "approve-note": "Fine"})
    assert (done.status_code, done.location) == (303, address(request))
    assert allocated(adler, bach) == [1, 3]
    page = browser.get(address(request)).text
    assert "Approved" in page and "Fine" in page and "Olga Olsen" in page
    assert "/approve" not in page


def test_a_decrease_is_approved_in_part(client_as, cast, decrease):
    request, adler, bach = decrease
    browser = client_as(cast.olga)
    form = approval(browser.get(address(request)))
    form |= {f"approve-a-{adler.number}": "4", f"approve-a-{bach.number}": "2 TB"}
    browser.post(f"{address(request)}/approve", data=form)
    assert allocated(adler, bach) == [4, 2]
    assert fresh(request).state == "approved_in_part"
    assert "Approved in part" in browser.get(address(request)).text


def test_figures_that_moved_meanwhile_are_looked_at_again(client_as, cast, decrease, clock):
    request, adler, bach = decrease
    browser = client_as(cast.olga)
    form = approval(browser.get(address(request)))
    contract = Contract.get_by_id(cast.contract.id)
    change = [Change(bach.number, 4 * TB)]
    act = act_of(cast.bob, clock.now())
    allocation.rebalance(act, contract, change, seen_version=contract.version, once_key="elsewhere")
    late = browser.post(f"{address(request)}/approve", data={**form, "approve-note": "Fine"})
    assert (late.status_code, fresh(request).state) == (409, "open")
    assert "changed elsewhere" in late.text and "4\u00a0TB" in late.text and "Fine</textarea>" in late.text
    assert browser.post(f"{address(request)}/approve", data=approval(late)).status_code == 303
    assert allocated(adler, bach) == [1, 3]


def test_a_wrong_figure_stands_beside_its_field(client_as, cast, decrease):
    request, adler, _bach = decrease
    browser = client_as(cast.olga)
    form = approval(browser.get(address(request)))
    for wrong, words in (("much", "Enter an amount"), ("", "Enter an amount"), ("7 TB", "from 1\u00a0TB to 6\u00a0TB")):
        page = browser.post(f"{address(request)}/approve", data={**form, f"approve-a-{adler.number}": wrong})
        assert (page.status_code, words in page.text) == (422, True)
        assert f'href="#approve-a-{adler.number}"' in page.text
    assert fresh(request).state == "open"


def test_more_capacity_is_there_at_once(client_as, cast, ask):
    request, browser = ask(), client_as(cast.olga)
    form = approval(browser.get(address(request)))
    assert browser.post(f"{address(request)}/approve", data=form).status_code == 303
    assert Contract.get_by_id(cast.contract.id).reserved_bytes == 15 * TB
    again = browser.post(f"{address(request)}/approve", data=form)
    assert (again.status_code, "Olga Olsen approved this request on" in again.text) == (409, True)
    assert Contract.get_by_id(cast.contract.id).reserved_bytes == 15 * TB


def test_a_part_of_more_capacity(client_as, cast, ask):
    request, browser = ask(), client_as(cast.olga)
    page = browser.post(f"{address(request)}/approve", data={"approve-more_bytes": "6 TB"})
    assert (page.status_code, "at most 5\u00a0TB" in page.text) == (422, True)
    browser.post(f"{address(request)}/approve", data={"approve-more_bytes": "2,5 TB"})
    assert Contract.get_by_id(cast.contract.id).reserved_bytes == 12500 * 10**9


def test_a_request_is_declined_with_a_reason(client_as, cast, ask):
    request, browser = ask(), client_as(cast.olga)
    page = browser.post(f"{address(request)}/decline", data={"decline-note": " "})
    assert (page.status_code, "Write what the partner should know" in page.text) == (422, True)
    assert browser.post(f"{address(request)}/decline", data={"decline-note": "Not now"}).status_code == 303
    assert (fresh(request).state, Contract.get_by_id(cast.contract.id).reserved_bytes) == ("declined", 10 * TB)
    assert "Not now" in client_as(cast.alice).get(f"/requests/{request.number}").text


@pytest.mark.parametrize("kind", ["contract_change", "correction"])
def test_what_is_done_by_hand_is_marked_with_a_note(client_as, cast, ask, kind):
    request, browser = ask(kind), client_as(cast.olga)
    assert browser.post(f"{address(request)}/approve", data={"approve-note": ""}).status_code == 422
    assert browser.post(f"{address(request)}/approve", data={"approve-note": "Changed"}).status_code == 303
    assert "Done" in client_as(cast.alice).get(f"/requests/{request.number}").text


def test_an_approved_closure_begins(client_as, cast, ask):
    request = ask("closure")
    assert client_as(cast.olga).post(f"{address(request)}/approve", data={}).status_code == 303
    assert Closure.get().partner_id == cast.northwind.id


def test_support_answers_and_leaves_decisions_to_managers(client_as, cast, ask):
    request, oscar = ask(), client_as(cast.oscar)
    page = oscar.get(address(request))
    assert "A manager decides" in page.text and "/approve" not in page.text
    once = re.search(r'id="message-once"[^>]*value="([^"]+)"', page.text)[1]
    for _ in range(2):
        assert oscar.post(f"{address(request)}/messages", data={"text": "Until when?", "once": once}).status_code == 303
    assert RequestMessage.select().where(RequestMessage.operator == cast.oscar.id).count() == 1
    assert oscar.post(f"{address(request)}/approve", data={}).status_code == 403
    assert oscar.post(f"{address(request)}/decline", data={"decline-note": "No"}).status_code == 403
    assert oscar.post(f"{address(request)}/messages", data={"text": ""}).status_code == 422


def test_what_was_withdrawn_meanwhile_is_said(client_as, cast, ask, settings, clock):
    request, browser = ask(), client_as(cast.olga)
    form = approval(browser.get(address(request)))
    change_requests.withdraw(act_of(cast.alice, clock.now()), settings, request.number)
    for end, data in (
        ("approve", form),
        ("decline", {"decline-note": "No"}),
        ("messages", {"text": "Hello"}),
    ):
        late = browser.post(f"{address(request)}/{end}", data=data)
        assert (late.status_code, "Alice Adler withdrew this request on" in late.text) == (409, True)
    assert Contract.get_by_id(cast.contract.id).reserved_bytes == 10 * TB


def test_the_history_shows_earlier_decreases_and_decisions(client_as, cast, decrease, ask, clock):
    request, adler, _bach = decrease
    contract = Contract.get_by_id(cast.contract.id)
    change = [Change(adler.number, 5 * TB)]
    allocation.rebalance(
        act_of(cast.bob, clock.now()), contract, change, seen_version=contract.version, once_key="earlier"
    )
    other = ask("correction")
    page = client_as(cast.olga).get(address(request)).text
    assert "lowered it by 1\u00a0TB; 1.5\u00a0TB can be lowered" in page
    assert "by the partner" in page and other.number in page


def test_members_and_strangers_find_nothing(client_as, client, cast, ask):
    request = ask()
    for path in ("/admin/requests", address(request)):
        assert client_as(cast.alice).get(path).status_code == 404
        assert client.get(path).status_code == 303
    assert client_as(cast.alice).post(f"{address(request)}/approve").status_code == 404
    assert client_as(cast.olga).get("/admin/requests/R-NOTHING1").status_code == 404
