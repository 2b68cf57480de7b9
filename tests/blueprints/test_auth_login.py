import time
from datetime import timedelta

import pytest
from argon2 import PasswordHasher

from blueprints import known_device
from models.audit import AuditEvent
from models.operator import Operator
from models.outbox import Mail
from models.partner import Member
from models.session import Session
from services import links, passwords, sessions

WRONG = "The mail address or the password is not right."


@pytest.fixture
def sign_in(client, cast):
    """Fills in the log-in form; the cast's password unless another is given."""

    def fill(email: str, password: str = cast.password, browser=client, **fields):
        return browser.post("/login", data={"email": email, "password": password, **fields})

    return fill


def test_a_member_signs_in_and_lands_at_home(client, cast, sign_in):
    answered = sign_in(cast.alice.email)
    assert (answered.status_code, answered.location) == (303, "/home")
    assert client.get("/home").status_code == 200


def test_an_operator_signs_in_on_the_same_page_and_lands_at_the_queue(client, cast, sign_in):
    answered = sign_in(cast.olga.email)
    assert (answered.status_code, answered.location) == (303, "/admin")
    assert client.get("/admin").location == "/security/set-up"  # operators need a second factor before anything else


def test_the_address_may_be_written_in_capitals_and_with_spaces(cast, sign_in):
    assert sign_in(f" {cast.alice.email.upper()} ").status_code == 303


def test_the_form_lets_password_managers_work(client, cast):
    page = client.get("/login").text
    assert 'autocomplete="username"' in page
    assert 'autocomplete="current-password"' in page
    assert "onpaste" not in page


def test_a_log_in_leaves_one_trail_with_its_network(cast, sign_in):
    sign_in(cast.alice.email)
    (event,) = AuditEvent.select().where(AuditEvent.action == "session.begun")
    assert (event.partner_id, event.ip, event.source) == (cast.northwind.id, "127.0.0.1", "web")


def test_an_unknown_address_and_a_wrong_password_get_the_same_answer(cast, sign_in):
    wrong = sign_in(cast.alice.email, "not her password at all")
    unknown = sign_in("nobody@example.com", "not her password at all")
    operator = sign_in(cast.olga.email, "not her password at all")
    assert wrong.status_code == unknown.status_code == operator.status_code == 422
    assert WRONG in wrong.text

    def same(answered, address: str) -> list[str]:
        return [line for line in answered.text.replace(address, "").splitlines() if "csrf" not in line.lower()]

    assert same(wrong, cast.alice.email) == same(unknown, "nobody@example.com") == same(operator, cast.olga.email)
    assert {name for name, _ in wrong.headers} == {name for name, _ in unknown.headers}


def test_an_unknown_address_costs_as_much_time_as_a_wrong_password(client, cast, sign_in, clock):
    today = passwords.hashed(cast.password)
    Member.update(password_hash=today).where(Member.id == cast.alice.id).execute()

    def seconds(address: str) -> float:
        clock.advance(minutes=10)
        started = time.process_time()
        sign_in(address, "not her password at all")
        return time.process_time() - started

    seconds(cast.alice.email)
    known = min(seconds(cast.alice.email) for _ in range(8))
    unknown = min(seconds("nobody@example.com") for _ in range(8))
    assert 0.6 < known / unknown < 1.7


def test_what_was_typed_as_address_stays_and_the_password_does_not(cast, sign_in):
    page = sign_in("alice@northwind.example.com", "my secret guess 123").text
    assert 'value="alice@northwind.example.com"' in page
    assert "my secret guess" not in page
    assert "<title>Error: Sign in" in page


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"email": "", "password": "something"}, "Enter your mail address."),
        ({"email": "a@example.com", "password": ""}, "Enter your password."),
        ({}, "Enter your mail address."),
    ],
)
def test_an_empty_field_is_named(client, cast, fields: dict, words: str):
    answered = client.post("/login", data=fields)
    assert answered.status_code == 422
    assert words in answered.text


@pytest.mark.parametrize("email", ["x" * 10_000, "'; DROP TABLE member; --", "🙂", "a@b\r\nc", "100%s"])
def test_a_strange_address_is_just_not_right(cast, sign_in, email: str):
    answered = sign_in(email)
    assert answered.status_code == 422
    assert WRONG in answered.text


def test_a_very_long_password_is_just_not_right(cast, sign_in):
    assert WRONG in sign_in(cast.alice.email, "p" * 100_000).text


def test_the_form_without_its_token_is_refused(client, cast):
    fields = {"email": cast.alice.email, "password": cast.password}
    assert client.post("/login", data=fields, csrf=False).status_code == 400
    assert not Session.select().exists()


def test_another_site_cannot_sign_a_browser_in(client, cast):
    fields = {"email": cast.alice.email, "password": cast.password}
    answered = client.post("/login", data=fields, headers={"Sec-Fetch-Site": "cross-site"})
    assert answered.status_code == 403


