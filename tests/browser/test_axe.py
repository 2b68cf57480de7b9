"""Every page and state that people see until their application is decided: no finding of axe, nothing small or cut."""

import pytest

from models.partner import Partner
from models.terms import Acceptance
from services import links, verification
from tests.blueprints.signing_up import COMPANY, PERSON, link_in, mails
from tests.browser.eyes import Eyes
from tests.cast import act_of
from tests.evidence_ground import unguarded

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("axe")]


def test_the_eyes_see_what_they_look_for(visit):
    seen = Eyes(visit())
    page = seen.visitor.open("/login")
    page.evaluate("""() => {
      const wide = Object.assign(document.createElement("p"), {textContent: "wide"});
      wide.style.width = "400px";
      const cut = Object.assign(document.createElement("p"), {textContent: "cut off at the edge of a box"});
      Object.assign(cut.style, {width: "200px", height: "24px", overflow: "hidden", color: "#888"});
      const small = document.createElement("button");
      small.style.cssText = "all: unset; width: 10px; height: 10px";
      document.querySelector("main").append(wide, cut, small);
    }""")
    seen.look("spoilt")
    for expected in ("button-name", "color-contrast", "pixels wider", "small target): 10x10", "200 %): <p"):
        assert any(expected in line for line in seen.findings), (expected, seen.findings)


def test_what_is_open_to_everybody(eyes):
    seen = eyes()
    for path in ("/", "/terms", "/signed-out", "/login"):
        seen.open(path)
    seen.open("/nothing-here", status=404)
    first_document = seen.visitor.open("/terms").locator("main li a").first.get_attribute("href")
    seen.open(first_document, "a document")
    seen.visitor.open("/")
    seen.page.set_viewport_size({"width": 320, "height": 640})
    seen.page.locator(".site-menu summary").click()
    seen.look("front page, menu open")


def test_logging_in_and_a_forgotten_password(eyes, cast, portal):
    seen = eyes()
    seen.visitor.open("/login")
    seen.send("log-in, nothing entered")
    seen.enter(email="alice@northwind.example.com", password="wrong")
    seen.send("log-in, wrong password")
    seen.open("/password/forgot")
    seen.send("forgotten password, nothing entered")
    seen.enter(email=cast.alice.email)
    seen.send("forgotten password, mail is under way")
    seen.open("/password/reset/this-is-no-link-at-all", "password link that is not known", 404)
    with portal.app.app_context():
        act = act_of(None, portal.app.clock.now())
        token = links.issue(act, "reset_password", cast.alice)
    seen.open(f"/password/reset/{token}", "new password")
    seen.enter(password="short")
    seen.send("new password, too weak")


def test_signing_up(eyes, portal):
    seen = eyes()
    seen.open("/sign-up/company", "company, empty")
    seen.send("company, nothing entered")
    seen.enter(**(COMPANY | {"postcode": "123", "vat_id": "DE 136 695 977"}))
    seen.send("company, two slips")
    seen.enter(postcode="80331", vat_id="DE 136 695 976")
    seen.send("person, empty")
    seen.send("person, nothing entered")
    seen.enter(**PERSON)
    seen.send("check")
    seen.open("/sign-up/company", "company, come back")
    seen.open("/sign-up/terms", "terms")
    seen.send("terms, no box ticked")
    for box in seen.page.locator("main [type=checkbox]").all():
        box.check()
    seen.send("mail is under way")
    seen.send("mail was not sent again")
    link = link_in(mails("sign_up_confirm")[0])
    seen.open(link, "confirm")
    other = eyes()
    other.open(link, "confirm on another device")
    other.send("confirm on another device, no password")
    other.open("/sign-up/confirm/this-is-no-link-at-all", "confirm, link that is not known", 404)
    seen.send("application is being checked")
    other.open(link, "confirm, link that was used", 410)


def test_an_application_in_every_state(eyes, cast, portal):
    act = act_of(cast.olga, portal.app.clock.now())
    Partner.update(state="applied").where(Partner.id == cast.northwind.id).execute()
    notes = {"street": "Which number is right?", "vat_id": "It is not in the register.", "country": "Is this the seat?"}
    verification.query(act, portal.app.settings, cast.northwind.id, notes)
    seen = eyes(cast.alice)
    seen.open("/application", "application, questions")
    seen.page.locator("[name=vat_id]").fill("DE 1")
    seen.send("application, answer refused")
    eyes(cast.vera).open("/application", "application, questions for the administrator")
    for state in ("draft", "applied", "refused", "suspended", "closing", "closed"):
        Partner.update(state=state).where(Partner.id == cast.northwind.id).execute()
        seen.open("/application", f"application, {state}")


def test_terms_of_a_partner(eyes, cast):
    seen = eyes(cast.alice)
    seen.open("/terms/mine", "receipts")
    eyes(cast.vera).open("/terms/mine", "no receipts of one's own")
    seen.open("/terms/evidence", "chain of evidence")
    with unguarded():
        Acceptance.delete().execute()
    seen.open("/terms/accept", "new documents")
    seen.open("/terms/decline", "not agreeing")
    seen.send("new documents, no box ticked")
    eyes(cast.vera).open("/terms/accept", "new documents, for the administrator")
