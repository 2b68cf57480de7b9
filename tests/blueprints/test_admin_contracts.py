"""Creating a contract on its pages: entered, checked, created."""

from decimal import Decimal

import pytest
from selectolax.lexbor import LexborHTMLParser

from models.contract import Contract
from models.outbox import Mail
from tests.applicants import applicant, texts_of
from tests.cast import TB

FILLED = {
    "number": "RCP-2026-0001",
    "kind": "reserved",
    "reserved_bytes": "10 TB",
    "currency": "EUR",
    "price_cents": "0.55",
    "excess_price_cents": "0,80",
    "egress_price_cents": "0",
    "starts_on": "2026-03-02",
    "ends_on": "2027-03-01",
    "notice_days": "90",
    "once": "a-key-of-this-form",
}


def address(cast) -> str:
    return f"/admin/partners/{cast.northwind.id}/contracts/new"


def hidden(page) -> dict[str, str]:
    inputs = LexborHTMLParser(page.text).css('main form input[type="hidden"]')
    return {node.attributes["name"]: node.attributes.get("value") or "" for node in inputs}


def test_the_form_comes_with_a_free_number_and_today(cast, client_as):
    page = client_as(cast.olga).get(address(cast))
    fields = {
        n.attributes.get("name"): n.attributes.get("value") for n in LexborHTMLParser(page.text).css("main input")
    }
    assert (fields["number"], fields["starts_on"], fields["notice_days"]) == ("RCP-2026-0001", "2026-03-02", "90")


def test_a_contract_is_entered_checked_and_created(cast, client_as):
    browser = client_as(cast.olga)
    check = browser.post(address(cast), data={**FILLED, "step": "check"})
    assert check.status_code == 200
    facts = " ".join(texts_of(check, ".facts div")).replace("\u00a0", " ")
    assert "Capacity10 TB" in facts
    assert "Price0.0055 € per GB and month" in facts
    assert "Package per month55.00 €" in facts
    assert "It is active at once" in check.text
    assert Contract.select().count() == 2
    done = browser.post(address(cast), data={**hidden(check), "step": "create"})
    assert (done.status_code, done.location) == (303, f"/admin/partners/{cast.northwind.id}")
    made = Contract.get(Contract.number == "RCP-2026-0001")
    assert (made.reserved_bytes, made.price_cents, made.excess_price_cents, made.state) == (
        10 * TB,
        Decimal("0.55"),
        Decimal("0.80"),
        "active",
    )
    assert not made.allow_overdraft
    assert Mail.get().recipient == cast.alice.email
    assert "Contract RCP-2026-0001 was created" in browser.get(done.location).text


def test_a_double_click_makes_one_contract(cast, client_as):
    browser = client_as(cast.olga)
    for _click in range(2):
        assert browser.post(address(cast), data={**FILLED, "step": "create"}).status_code == 303
    assert Contract.select().count() == 3


def test_changing_something_brings_the_form_back_as_it_was_filled(cast, client_as):
    browser = client_as(cast.olga)
    check = browser.post(address(cast), data={**FILLED, "allow_overdraft": "y", "step": "check"})
    form = browser.post(address(cast), data={**hidden(check), "step": "change"})
    assert form.status_code == 200
    fields = {n.attributes.get("name"): n.attributes for n in LexborHTMLParser(form.text).css("main input")}
    assert fields["excess_price_cents"]["value"] == "0,80"
    assert fields["reserved_bytes"]["value"] == "10 TB"
    assert "checked" in fields["allow_overdraft"]


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"number": "RCP-1001"}, "number", "Another contract has this number"),
        ({"number": ""}, "number", "Enter a contract number"),
        ({"reserved_bytes": "1.5.2 TB"}, "reserved_bytes", "more than one way"),
        ({"reserved_bytes": ""}, "reserved_bytes", "Enter the capacity"),
        ({"reserved_bytes": "0 TB"}, "reserved_bytes", "above zero"),
        ({"reserved_bytes": "-1 TB"}, "reserved_bytes", "below zero"),
        ({"price_cents": "a lot"}, "price_cents", "Enter a price in cents"),
        ({"price_cents": "1,234"}, "price_cents", "more than one way"),
        ({"price_cents": ""}, "price_cents", "Enter the price in cents"),
        ({"egress_price_cents": "999999"}, "egress_price_cents", "at most 100000"),
        ({"starts_on": "soon"}, "starts_on", "Enter a date"),
        ({"starts_on": ""}, "starts_on", "Enter the first day"),
        ({"ends_on": "2026-03-02"}, "ends_on", "after the first day, 2 Mar 2026"),
        ({"notice_days": "ninety"}, "notice_days", "Enter a whole number"),
        ({"notice_days": "-1"}, "notice_days", "between 0 and"),
        ({"kind": "free"}, "kind", ""),
        ({"currency": "XXX"}, "currency", ""),
    ],
)
@pytest.mark.parametrize("step", ["check", "create"])
def test_bad_input_is_explained_beside_its_field_and_nothing_is_lost(cast, client_as, changes, field, words, step):
    page = client_as(cast.olga).post(address(cast), data={**FILLED, **changes, "step": step})
    assert page.status_code == 422
    assert words in "".join(texts_of(page, f"#{field}-error"))
    assert texts_of(page, f"#{field}-error")
    assert texts_of(page, ".error-summary a")
    assert 'value="0,80"' in page.text
    assert Contract.select().count() == 2


def test_prices_are_read_in_german_notation(cast, client_as):
    cast.olga.locale = "de"
    cast.olga.save()
    browser = client_as(cast.olga)
    data = {**FILLED, "price_cents": "0,55", "reserved_bytes": "2,5", "step": "create"}
    assert browser.post(address(cast), data=data).status_code == 303
    made = Contract.get(Contract.number == "RCP-2026-0001")
    assert (made.price_cents, made.reserved_bytes) == (Decimal("0.55"), 2_500 * 10**9)
    assert (
        browser.post(address(cast), data=data | {"number": "N-2", "once": "b", "price_cents": "1.234"}).status_code
        == 422
    )


def test_pay_per_use_needs_no_capacity(cast, client_as):
    data = {**FILLED, "kind": "pay_per_use", "reserved_bytes": "", "ends_on": "", "step": "check"}
    check = client_as(cast.olga).post(address(cast), data=data)
    assert check.status_code == 200
    assert "without end" in check.text


def test_a_contract_of_the_future_says_when_it_begins(cast, client_as):
    check = client_as(cast.olga).post(address(cast), data={**FILLED, "starts_on": "2026-04-01", "step": "check"})
    assert "It becomes active on 1 Apr 2026." in check.text


def test_an_undecided_partner_gets_no_contract(cast, client_as, clock):
    partner = applicant(clock.now())
    browser, own = client_as(cast.olga), f"/admin/partners/{partner.id}/contracts/new"
    for answer in (browser.get(own), browser.post(own, data={**FILLED, "step": "create"})):
        assert (answer.status_code, answer.location) == (303, f"/admin/partners/{partner.id}")
    assert Contract.select().count() == 2
