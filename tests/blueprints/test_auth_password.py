import re

import pytest

from models.audit import AuditEvent
from models.outbox import Mail
from models.partner import Member
from models.session import OneTimeLink, Session
from services import links, operators, passwords
from services.links import LinkUsed

NEW = "seven otters juggle quietly"


def ask(browser, email: str, **more):
    return browser.post("/password/forgot", data={"email": email}, **more)


def mailed_path(mail: Mail) -> str:
    return re.search(r"http://127\.0\.0\.1:8000(/\S+/[\w-]{43})", mail.text)[1]


@pytest.fixture
def reset_path(cast, acting) -> str:
    return "/password/reset/" + links.issue(acting(), "reset_password", cast.alice)


def test_a_forgotten_password_is_replaced_by_way_of_the_mailbox(client, cast):
    assert ask(client, cast.alice.email).location == "/password/sent"
    assert "Look into your mailbox" in client.get("/password/sent").text
    mail = Mail.get()
    assert (mail.template, mail.recipient, mail.private) == ("password_reset", cast.alice.email, True)
    path = mailed_path(mail)
    assert client.get(path).status_code == 200
    chosen = client.post(path, data={"password": NEW})
    assert chosen.location == "/login"
    assert "Your new password is set" in client.get("/login").text
    assert client.post("/login", data={"email": cast.alice.email, "password": NEW}).location == "/home"


def test_the_old_password_is_gone(client, cast, reset_path):
    client.post(reset_path, data={"password": NEW})
    assert client.post("/login", data={"email": cast.alice.email, "password": cast.password}).status_code == 422


def test_known_and_unknown_addresses_get_the_same_answer(app, cast):
    known, unknown = app.test_client(), app.test_client()
    first, second = ask(known, cast.alice.email), ask(unknown, "nobody@example.com")
    assert (first.status_code, first.location, first.data) == (second.status_code, second.location, second.data)

    def shown(browser) -> str:
        return re.sub(r'csrf[^>]*?"[\w.-]{60,}"|X-CSRFToken[^}]*', "", browser.get("/password/sent").text)

    assert shown(known) == shown(unknown)


def test_the_mail_tells_a_stranger_that_there_is_no_log_in(client, cast):
    ask(client, "nobody@example.com")
    mail = Mail.get()
    assert (mail.template, mail.recipient) == ("password_reset_unknown", "nobody@example.com")
    assert "There is no log-in with this mail address" in mail.text
    assert not OneTimeLink.select().exists()


def test_a_member_who_left_is_a_stranger_here(client, cast):
    Member.update(active=False).where(Member.id == cast.bob.id).execute()
    ask(client, cast.bob.email)
    assert Mail.get().template == "password_reset_unknown"


def test_operators_use_the_same_way(client, cast):
    ask(client, cast.olga.email)
    path = mailed_path(Mail.get())
    client.post(path, data={"password": NEW})
    assert client.post("/login", data={"email": cast.olga.email, "password": NEW}).location == "/admin"


@pytest.mark.parametrize(
    "email", ["", "nobody", "a@b", "a@example.com\r\nBcc: b@example.com", "x" * 300 + "@example.com"]
)
def test_a_broken_address_is_explained(client, cast, email: str):
    answered = ask(client, email)
    assert answered.status_code == 422
    assert "There is a problem" in answered.text
    assert not Mail.select().exists()


def test_a_forwarded_host_does_not_get_into_a_mail(client, cast):
    ask(client, cast.alice.email, headers={"X-Forwarded-Host": "evil.example"})
    assert "evil.example" not in Mail.get().text


def test_a_mailbox_is_not_flooded(client, cast, clock):
    for _ in range(3):
        assert ask(client, cast.alice.email).status_code == 303
    refused = ask(client, cast.alice.email)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "900")
    assert Mail.select().count() == 3
    clock.advance(minutes=15)
    assert ask(client, cast.alice.email).status_code == 303


def test_opening_the_link_uses_nothing_up(client, cast, reset_path):
    for _ in range(3):
        page = client.get(reset_path)
        assert page.status_code == 200
        assert 'autocomplete="new-password"' in page.text
        assert f'value="{cast.alice.email}"' in page.text
    assert OneTimeLink.get().used_at is None


def test_a_used_link_is_explained(client, cast, reset_path):
    client.post(reset_path, data={"password": NEW})
    for answered in (client.get(reset_path), client.post(reset_path, data={"password": NEW + "!"})):
        assert answered.status_code == 410
        assert "already used" in answered.text
        assert "/password/forgot" in answered.text
    assert passwords.matches(Member.get_by_id(cast.alice.id).password_hash, NEW)


def test_a_link_whose_hour_is_over_is_explained(client, cast, reset_path, clock):
    clock.advance(hours=1)
    for answered in (client.get(reset_path), client.post(reset_path, data={"password": NEW})):
        assert answered.status_code == 410
        assert "no longer valid" in answered.text


def test_a_newer_link_takes_the_place_of_the_older(client, cast, acting, reset_path):
    newer = "/password/reset/" + links.issue(acting(), "reset_password", cast.alice)
    assert client.get(reset_path).status_code == 410
    assert client.get(newer).status_code == 200