def test_the_page_that_was_wanted_opens_after_the_log_in(client, cast, sign_in):
    sent = client.get("/sub-accounts?q=acme")
    assert (sent.status_code, sent.location) == (303, "/login?next=/sub-accounts?q%3Dacme")
    page = client.get(sent.location)
    assert 'name="next" type="hidden" value="/sub-accounts?q=acme"' in page.text
    assert sign_in(cast.alice.email, next="/sub-accounts?q=acme").location == "/sub-accounts?q=acme"


ELSEWHERE = (
    "https://evil.example",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    " /home",
    "javascript:alert(1)",
    "data:text/html,hello",
    "http:/evil.example",
    "https:evil.example",
    "/home@evil.example/..",
    "//user@evil.example",
    "%2F%2Fevil.example",
    "/%2F/evil.example",
    "/%5Cevil.example",
    "/.evil.example",
    "/no-such-page",
    "/logout",
    "//127.0.0.1:8000/home",
    "http://127.0.0.1:8000/home",
    "ftp://evil.example",
)


@pytest.mark.parametrize("target", ELSEWHERE)
def test_nobody_is_sent_to_another_place(client, cast, sign_in, target: str):
    assert sign_in(cast.alice.email, next=target).location == "/home"
    shown = client.get("/login", query_string={"next": target})
    assert shown.location == "/home"


def test_whoever_is_signed_in_does_not_see_the_form(client_as, cast):
    assert client_as(cast.alice).get("/login").location == "/home"
    assert client_as(cast.alice).get("/login?next=/sub-accounts").location == "/sub-accounts"


def test_the_cookie_before_the_log_in_opens_nothing_after_it(app, client, cast, sign_in):
    client.get("/login")
    with client.own_session() as values:
        values["planted"] = "by an attacker"
        before = dict(values)
    sign_in(cast.alice.email)
    with client.own_session() as values:
        assert "planted" not in values
        assert values.get("csrf_token") != before.get("csrf_token")
        token = values["_user_id"]
    assert Session.get().token_hash == sessions.token_hash(token)
    thief = app.test_client()
    with thief.own_session() as values:
        values.update(before)
    assert thief.get("/home").status_code == 303


def test_a_token_that_the_portal_did_not_make_is_not_accepted(app, cast, sign_in):
    fixated = app.test_client()
    with fixated.own_session() as values:
        values["_user_id"] = "a-token-that-the-attacker-knows-as-well"
    assert fixated.get("/home").status_code == 303
    sign_in(cast.alice.email, browser=fixated)
    with fixated.own_session() as values:
        assert values["_user_id"] != "a-token-that-the-attacker-knows-as-well"


def test_the_language_that_was_chosen_before_stays(client, cast, sign_in):
    client.post("/language", data={"language": "de", "next": "/login"})
    sign_in(cast.alice.email)
    with client.own_session() as values:
        assert values["language"] == "de"


def test_the_database_holds_nothing_that_opens_a_session(client, cast, sign_in):
    sign_in(cast.alice.email)
    with client.own_session() as values:
        token = values["_user_id"]
    assert token not in str(Session.get().__data__)


def test_an_older_hash_is_renewed_by_the_log_in(cast, sign_in):
    older = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(cast.password)
    Member.update(password_hash=older).where(Member.id == cast.alice.id).execute()
    sign_in(cast.alice.email, "wrong password for sure")
    assert Member.get_by_id(cast.alice.id).password_hash == older
    sign_in(cast.alice.email)
    renewed = Member.get_by_id(cast.alice.id).password_hash
    assert not passwords.needs_rehash(renewed)
    assert passwords.matches(renewed, cast.password)


def test_the_eleventh_guess_is_told_how_long_to_wait(cast, sign_in, clock):
    for _ in range(10):
        assert sign_in(cast.alice.email, "a wrong guess").status_code == 422
    refused = sign_in(cast.alice.email)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "300")
    assert "Too many attempts. Wait 5 min and try again." in refused.text
    clock.advance(minutes=5)
    assert sign_in(cast.alice.email).status_code == 303


def test_guesses_at_nobody_are_limited_alike(cast, sign_in):
    for _ in range(10):
        sign_in("nobody@example.com", "a wrong guess")
    assert sign_in("nobody@example.com").status_code == 429


def test_whoever_is_signed_in_stays_so_while_others_guess(client_as, cast, sign_in):
    browser = client_as(cast.alice)
    for _ in range(12):
        sign_in(cast.alice.email, "a wrong guess")
    assert browser.get("/home").status_code == 200


def test_after_a_hundred_failures_the_way_in_is_a_new_password(cast, sign_in, clock):
    for _ in range(100):
        clock.advance(minutes=1)
        sign_in(cast.alice.email, "a wrong guess")
    clock.advance(minutes=10)
    refused = sign_in(cast.alice.email)
    assert refused.status_code == 422
    assert "closed after 100 wrong passwords" in refused.text


