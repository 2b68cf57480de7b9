"""board.js and portal.js in a real browser, on a page of their own: the scripts are held to what the macros promise."""

import threading
from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Page, expect, sync_playwright
from werkzeug.serving import make_server

from tests.browser.sample_portal import sample_portal

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("scripts")]

OPTIONS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]


@pytest.fixture(scope="module")
def sample() -> Iterator[Flask]:
    app = sample_portal()
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    app.config["address"] = f"http://127.0.0.1:{server.server_port}"
    yield app
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def chromium() -> Iterator:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=OPTIONS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium, sample) -> Iterator[Page]:
    sample.config["asked"].clear()
    context = chromium.new_context(base_url=sample.config["address"], viewport={"width": 1280, "height": 900})
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    opened = context.new_page()
    opened.set_default_timeout(8000)
    complaints = []
    opened.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    yield opened
    context.close()
    assert [text for text in complaints if "500" not in text] == []


def row(page: Page, number: str):
    return page.locator(f'[data-number="{number}"]')


def amount(page: Page, number: str) -> str:
    return row(page, number).locator("[data-amount]").input_value() + row(page, number).locator("select").input_value()


def test_keys_move_a_slider_and_nothing_else(page):
    page.goto("/board")
    slider = page.get_by_role("slider", name="Allocation for Müller")
    expect(slider).to_have_attribute("aria-valuetext", "2\u00a0TB of 10\u00a0TB, 1.3\u00a0TB used")
    slider.focus()
    for key, shown in [
        ("ArrowRight", "2.01TB"),
        ("ArrowDown", "2TB"),
        ("PageUp", "2.1TB"),
        ("End", "5.5TB"),  # its own and what is free
        ("ArrowUp", "5.5TB"),
        ("Home", "1.3TB"),  # what is used
        ("PageDown", "1.3TB"),
    ]:
        page.keyboard.press(key)
        assert amount(page, "1") == shown, key
    assert (amount(page, "2"), amount(page, "3")) == ("1.5TB", "3TB")
    expect(row(page, "1").locator("[data-diff]")).to_have_text("−700\u00a0GB")
    expect(page.locator("[data-free]")).to_have_text("4.2\u00a0TB")


def test_the_server_and_the_ear_hear_of_it_once_after_the_hand_rests(page, sample):
    page.goto("/board")
    page.locator("#slider-1").focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    expect(page.locator("#room")).to_have_text("asked")
    assert [form["a-1"] for form in sample.config["asked"]] == ["2.05"]
    expect(page.locator("#status")).to_have_text("3.45\u00a0TB of 10\u00a0TB free.")


def test_a_mouse_drags_no_further_than_what_is_free_and_not_below_use(page):
    page.goto("/board")
    box = page.locator("#slider-2").bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 14 + (box["width"] - 28) * 0.15, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"], middle, steps=6)
    assert amount(page, "2") == "5TB"
    page.mouse.move(box["x"], middle, steps=6)
    page.mouse.up()
    assert amount(page, "2") == "1.48TB"


def test_clicks_alone_are_enough(page):
    page.goto("/board")
    row(page, "3").get_by_role("button", name="Less for Nord").click()
    assert amount(page, "3") == "2.99TB"
    row(page, "3").get_by_role("button", name="More for Nord").click()
    assert amount(page, "3") == "3TB"
    page.get_by_role("button", name="Lower it").click()
    assert amount(page, "3") == "0.5TB"
    expect(page.locator("[data-changed]").first).to_have_text("1")
    page.get_by_role("button", name="Discard").last.click()
    assert amount(page, "3") == "3TB"
    expect(row(page, "3")).not_to_have_class("board-row changed")


@pytest.mark.parametrize(
    ("point", "typed", "shown"),
    [
        (".", "1.5 tb", "1.5TB"),
        (".", "1,250", "1250TB"),
        (",", "1,5", "1,5TB"),
        (",", "1.500 GB", "1500GB"),
        (",", "2.5", "2,5TB"),
        (",", "1 250,5", "1250,5TB"),
        (".", "1 5", "1 5TB"),  # could be two figures: left as it is, and said
    ],
)
def test_typing_is_read_as_the_server_reads_it(page, point, typed, shown):
    page.goto(f"/board?point={point}")
    field = row(page, "1").locator("[data-amount]")
    field.fill(typed)
    field.blur()
    assert amount(page, "1") == shown


def test_too_much_is_said_and_takes_nothing_from_others(page):
    page.goto("/board")
    field = row(page, "1").locator("[data-amount]")
    field.fill("9")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(row(page, "1").locator("[data-problem]")).to_contain_text("At most 5.5\u00a0TB is free")
    expect(page.locator("[data-board-summary]")).to_contain_text("3.5\u00a0TB too much")
    page.locator("#slider-3").focus()
    page.keyboard.press("ArrowDown")
    assert (amount(page, "2"), amount(page, "3")) == ("1.5TB", "2.99TB")
    field.fill("two")
    expect(row(page, "1").locator("[data-problem]")).to_contain_text("Enter a number")
    field.fill("0.0005")
    expect(row(page, "1").locator("[data-problem]")).to_contain_text("whole gigabytes")
    field.fill("1")
    expect(row(page, "1").locator("[data-problem]")).to_contain_text("Less than is used now")
    expect(field).not_to_have_attribute("aria-invalid", "true")


def test_another_unit_keeps_the_capacity_unless_a_figure_was_just_typed(page):
    page.goto("/board")
    row(page, "2").locator("select").select_option("GB")
    assert amount(page, "2") == "1500GB"
    row(page, "2").locator("[data-amount]").fill("2")
    row(page, "2").locator("select").select_option("TB")
    assert amount(page, "2") == "2TB"


def test_what_the_server_sends_is_spoken_and_focused_and_a_second_click_sends_nothing(page, sample):
    page.goto("/comforts")
    page.get_by_role("button", name="Slow").dblclick()
    expect(page.locator("#loaded")).to_be_focused()
    expect(page.locator("#status")).to_have_text("Loaded now.")
    assert sample.config["asked"] == ["slow"]
    page.get_by_role("button", name="Fault").click()
    expect(page.get_by_role("alert")).to_contain_text("a fault on our side")
    expect(page.get_by_role("button", name="Fault")).not_to_have_attribute("aria-disabled", "true")


def test_a_copied_secret_is_spoken_of_and_goes_with_the_page(page):
    page.goto("/comforts")
    page.get_by_role("button", name="Copy secret key").click()
    expect(page.locator("#status")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == "canary"
    page.evaluate("window.dispatchEvent(new PageTransitionEvent('pagehide'))")
    expect(page.get_by_text("canary")).to_have_count(0)
