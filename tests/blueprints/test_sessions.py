"""Own log-ins, staying signed in, and what was typed while a log-in ended."""

import re

import pytest

from models.session import KeptForm, Session
from services import session_limits, sessions

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605 Version/19.0 Mobile/15E148 Safari/604.1"
CLEARED = '"cache", "storage"'


def log_in_elsewhere(acting, settings, person, user_agent=PHONE, ip="8.8.4.77"):
    sessions.begin(acting(person, user_agent=user_agent), person, settings)
    row = Session.select().order_by(Session.id.desc()).get()
    row.ip = ip
    row.save(only=["ip"])
    return row


def typed(page) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text))


def test_the_list_says_device_place_and_time_of_each_log_in(client_as, cast, acting, settings, clock):
    alice = client_as(cast.alice)
    log_in_elsewhere(acting, settings, cast.alice)
    log_in_elsewhere(acting, settings, cast.alice, "curl/8", "10.1.2.3")
    log_in_elsewhere(acting, settings, cast.bob, FIREFOX)
    page = alice.get("/security/sessions")
    assert page.text.count("<tr>") == 1 + 3
    for words in (
        "This device",
        "Safari on iPhone",
        "8.8.4.0/24",
        "Another network",
        "A private network",
        "Unknown device",
    ):
        assert words in page.text
    assert "Firefox" not in page.text and "8.8.4.77" not in page.text
    assert alice.get("/security/sessions", htmx=True).text.lstrip().startswith('<section id="sessions"')


def test_a_log_in_that_is_ended_from_afar_is_over_at_its_next_request_and_takes_its_pages_along(client_as, cast):
    here, there = client_as(cast.alice), client_as(cast.alice)
    other = Session.select().order_by(Session.id.desc()).get()
    assert there.get("/home").status_code == 200
    assert here.post(f"/security/sessions/{other.id}/end").location == "/security/sessions"
    answer = there.get("/home")
    assert (answer.status_code, answer.location) == (303, "/login?next=/home")
    assert answer.headers["Clear-Site-Data"] == CLEARED
    assert here.get("/home").status_code == 200


def test_all_others_end_at_once(client_as, cast):
    here, there, third = client_as(cast.alice), client_as(cast.alice), client_as(cast.alice)
    here.post("/security/sessions/end-others")
    assert [browser.get("/home").status_code for browser in (here, there, third)] == [200, 303, 303]


def test_ending_this_log_in_signs_out_here(client_as, cast):
    here = client_as(cast.olga)
    own = Session.get(Session.operator == cast.olga)
    answer = here.post(f"/security/sessions/{own.id}/end")
    assert (answer.location, answer.headers["Clear-Site-Data"]) == ("/signed-out", CLEARED)
    assert here.get("/admin").status_code == 303


@pytest.mark.parametrize("whose", ["bob", "charlie", "olga"])
def test_the_log_in_of_another_person_is_not_found_and_goes_on(client_as, cast, whose):
    theirs, alice = client_as(getattr(cast, whose)), client_as(cast.alice)
    row = Session.select().order_by(Session.id).first()
    assert alice.post(f"/security/sessions/{row.id}/end").status_code == 404
    assert theirs.get("/security/sessions").status_code == 200


def test_a_log_out_clears_what_the_browser_kept(client_as, cast):
    assert client_as(cast.alice).post("/logout").headers["Clear-Site-Data"] == CLEARED


def test_another_role_gets_a_new_token_and_the_old_one_opens_nothing(client_as, cast, clock):
    browser = client_as(cast.bob)
    with browser.own_session() as values:
        old = values["_user_id"]
    cast.bob.role = "admin"
    cast.bob.save()
    assert browser.get("/home").status_code == 200
    with browser.own_session() as values:
        new = values["_user_id"]
    assert new != old
    stolen = browser.application.test_client()
    with stolen.own_session() as values:
        values["_user_id"] = old
    assert stolen.get("/home").status_code == 303
    assert browser.get("/home").status_code == 200
    assert Session.select().count() == 1


def test_a_step_up_gives_a_new_token_and_the_old_one_opens_nothing(client_as, cast, clock):
    alice = client_as(cast.alice)
    with alice.own_session() as values:
        old = values["_user_id"]
    clock.advance(minutes=31)
    assert alice.post("/prove", data={"password": cast.password}).status_code == 303
    stolen = alice.application.test_client()
    with stolen.own_session() as values:
        values["_user_id"] = old
    assert (alice.get("/home").status_code, stolen.get("/home").status_code) == (200, 303)


def test_a_renewed_token_is_still_the_log_in_that_asked_for_a_key(cast, acting, settings, clock):
    sessions.begin(acting(cast.alice), cast.alice, settings)
    row = Session.get()
    before = row.origin_hash
    sessions.renew(acting(cast.alice), row)
    row = Session.get()
    assert (row.origin_hash, row.token_hash == before) == (before, False)


def test_asking_how_long_is_left_extends_nothing_and_staying_does(client_as, cast, clock, settings):
    alice = client_as(cast.alice)
    clock.advance(minutes=58)
    first = alice.get("/session/left").json
    assert first == {"seconds": 120, "whole": 24 * 3600 - 58 * 60}
    clock.advance(seconds=60)
    assert alice.get("/session/left").json["seconds"] == 60
    assert alice.post("/session/stay").json["seconds"] == 3600
    clock.advance(minutes=59)
    assert alice.get("/home").status_code == 200


