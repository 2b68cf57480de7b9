"""The fence around the customer console: nothing of the portal opens with its cookie, nothing of it with the portal's;
whatever ends a customer's access ends it at the next request (T4, T9, T13; threats 2 and 4)."""

from datetime import timedelta

import pytest

from blueprints.areas import area_of
from models.base import write_tx
from models.console import ConsoleSession
from models.contract import Contract
from models.partner import Partner
from models.sub_account import SubAccount
from services import console, sub_account_life, sub_accounts
from tests.accounts import opened
from tests.cast import act_of
from tests.house.test_access import ways
from tests.notices import TEXTS, switched_off
from tests.services.consoles import ADDRESS, PASSWORD, joined, signed_in, suspend

METHODS = ("GET", "POST")


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


def ways_in(app) -> list[tuple[str, str, str, object]]:
    return [(method, *way) for method in METHODS for way in ways(app, method, console=True)]


def test_a_customer_s_log_in_opens_nothing_of_the_portal(app, browser):
    tried = 0
    for method in METHODS:
        for endpoint, path, access in ways(app, method):
            if access.open_to_all:
                continue
            answer = browser.open(path, method=method)
            assert (answer.status_code, answer.location.split("?")[0]) == (303, "/login"), f"{method} {endpoint}"
            tried += 1
    assert tried > 100
    assert browser.get("/console").status_code == 200  # and it goes on


@pytest.mark.parametrize("name", ["alice", "vera", "charlie", "olga"])
def test_a_log_in_to_the_portal_opens_nothing_of_the_console(app, cast, client_as, marta, name):
    person = client_as(getattr(cast, name))
    for method, endpoint, path, _access in ways_in(app):
        answer = person.open(path, method=method)
        assert (answer.status_code, answer.location) == (303, "/console/login"), f"{method} {endpoint}"
    known = getattr(cast, name)
    type(known).update(locale="de").where(type(known).id == known.id).execute()
    page = person.get("/console/login")  # who is signed in there is nobody here, whose language is not asked for
    assert (known.name in page.text, '<html lang="en"' in page.text) == (False, True)


def test_nobody_gets_past_the_gate(app, client, marta):
    for method, endpoint, path, _access in ways_in(app):
        answer = client.open(path, method=method)
        assert (answer.status_code, answer.location) == (303, "/console/login"), f"{method} {endpoint}"
        piece = client.open(path, method=method, htmx=True)
        assert (piece.status_code, piece.headers["HX-Redirect"]) == (401, "/console/login"), f"{method} {endpoint}"


def test_the_two_cookies_cannot_stand_in_for_each_other(app, cast, client, marta, clock):
    token = signed_in(client, marta, clock.now())
    with client.own_session() as values:
        values["_user_id"] = token
    assert client.get("/home").location.startswith("/login")
    other = app.test_client()
    other.sign_in(cast.alice)
    with other.own_session() as values:
        portal_token = values["_user_id"]
    other.set_cookie("console", portal_token, domain="portal.test")
    assert other.get("/console").location == "/console/login"


def test_a_form_without_its_token_is_refused_everywhere(app, browser):
    for endpoint, path, _access in ways(app, "POST", console=True):
        assert browser.post(path, csrf=False).status_code == 400, endpoint
    headers = {"Sec-Fetch-Site": "cross-site"}
    assert browser.post("/console/keys/stop", headers=headers).status_code == 403


def test_keys_of_others_are_not_there(app, cast, browser, clock, account):
    """Of another customer of the same partner, of another partner, and of nobody."""
    own = opened(cast, app.settings, clock.now(), "Neighbour")
    other = opened(cast, app.settings, clock.now(), "Foreign", who=cast.charlie)
    for foreign in (own.access_keys.get().id, other.access_keys.get().id, 999_999):
        for what in ("reveal", "stored", "replace", "off", "on", "delete"):
            assert browser.post(f"/console/keys/{foreign}/{what}").status_code == 404, what
    neighbour = joined(cast, app.settings, own, clock.now())
    signed_in(app.test_client(), neighbour, clock.now())
    theirs = ConsoleSession.get(ConsoleSession.user == neighbour)
    for foreign in (theirs.id, 999_999):
        assert browser.post(f"/console/log-ins/{foreign}/end").status_code == 404
    assert ConsoleSession.get_by_id(theirs.id).ended_at is None


def paused(app, cast, clock, account, marta):
    sub_account_life.suspend(act_of(cast.alice, clock.now()), account.partner, account.number)


def to_be_deleted(app, cast, clock, account, marta):
    act = act_of(cast.alice, clock.now())
    sub_account_life.delete(act, app.settings, account.partner, account.number, account.number)


def partner_suspended(app, cast, clock, account, marta):
    suspend(cast.northwind)


def partner_barred(app, cast, clock, account, marta):
    Partner.update(state="barred").where(Partner.id == cast.northwind.id).execute()


def held(app, cast, clock, account, marta):
    SubAccount.update(held_at=clock.now()).where(SubAccount.id == account.id).execute()


