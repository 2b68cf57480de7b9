"""Staff change, renew and end a contract on its pages."""

from datetime import date

import pytest

from models.closure import Closure
from models.contract import Contract
from models.outbox import Mail
from tests.applicants import texts_of
from tests.cast import TB

ADDRESS = "/admin/contracts/RCP-1001/edit"


def filled(**changes) -> dict[str, str]:
    values = {
        "version": "1",
        "reserved_bytes": "10 TB",
        "price_cents": "0.55",
        "excess_price_cents": "0.80",
        "egress_price_cents": "0",
        "ends_on": "2027-12-31",
        "notice_days": "90",
        "reason": "As agreed on the phone",
    }
    return values | changes


def contract() -> Contract:
    return Contract.get(Contract.number == "RCP-1001")


def test_capacity_price_and_end_are_changed_and_the_partner_told(cast, client_as):
    staff = client_as(cast.olga)
    page = staff.get(ADDRESS)
    assert 'value="10 TB"' in page.text and 'value="0.55"' in page.text
    changes = {"reserved_bytes": "12 TB", "price_cents": "0,5", "ends_on": "2028-12-31", "allow_overdraft": "y"}
    assert staff.post(ADDRESS, data=filled(**changes)).status_code == 303
    now = contract()
    assert (now.reserved_bytes, str(now.price_cents), now.ends_on) == (12 * TB, "0.5", date(2028, 12, 31))
    assert (now.allow_overdraft, now.version) == (True, 2)
    mail = Mail.get()
    assert (mail.template, mail.recipient) == ("contract_changed", cast.alice.email)
    assert "Reason: As agreed on the phone" in mail.text


def test_a_change_meanwhile_is_shown_instead_of_undone(cast, client_as):
    staff = client_as(cast.olga)
    staff.post(ADDRESS, data=filled(reserved_bytes="12 TB"))
    page = staff.post(ADDRESS, data=filled(reserved_bytes="11 TB"))
    assert page.status_code == 422 and "This contract changed since you opened the page" in page.text
    assert 'value="12 TB"' in page.text and contract().reserved_bytes == 12 * TB


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"reserved_bytes": "1 TB"}, "Enter at least that"),
        ({"reason": ""}, "Write down why"),
        ({"ends_on": "2026-03-01"}, "Choose a day from"),
        ({"notice_days": "99999"}, "Enter between 0 and"),
        ({"price_cents": "cheap"}, "Enter a price in cents"),
        ({}, "Nothing is different"),
    ],
)
def test_what_cannot_be_is_refused_in_words(cast, client_as, opened, changes, text):
    opened("Adler AG", 2 * TB)
    version = {"version": str(contract().version)}
    page = client_as(cast.olga).post(ADDRESS, data=filled(**changes, **version))
    assert page.status_code == 422 and text in page.text
    assert contract().reserved_bytes == 10 * TB


def test_support_looks_and_does_not_change(cast, client_as):
    support = client_as(cast.oscar)
    assert support.get(ADDRESS).status_code == 403
    assert support.post(ADDRESS, data=filled(notice_days="10")).status_code == 403
    assert support.get("/admin/contracts/RCP-1001/end").status_code == 403
    assert client_as(cast.alice).get(ADDRESS).status_code == 404
    assert client_as(cast.olga).get("/admin/contracts/nothing/edit").status_code == 404


def test_an_end_is_announced_with_a_reason(cast, client_as):
    staff, address = client_as(cast.olga), "/admin/contracts/RCP-1001/end"
    assert "The notice of this contract is 90 days" in staff.get(address).text
    assert staff.post(address, data={"last_on": "2026-03-01", "reason": "breach"}).status_code == 422
    assert staff.post(address, data={"last_on": "2028-03-01", "reason": "breach"}).status_code == 422
    assert staff.post(address, data={"last_on": "2026-04-30", "reason": "breach"}).status_code == 303
    closure = Closure.get()
    assert (closure.cause, closure.contract.number, closure.reason) == ("terminated", "RCP-1001", "breach")
    assert contract().state == "active"
    assert "Its end is under way" in staff.get(ADDRESS).text
    page = staff.post(ADDRESS, data=filled(ends_on="2029-01-01"))
    assert page.status_code == 422 and "is announced" in page.text
    assert texts_of(staff.get("/admin/closures"), "main h1") == ["Contracts that end"]