@pytest.mark.parametrize("token", ["A" * 43, "short-but-well-formed-token"])
def test_an_unknown_link_opens_nothing(client, cast, token: str):
    answered = client.get(f"/password/reset/{token}")
    assert answered.status_code == 404
    assert "copy it whole from the mail" in answered.text


def test_a_link_opens_its_own_page_only(client, cast, reset_path):
    token = reset_path.rsplit("/", 1)[1]
    assert client.get(f"/operator/setup/{token}").status_code == 404


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("", "Enter a new password."),
        ("too short", "use at least 15"),
        ("northwind traders 2026", "mostly your name"),
        ("alice.adler.alice", "mostly your name"),
        ("passwordpassword", "mostly your name"),
        ("qwertyuiopasdfghjkl", "easy to guess"),
        ("x" * 129, "longer than 128"),
    ],
)
def test_a_weak_password_is_explained_beside_its_field_and_costs_no_link(
    client, cast, reset_path, password: str, words: str
):
    answered = client.post(reset_path, data={"password": password})
    assert answered.status_code == 422
    assert words in answered.text
    assert 'id="password-error"' in answered.text
    assert 'aria-invalid="true"' in answered.text
    assert OneTimeLink.get().used_at is None
    assert client.post(reset_path, data={"password": NEW}).status_code == 303


def test_a_new_password_signs_out_every_device_and_tells_by_mail(client, client_as, cast, reset_path):
    phone, laptop, other = client_as(cast.alice), client_as(cast.alice), client_as(cast.bob)
    client.post(reset_path, data={"password": NEW})
    assert [browser.get("/home").status_code for browser in (phone, laptop, other)] == [303, 303, 200]
    assert {row.end_reason for row in Session.select().where(Session.member == cast.alice)} == {"password changed"}
    mail = Mail.get()
    assert (mail.template, mail.recipient, mail.private) == ("password_changed", cast.alice.email, False)
    assert "signed out on all devices" in mail.text


def test_a_new_password_opens_a_log_in_that_was_guessed_shut(client, cast, acting, clock):
    for _ in range(100):
        clock.advance(minutes=1)
        client.post("/login", data={"email": cast.alice.email, "password": "a wrong guess"})
    clock.advance(minutes=10)
    path = "/password/reset/" + links.issue(acting(), "reset_password", cast.alice)
    client.post(path, data={"password": NEW})
    assert client.post("/login", data={"email": cast.alice.email, "password": NEW}).status_code == 303


def test_the_trail_names_the_person_and_no_secret(client, cast, reset_path):
    client.post(reset_path, data={"password": NEW})
    event = AuditEvent.get(AuditEvent.action == "password.changed")
    assert (event.actor_kind, event.actor_name, event.partner_id) == ("member", "Alice Adler", cast.northwind.id)
    token = reset_path.rsplit("/", 1)[1]
    for row in AuditEvent.select():
        assert token not in str(vars(row))
        assert NEW not in str(vars(row))
        assert "argon2" not in str(vars(row))


def test_whoever_is_signed_in_as_somebody_else_stays_so(client_as, cast, reset_path):
    browser = client_as(cast.bob)
    browser.post(reset_path, data={"password": NEW})
    assert browser.get("/home").status_code == 200
    assert passwords.matches(Member.get_by_id(cast.alice.id).password_hash, NEW)


def test_a_reset_in_the_own_browser_leads_to_the_log_in(client_as, cast, reset_path):
    browser = client_as(cast.alice)
    browser.post(reset_path, data={"password": NEW})
    page = browser.get("/login").text
    assert "Your new password is set" in page
    assert "You were signed out" not in page


def test_of_two_who_use_the_link_at_once_the_second_is_told(client, cast, reset_path, monkeypatch):
    def used_meanwhile(*_):
        raise LinkUsed

    monkeypatch.setattr(links, "use", used_meanwhile)
    answered = client.post(reset_path, data={"password": NEW})
    assert answered.status_code == 410
    assert passwords.matches(Member.get_by_id(cast.alice.id).password_hash, cast.password)
    assert not Mail.select().exists()


def test_a_new_operator_sets_up_the_log_in(client, cast, acting, settings):
    token = operators.add(acting(cast.olga), settings, "nina@provider.example.com", "Nina Nord", "manager")
    path = f"/operator/setup/{token}"
    assert mailed_path(Mail.get()) == path
    page = client.get(path).text
    assert "Welcome, Nina Nord" in page
    assert client.post(path, data={"password": NEW}).location == "/login"
    assert client.post("/login", data={"email": "nina@provider.example.com", "password": NEW}).location == "/admin"
    assert AuditEvent.select().where(AuditEvent.action == "password.chosen").count() == 1
    assert Mail.select().count() == 1, "nobody needs a mail about a first password"


def test_a_used_set_up_link_is_explained(client, cast, acting, settings):
    token = operators.add(acting(cast.olga), settings, "nina@provider.example.com", "Nina Nord", "manager")
    client.post(f"/operator/setup/{token}", data={"password": NEW})
    answered = client.get(f"/operator/setup/{token}")
    assert answered.status_code == 410
    assert "ask an owner of the portal for a new link" in answered.text
