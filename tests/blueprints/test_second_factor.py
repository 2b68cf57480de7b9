"""Signing in with a second factor, passkeys, and the page Security, over the portal's own pages."""

import re

import pytest

from models.outbox import Mail
from models.partner import Member, Partner
from models.second_factor import Passkey, TrustedDevice
from models.session import Session
from services import passkeys, recovery_codes, second_factor
from tests.authenticator import Authenticator
from tests.services.factors import App, with_app, with_passkey


@pytest.fixture
def app_of(settings, acting, clock):
    """`app_of(cast.alice)` -> (the app on her phone, her recovery codes); its first code is used up."""

    def set_up(person):
        made = with_app(acting(person), settings, person)
        clock.advance(minutes=2)
        return made

    return set_up


def log_in(browser, person, cast, **more):
    return browser.post("/login", data={"email": person.email, "password": cast.password, **more})


def templates() -> list[str]:
    return [mail.template for mail in Mail.select().order_by(Mail.id)]


def test_after_the_password_the_code_is_asked_for_and_nothing_is_open_before(client, cast, app_of, clock):
    app, _codes = app_of(cast.alice)
    assert log_in(client, cast.alice, cast, next="/profile").location == "/login/second"
    assert client.get("/home").location.startswith("/login")
    page = client.get("/login/second")
    assert 'autocomplete="one-time-code"' in page.text
    assert client.post("/login/second", data={"code": "000000"}).status_code == 422
    assert client.post("/login/second", data={"code": app.code(clock.now())}).location == "/profile"
    assert client.get("/profile").status_code == 200
    session = Session.get()
    assert (session.method, session.second_factor_at) == ("password", clock.now())


def test_without_the_password_the_second_half_is_not_there(client, cast, app_of, clock):
    app, _codes = app_of(cast.alice)
    for answer in (
        client.get("/login/second"),
        client.post("/login/second", data={"code": app.code(clock.now())}),
        client.post("/login/second/passkey", data={"credential": "{}"}),
    ):
        assert answer.location == "/login"
    assert client.post("/passkeys/question", data={"purpose": "second"}).status_code == 404
    assert client.post("/passkeys/question", data={"purpose": "prove"}).status_code == 404


def test_the_second_half_ends_after_ten_minutes_and_with_another_password(client, cast, app_of, clock):
    app, _codes = app_of(cast.alice)
    log_in(client, cast.alice, cast)
    clock.advance(minutes=10)
    assert client.post("/login/second", data={"code": app.code(clock.now())}).location == "/login"
    log_in(client, cast.alice, cast)
    Member.update(password_hash="$another").where(Member.id == cast.alice.id).execute()
    assert client.post("/login/second", data={"code": app.code(clock.now())}).location == "/login"


def test_a_recovery_code_opens_once(client, app, cast, app_of):
    _app, codes = app_of(cast.alice)
    log_in(client, cast.alice, cast)
    assert client.post("/login/second", data={"code": codes[0]}).status_code == 303
    other = app.test_client()
    log_in(other, cast.alice, cast)
    assert other.post("/login/second", data={"code": codes[0]}).status_code == 422
    assert "(9 left)" in other.get("/login/second").text


def test_a_trusted_device_skips_the_code_and_never_the_step_up(client, cast, app_of, clock):
    app, _codes = app_of(cast.alice)
    log_in(client, cast.alice, cast)
    client.post("/login/second", data={"code": app.code(clock.now()), "trust": "y"})
    client.post("/logout")
    assert log_in(client, cast.alice, cast).location != "/login/second"
    assert client.get("/security").status_code == 200
    asked = client.get("/security/app")
    assert asked.location == "/prove?next=/security/app"
    assert client.post("/prove", data={"password": cast.password}).status_code == 422
    clock.advance(minutes=1)
    answer = client.post("/prove", data={"code": app.code(clock.now()), "next": "/security/app"})
    assert answer.location == "/security/app"
    assert client.get("/security/app").status_code == 200
    client.post(f"/security/devices/{TrustedDevice.get().id}/end")
    client.post("/logout")
    assert log_in(client, cast.alice, cast).location == "/login/second"


