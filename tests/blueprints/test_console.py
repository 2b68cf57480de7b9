"""The customer console in a browser: coming in, looking, keys, terms; and the partner's card (T2, T10, T13)."""

import re
from datetime import timedelta

import pytest

from models.audit import AuditEvent, AuditPersonal
from models.base import write_tx
from models.console import ConsoleSession, ConsoleUser
from models.flow_down import CustomerAcceptance, FlowDown
from models.outbox import Mail
from models.sub_account import AccessKey, SubAccount
from services import evidence_faults
from services.secret import Secret, Vault
from tests.accounts import SECRET, opened
from tests.blueprints.test_terms import publish
from tests.services.consoles import ADDRESS, PASSWORD, invited, joined, signed_in, token_of

PAGES = ("", "/keys", "/terms", "/password", "/log-ins", "/keys/stop")
FRESH = "fresh-secret-of-it"
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


def log_in(client, password: str = PASSWORD, email: str = ADDRESS, **more):
    return client.post("/console/login", data={"email": email, "password": password}, **more)


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


# Keys ----------------------------------------------------------------------------------------------------------------


def made(app, clock, key: AccessKey) -> None:
    """As the worker makes it."""
    sealed, until_at = Vault(app.settings.data_keys).seal(Secret(FRESH)), clock.now() + timedelta(minutes=10)
    AccessKey.update(
        phase="live", access_key_id=f"PP{key.id:018d}", secret_ct=sealed, reveal_until_at=until_at
    ).where(AccessKey.id == key.id).execute()  # fmt: skip


def test_a_key_is_replaced_with_overlap_and_its_secret_shown_once(app, cast, client_as, browser, clock, account, marta):
    old = account.access_keys.get()
    assert "Replace the first key" in browser.get("/console").text
    shown = browser.post(f"/console/keys/{old.id}/reveal")
    assert (SECRET in shown.text, shown.headers["Cache-Control"], 'hx-history="false"' in shown.text) == (
        True,
        "no-store",
        True,
    )
    browser.post(f"/console/keys/{old.id}/stored")
    assert SECRET not in browser.post(f"/console/keys/{old.id}/reveal", follow_redirects=True).text
    for _ in range(2):  # a double click
        browser.post(f"/console/keys/{old.id}/replace", data={"once": "once-console-key-1"})
    new = AccessKey.get(AccessKey.origin == "rotation")
    assert (new.created_by, AccessKey.select().count()) == (f"console_user:{marta.id}", 2)
    made(app, clock, new)
    elsewhere = app.test_client()
    signed_in(elsewhere, marta, clock.now())
    assert FRESH not in elsewhere.post(f"/console/keys/{new.id}/reveal", follow_redirects=True).text
    assert (
        "fresh-secret-of-it"
        not in client_as(cast.alice)
        .post(f"/sub-accounts/{account.number}/keys/{new.id}/reveal", follow_redirects=True)
        .text
    )
    assert FRESH in browser.post(f"/console/keys/{new.id}/reveal").text
    browser.post(f"/console/keys/{new.id}/stored")
    browser.post(f"/console/keys/{old.id}/off")
    AccessKey.update(phase="inactive").where(AccessKey.id == old.id).execute()
    browser.post(f"/console/keys/{old.id}/on")
    assert AccessKey.get_by_id(old.id).wanted == "active"
    AccessKey.update(phase="live").where(AccessKey.id == old.id).execute()
    browser.post(f"/console/keys/{old.id}/off")
    AccessKey.update(phase="inactive").where(AccessKey.id == old.id).execute()
    browser.post(f"/console/keys/{old.id}/delete")
    gone = AccessKey.get_by_id(old.id)
    assert (gone.wanted, gone.retained_ct) == ("deleted", None)
    assert "Replace the first key" not in browser.get("/console").text
    by_customer = {event.action for event in AuditEvent.select().where(AuditEvent.actor_kind == "console_user")}
    assert by_customer >= {
        f"access_key.{act}" for act in ("revealed", "asked", "switched_off", "switched_on", "deleted")
    }
    history = client_as(cast.alice).get(f"/sub-accounts/{account.number}").text
    assert "Key deleted for good" in history
    assert "Marta Muster" in history[history.index('id="history"') :]


