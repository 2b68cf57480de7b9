"""A sub-account whose key is being replaced, for browser tests: set up by the functions behind the pages."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from models.sub_account import AccessKey, SubAccount
from services import access_keys, sub_accounts
from services.sub_accounts import SubAccountWish
from tests.accounts import TB
from tests.cast import Cast, act_of


def set_up(cast: Cast, portal, work: Callable[[], None], name: str = "Anna Apotheke") -> SubAccount:
    """On the storage, with a first key that was shown and stored."""
    settings, at = portal.app.settings, portal.app.clock.now()
    wish = SubAccountWish(
        "RCP-1001", cast.region.name, name, "", "Marta", "marta@example.com", "reserved", TB, False, "MSA-7", at.date()
    )  # fmt: skip
    account = sub_accounts.create(act_of(cast.alice, at), settings, cast.northwind, wish, f"once-{name}")
    work()
    key = AccessKey.get(AccessKey.sub_account == account)
    access_keys.reveal(act_of(cast.alice, at), settings, key.id)
    access_keys.note_stored(act_of(cast.alice, at), key.id)
    return SubAccount.get_by_id(account.id)


def press(page: Page, name: str) -> None:
    page.locator("#keys").get_by_role("button", name=name, exact=True).click()


def replace(page: Page, work: Callable[[], None]) -> None:
    """From the page of the sub-account until its new key can be shown."""
    press(page, "Replace this key")
    expect(page.locator("#keys [aria-current=step]")).to_contain_text("Make a new key")
    work()
    expect(page.locator("#keys [aria-current=step]")).to_contain_text("Hand it over")


def new_secret(page: Page) -> str:
    """What stands there, once."""
    expect(page.locator("[data-secret] code").first).to_be_visible()
    return page.locator("[data-secret] code").first.inner_text().strip()