def another_contact(app, cast, clock, account, marta):
    act = act_of(cast.alice, clock.now())
    sub_accounts.describe(act, account, account.name, "Nina New", "nina@example.com")


def deactivated(app, cast, clock, account, marta):
    console.set_active(act_of(cast.alice, clock.now()), account.partner, account.number, False)


def removed(app, cast, clock, account, marta):
    console.remove(act_of(cast.alice, clock.now()), account.partner, account.number)


ENDS = [paused, to_be_deleted, partner_suspended, partner_barred, held, another_contact, deactivated, removed]


@pytest.mark.parametrize("happens", ENDS)
def test_whatever_ends_access_ends_it_at_the_next_request(app, cast, browser, clock, account, marta, happens):
    assert browser.get("/console").status_code == 200
    happens(app, cast, clock, account, marta)
    answer = browser.get("/console")
    assert (answer.status_code, answer.location) == (303, "/console/login")
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert ConsoleSession.select().where(ConsoleSession.ended_at.is_null()).count() == 0
    again = browser.post("/console/login", data={"email": ADDRESS, "password": PASSWORD})
    assert again.status_code == 422
    assert ("is not active at present" in again.text) == (happens is not removed)  # only after the right password
    wrong = browser.post("/console/login", data={"email": ADDRESS, "password": "wrong " + PASSWORD})
    assert "The mail address or the password is not right." in wrong.text


def test_an_ended_access_that_comes_back_needs_a_new_log_in(app, cast, browser, clock, account):
    act = act_of(cast.alice, clock.now())
    sub_account_life.suspend(act, account.partner, account.number)
    browser.get("/console")
    sub_account_life.resume(act, account.partner, account.number)
    assert browser.get("/console").location == "/console/login"


@pytest.mark.parametrize(("idle", "whole"), [(61, False), (59, True)])
def test_a_log_in_ends_after_an_hour_without_anything_and_after_a_day(browser, clock, idle, whole):
    if not whole:
        clock.advance(minutes=idle)
        assert browser.get("/console").location == "/console/login"
        return
    for _ in range(24):
        clock.advance(minutes=idle)
        assert browser.get("/console").status_code == 200
    clock.advance(minutes=idle)
    assert browser.get("/console").location == "/console/login"


def closing(cast, clock):
    Partner.update(state="closing").where(Partner.id == cast.northwind.id).execute()


def unconfirmed(cast, clock):
    late = {"details_asked_at": clock.now() - timedelta(days=31), "details_due_at": clock.now() - timedelta(days=1)}
    Partner.update(**late).where(Partner.id == cast.northwind.id).execute()


def contract_over(cast, clock):
    Contract.update(state="expired").where(Contract.partner == cast.northwind).execute()


def account_barred(cast, clock):
    SubAccount.update(barred_at=clock.now(), read_only=True).execute()


@pytest.mark.parametrize("happens", [closing, unconfirmed, contract_over, account_barred])
def test_what_the_partner_cannot_change_its_customer_cannot_either(app, cast, browser, clock, happens):
    """But it looks, stops keys, and ends log-ins."""
    with write_tx():
        happens(cast, clock)
    for method, endpoint, path, access in ways_in(app):
        if endpoint in ("console.log_out", "console.end_log_in"):
            continue
        answer = browser.open(path, method=method)
        closed = answer.status_code == 403 and "Nothing can be changed here at present" in answer.text
        assert closed == (access.least == "full"), f"{method} {endpoint}"
    assert "Replace this key" not in browser.get("/console/keys").text


@pytest.mark.parametrize("area", ["console", "keys"])
def test_what_is_switched_off_for_the_partner_is_off_for_its_customer(app, cast, browser, clock, area):
    switched_off(cast, clock.now(), area, cast.northwind)
    told = set()
    for method, endpoint, path, access in ways_in(app):
        if endpoint in ("console.log_out", "console.end_log_in"):
            continue
        answer = browser.open(path, method=method)
        if answer.status_code == 403 and TEXTS["en"] in answer.text:
            told.add(endpoint)
        own = area_of(endpoint, access)
        assert (endpoint in told) == (own is not None and (area == "console" or own == area)), f"{method} {endpoint}"
    assert told
    assert "console.stop_keys_now" not in told


def test_the_console_that_is_off_for_all_lets_nobody_sign_in(cast, client, clock):
    switched_off(cast, clock.now(), "console")
    assert TEXTS["en"] in client.get("/console/login").text


def test_the_cookie_over_https(make_app, cast, clock):
    app = make_app(public_url="https://portal.example.com")
    user = joined(cast, app.settings, opened(cast, app.settings, clock.now()), clock.now())
    answer = app.test_client().post("/console/login", data={"email": user.email, "password": PASSWORD})
    [cookie] = [text for text in answer.headers.getlist("Set-Cookie") if text.startswith("__Host-console=")]
    assert sorted(cookie.split("; ")[1:]) == ["HttpOnly", "Path=/", "SameSite=Lax", "Secure"]
    assert answer.headers["Cache-Control"] == "no-store"
