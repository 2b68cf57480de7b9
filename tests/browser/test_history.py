"""Going back, forward and away: no secret and nothing private is left behind."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Error, Page, expect, sync_playwright

from tests.accounts import SECRET, TB, opened
from tests.browser.rotating import new_secret, press, replace, set_up
from tests.browser_ground import OPTIONS, Visitor, chromium_path

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("history")]

STORED = "() => JSON.stringify([Object.entries(sessionStorage), Object.entries(localStorage)])"

KEPT = "() => [...Object.keys(sessionStorage), ...Object.keys(localStorage)]"  # htmx keeps an address, no content


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """With the memory of left pages that browsers have, which test browsers usually go without."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_path(), args=OPTIONS, ignore_default_args=["--disable-back-forward-cache"]
        )
        yield browser
        browser.close()


@pytest.fixture
def account(cast, portal, clock):
    return opened(cast, portal.app.settings, clock.now(), "Anna Apotheke")


@pytest.fixture
def window(cast, visit: Callable, account) -> Visitor:
    window = visit(cast.alice)
    window.open("/home")
    return window


def reveal(page: Page) -> None:
    page.get_by_role("button", name="Show the key").click()
    expect(page.locator("[data-secret] code").first).to_have_text(SECRET)


def expect_no_secret(page: Page) -> None:
    page.wait_for_load_state("load")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert SECRET not in page.content()
    assert SECRET not in page.evaluate(STORED)


def test_the_address_never_holds_the_secret_and_a_reload_forgets_it(window, account):
    page = window.open(f"/sub-accounts/{account.number}")
    reveal(page)
    assert page.url.endswith(f"/sub-accounts/{account.number}")
    assert SECRET not in page.evaluate(STORED)
    page.reload()
    expect_no_secret(page)


def go_back(page: Page) -> bool:
    """False where the browser itself refuses to show what it would have to send again."""
    try:
        page.go_back()
    except Error as refused:
        assert "ERR_CACHE_MISS" in refused.message  # noqa: PT017 - any other fault is one
        return False
    return True


@pytest.mark.parametrize("whole_page", [False, True], ids=["partial", "page"])
def test_going_on_and_back_shows_no_secret(window, account, whole_page):
    page = window.open(f"/sub-accounts/{account.number}")
    if whole_page:  # as the form is sent where scripts do not run
        with page.expect_navigation():
            page.evaluate("document.querySelector('#keys form').submit()")
        expect(page.locator("[data-secret] code").first).to_have_text(SECRET)
    else:
        reveal(page)
    page.get_by_role("link", name="Home").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Home")
    assert go_back(page) is not whole_page
    expect(page.get_by_text(SECRET)).to_have_count(0)
    if not whole_page:
        expect_no_secret(page)
    page.go_forward()
    expect(page.get_by_role("heading", level=1)).to_have_text("Home")
    expect_no_secret(page)


@pytest.mark.parametrize("path", ["/home", "/sub-accounts", "/allocations/RCP-1001", "/usage", "/terms/mine"])
def test_after_the_log_out_nothing_private_comes_back(window, cast, path):
    page = window.open(path)
    page.locator(".account-menu summary").click()
    page.locator(".account-menu-panel form button").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You are signed out")
    page.evaluate("history.back()")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    for private in (cast.northwind.legal_name, cast.alice.name, "Anna Apotheke", "RCP-1001"):
        assert private not in page.locator("main").inner_text() + page.locator("header").inner_text()
    assert page.evaluate(KEPT) in ([], ["htmx-current-path-for-history"])


@pytest.mark.parametrize("act", ["Show the key", "Hand it over by a link"])
def test_going_on_and_back_shows_neither_a_new_key_nor_its_link(cast, portal, visit, work, act):
    account = set_up(cast, portal, work)
    page = visit(cast.alice).open(f"/sub-accounts/{account.number}")
    replace(page, work)
    press(page, act)
    shown = new_secret(page)
    assert page.url.endswith(f"/sub-accounts/{account.number}") or page.url.endswith("#keys")
    assert shown not in page.evaluate(STORED)
    page.get_by_role("link", name="Home").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Home")
    for move in (page.go_back, page.go_forward, page.go_back, page.reload):
        move()
        page.wait_for_load_state("load")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert shown not in page.content() + page.evaluate(STORED)


def test_a_customer_who_goes_on_and_back_finds_no_key_and_a_link_that_is_used_up(cast, portal, visit, work):
    account = set_up(cast, portal, work)
    page = visit(cast.alice).open(f"/sub-accounts/{account.number}")
    replace(page, work)
    press(page, "Hand it over by a link")
    link = new_secret(page)
    theirs = visit(None).open(link.removeprefix(portal.url))
    theirs.get_by_role("button", name="Show the key").click()
    secret = new_secret(theirs)
    assert secret not in theirs.url + theirs.evaluate(STORED)
    theirs.get_by_role("link", name="Terms and privacy").click()
    expect(theirs.get_by_role("heading", level=1)).to_contain_text("Terms")
    if go_back(theirs):
        theirs.wait_for_load_state("load")
    expect(theirs.get_by_text(secret)).to_have_count(0)
    assert secret not in theirs.content()
    theirs.goto(link)
    expect(theirs.get_by_role("heading", level=1)).to_have_text("This link cannot be used")
    assert secret not in theirs.content() + theirs.evaluate(STORED)


def test_another_tab_asks_to_sign_in_when_it_is_used_after_the_log_out(window, cast, account):
    page = window.open("/allocations/RCP-1001")
    other = window.context.new_page()
    other.goto(window.portal.url + "/home")
    other.locator(".account-menu summary").click()
    other.locator(".account-menu-panel form button").click()
    expect(other.get_by_role("heading", level=1)).to_have_text("You are signed out")
    page.locator("[data-amount]").first.fill("2")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    assert account.allocated_bytes == TB


def test_a_slider_shows_its_focus(window, account):
    page = window.open("/allocations/RCP-1001")
    slider = page.get_by_role("slider")
    box = slider.bounding_box()
    page.mouse.move(0, 0)
    without = page.screenshot(clip=box)
    slider.focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    expect(slider).to_be_focused()
    assert page.screenshot(clip=box) != without
