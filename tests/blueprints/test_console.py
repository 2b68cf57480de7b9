"""The customer console in a browser: coming in and looking (T10, T13)."""

import re

import pytest

from models.audit import AuditEvent
from models.console import ConsoleSession, ConsoleUser
from models.outbox import Mail
from models.sub_account import SubAccount
from tests.accounts import SECRET, opened
from tests.services.consoles import ADDRESS, PASSWORD, invited, joined, log_in, signed_in, token_of

PAGES = ("", "/keys", "/terms", "/password", "/log-ins", "/keys/stop")
NEW = "ochre compass under the quiet bridge"


@pytest.fixture
def account(app, cast, clock):
    return opened(cast, app.settings, clock.now())


@pytest.fixture
def marta(app, cast, clock, account):
    return joined(cast, app.settings, account, clock.now())


@pytest.fixture
def browser(client, marta, clock):
    signed_in(client, marta, clock.now())
    return client


def actions(thing_kind: str = "console_user") -> list[str]:
    return [
        event.action for event in AuditEvent.select().where(AuditEvent.thing_kind == thing_kind).order_by(AuditEvent.id)
    ]


# Coming in -----------------------------------------------------------------------------------------------------------


def test_an_invited_contact_chooses_a_password_and_comes_in(app, cast, client, clock, account):
    invited(cast, app.settings, account, clock.now())
    link = f"/console/password/{token_of()}"
    for _ in range(2):  # a mail scanner uses nothing up
        assert "Your access to your storage" in client.get(link).text
    assert client.post(link, data={"password": PASSWORD}).location == "/console/login"
    assert client.get(link).status_code == client.post(link, data={"password": NEW}).status_code == 410
    assert log_in(client).location == "/console"
    page = client.get("/console")
    assert (page.status_code, "Storage of Müller GmbH" in page.text) == (200, True)
    assert actions()[:3] == ["console_user.invited", "console_user.link_used", "console_user.password_chosen"]
    assert Mail.get(Mail.template == "console_invitation").private


def test_an_invitation_is_for_48_hours_and_a_guessed_one_is_nobody_s(app, cast, client, clock, account):
    invited(cast, app.settings, account, clock.now())
    link = f"/console/password/{token_of()}"
    clock.advance(hours=48)
    assert client.get(link).status_code == 410
    assert client.get(f"/console/password/{'a' * 43}").status_code == 404


@pytest.mark.parametrize("password", ["short", "müller gmbh marta example", "northwind traders northwind"])
def test_a_weak_password_is_not_taken(app, cast, client, clock, account, password):
    invited(cast, app.settings, account, clock.now())
    answer = client.post(f"/console/password/{token_of()}", data={"password": password})
    assert (answer.status_code, ConsoleUser.get().password_hash) == (422, "")


def test_an_unknown_address_and_a_wrong_password_read_the_same(client, marta):
    wrong, unknown = log_in(client, NEW), log_in(client, NEW, "nobody@example.com")

    def seen(answer) -> str:
        return re.sub(r'name="csrf_token" value="[^"]+"|X-CSRFToken[^}]+|value="[^"]*@[^"]*"', "", answer.text)

    assert wrong.status_code == unknown.status_code == 422
    assert seen(wrong) == seen(unknown)
    assert client.get("/console").location == "/console/login"


def test_guesses_are_counted_before_they_are_checked_and_do_not_lock_the_owner_out(app, client, marta):
    own = app.test_client()
    assert log_in(own).location == "/console"  # this device is known from here on
    for _ in range(10):
        assert log_in(client, NEW).status_code == 422
    refused = log_in(client)  # also the right password waits now
    assert (refused.status_code, int(refused.headers["Retry-After"]) > 0) == (429, True)
    assert log_in(own).location == "/console"


def test_forgotten_passwords_come_by_mail_and_strangers_learn_nothing(client, marta, clock):
    known = client.post("/console/password/forgot", data={"email": ADDRESS})
    unknown = client.post("/console/password/forgot", data={"email": "nobody@example.com"})
    assert known.location == unknown.location == "/console/password/sent"
    assert Mail.get(Mail.recipient == "nobody@example.com").template == "console_reset_unknown"
    link = f"/console/password/{token_of('console_reset')}"
    assert client.post(link, data={"password": NEW}).location == "/console/login"
    assert log_in(client).status_code == 422
    assert log_in(client, NEW).location == "/console"
    assert Mail.select().where(Mail.template == "console_password_changed").count() == 1
    client.post("/console/password/forgot", data={"email": ADDRESS})
    clock.advance(hours=1)
    assert client.get(f"/console/password/{token_of('console_reset')}").status_code == 410


