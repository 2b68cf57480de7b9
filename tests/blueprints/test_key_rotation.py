"""Replacing a key on the sub-account's page: asked for, watched, shown once, the old one switched off and deleted."""

import re

import pytest

from models.audit import AuditEvent
from models.outbox import Mail
from models.sub_account import AccessKey, Region, SubAccount
from services import access_keys, sub_accounts
from services.secret import Vault
from services.site import Site
from services.storage.memory import MemoryStorage
from tests.accounts import TB
from tests.cast import act_of
from tests.services.ground import work

CHANGES = ("replace", "off", "on", "delete", "hand-over")


class Desk:
    """Alice at the page of one sub-account, and a worker beside her."""

    def __init__(self, cast, settings, clock, browser):
        wish = sub_accounts.SubAccountWish(
            "RCP-1001", cast.region.name, "Müller GmbH", "", "Marta", "marta@example.com", "reserved", TB, False,
            "MSA-7", clock.now().date(),
        )  # fmt: skip
        self.browser, self.clock = browser, clock
        self.row = sub_accounts.create(act_of(cast.alice, clock.now()), settings, cast.northwind, wish, "once")
        region, vault = Region.get_by_id(cast.region.id), Vault(settings.data_keys)
        self.site = Site(region, MemoryStorage(), vault, clock, "worker", jitter=lambda _least, most: most)
        self.work()
        self.first = AccessKey.get()
        browser.post(self.url(self.first, "reveal"))
        browser.post(self.url(self.first, "stored"))

    def work(self):
        work(self.site)

    @property
    def page_url(self) -> str:
        return f"/sub-accounts/{self.row.number}"

    def url(self, key, act) -> str:
        return f"{self.page_url}/keys/{key.id}/{act}"

    def text(self) -> str:
        return self.browser.get(self.page_url).text

    def press(self, key, act, **more):
        """Presses the button of that act, if the page has it, with the fields of its form."""
        form = re.search(rf'<form[^>]+action="{self.url(key, act)}".*?</form>', self.text(), re.DOTALL)
        assert form, f"the page offers no {act}"
        fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form[0]))
        answer = self.browser.post(self.url(key, act), data=fields, **more)
        if not more:
            assert (answer.status_code, answer.location) == (303, f"{self.page_url}#keys")
        return answer

    def offers(self, key) -> set[str]:
        return set(re.findall(rf'action="{self.page_url}/keys/{key.id}/([a-z-]+)"', self.text()))

    def new_key(self) -> tuple[AccessKey, str]:
        """Replaces the first key; returns the new one and its secret."""
        self.press(self.first, "replace")
        self.work()
        key = AccessKey.get(AccessKey.origin == "rotation", AccessKey.wanted == "active")
        shown = self.browser.post(self.url(key, "reveal"), htmx=True)
        return key, re.search(r"data-secret><code[^>]*>([^<]+)<", shown.text)[1]


@pytest.fixture
def desk(cast, settings, clock, client_as) -> Desk:
    return Desk(cast, settings, clock, client_as(cast.alice))


def test_a_key_is_replaced_by_plain_forms_from_the_first_press_to_the_last(desk):
    """Without scripts: each press is a form, each answer leads back to the page."""
    desk.press(desk.first, "replace")
    assert "A new key is being made" in desk.text() and "The new key is being made" in desk.text()
    desk.work()
    new = AccessKey.get(AccessKey.origin == "rotation")
    assert "The secret can be shown until" in desk.text() and desk.offers(new) == {"reveal", "hand-over"}
    shown = desk.browser.post(desk.url(new, "reveal"))
    assert "New key, shown once" in shown.text and new.access_key_id in shown.text
    desk.press(new, "reveal", check=True)
    assert desk.browser.post(desk.url(new, "stored")).status_code == 303
    assert AccessKey.get_by_id(new.id).secret_ct is None
    desk.press(desk.first, "off")
    assert "Being switched off" in desk.text()
    desk.work()
    assert "Switched off" in desk.text() and "It is deleted for good on" in desk.text()
    desk.press(desk.first, "on")
    desk.work()
    desk.press(desk.first, "off")
    desk.work()
    desk.press(desk.first, "delete")
    desk.work()
    text = desk.text()
    assert "The first key was replaced, and the provider's copy of it was destroyed." in text
    assert "replacing it is recommended" not in text and desk.offers(new) == {"replace"}


def test_the_page_watches_the_new_key_being_made(desk):
    desk.press(desk.first, "replace")
    page = desk.text()
    poll = re.search(r'hx-get="([^"]+/state[^"]*)"', page)[1].replace("&amp;", "&")
    assert desk.browser.get(poll, htmx=True).status_code == 204
    desk.work()
    done = desk.browser.get(poll, htmx=True)
    assert 'id="keys"' in done.text and "Show the key" in done.text and 'hx-trigger="every' not in done.text