def test_a_guesser_elsewhere_does_not_close_the_log_in_where_its_owner_signed_in_before(app, cast, sign_in, clock):
    home, guesser = app.test_client(), app.test_client()
    sign_in(cast.alice.email, browser=home)
    home.post("/logout")
    for _ in range(101):
        clock.advance(minutes=1)
        sign_in(cast.alice.email, "a wrong guess", browser=guesser)
    assert "closed after 100 wrong passwords" in sign_in(cast.alice.email, browser=app.test_client()).text
    assert sign_in(cast.alice.email, browser=home).location == "/home"


def test_the_cookie_of_a_device_says_nothing_of_another_account(cast, sign_in, client):
    sign_in(cast.bob.email)
    client.post("/logout")
    with client.application.test_request_context(headers={"Cookie": f"portal-device={cookie(client)}"}):
        assert known_device.number_for(cast.bob.email) != ""
        assert known_device.number_for(cast.alice.email) == ""


def test_one_device_is_known_to_several_accounts_and_keeps_its_number(cast, sign_in, client):
    numbers = set()
    for person in (cast.alice, cast.bob, cast.alice):
        sign_in(person.email)
        numbers.add(cookie(client).split(".")[0])
        client.post("/logout")
    assert len(numbers) == 1 and len(cookie(client).split(".")) == 3


def cookie(browser) -> str:
    return browser.get_cookie("portal-device", domain="127.0.0.1").value


@pytest.mark.parametrize("change", [{"active": False}, {"access_until_on": "yesterday"}])
def test_an_ended_access_is_told_only_with_the_right_password(cast, sign_in, clock, change: dict):
    if "access_until_on" in change:
        change = {"access_until_on": clock.now().date() - timedelta(days=1)}
    Member.update(change).where(Member.id == cast.bob.id).execute()
    assert WRONG in sign_in(cast.bob.email, "a wrong guess").text
    ended = sign_in(cast.bob.email)
    assert ended.status_code == 422
    assert "no longer active" in ended.text
    assert not Session.select().exists()


def test_the_last_day_of_access_counts(cast, sign_in, clock):
    Member.update(access_until_on=clock.now().date()).where(Member.id == cast.bob.id).execute()
    assert sign_in(cast.bob.email).status_code == 303


def test_an_operator_who_never_set_up_has_no_password(cast, sign_in):
    Operator.update(password_hash="").where(Operator.id == cast.oscar.id).execute()
    for guess in ("nobody has this password", " ", cast.password):
        assert WRONG in sign_in(cast.oscar.email, guess).text


@pytest.fixture
def unconfirmed(cast) -> Member:
    cast.northwind.state = "draft"
    cast.northwind.save(only=["state"])
    Member.update(email_confirmed_at=None).where(Member.id == cast.alice.id).execute()
    return Member.get_by_id(cast.alice.id)


def test_an_unconfirmed_address_is_told_only_with_the_right_password(client, unconfirmed, sign_in):
    assert WRONG in sign_in(unconfirmed.email, "a wrong guess").text
    answered = sign_in(unconfirmed.email)
    assert answered.location == "/login/unconfirmed"
    page = client.get("/login/unconfirmed").text
    assert unconfirmed.email in page
    assert "Send the mail again" in page
    assert not Session.select().exists()


def test_the_confirmation_is_sent_again_on_request(client, unconfirmed, sign_in, clock):
    sign_in(unconfirmed.email)
    sent = client.post("/login/unconfirmed")
    assert sent.location == "/login/unconfirmed"
    assert "on its way" in client.get(sent.location).text
    mail = Mail.get()
    assert (mail.recipient, mail.private) == (unconfirmed.email, True)
    token = mail.text.split("/sign-up/confirm/")[1].split()[0]
    assert links.person_of(links.look("confirm_mail", token, clock.now())) == unconfirmed


def test_a_stranger_cannot_have_confirmations_sent(client, unconfirmed):
    assert client.get("/login/unconfirmed").location == "/login"
    assert client.post("/login/unconfirmed").location == "/login"
    assert not Mail.select().exists()


def test_confirmations_are_sent_a_few_times_only(client, unconfirmed, sign_in):
    sign_in(unconfirmed.email)
    statuses = [client.post("/login/unconfirmed").status_code for _ in range(7)]
    assert statuses[0] == 303
    assert statuses[-1] == 429
    assert Mail.select().count() < 7


def test_once_confirmed_the_page_leads_to_the_log_in(client, unconfirmed, sign_in, clock):
    sign_in(unconfirmed.email)
    Member.update(email_confirmed_at=clock.now()).where(Member.id == unconfirmed.id).execute()
    assert client.get("/login/unconfirmed").location == "/login"
