"""A key is replaced and handed over by a link: on a phone of 320 px, without scripts, by partner and customer alike."""

import pytest
from playwright.sync_api import expect

from models.sub_account import AccessKey, HandOver
from services.storage.contract import RemoteKey
from tests.browser.rotating import new_secret, press, set_up

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("rotation")]


def test_on_a_phone_without_scripts_from_the_first_press_to_the_last(cast, portal, visit, work):
    account = set_up(cast, portal, work)
    partner = visit(cast.alice, phone=True, scripts=False)
    page = partner.open(f"/sub-accounts/{account.number}")
    old = AccessKey.get()

    def again() -> None:
        work()
        partner.open(f"/sub-accounts/{account.number}")
        partner.expect_no_sideways_scroll()

    press(page, "Replace this key")
    expect(page.get_by_text("The new key is being made")).to_be_visible()
    again()
    press(page, "Hand it over by a link")
    link = new_secret(page)
    partner.expect_no_sideways_scroll()
    again()
    expect(page.get_by_text("A link to hand this key over is open")).to_be_visible()

    customer = visit(None, phone=True, scripts=False)
    theirs = customer.open(link.removeprefix(portal.url))
    customer.expect_no_sideways_scroll()
    expect(theirs.get_by_text(cast.northwind.legal_name).first).to_be_visible()
    customer.open(link.removeprefix(portal.url))
    assert HandOver.get().used_at is None, "looking uses nothing up: mail scanners do it too"
    theirs.get_by_role("button", name="Show the key").click()
    customer.expect_no_sideways_scroll()
    secret = new_secret(theirs)
    new = AccessKey.get(AccessKey.origin == "rotation")
    assert portal.storage._state[account.remote_uid].keys[new.access_key_id].secret.reveal() == secret
    customer.open(link.removeprefix(portal.url))
    expect(theirs.get_by_text("somebody else has the key")).to_be_visible()
    assert secret not in theirs.content()

    again()
    expect(page.locator("#keys [aria-current=step]")).to_contain_text("Switch the old one off")
    for name, keys in (
        ("Switch off the first key", {RemoteKey(old.access_key_id, False), RemoteKey(new.access_key_id, True)}),
        ("Switch it on again", {RemoteKey(old.access_key_id, True), RemoteKey(new.access_key_id, True)}),
        ("Switch off the first key", {RemoteKey(old.access_key_id, False), RemoteKey(new.access_key_id, True)}),
    ):
        press(page, name)
        again()
        assert set(portal.storage.read_account(account.remote_uid).keys) == keys
    expect(page.locator("#keys [aria-current=step]")).to_contain_text("Delete the old one")
    page.locator("#keys summary", has_text="Delete for good").click()
    press(page, "Delete this key for good")
    again()
    assert portal.storage.read_account(account.remote_uid).keys == (RemoteKey(new.access_key_id, True),)
    expect(page.get_by_text("the provider's copy of it was destroyed")).to_be_visible()
    assert AccessKey.get_by_id(old.id).retained_ct is None


def test_the_page_follows_by_itself_and_a_link_that_is_shown_stays(cast, portal, visit, work):
    account = set_up(cast, portal, work)
    page = visit(cast.alice).open(f"/sub-accounts/{account.number}")
    press(page, "Replace this key")
    expect(page.get_by_text("The new key is being made")).to_be_visible()
    work()
    press(page, "Hand it over by a link")
    link = new_secret(page)
    own = type(account).id == account.id
    type(account).update(phase="updating", generation=9).where(own).execute()
    page.evaluate("htmx.ajax('GET', `${location.pathname}/state`, {target: '#state', swap: 'outerHTML'})")
    expect(page.locator("#state .badge-info")).to_be_visible()
    expect(page.locator("[data-secret] code").first).to_have_text(link)
    page.get_by_role("link", name="Back to the keys").click()
    expect(page.locator("#keys article")).to_have_count(2)
    assert link not in page.content()
