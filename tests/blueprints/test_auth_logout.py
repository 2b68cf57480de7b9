"""Ends of a log-in: by the person, by time, by the portal (T12)."""

from dataclasses import dataclass

import pytest
from flask import Blueprint

from blueprints.access import Permission, requires
from models.audit import AuditEvent
from models.session import Session
from services import sessions


def test_logging_out_ends_the_session_in_the_database(client_as, cast):
    browser = client_as(cast.alice)
    answered = browser.post("/logout")
    assert (answered.status_code, answered.location) == (303, "/signed-out")
    assert Session.get().end_reason == "logged out"
    page = browser.get("/signed-out")
    assert "You are signed out" in page.text
    assert browser.get("/home").location == "/login?next=/home"


def test_the_partners_trail_says_that_somebody_left(client_as, cast, acting):
    client_as(cast.alice).post("/logout")
    client_as(cast.bob)
    sessions.end_all(acting(cast.alice), cast.bob, "revoked")
    client_as(cast.olga).post("/logout")
    events = AuditEvent.select().where(AuditEvent.action == "session.ended").order_by(AuditEvent.id)
    own = cast.northwind.id
    told = [(event.partner_id, event.after["reason"]) for event in events]
    assert told == [(own, "logged out"), (own, "revoked"), (None, "logged out")]


def test_logging_out_clears_what_the_browser_kept(client_as, cast):
    answered = client_as(cast.alice).post("/logout")
    assert answered.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert answered.headers["Cache-Control"] == "no-store"


def test_a_copied_cookie_is_worth_nothing_after_the_log_out(app, client_as, cast):
    browser = client_as(cast.alice)
    with browser.own_session() as values:
        copied = dict(values)
    browser.post("/logout")
    thief = app.test_client()
    with thief.own_session() as values:
        values.update(copied)
    assert thief.get("/home").status_code == 303


def test_logging_out_leaves_nothing_in_the_cookie(client_as, cast):
    browser = client_as(cast.alice, language="de")
    browser.post("/logout")
    with browser.own_session() as values:
        assert not set(values) - {"csrf_token"}


def test_logging_out_twice_is_no_fault(client_as, cast):
    browser = client_as(cast.alice)
    browser.post("/logout")
    assert browser.post("/logout").location == "/signed-out"
    assert AuditEvent.select().where(AuditEvent.action == "session.ended").count() == 1


def test_logging_out_is_no_link(client_as, cast):
    browser = client_as(cast.alice)
    assert browser.get("/logout").status_code == 405
    assert browser.get("/home").status_code == 200


def test_logging_out_of_one_device_keeps_the_other(client_as, cast):
    first, second = client_as(cast.alice), client_as(cast.alice)
    first.post("/logout")
    assert second.get("/home").status_code == 200


def test_the_page_after_is_not_for_whoever_is_signed_in(client_as, cast):
    assert client_as(cast.alice).get("/signed-out").location == "/home"
    assert client_as(cast.olga).get("/signed-out").location == "/admin"


@pytest.mark.parametrize("path", ["/login", "/signed-out", "/password/forgot", "/password/sent"])
def test_the_pages_say_that_nobody_keeps_them(client, cast, path: str):
    answered = client.get(path)
    assert answered.status_code == 200
    assert answered.headers["Cache-Control"] == "no-store"


@dataclass(frozen=True)
class Times:
    idle_minutes: int
    hours: int
    page: str


@pytest.fixture(params=["member", "operator"])
def signed_in(request, client_as, cast, settings):
    """A browser of this sort of person with the limits that hold for it."""
    if request.param == "member":
        times = Times(settings.member_idle_minutes, settings.member_session_hours, "/home")
        return client_as(cast.alice), times
    return client_as(cast.olga), Times(settings.operator_idle_minutes, settings.operator_session_hours, "/admin")


def test_a_session_ends_when_nothing_was_done_for_too_long(signed_in, clock):
    browser, times = signed_in
    clock.advance(minutes=times.idle_minutes, seconds=-1)
    assert browser.get(times.page).status_code == 200
    clock.advance(minutes=times.idle_minutes)
    assert browser.get(times.page).status_code == 303


