"""The operators' page of a decrease of which a part, or all, can no longer be done."""

import re
from datetime import date
from decimal import Decimal

import pytest

from models.change_request import ChangeRequest
from models.contract import Contract
from models.sub_account import SubAccount
from services import change_requests, contracts_moves
from services.allocation import Change
from tests.cast import TB, act_of


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


@pytest.fixture
def move(cast, clock):
    """`move(row)`: to another contract of Northwind."""
    Contract.create(
        public_id="second", partner=cast.northwind, number="RCP-1002", reserved_bytes=10 * TB,
        price_cents=Decimal("0.5"), excess_price_cents=Decimal("0.8"), egress_price_cents=Decimal(0),
        starts_on=date(2026, 1, 1), created_at=clock.now(),
    )  # fmt: skip
    return lambda row: contracts_moves.move(
        act_of(cast.alice, clock.now()), cast.northwind, row.number, "RCP-1002", f"move-{row.number}"
    )


def address(request: ChangeRequest) -> str:
    return f"/admin/requests/{request.number}"


def approval(page) -> dict[str, str]:
    names = re.findall(r'<input[^>]*name="(approve-[^"]+)"[^>]*>', page.text)
    return {name: re.search(rf'name="{name}"[^>]*value="([^"]*)"', page.text)[1] for name in names}


def fresh(row):
    return type(row).get_by_id(row.id)


def test_what_is_gone_is_struck_with_its_reason_and_the_rest_is_approved(client_as, cast, decrease, move):
    request, adler, bach = decrease
    move(bach)
    browser = client_as(cast.olga)
    page = browser.get(address(request))
    assert "<del><bdi>Bach AG</bdi></del>" in page.text and "Moved to another contract." in page.text
    assert "<bdi>Adler AG</bdi>" in page.text and "<del><bdi>Adler" not in page.text and "/close" not in page.text
    form = approval(page)
    assert f"approve-a-{adler.number}" in form and f"approve-a-{bach.number}" not in form
    sent = browser.post(f"{address(request)}/approve", data=form, follow_redirects=True)
    assert "for 1 sub-account nothing could be done" in sent.text
    assert (fresh(adler).allocated_bytes, fresh(bach).allocated_bytes) == (TB, 2 * TB)
    assert fresh(request).state == "approved_in_part"
    seen = client_as(cast.alice).get(f"/requests/{request.number}").text
    assert "<del><bdi>Bach AG</bdi></del>" in seen and "Moved to another contract." in seen


@pytest.mark.parametrize("how", ["moved", "deleted"])
def test_what_went_after_the_page_was_opened_is_looked_at_again(client_as, cast, decrease, move, how):
    request, adler, bach = decrease
    browser = client_as(cast.olga)
    form = approval(browser.get(address(request)))
    if how == "moved":
        move(bach)
    else:  # a deletion begins without a new version of the contract
        SubAccount.update(wanted_state="deleted").where(SubAccount.id == bach.id).execute()
    late = browser.post(f"{address(request)}/approve", data={**form, "approve-note": "Fine"})
    assert (late.status_code, fresh(request).state, fresh(adler).allocated_bytes) == (409, "open", 6 * TB)
    assert "changed elsewhere" in late.text and "<del><bdi>Bach AG</bdi></del>" in late.text
    assert "Fine</textarea>" in late.text
    assert browser.post(f"{address(request)}/approve", data=approval(late)).status_code == 303
    assert fresh(request).state == "approved_in_part"


def test_a_request_of_which_nothing_is_left_is_closed_and_the_partner_reads_why(client_as, cast, decrease, move):
    request, adler, bach = decrease
    browser = client_as(cast.olga)
    early = approval(browser.get(address(request)))
    refused = browser.post(f"{address(request)}/close", data={"close-note": "Gone"})
    assert (refused.status_code, "Something of this request can be done" in refused.text) == (422, True)
    move(adler)
    move(bach)
    late = browser.post(f"{address(request)}/approve", data=early)
    assert (late.status_code, "Nothing of this request is left to do" in late.text) == (422, True)
    page = browser.get(address(request)).text
    assert "/approve" not in page and "/close" in page and "/decline" in page
    empty = browser.post(f"{address(request)}/close", data={"close-note": " "})
    assert (empty.status_code, "Write what the partner should know" in empty.text) == (422, True)
    for status in (303, 409):
        sent = browser.post(f"{address(request)}/close", data={"close-note": "Both have moved."})
        assert sent.status_code == status
    assert "Olga Olsen closed this request on" in sent.text
    assert [fresh(row).allocated_bytes for row in (adler, bach)] == [6 * TB, 2 * TB]
    partner = client_as(cast.alice)
    seen = partner.get(f"/requests/{request.number}").text
    assert "Nothing left to do" in seen and "Both have moved." in seen and "Approved" not in seen
    assert "Nothing left to do" in partner.get("/requests").text
    assert "Nothing left to do" in browser.get("/admin/requests?view=decided").text


def test_support_leaves_the_closing_to_managers(client_as, client, cast, decrease, move):
    request, adler, bach = decrease
    move(adler)
    move(bach)
    oscar = client_as(cast.oscar)
    assert "/close" not in oscar.get(address(request)).text
    assert oscar.post(f"{address(request)}/close", data={"close-note": "Gone"}).status_code == 403
    assert client_as(cast.alice).post(f"{address(request)}/close", data={"close-note": "Gone"}).status_code == 404
    assert client_as(cast.olga).post("/admin/requests/R-NOTHING1/close").status_code == 404
    assert fresh(request).state == "open"
