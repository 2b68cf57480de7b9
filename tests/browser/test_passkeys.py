"""Passkeys in a real browser, with the authenticator that Chromium offers to tests: made, used alone, as second factor
and for the step-up; and second factors without scripts."""

import pytest
from playwright.sync_api import expect

from models.second_factor import Passkey
from models.session import Session
from services import links
from tests.cast import act_of
from tests.services.factors import with_app

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("passkeys")]


@pytest.fixture
def portal_host() -> str:
    """A passkey belongs to a name."""
    return "localhost"


@pytest.fixture
def with_authenticator():
    """Gives a window's browser a passkey holder that verifies its person, as a phone or a laptop has."""

    def give(visitor, verifies: bool = True):
        session = visitor.page.context.new_cdp_session(visitor.page)
        session.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": verifies,
            "automaticPresenceSimulation": True,
        }
        return session, session.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]

    return give


def press(page, name: str) -> None:
    page.get_by_role("main").get_by_role("button", name=name, exact=True).click()


def test_a_passkey_is_made_and_then_opens_everything_alone(visit, cast, clock, with_authenticator):
    visitor = visit(cast.bob)
    session, number = with_authenticator(visitor)
    page = visitor.open("/security/passkeys/new")
    page.get_by_label("Name of the passkey").fill("Work laptop")
    press(page, "Make the passkey")
    expect(page.get_by_role("heading", level=1)).to_have_text("The passkey is set up.")
    assert Passkey.get().name == "Work laptop"
    kept = session.send("WebAuthn.getCredentials", {"authenticatorId": number})["credentials"]
    assert [(one["isResidentCredential"], one["rpId"]) for one in kept] == [(True, "localhost")]

    visitor.context.clear_cookies()
    visitor.open("/login?next=/usage")
    press(page, "Sign in with a passkey")
    expect(page).to_have_url(f"{visitor.portal.url}/usage")
    assert Session.select().order_by(Session.id.desc()).get().method == "passkey"

    visitor.context.clear_cookies()
    visitor.open("/login")
    page.get_by_label("Mail address").fill(cast.bob.email)
    page.locator("#password").fill(cast.password)
    press(page, "Sign in")
    expect(page.get_by_role("heading", level=1)).to_have_text("Second factor")
    press(page, "Use a passkey")
    expect(page).to_have_url(f"{visitor.portal.url}/home")

    clock.advance(minutes=31)
    visitor.open("/profile/mail")
    expect(page.get_by_role("heading", level=1)).to_have_text("Confirm that it is you")
    press(page, "Use a passkey")
    expect(page.get_by_role("heading", level=1)).to_have_text("Change the mail address")


def test_a_device_that_does_not_verify_its_person_makes_none_and_that_is_said(visit, cast, with_authenticator):
    visitor = visit(cast.bob)
    with_authenticator(visitor, verifies=False)
    page = visitor.open("/security/passkeys/new")
    page.get_by_label("Name of the passkey").fill("Work laptop")
    press(page, "Make the passkey")
    expect(page.locator("#alert")).to_have_text("No passkey was made. Try again, or use another device.")
    assert Passkey.select().count() == 0


def test_without_scripts_codes_do_and_passkeys_are_not_offered(visit, cast, portal, clock):
    app, _codes = with_app(act_of(cast.bob, clock.now()), portal.app.settings, cast.bob)
    clock.advance(minutes=2)
    visitor = visit(scripts=False)
    page = visitor.open("/login")
    expect(page.get_by_role("button", name="Sign in with a passkey")).to_be_hidden()
    page.get_by_label("Mail address").fill(cast.bob.email)
    page.locator("#password").fill(cast.password)
    press(page, "Sign in")
    page.locator("#code").fill(app.code(clock.now()))
    press(page, "Go on")
    expect(page).to_have_url(f"{portal.url}/home")


def test_the_meter_speaks_while_a_password_is_chosen(visit, cast, portal, clock):
    token = links.issue(act_of(None, clock.now()), "reset_password", cast.bob)
    page = visit().open(f"/password/reset/{token}")
    page.locator("#password").press_sequentially("correct horse")
    expect(page.locator("#password-strength")).to_contain_text("use at least 15")
    page.locator("#password").press_sequentially(" walnut orbit")
    expect(page.locator("#password-strength")).to_contain_text("Very good")
