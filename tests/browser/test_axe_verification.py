"""Company, profile, and what operators do about partners, in each state: nothing for axe, nothing small or cut off."""

from datetime import timedelta

import pytest

from models.partner import Partner
from services import company_edit, confirmation, measures, verdicts
from services.measures import Wanted
from services.verdicts import Verdict
from tests.applicants import applicant
from tests.cast import act_of

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("axe-verification")]

WHY = Wanted("unpaid", "Three invoices are open since January, and nobody answers our letters.")


@pytest.fixture
def changed(cast, clock):
    """Northwind asked for a new name, moved, and was asked about its phone number."""
    given = company_edit.present(cast.northwind) | {"legal_name": "Northwind Trading GmbH", "street": "Nebenstraße 2"}
    act = act_of(cast.alice, clock.now())
    company_edit.change(act, cast.alice, given, {}, confirmation.worded(cast.northwind))
    return lambda settings: verdicts.judge(
        act_of(cast.olga, clock.now()), settings, cast.northwind.id, {"phone": Verdict("rejected", "Nobody answers.")}
    )


def test_the_company(eyes, cast, portal, changed):
    seen = eyes(cast.alice)
    seen.open("/company", "company, changes wait")
    changed(portal.app.settings)
    Partner.update(details_asked_at=cast.contract.created_at, details_due_at=cast.contract.created_at).where(
        Partner.id == cast.northwind.id
    ).execute()
    seen.open("/company", "company, asked and to be confirmed")
    seen.open("/home", "home, details not confirmed")
    seen.open("/sub-accounts/new", "refused while details are not confirmed", 403)
    seen.open("/company/edit", "company, change")
    seen.enter(vat_id="DE1", street="")
    seen.send("company, slips")
    eyes(cast.vera).open("/company", "company of a viewer")


def test_the_profile(eyes, cast):
    seen = eyes(cast.bob)
    seen.open("/profile", "profile")
    seen.enter(name="")
    seen.send("profile, slip")
    seen.open("/profile/mail", "new mail address")
    seen.enter(email="nonsense", password="wrong")
    seen.send("new mail address, slip")
    seen.open("/profile/mail/" + "a" * 43, "new mail address, unknown link", 404)


def test_verdicts(eyes, cast, clock, changed):
    partner, seen = applicant(clock.now()), eyes(cast.olga)
    seen.open(f"/admin/partners/{partner.id}/details", "verdicts about an applicant")
    seen.enter(verdict_city="queried")
    seen.send("verdicts, no words")
    seen.open(f"/admin/partners/{cast.northwind.id}/details", "verdicts about changes")
    seen.open("/admin", "queue, changed details")


def test_measures(eyes, cast, portal, clock):
    own, seen, settings = f"/admin/partners/{cast.contoso.id}", eyes(cast.olga), portal.app.settings
    for way in ("suspend", "terminate", "bar"):
        seen.open(f"{own}/{way}", way)
        seen.send(f"{way}, nothing written")
    measures.ask_termination(act_of(cast.olga, clock.now()), cast.contoso.id, WHY)
    seen.open(own, "file, a termination waits")
    measures.suspend(act_of(cast.olga, clock.now() + timedelta(hours=1)), settings, cast.contoso.id, WHY)
    seen.open(own, "file, suspended")
    seen.open(f"{own}/reinstate", "reinstate")
    charlie = eyes(cast.charlie)
    charlie.open("/home", "home, suspended but reading")
    charlie.open("/company", "company, suspended")
    Partner.update(suspension_level="application").where(Partner.id == cast.contoso.id).execute()
    charlie.open("/application", "application, suspended")
    Partner.update(state="closing").where(Partner.id == cast.contoso.id).execute()
    charlie.open("/application", "what is open while closing")