def test_all_keys_are_stopped_with_one_confirmed_act(browser, account, marta):
    key = account.access_keys.get()
    assert "Stop all keys now" in browser.get("/console/keys/stop").text
    assert AccessKey.get_by_id(key.id).wanted == "active"  # looking stops nothing
    browser.post("/console/keys/stop")
    assert AccessKey.get_by_id(key.id).wanted == "inactive"
    assert AuditEvent.get(AuditEvent.action == "access_key.switched_off").actor_id == str(marta.id)
    assert "There is nothing to stop." in browser.get("/console/keys/stop").text
    assert "No key was on." in browser.post("/console/keys/stop", follow_redirects=True).text


def test_stopping_leaves_the_keys_of_neighbours_alone(app, cast, browser, clock, account):
    neighbour = opened(cast, app.settings, clock.now(), "Neighbour")
    browser.post("/console/keys/stop")
    assert neighbour.access_keys.get().wanted == "active"


# Terms ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def unasked(account, marta, clock):
    """Nobody confirmed an agreement for this sub-account: its customer answers here."""
    with write_tx():
        FlowDown.delete().execute()


def seen_of(browser) -> str:
    return re.search(r'id="agree-seen"[^>]*value="([^"]+)"', browser.get("/console/terms").text)[1]


def agree(browser, **more):
    data = {"seen": seen_of(browser), "company": "Müller GmbH", "agree": "y"}
    return browser.post("/console/terms", data={**data, **more})


def test_the_terms_come_before_anything_else_and_the_answer_is_evidence(browser, unasked, account, marta):
    for path in PAGES:
        open_before = path in ("/terms", "/password", "/log-ins", "/keys/stop")
        assert (browser.get(f"/console{path}").location == "/console/terms") != open_before, path
    assert browser.post(f"/console/keys/{account.access_keys.get().id}/replace").location == "/console/terms"
    assert agree(browser, agree="").status_code == 422
    assert agree(browser).location == "/console"
    row = CustomerAcceptance.get()
    assert (row.method, row.link_id, row.person_name) == ("console_tick_box_and_button", None, "Marta Muster")
    assert "I agree to the document" in row.shown["box"]
    assert Mail.get(Mail.template == "flow_down_receipt").recipient == ADDRESS
    assert browser.get("/console").status_code == 200
    assert AuditEvent.get(AuditEvent.action == "flow_down.accepted").actor_kind == "console_user"
    assert list(evidence_faults.faults()) == []
    agree_again = browser.post("/console/terms", data={"seen": "1:x", "agree": "y", "company": "x"})
    assert agree_again.location == "/console/terms"
    assert CustomerAcceptance.select().count() == 1


def test_a_refusal_is_recorded_once_told_and_leads_to_what_happens_now(cast, client_as, browser, unasked, account):
    seen = seen_of(browser)
    for _ in range(2):
        browser.post("/console/terms/decline", data={"seen": seen, "reason": "Clause 4"})
    assert [row.outcome for row in CustomerAcceptance.select()] == ["declined"]
    assert Mail.select().where(Mail.template == "flow_down_declined", Mail.recipient == cast.alice.email).count() == 1
    assert browser.get("/console").location == "/console/terms"
    page = browser.get("/console/terms").text
    assert "Your answer is recorded: you do not agree" in page
    assert 'id="decline-form"' not in page
    assert browser.get("/console/keys/stop").status_code == 200  # keys that leaked are stopped all the same
    assert "it does not agree" in client_as(cast.alice).get(f"/sub-accounts/{account.number}").text
    assert agree(browser).location == "/console"


def test_a_new_version_asks_again(browser, unasked, clock):
    agree(browser)
    clock.advance(minutes=1)
    publish("2.0", clock.now(), kind="flow_down")
    assert browser.get("/console").location == "/console/terms"
    agree(browser)
    assert browser.get("/console").status_code == 200


