"""What a customer does in the console, and the partner's card: keys, terms, invitations (T2, T13)."""

import re
from datetime import timedelta

import pytest

from models.audit import AuditEvent, AuditPersonal
from models.base import write_tx
from models.console import ConsoleUser
from models.flow_down import CustomerAcceptance, FlowDown
from models.outbox import Mail
from models.sub_account import AccessKey, SubAccount
from services import evidence_faults
from services.secret import Secret, Vault
from tests.accounts import SECRET, opened
from tests.blueprints.test_terms import publish
from tests.services.consoles import ADDRESS, PASSWORD, joined, log_in, signed_in, token_of

PAGES = ("", "/keys", "/terms", "/password", "/log-ins", "/keys/stop")
FRESH = "fresh-secret-of-it"


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
    page = alice.get(f"/sub-accounts/{account.number}").text
    assert "Has access" in page
    assert "Customer&#39;s password for the console chosen" in page[page.index('id="history"') :]
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
