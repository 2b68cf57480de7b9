"""The pages of the terms for end customers, the customer's and the partner's: no finding of axe, nothing cut off."""

import pytest

from models.sub_account import SubAccount
from services import policy
from tests.services.flow_downs import Agreements, some_pdf
from tests.services.ground import Ground

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("axe-partner")]


@pytest.fixture
def agreements(cast, portal, clock) -> Agreements:
    return Agreements(Ground(cast, portal.app.settings, clock))


def test_what_the_customer_sees(eyes, agreements):
    account = agreements.opened("Müller GmbH")
    path, theirs = f"/agree/{agreements.token(account)}", eyes(None)
    theirs.open(path, "terms, before the answer")
    theirs.page.locator("details summary").last.click()
    theirs.look("terms, refusing unfolded")
    theirs.page.locator("#agree-form button").click()
    theirs.look("terms, box not ticked")
    theirs.page.get_by_label("Your name").first.fill("Kim Kunde")
    theirs.page.get_by_role("checkbox").check()
    theirs.page.locator("#agree-form button").click()
    theirs.look("terms, agreed")
    theirs.open(path, "terms, used", 410)
    theirs.open("/agree/" + "x" * 43, "terms, unknown", 404)


def test_what_the_partner_sees(eyes, cast, agreements):
    policy.change(agreements.act(cast.olga), {"flow_down_before_keys": True})
    account = agreements.opened("Müller GmbH")
    SubAccount.update(phase="ready", observed_generation=1, observed_state="active").execute()
    seen = eyes(cast.alice)
    seen.open(f"/sub-accounts/{account.number}", "sub-account, link waits and keys wait")
    seen.open(f"/sub-accounts/{account.number}/terms/attest", "confirm an agreement")
    agreements.without_link("Nobody")
    seen.open("/sub-accounts?terms=open", "list, terms not agreed")
    seen.open("/sub-accounts/terms/send?terms=sent", "links to many, nobody")
    agreements.ground.clock.advance(days=1)
    again = eyes(cast.alice)
    again.open("/sub-accounts/terms/send", "links to many")
    agreements.decline(account, reason="Too strict.")
    agreements.attest(account, document=("Vertrag.pdf", some_pdf()))
    again.open(f"/sub-accounts/{account.number}", "sub-account, confirmed with a document")
    eyes(cast.oscar).open(f"/admin/partners/{cast.northwind.id}/end-customers", "staff, terms for end customers")