def test_one_address_has_a_password_for_each_sub_account(app, cast, client, clock, marta):
    """A partner that can set one opens its own sub-account with it, and never another partner's."""
    joined(cast, app.settings, opened(cast, app.settings, clock.now(), "Contoso's", who=cast.charlie), clock.now(), NEW)
    assert log_in(client, NEW).location == "/console"
    assert "Contoso&#39;s" in client.get("/console").text
    client.post("/console/logout")
    assert log_in(client).location == "/console"
    assert "Müller GmbH" in client.get("/console").text


def test_a_password_that_opens_several_lets_choose(app, cast, client, clock, marta, account):
    second = opened(cast, app.settings, clock.now(), "Second Store")
    other = joined(cast, app.settings, second, clock.now())
    third = joined(cast, app.settings, opened(cast, app.settings, clock.now(), "Third"), clock.now(), NEW)
    assert log_in(client).location == "/console/login/choose"
    page = client.get("/console/login/choose")
    assert ("Second Store" in page.text, "Müller GmbH" in page.text, "Third" in page.text) == (True, True, False)
    assert client.post("/console/login/choose", data={"user": third.id}).status_code == 200  # not one of these
    assert client.get("/console").location == "/console/login"
    assert client.post("/console/login/choose", data={"user": other.id}).location == "/console"
    assert "Second Store" in client.get("/console").text
    assert client.get("/console/login/choose").location == "/console/login"  # used up


def test_the_choice_lasts_ten_minutes_and_needs_the_password_of_then(app, cast, client, clock, marta):
    joined(cast, app.settings, opened(cast, app.settings, clock.now(), "Second Store"), clock.now())
    log_in(client)
    clock.advance(minutes=10)
    assert client.get("/console/login/choose").location == "/console/login"
    log_in(client)
    ConsoleUser.update(password_hash="another").execute()
    assert client.get("/console/login/choose").location == "/console/login"


def test_signing_out_ends_the_session_and_clears_the_browser(browser):
    left = browser.post("/console/logout")
    assert (left.location, left.headers["Clear-Site-Data"]) == ("/console/signed-out", '"cache", "storage"')
    assert "You are signed out" in browser.get("/console/signed-out").text
    assert ConsoleSession.get().end_reason == "logged out"


def test_a_log_in_to_the_portal_goes_on_beside_it(app, cast, client_as, clock, marta):
    alice = client_as(cast.alice)
    assert log_in(alice).location == "/console"
    assert "Marta Muster" in alice.get("/console").text
    assert "Alice Adler" in alice.get("/home").text
    alice.post("/console/logout")
    assert alice.get("/home").status_code == 200


# Looking -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "de"])
def test_every_page_opens_and_says_nothing_of_the_partner_s_business(app, cast, browser, clock, account, language):
    opened(cast, app.settings, clock.now(), "Neighbour", customer="Neighbour AG")
    SubAccount.update(allow_overdraft=True, measured_at=clock.now(), used_bytes=5).execute()
    browser.post("/console/language", data={"language": language, "next": "/console"})
    for path in PAGES:
        page = browser.get(f"/console{path}")
        assert page.status_code == 200
        for private in ("RCP-1001", "Neighbour", "0.8", "EUR", "Alice", "MSA-77", SECRET):
            assert private not in page.text, f"{path} shows {private}"
    assert ConsoleUser.get().locale == language


def test_own_data_hold_no_secret_and_nobody_else(app, cast, browser, clock, marta):
    opened(cast, app.settings, clock.now(), "Neighbour")
    data = browser.get("/console/own-data.json")
    assert data.json["profile"][0]["email"] == ADDRESS
    assert {line["action"] for line in data.json["acts"]} >= {"console_user.password_chosen"}
    assert marta.password_hash not in data.text
    assert ConsoleSession.get().token_hash not in data.text
    assert "Neighbour" not in data.text


def test_own_password_needs_the_present_one_and_ends_the_others(app, browser, marta, clock):
    other = app.test_client()
    signed_in(other, marta, clock.now())
    wrong = browser.post("/console/password", data={"old_password": NEW, "password": NEW})
    assert (wrong.status_code, "This is not your present password." in wrong.text) == (422, True)
    assert browser.post("/console/password", data={"old_password": PASSWORD, "password": NEW}).location == "/console"
    assert browser.get("/console").status_code == 200
    assert other.get("/console").location == "/console/login"


def test_own_log_ins_are_listed_and_ended(app, browser, marta, clock):
    other = app.test_client()
    signed_in(other, marta, clock.now())
    rows = list(ConsoleSession.select().order_by(ConsoleSession.id))
    assert "This device" in browser.get("/console/log-ins").text
    browser.post(f"/console/log-ins/{rows[1].id}/end")
    assert other.get("/console").location == "/console/login"
    signed_in(other, marta, clock.now())
    browser.post("/console/log-ins/end-others")
    assert other.get("/console").location == "/console/login"
    assert browser.post(f"/console/log-ins/{rows[0].id}/end").location == "/console/signed-out"
