"""The end of a log-in as somebody at a browser meets it: warned, put off in one act, nothing lost; and the list."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from models.session import Session
from services import sessions
from tests.cast import act_of

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("history")]

MINUTES = 60


def pass_minutes(page: Page, clock, minutes: float) -> None:
    """On the portal's clock and on the browser's."""
    clock.advance(minutes=minutes)
    page.clock.fast_forward(int(minutes * MINUTES * 1000))


@pytest.fixture
def form(cast, visit: Callable, clock) -> Page:
    """Alice's profile, half filled in, at the moment of the warning."""
    window = visit(cast.alice)
    window.page.clock.install()
    page = window.open("/profile")
    page.get_by_label("Job title").fill("Head of storage")
    page.get_by_label("Job title").focus()
    pass_minutes(page, clock, 58.1)
    expect(page.locator("#session-end")).to_be_visible()
    return page


def last_seen_at():
    return Session.get().last_seen_at


def test_the_warning_is_a_dialog_that_the_keyboard_answers_and_that_keeps_what_was_typed(form, clock, cast):
    dialog = form.get_by_role("dialog", name="You will be signed out soon")
    expect(dialog).to_have_accessible_description(
        "Nothing was opened or sent for a while, so this log-in ends in two "
        "minutes. Stay signed in to go on; what you typed stays on the page."
    )
    expect(dialog.get_by_role("button", name="Stay signed in")).to_be_focused()
    form.keyboard.press("Enter")
    expect(form.locator("#session-end")).to_be_hidden()
    assert last_seen_at() == clock.now()
    expect(form.get_by_label("Job title")).to_have_value("Head of storage")
    expect(form.get_by_label("Job title")).to_be_focused()
    form.get_by_role("button", name="Save").click()
    expect(form.get_by_label("Job title")).to_have_value("Head of storage")
    assert type(cast.alice).get_by_id(cast.alice.id).job_title == "Head of storage"


def test_escape_stays_too_and_waiting_does_not_extend(form, clock):
    pass_minutes(form, clock, 1)
    expect(form.locator("#session-end")).to_be_visible()
    assert last_seen_at() < clock.now()
    form.keyboard.press("Escape")
    expect(form.locator("#session-end")).to_be_hidden()
    assert last_seen_at() == clock.now()


def test_who_stays_in_another_tab_is_not_warned_on(form, clock):
    with_another = Session.update(last_seen_at=clock.now()).execute()
    assert with_another == 1
    form.clock.fast_forward(20_000)
    expect(form.locator("#session-end")).to_be_hidden()


def test_what_is_sent_after_the_end_comes_back_after_signing_in(form, clock, cast):
    pass_minutes(form, clock, 3)
    expect(form.get_by_role("dialog", name="You are signed out")).to_be_visible()
    form.get_by_role("button", name="Close").click()
    form.get_by_role("button", name="Save").click()
    expect(form.get_by_text("What you typed is kept for 15 minutes")).to_be_visible()
    form.get_by_label("Mail address").fill(cast.alice.email)
    form.get_by_label("Password", exact=True).fill(cast.password)
    form.get_by_role("main").get_by_role("button", name="Sign in", exact=True).click()
    expect(form.get_by_text("Head of storage")).to_be_visible()
    form.get_by_role("button", name="Send it now").click()
    expect(form.get_by_label("Job title")).to_have_value("Head of storage")
    assert type(cast.alice).get_by_id(cast.alice.id).job_title == "Head of storage"


def test_the_dialog_and_the_list_have_no_findings(form, cast, portal, visit, clock):
    sessions.begin(act_of(cast.bob, clock.now(), user_agent="Firefox/140.0 (Windows)"), cast.bob, portal.app.settings)
    small = visit(cast.bob, phone=True)
    page = small.open("/security/sessions")
    expect(page.get_by_role("heading", level=1)).to_have_text("Where you are signed in")
    small.expect_no_axe_findings()
    small.expect_no_sideways_scroll()
    page.get_by_role("button", name="End this log-in").click()
    expect(page.get_by_text("That log-in is ended.")).to_be_visible()
    expect(page.get_by_role("row")).to_have_count(2)


def test_after_a_log_in_was_ended_from_afar_nothing_private_comes_back(cast, visit, portal):
    window = visit(cast.alice)
    page = window.open("/home")
    page.goto(portal.url + "/sub-accounts")
    Session.update(ended_at=Session.created_at).execute()
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    page.evaluate("history.back()")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    assert cast.northwind.legal_name not in page.content() and cast.alice.name not in page.content()


def test_updates_that_pause_or_end_are_said(cast, visit, portal, clock):
    window = visit(cast.alice)
    window.page.clock.install()
    page = window.open("/home")
    page.evaluate("document.querySelector('main').insertAdjacentHTML('beforeend', '<p hx-trigger=\"every 2s\"></p>')")
    hide = (
        "(away) => { Object.defineProperty(document, 'hidden', {configurable: true, get: () => away});"
        "document.dispatchEvent(new Event('visibilitychange')); }"
    )
    page.evaluate(hide, True)
    expect(page.locator("#live-state")).to_have_text("Updates are paused while this page is in the background.")
    page.evaluate(hide, False)
    expect(page.locator("#live-state")).to_be_empty()
    page.evaluate("document.body.dispatchEvent(new Event('signed-out', {bubbles: true}))")
    expect(page.locator("#live-state")).to_contain_text("Updates have stopped: you are signed out.")