def test_activity_keeps_a_session_until_its_last_hour(signed_in, clock):
    browser, times = signed_in
    end = clock.now().timestamp() + times.hours * 3600
    while clock.now().timestamp() + times.idle_minutes * 30 < end:
        clock.advance(minutes=times.idle_minutes / 2)
        assert browser.get(times.page).status_code == 200
    clock.advance(minutes=times.idle_minutes / 2)
    assert browser.get(times.page).status_code == 303


def test_operators_are_signed_out_sooner_than_members(settings):
    assert settings.operator_idle_minutes < settings.member_idle_minutes <= 60
    assert settings.operator_session_hours < settings.member_session_hours <= 24


def test_a_session_that_lapsed_is_explained_on_the_log_in_page(client_as, cast, clock):
    browser = client_as(cast.alice)
    clock.advance(hours=2)
    sent = browser.get("/sub-accounts")
    page = browser.get(sent.location).text
    assert "You were signed out" in page
    assert "after a while without activity" in page


def test_a_first_visit_is_not_told_of_a_log_out(client, cast):
    assert "You were signed out" not in client.get("/login").text


def test_htmx_gets_the_log_in_page_as_a_whole_page_and_not_as_a_fragment(client_as, cast, clock):
    browser = client_as(cast.alice)
    clock.advance(hours=2)
    answered = browser.get("/sub-accounts", htmx=True)
    assert answered.status_code == 401
    assert answered.headers["HX-Redirect"].startswith("/login")
    assert answered.text == ""


def test_what_only_polls_keeps_no_session_alive(app, client_as, cast, clock, settings):
    area = Blueprint("poll", __name__)

    @area.get("/poll")
    @requires(Permission.PORTAL_USE, polled=True)
    def poll():
        return "as before"

    app.register_blueprint(area)
    browser = client_as(cast.alice)
    for _ in range(settings.member_idle_minutes - 1):
        clock.advance(minutes=1)
        assert browser.get("/poll", check=False).status_code == 200
    clock.advance(minutes=1)
    assert browser.get("/poll").status_code == 303


def test_a_session_that_is_ended_elsewhere_is_refused_at_the_next_request(client_as, cast, acting):
    browser, other = client_as(cast.alice), client_as(cast.bob)
    assert browser.get("/home").status_code == 200
    assert sessions.end_all(acting(cast.alice), cast.alice, "somebody found the phone") == 1
    assert browser.get("/home").status_code == 303
    assert other.get("/home").status_code == 200


def test_a_member_who_is_taken_off_is_refused_at_the_next_request(client_as, cast):
    browser = client_as(cast.bob)
    assert browser.get("/home").status_code == 200
    cast.bob.active = False
    cast.bob.save(only=["active"])
    assert browser.get("/home").status_code == 303


def test_a_contractors_access_ends_after_its_last_day(client_as, cast, clock):
    browser = client_as(cast.bob)
    cast.bob.access_until_on = clock.now().date()
    cast.bob.save(only=["access_until_on"])
    assert browser.get("/home").status_code == 200
    clock.advance(hours=15)
    browser = client_as(cast.bob)
    assert browser.get("/home").status_code == 303


@pytest.mark.parametrize(
    ("public_url", "name", "secure"),
    [("https://portal.example.com", "__Host-portal", True), ("http://127.0.0.1:8000", "portal", False)],
)
def test_the_cookie_is_bound_to_this_host_wherever_there_is_https(make_app, cast, public_url, name, secure):
    browser = make_app(public_url=public_url).test_client()
    fields = {"email": cast.alice.email, "password": cast.password}
    answered = browser.post("/login", data=fields, headers={"Referer": f"{public_url}/login"})
    assert answered.status_code == 303
    (cookie,) = (sent for sent in answered.headers.getlist("Set-Cookie") if "-device=" not in sent)
    assert cookie.startswith(f"{name}=")
    assert ("Secure" in cookie, "HttpOnly" in cookie, "SameSite=Lax" in cookie) == (secure, True, True)
    assert "Domain" not in cookie
    assert "Expires" not in cookie