def test_guesses_are_answered_with_429_and_a_time(client, cast, app_of):
    app_of(cast.alice)
    log_in(client, cast.alice, cast)
    answers = [client.post("/login/second", data={"code": "000000"}) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [422] * 10 + [429]
    assert int(answers[-1].headers["Retry-After"]) > 0


def test_setting_an_app_up_shows_key_picture_and_codes_once(cast, client_as, clock):
    browser = client_as(cast.alice)
    page = browser.get("/security/app")
    key = re.search(r"<code data-copy-text>([A-Z2-7 ]+)</code>", page.text)[1].replace(" ", "")
    assert '<svg class="qr-code"' in page.text
    assert page.headers["Cache-Control"] == "no-store"
    wrong = browser.post("/security/app", data={"code": "000000"})
    assert wrong.status_code == 422 and key in wrong.text.replace(" ", "")
    done = browser.post("/security/app", data={"code": App(key).code(clock.now())})
    assert len(re.findall(r"[a-z2-9]{4}(?:-[a-z2-9]{4}){3}", done.text)) == 10
    again = browser.get("/security")
    assert not re.findall(r"[a-z2-9]{4}(?:-[a-z2-9]{4}){3}", again.text)
    assert "10 codes are left" in again.text
    assert Session.get().second_factor_at == clock.now()


def test_a_passkey_is_added_named_used_alone_and_removed(app, client, cast, client_as, settings):
    browser, phone = client_as(cast.bob), Authenticator(passkeys.origin(settings))
    assert browser.get("/security/passkeys/new").status_code == 200
    question = browser.post("/security/passkeys/question")
    assert question.mimetype == "application/json"
    made = {"name": "My phone", "credential": phone.make(question.text)}
    assert "recovery codes" in browser.post("/security/passkeys", data=made).text
    assert browser.post("/security/passkeys", data=made).status_code == 422  # the question is used up
    assert "My phone" in browser.get("/security").text
    question = client.post("/passkeys/question", data={"purpose": "sign_in"})
    answer = client.post("/login/passkey", data={"credential": phone.sign(question.text), "next": "/usage"})
    assert answer.location == "/usage"
    assert client.get("/usage").status_code == 200
    assert Session.select().order_by(Session.id.desc()).get().method == "passkey"
    path = f"/security/passkeys/{Passkey.get().id}/remove"
    assert client_as(cast.alice).get(path).status_code == 404
    assert client.get(path).status_code == 200
    assert client.post(path, data={"password": "wrong"}).status_code == 422
    assert client.post(path, data={"password": cast.password}).location == "/security"
    assert not second_factor.has(cast.bob)


def test_a_passkey_of_who_may_not_enter_opens_nothing(client, cast, settings, acting):
    phone, _codes = with_passkey(acting(cast.bob), settings, cast.bob)
    Member.update(active=False).where(Member.id == cast.bob.id).execute()
    question = client.post("/passkeys/question", data={"purpose": "sign_in"})
    answer = client.post("/login/passkey", data={"credential": phone.sign(question.text)})
    assert answer.status_code == 422
    assert "no longer active" in answer.text


def test_a_passkey_is_the_second_factor_and_the_step_up(client, cast, settings, acting, clock):
    phone, _codes = with_passkey(acting(cast.bob), settings, cast.bob)
    assert log_in(client, cast.bob, cast).location == "/login/second"
    assert "data-passkey" in client.get("/login/second").text
    question = client.post("/passkeys/question", data={"purpose": "second"})
    assert client.post("/login/second/passkey", data={"credential": phone.sign(question.text)}).location == "/home"
    clock.advance(minutes=31)
    assert client.get("/profile/mail").location.startswith("/prove")
    question = client.post("/passkeys/question", data={"purpose": "prove"})
    answer = client.post("/prove/passkey", data={"credential": phone.sign(question.text), "next": "/profile/mail"})
    assert answer.location == "/profile/mail"
    assert client.get("/profile/mail").status_code == 200
    assert client.post("/prove/passkey", data={"credential": "{}"}).status_code == 422


def test_an_operator_without_one_is_led_to_set_it_up_before_anything_else(client, cast):
    assert log_in(client, cast.olga, cast).location == "/admin"
    assert client.get("/admin").location == "/security/set-up"
    assert client.get("/admin/partners").location == "/security/set-up"
    page = client.get("/security/set-up")
    assert "Everybody who works for the provider needs one" in page.text
    assert client.post("/admin/operators/new", data={}).status_code == 403
    assert client.get("/security/app").status_code == 200
    assert client.post("/logout").status_code == 303


def test_an_administrator_asks_everybody_and_who_has_none_is_led(cast, client_as, app_of):
    alice, bob = client_as(cast.alice), client_as(cast.bob)
    assert alice.post("/security/for-all", data={"wanted": "yes"}).location == "/security"
    assert "Set up a second factor for yourself first." in alice.get("/security").text
    app_of(cast.alice)
    alice = client_as(cast.alice)
    assert "Bob Brandt" in alice.get("/security").text  # who would have to
    alice.post("/security/for-all", data={"wanted": "yes"})
    assert Partner.get_by_id(cast.northwind.id).second_factor_required
    assert bob.get("/home").location == "/security/set-up"
    assert "An administrator of your company" in bob.get("/security/set-up").text
    assert client_as(cast.charlie).get("/home").status_code == 200


def test_others_do_not_decide_for_the_company(cast, client_as):
    for person, status in ((cast.bob, 403), (cast.vera, 403), (cast.olga, 404)):
        browser = client_as(person)
        assert browser.post("/security/for-all", data={"wanted": "yes"}).status_code == status
        assert "security/for-all" not in browser.get("/security").text


def test_a_new_device_is_told_by_mail_and_a_known_one_is_not(app, client, cast):
    log_in(client, cast.bob, cast)
    assert templates() == []  # the very first
    client.post("/logout")
    log_in(client, cast.bob, cast)
    assert templates() == []
    log_in(app.test_client(), cast.bob, cast)
    assert templates() == ["new_device"]


def test_a_reset_is_asked_for_stopped_by_signing_in_and_told(app, client, cast, client_as, app_of, clock):
    code_app, _codes = app_of(cast.bob)
    alice = client_as(cast.alice)
    sent = {"email": cast.bob.email, "reason": "He called."}
    assert alice.post("/security/lost", data=sent).location == "/security/lost"
    assert templates()[-1] == "factor_reset_asked"
    log_in(client, cast.bob, cast)
    client.post("/login/second", data={"code": code_app.code(clock.now())})
    clock.advance(hours=25)
    assert log_in(app.test_client(), cast.bob, cast).location == "/login/second"


def test_a_reset_is_stopped_by_the_link(client, cast, client_as, app_of):
    app_of(cast.bob)
    client_as(cast.alice).post("/security/lost", data={"email": cast.bob.email, "reason": "He called."})
    path = re.search(r"/security/keep/[\w-]+", Mail.select().order_by(Mail.id.desc()).get().text)[0]
    assert "Stop the reset" in client.get(path).text
    assert client.post(path).location == "/login"
    assert client.get(path).status_code == 410
    assert client.get("/security/keep/" + "a" * 43).status_code == 404


def test_nobody_learns_who_has_a_log_in_from_the_reset_page(cast, client_as):
    alice = client_as(cast.alice)
    answers = [
        alice.post("/security/lost", data={"email": address, "reason": "x"})
        for address in (cast.charlie.email, cast.olga.email, "nobody@example.com")
    ]
    texts = {re.sub(r'(?:value|hx-headers)="[^"]*"|reference [^<]*', "", answer.text) for answer in answers}
    assert [answer.status_code for answer in answers] == [422] * 3
    assert len(texts) == 1


def test_two_operators_agree_for_the_last_administrator(cast, client_as, app_of):
    app_of(cast.alice)
    Member.update(role="staff").where(Member.id == cast.bob.id).execute()
    type(cast.oscar).update(right="manager").where(type(cast.oscar).id == cast.oscar.id).execute()
    olga, oscar = client_as(cast.olga), client_as(type(cast.oscar).get_by_id(cast.oscar.id))
    olga.post("/security/lost", data={"email": cast.alice.email, "reason": "Spoke to her."})
    assert "it was you who asked" in olga.get("/security/lost").text
    assert "Agree" in oscar.get("/security/lost").text
    assert oscar.post("/security/lost/1/agree").location == "/security/lost"
    assert templates()[-1] == "factor_reset_asked"
    assert client_as(cast.alice).post("/security/lost/1/agree").status_code == 404


def test_the_last_factor_is_removed_with_the_password_and_new_codes_are_shown_once(client, cast, app_of, clock):
    app, codes = app_of(cast.alice)
    log_in(client, cast.alice, cast)
    client.post("/login/second", data={"code": app.code(clock.now())})
    new = client.post("/security/codes")
    assert codes[0] not in new.text and "shown this once" in new.text
    assert recovery_codes.left(cast.alice) == 10
    assert "last second factor" in client.get("/security/app/remove").text
    assert client.post("/security/app/remove", data={"password": "no"}).status_code == 422
    assert client.post("/security/app/remove", data={"password": cast.password}).location == "/security"
    assert not second_factor.has(cast.alice)


def test_the_meter_explains_and_keeps_nothing(client, caplog):
    weak = client.post("/password/strength", data={"password": "passwordpassword"}, htmx=True)
    assert "easy to guess" in weak.text or "mostly your name" in weak.text
    short = client.post("/password/strength", data={"password": "x7 Gh!"}, htmx=True)
    assert "use at least 15" in short.text
    good = client.post("/password/strength", data={"password": "walnut orbit plastic seventeen"}, htmx=True)
    assert "Very good" in good.text
    for answer in (weak, short, good):
        assert answer.headers["Cache-Control"] == "no-store"
        assert "walnut" not in answer.text and "Gh!" not in answer.text
    assert "walnut" not in caplog.text
    assert client.post("/password/strength", data={}, htmx=True).status_code == 200


def test_a_fault_shows_no_code_and_a_late_form_keeps_none(app, cast, client_as, app_of, clock, monkeypatch, caplog):
    _app, codes = app_of(cast.alice)
    browser = client_as(cast.alice)
    clock.advance(minutes=31)
    late = browser.post("/security/app", data={"code": codes[1], "credential": "CANARY-credential"})
    assert late.status_code == 403
    assert codes[1] not in late.text and "CANARY" not in late.text

    def fail(act, settings, person, code, device=""):
        raise RuntimeError(f"no answer to {code}")

    monkeypatch.setattr(second_factor, "check_code", fail)
    assert browser.post("/prove", data={"code": codes[2]}).status_code == 500
    assert codes[2] not in caplog.text and "no answer to …" in caplog.text