def test_a_text_that_changed_while_it_was_read_is_asked_again(browser, unasked, clock):
    seen = seen_of(browser)
    publish("2.0", clock.now(), kind="flow_down")
    answer = agree(browser, seen=seen)
    assert (answer.status_code, CustomerAcceptance.select().count()) == (409, 0)


def test_where_the_partner_confirms_the_agreement_nobody_is_asked(browser, clock):
    publish("2.0", clock.now(), kind="flow_down")
    assert browser.get("/console").status_code == 200
    assert agree(browser).location == "/console"  # but can agree


# The partner's card --------------------------------------------------------------------------------------------------


def test_a_partner_invites_withdraws_takes_away_gives_back_and_removes(app, cast, client_as, client, account):
    alice, card = client_as(cast.alice), f"/sub-accounts/{account.number}/console"
    for _ in range(2):  # a double click
        alice.post(f"{card}/invite", data={"once": "once-of-the-card-1", "locale": "de"})
    assert Mail.select().where(Mail.template == "console_invitation").count() == 1
    assert "can be used until" in alice.get(f"/sub-accounts/{account.number}").text
    alice.post(f"{card}/withdraw")
    assert client.get(f"/console/password/{token_of()}").status_code == 404
    alice.post(f"{card}/invite", data={"once": "once-of-the-card-2", "locale": "en"})
    first = token_of()
    alice.post(f"{card}/invite", data={"once": "once-of-the-card-3", "locale": "en"})
    assert client.get(f"/console/password/{first}").status_code == 410  # the newer one counts
    alice.post(f"{card}/invite", data={"once": "once-of-the-card-4", "locale": "en"})
    assert Mail.select().where(Mail.template == "console_invitation").count() == 3  # so many a day
    client.post(f"/console/password/{token_of()}", data={"password": PASSWORD})
    assert log_in(client).location == "/console"
    assert "Has access" in alice.get(f"/sub-accounts/{account.number}").text
    alice.post(f"{card}/off")
    assert (client.get("/console").location, log_in(client).status_code) == ("/console/login", 422)
    alice.post(f"{card}/on")
    assert log_in(client).location == "/console"
    alice.post(f"{card}/remove")
    assert client.get("/console").location == "/console/login"
    assert "No access" in alice.get(f"/sub-accounts/{account.number}").text


def test_only_who_may_change_a_sub_account_decides_about_its_console(cast, client_as, account):
    for what in ("invite", "withdraw", "off", "on", "remove"):
        path = f"/sub-accounts/{account.number}/console/{what}"
        assert client_as(cast.vera).post(path).status_code == 403, what
        assert client_as(cast.charlie).post(path).status_code == 404, what
        assert client_as(cast.olga).post(path).status_code == 404, what
    assert ConsoleUser.select().count() == 0


def test_another_contact_is_invited_in_place_of_the_former(app, cast, client_as, clock, account, marta):
    alice = client_as(cast.alice)
    SubAccount.update(contact_name="Nina New", contact_email="nina@example.com").execute()
    assert "is not the contact any more" in alice.get(f"/sub-accounts/{account.number}").text
    alice.post(f"/sub-accounts/{account.number}/console/invite", data={"once": "once-of-the-card-9"})
    rows = list(ConsoleUser.select().order_by(ConsoleUser.id))
    assert [(row.email, row.removed_at is None) for row in rows] == [(ADDRESS, False), ("nina@example.com", True)]


def test_no_password_and_no_token_stands_in_the_trail(app, cast, client, clock, account, marta):
    token = signed_in(client, marta, clock.now())
    client.post("/console/password/forgot", data={"email": ADDRESS})
    texts = " ".join(str(row.before) + str(row.after) + row.actor_name for row in AuditPersonal.select())
    for secret in (PASSWORD, token, token_of(), token_of("console_reset"), marta.password_hash):
        assert secret not in texts
