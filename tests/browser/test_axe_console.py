"""The customer console and the partner's card of it: no finding of axe, nothing small or cut off."""

import pytest

from models.flow_down import FlowDown
from models.sub_account import SubAccount
from tests.accounts import opened
from tests.services.consoles import ADDRESS, PASSWORD, invited, joined, token_of

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("axe-partner")]


@pytest.fixture
def account(cast, portal, clock) -> SubAccount:
    return opened(cast, portal.app.settings, clock.now(), "Adler AG", used_bytes=10**11, measured_at=clock.now())


def test_coming_in(eyes, cast, portal, clock, account):
    invited(cast, portal.app.settings, account, clock.now())
    seen = eyes()
    seen.open(f"/console/password/{token_of()}", "invitation to the console")
    seen.enter(password="short")
    seen.send("invitation to the console, too weak")
    seen.open("/console/password/this-is-no-link-at-all", "link to the console that is not known", 404)
    seen.open("/console/login", "log-in to the console")
    seen.send("log-in to the console, nothing entered")
    seen.open("/console/password/forgot", "forgotten password of the console")
    seen.enter(email=ADDRESS)
    seen.send("forgotten password of the console, mail is under way")
    seen.open("/console/signed-out", "signed out of the console")


def test_inside(eyes, cast, portal, clock, account):
    settings, at = portal.app.settings, clock.now()
    joined(cast, settings, account, at)
    joined(cast, settings, opened(cast, settings, at, "Second Store"), at)
    seen = eyes()
    seen.open("/console/login")
    seen.enter(email=ADDRESS, password=PASSWORD)
    seen.send("which storage")
    seen.send("home of the console")
    for path in ("keys", "keys/stop", "terms", "log-ins", "password"):
        seen.open(f"/console/{path}")
    seen.send("password of the console, nothing entered")
    FlowDown.delete().execute()
    seen.open("/console/terms", "terms before anything else")
    seen.send("terms, box not ticked", "#agree-form [type=submit]")
    seen.page.locator("main details:has(#decline-form) > summary").click()
    seen.send("terms refused", "#decline-form [type=submit]")


def test_the_partner_s_card(eyes, cast, portal, clock, account):
    seen, page = eyes(cast.alice), f"/sub-accounts/{account.number}"
    seen.open(page, "sub-account, nobody invited to its console")
    invited(cast, portal.app.settings, account, clock.now())
    seen.open(page, "sub-account, contact invited to its console")
    joined(cast, portal.app.settings, opened(cast, portal.app.settings, clock.now(), "Joined"), clock.now())
    seen.open(f"/sub-accounts/{SubAccount.get(SubAccount.name == 'Joined').number}", "sub-account with a console user")
