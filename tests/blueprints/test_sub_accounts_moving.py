"""Moving a sub-account to another contract on its page."""

from datetime import date
from decimal import Decimal

import pytest
from selectolax.lexbor import LexborHTMLParser

from models.contract import Contract
from models.sub_account import SubAccount
from tests.cast import TB


@pytest.fixture
def second(cast, clock) -> Contract:
    return Contract.create(
        public_id="second",
        partner=cast.northwind,
        number="RCP-1002",
        reserved_bytes=5 * TB,
        price_cents=Decimal("0.5"),
        excess_price_cents=Decimal("0.8"),
        egress_price_cents=Decimal(0),
        starts_on=date(2026, 1, 1),
        created_at=clock.now(),
    )


def once(page) -> str:
    return LexborHTMLParser(page.text).css_first("#move-once").attributes["value"]


def test_a_member_moves_it_and_a_second_click_does_no_harm(cast, client_as, opened, second):
    account, staff = opened("Adler AG", 2 * TB), client_as(cast.bob)
    shown = staff.get(f"/sub-accounts/{account.number}")
    assert "Move to another contract" in shown.text
    page = staff.get(f"/sub-accounts/{account.number}/move")
    assert "RCP-1002, 5\u00a0TB free" in page.text
    form = {"contract": "RCP-1002", "once": once(page)}
    for _ in range(2):
        assert staff.post(f"/sub-accounts/{account.number}/move", data=form).status_code == 303
    assert SubAccount.get_by_id(account.id).contract.number == "RCP-1002"
    assert Contract.get_by_id(second.id).allocated_bytes == 2 * TB


def test_without_room_a_sentence_says_so(cast, client_as, opened, second):
    account, staff = opened("Adler AG", 6 * TB), client_as(cast.bob)
    page = staff.get(f"/sub-accounts/{account.number}/move")
    page = staff.post(f"/sub-accounts/{account.number}/move", data={"contract": "RCP-1002", "once": once(page)})
    assert page.status_code == 422 and "more than the package holds" in page.text
    assert staff.post(f"/sub-accounts/{account.number}/move", data={}).status_code == 422


def test_with_one_contract_nothing_is_offered(cast, client_as, opened):
    account = opened("Adler AG", TB)
    assert "Move to another contract" not in client_as(cast.bob).get(f"/sub-accounts/{account.number}").text
    assert "no other contract" in client_as(cast.bob).get(f"/sub-accounts/{account.number}/move").text


def test_strangers_and_viewers_cannot(cast, client_as, opened, second):
    address = f"/sub-accounts/{opened('Adler AG', TB).number}/move"
    assert client_as(cast.charlie).get(address).status_code == 404
    assert client_as(cast.vera).get(address).status_code == 403
