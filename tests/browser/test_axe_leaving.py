"""The pages about the end of contracts, for partners and staff: no finding of axe, nothing small or cut off."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from models.closure import Closure
from models.contract import Contract
from services import closing
from services.sweep import sweep
from tests import accounts
from tests.cast import act_of
from tests.services.ground import TB

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("axe-operators")]


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


@pytest.fixture
def account(cast, portal, clock):
    return accounts.opened(cast, portal.app.settings, clock.now(), "Adler AG")


def test_leaving(eyes, cast, portal, clock, account, second):
    seen = eyes(cast.alice)
    seen.open(f"/sub-accounts/{account.number}/move", "move to another contract")
    seen.open("/leave", "close the account")
    seen.enter(typed="Somebody else")
    seen.send("close the account, wrong name")
    closing.begin(
        act_of(cast.alice, clock.now()), portal.app.settings, cast.northwind, reason="We leave", asked_by="member:1"
    )
    seen.open("/leave", "account being closed")
    seen.open("/home", "home, account being closed")


def test_contracts_that_end(eyes, cast, portal, clock, account, second):
    act, settings = act_of(cast.olga, clock.now()), portal.app.settings
    Contract.update(ends_on=date(2026, 4, 30)).where(Contract.number == "RCP-2001").execute()
    seen = eyes(cast.olga)
    seen.open("/admin/contracts/RCP-1001/edit", "change a contract")
    seen.enter(reason="")
    seen.send("change a contract, no reason")
    seen.open("/admin/contracts/RCP-1001/end", "end a contract")
    closure = closing.begin(act, settings, cast.northwind, reason="We leave", asked_by="member:1")
    seen.open("/admin/closures", "contracts that end")
    seen.open(f"/admin/closures/{closure.public_id}", "closure, notice")
    later = clock.now() + timedelta(days=62)
    sweep(act_of(None, later), settings)
    assert Closure.get().state == "transition"
    seen.open(f"/admin/closures/{closure.public_id}", "closure, access closed")