def test_htmx_is_led_back_to_the_page(desk):
    answer = desk.browser.post(desk.url(desk.first, "replace"), htmx=True)
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (204, f"{desk.page_url}#keys")


def test_two_presses_of_one_form_make_one_key(desk):
    fields = {"once": "one-form-of-this-page"}
    for _press in range(2):
        assert desk.browser.post(desk.url(desk.first, "replace"), data=fields).status_code == 303
    assert AccessKey.select().count() == 2


def test_a_refusal_says_why_in_words(desk):
    desk.browser.post(desk.url(desk.first, "off"))
    assert "This is the only key that works. Replace it first" in desk.text()
    desk.browser.post(desk.url(desk.first, "delete"))
    assert "Switch the key off first." in desk.text()
    desk.new_key()
    desk.browser.post(desk.url(desk.first, "replace"), data={"once": "another"})
    assert "There are two keys already." in desk.text()


def test_a_secret_that_was_not_shown_in_time_is_named_and_replaced_again(desk, clock):
    desk.press(desk.first, "replace")
    desk.work()
    missed = AccessKey.get(AccessKey.origin == "rotation")
    clock.advance(minutes=10)
    assert "The secret was not shown in time" in desk.text() and desk.offers(missed) == {"replace", "delete"}
    late = desk.browser.post(desk.url(missed, "reveal"), htmx=True)
    assert late.status_code == 409 and "Replace the key again" in late.text
    desk.press(missed, "replace")
    desk.work()
    new = AccessKey.get(AccessKey.phase == "live", AccessKey.origin == "rotation")
    assert new.id != missed.id and "New key, shown once" in desk.browser.post(desk.url(new, "reveal")).text


def test_another_log_in_is_told_who_can_show_the_secret(desk, client_as, cast):
    desk.press(desk.first, "replace")
    desk.work()
    new = AccessKey.get(AccessKey.origin == "rotation")
    bob = client_as(cast.bob)
    assert "Only the log-in that asked for this key can show its secret" in bob.get(desk.page_url).text
    assert bob.post(desk.url(new, "reveal"), htmx=True).status_code == 409


def test_the_last_use_or_that_it_is_not_known_stands_on_the_page(desk, clock):
    words = "This storage service does not tell when a key was last used. Switch the old key off"
    assert words not in desk.text()
    desk.new_key()
    assert words in desk.text()
    Region.update(keys_return=False).execute()
    assert "cannot switch a key on again" in desk.text()
    Region.update(tells_last_use=True).execute()
    AccessKey.update(last_used_at=clock.now()).where(AccessKey.id == desk.first.id).execute()
    assert "Last used" in desk.text() and "not that the storage service knows of" in desk.text()


def test_while_the_service_is_away_the_page_waits_and_the_old_key_goes_on(desk, clock):
    desk.site.storage.fail("put_key", times=50)
    desk.press(desk.first, "replace")
    desk.work()
    assert "The new key is being made" in desk.text() and "A change is being applied" in desk.text()
    assert AccessKey.get_by_id(desk.first.id).phase == "live"


def test_a_stranger_gets_404_and_a_viewer_403(desk, client_as, cast):
    for act in CHANGES:
        assert client_as(cast.charlie).post(desk.url(desk.first, act)).status_code == 404
        assert client_as(cast.vera).post(desk.url(desk.first, act)).status_code == 403
    assert AccessKey.select().count() == 1 and AccessKey.get().wanted == "active"


def test_staff_may_replace_keys(desk, client_as, cast):
    assert client_as(cast.bob).post(desk.url(desk.first, "replace")).status_code == 303
    assert AccessKey.select().count() == 2


def test_nothing_is_changed_by_a_get(desk):
    for act in CHANGES:
        assert desk.browser.get(desk.url(desk.first, act)).status_code == 405


def test_the_secret_of_a_new_key_is_nowhere_but_in_the_answer_that_shows_it(desk, caplog, clock):
    caplog.set_level("DEBUG")
    key, secret = desk.new_key()
    desk.press(desk.first, "off")
    desk.work()
    clock.advance(minutes=10)
    access_keys.destroy_expired(desk.site.act())
    assert AccessKey.get_by_id(key.id).secret_ct is None
    trail = [(event.before, event.after) for event in AuditEvent.select()]
    mails = [(mail.text, mail.html) for mail in Mail.select()]
    with desk.browser.own_session() as cookie:
        kept = str((trail, mails, dict(cookie), list(AccessKey.select().dicts()), list(SubAccount.select().dicts())))
    assert len(secret) > 20 and secret not in kept and secret not in caplog.text and secret not in desk.text()