def test_who_is_not_signed_in_is_told_so_without_a_page(client_as, cast, clock):
    alice = client_as(cast.alice)
    clock.advance(minutes=61)
    left = alice.get("/session/left", htmx=True)
    assert (left.status_code, left.headers["HX-Trigger"]) == (286, "signed-out")
    assert alice.post("/session/stay", htmx=True).status_code == 401


def test_every_page_says_when_the_log_in_ends_also_without_scripts(client_as, cast, client):
    page = client_as(cast.alice).get("/home")
    assert "You stay signed in until 11:00 if you do nothing, and until 3 Mar 2026, 10:00 at the latest." in page.text
    assert '<dialog id="session-end"' in page.text and "session.js" in page.text
    front = client.get("/")
    assert "<dialog" not in front.text and "session.js" not in front.text


@pytest.mark.parametrize("role", session_limits.MEMBER_ROLES + session_limits.OPERATOR_ROLES)
def test_each_role_has_limits_of_its_own(make_app, cast, clock, role):
    app = make_app(session_limits={role: (7, 2)})
    person = cast.bob if role in session_limits.MEMBER_ROLES else cast.oscar
    setattr(person, "role" if person is cast.bob else "right", role)
    person.save()
    browser = app.test_client()
    browser.sign_in(person)
    clock.advance(minutes=7, seconds=-1)
    assert browser.get("/security/sessions").status_code == 200
    clock.advance(minutes=7)
    assert browser.get("/security/sessions").status_code == 303
    browser.sign_in(person)
    for _ in range(19):
        clock.advance(minutes=6)
        assert browser.get("/security/sessions").status_code == 200
    clock.advance(minutes=6)
    assert browser.get("/security/sessions").status_code == 303


def lapse_and_send(alice, clock, fields=None, path="/profile"):
    assert alice.get("/home").status_code == 200
    clock.advance(minutes=61)
    return alice.post(path, data=fields or {"name": "Alice Ahorn", "job_title": "Chef", "seen": "x"})


def test_what_was_sent_after_the_log_in_had_ended_comes_back_after_signing_in(client_as, cast, clock):
    alice = client_as(cast.alice)
    asked = lapse_and_send(alice, clock)
    assert asked.location == "/login?next=/session/form"
    assert "What you typed is kept for 15 minutes" in alice.get(asked.location).text
    entered = alice.post("/login", data={"email": cast.alice.email, "password": cast.password, "next": "/session/form"})
    assert entered.location == "/session/form"
    page = alice.get("/session/form")
    assert "Alice Ahorn" in typed(page) and "Chef" in typed(page)
    assert 'action="/profile"' in page.text and 'name="job_title" value="Chef"' in page.text
    alice.post("/session/form/drop")
    assert KeptForm.select().count() == 0
    assert "Nothing is kept for you" in alice.get("/session/form").text


def test_a_form_is_kept_for_a_quarter_of_an_hour(client_as, cast, clock):
    alice = client_as(cast.alice)
    lapse_and_send(alice, clock)
    alice.sign_in(cast.alice)
    clock.advance(minutes=14, seconds=59)
    assert "Alice Ahorn" in alice.get("/session/form").text
    clock.advance(seconds=1)
    assert "Alice Ahorn" not in alice.get("/session/form").text


def test_another_person_in_the_same_browser_finds_nothing(client_as, cast, clock):
    browser = client_as(cast.alice)
    lapse_and_send(browser, clock)
    browser.sign_in(cast.bob)
    assert "Alice Ahorn" not in browser.get("/session/form").text
    browser.sign_in(cast.olga)
    assert "Alice Ahorn" not in browser.get("/session/form").text


def test_the_same_person_elsewhere_finds_nothing(client_as, cast, clock):
    lapse_and_send(client_as(cast.alice), clock)
    assert "Alice Ahorn" not in client_as(cast.alice).get("/session/form").text


@pytest.mark.parametrize("name", ["password", "new_password", "secret", "totp_code", "one-time-code"])
def test_forms_with_secrets_are_never_kept(client_as, cast, clock, name):
    asked = lapse_and_send(client_as(cast.alice), clock, {"name": "Alice", name: "hunter2"})
    assert (asked.location, KeptForm.select().count()) == ("/login", 0)


def test_a_postcode_is_no_secret(client_as, cast, clock):
    lapse_and_send(client_as(cast.alice), clock, {"postcode": "10115"})
    assert KeptForm.get().fields == [["postcode", "10115"]]


def test_strangers_and_made_up_log_ins_fill_nothing(client, cast):
    assert client.post("/profile", data={"name": "x"}).location == "/login"
    with client.own_session() as values:
        values["_user_id"] = "made-up"
    assert client.post("/profile", data={"name": "x"}).location == "/login"
    assert KeptForm.select().count() == 0


def test_a_form_with_a_token_of_the_log_in_before_is_kept_and_sent_again_by_hand(client_as, cast):
    alice = client_as(cast.alice)
    headers = {"Sec-Fetch-Site": "same-origin"}
    asked = alice.post("/profile", data={"name": "Alice Ahorn"}, csrf=False, headers=headers)
    assert asked.location == "/session/form"
    assert "Alice Ahorn" in alice.get("/session/form").text
    assert type(cast.alice).get_by_id(cast.alice.id).name == "Alice Adler"


@pytest.mark.parametrize("headers", [{}, {"Sec-Fetch-Site": "none"}, {"Sec-Fetch-Site": "cross-site"}])
def test_what_no_page_of_ours_sent_is_not_kept(client_as, cast, headers):
    alice = client_as(cast.alice)
    assert alice.post("/profile", data={"name": "x"}, csrf=False, headers=headers).status_code in (400, 403)
    assert KeptForm.select().count() == 0
