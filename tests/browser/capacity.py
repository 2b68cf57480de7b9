"""The second half of the journey as people act it: sub-accounts, their first keys, the allocation board."""

import time
from dataclasses import dataclass
from datetime import date, timedelta

from playwright.sync_api import Locator, expect

from tests.browser.application import Applicant, button, expect_page, link, text
from tests.browser.hands import GB, TB, Hand

PROGRAMS = ("AWS CLI", "rclone", "Python (boto3)")
SET_UP_MS = 60_000
FOLLOW_MS = 30_000


@dataclass(frozen=True)
class Customer:
    name: str
    allocation: str
    allocated_bytes: int


# Together the whole package, so that nothing can grow unless something shrinks.
ANNA = Customer("Anna Apotheke", "6 TB", 6 * TB)
BERT = Customer("Bert Bau GmbH", "3999 GB", 3999 * GB)
CARL = Customer("Carl Cafe", "1 GB", GB)
CUSTOMERS = (ANNA, BERT, CARL)
MOVED_BYTES = 3 * TB


@dataclass(frozen=True)
class Pair:
    """What a customer is handed: the key, where it opens, and ready texts by program."""

    key_id: str
    secret: str
    endpoint: str
    region: str
    bucket: str
    snippets: dict[str, str]

    @property
    def number(self) -> str:
        return self.bucket.removesuffix("-main")


def open_sub_account(hand: Hand, customer: Customer) -> None:
    """From the home page to the page of the new sub-account."""
    page, day = hand.page, (date.today() - timedelta(days=7)).isoformat()  # noqa: DTZ011 - what a person would type
    hand.visitor.open("/home")
    hand.press(link(hand, "New sub-account"))
    expect_page(hand, "New sub-account")
    hand.write(page.get_by_label("Customer", exact=True), customer.name)
    hand.write(page.get_by_label("Contact's name"), "Kim Kontakt")
    hand.write(page.get_by_label("Contact's mail address"), "kim@customer.example.com")
    hand.pick(page.get_by_role("radio", name="A fixed allocation"))
    hand.write(page.get_by_label("Allocation", exact=True), customer.allocation)
    hand.pick(page.get_by_role("radio", name="Writing stops."))
    hand.tick(page.get_by_label("The customer has agreed to these terms"))
    hand.write(page.get_by_label("Reference of that contract"), "MSA-77")
    hand.write(page.get_by_label("Agreed on"), day)
    hand.press(button(hand, "Open the sub-account"))
    expect_page(hand, customer.name)


def watch_set_up(hand: Hand) -> None:
    """The page itself tells when it is done; without scripts somebody looks again."""
    state = hand.page.locator("#state")
    if hand.scripts:
        expect(state).to_contain_text("Active", timeout=SET_UP_MS)
        return
    latest = time.monotonic() + SET_UP_MS / 1000
    while "Active" not in state.inner_text() and time.monotonic() < latest:
        hand.page.wait_for_timeout(500)  # as long as a person takes, and the worker needs the processor too
        hand.press(state.locator("noscript a"))  # no role or text finds what is in here
        hand.page.wait_for_load_state()
    expect(state).to_contain_text("Active")


def show_key(hand: Hand) -> Pair:
    """Shows the first key, once, and says that it is stored."""
    page = hand.page
    if not hand.scripts:
        page.reload()
    hand.press(button(hand, "Show the key"))
    card = page.locator("#keys")
    expect(card).to_contain_text("First key, shown once")
    found = page.locator("[data-secret] code").first.text_content()
    key_id = card.locator("dd").first.locator("code").text_content()
    snippets = {}
    for program in PROGRAMS:
        snippet = card.locator("details", has_text=program)
        hand.press(snippet.locator("summary"))
        expect(snippet.locator("pre")).to_contain_text(found)
        snippets[program] = snippet.locator("pre").text_content()
    if hand.scripts:
        hand.press(page.get_by_role("button", name="Copy secret key"))
        expect(page.locator("#status")).to_have_text("Copied")
    return read_pair(snippets, key_id, found)


def say_stored(hand: Hand) -> None:
    hand.press(button(hand, "I have stored it"))
    expect(hand.page.locator("#keys")).to_contain_text("The secret cannot be shown again.")


def read_pair(snippets: dict[str, str], key_id: str, secret: str) -> Pair:
    """Endpoint, region and bucket as a customer reads them in the text for Python."""

    def value(before: str) -> str:
        return snippets["Python (boto3)"].split(before, 1)[1].split('"')[1]

    bucket = value('upload_file("file.txt",')
    return Pair(key_id, secret, value("endpoint_url="), value("region_name="), bucket, snippets)


def row(hand: Hand, customer: Customer) -> Locator:
    return hand.page.locator("[data-row]").filter(has_text=customer.name)


def amount(hand: Hand, customer: Customer) -> tuple[str, str]:
    field = row(hand, customer)
    return field.get_by_label("Amount for").input_value(), field.get_by_label("Unit for").input_value()


def open_board(hand: Hand, who: Applicant) -> None:
    hand.visitor.open("/home")
    hand.press(link(hand, "Distribute capacity"))
    expect_page(hand, f"Allocation of {who.contract}")


def move_by_slider(hand: Hand) -> None:
    """Three terabytes from Anna to Bert; the package is full, so Bert can grow only by what Anna gives."""
    hand.slide(slider(hand, ANNA), ANNA.allocated_bytes - MOVED_BYTES)
    hand.slide(slider(hand, BERT), None)
    if hand.scripts:
        assert (amount(hand, ANNA), amount(hand, BERT)) == (("3", "TB"), ("6.999", "TB"))
        expect(hand.page.locator("[data-free]")).to_have_text("0\u00a0B")
        expect(hand.page.locator("#status")).to_have_text("0\u00a0B of 10\u00a0TB free.")


def slider(hand: Hand, customer: Customer) -> Locator:
    return row(hand, customer).locator("input[type=range]")


def move_by_fields(hand: Hand) -> None:
    """The same with the number fields and the list of units; a first try is taken back with Discard."""
    anna, bert = row(hand, ANNA), row(hand, BERT)
    if hand.scripts:
        hand.write(anna.get_by_label("Amount for"), "1.5")
        expect(hand.page.locator("[data-changed]").first).to_have_text("1")
        hand.press(hand.page.get_by_role("button", name="Discard").last)
        assert amount(hand, ANNA) == ("6", "TB")
    hand.choose(anna.get_by_label("Unit for"), "GB")
    hand.write(anna.get_by_label("Amount for"), "3000")
    hand.choose(bert.get_by_label("Unit for"), "TB")
    hand.write(bert.get_by_label("Amount for"), "6.999")


def save(hand: Hand, note: str) -> None:
    """Check step with old and new, then one save."""
    hand.press(hand.page.get_by_role("button", name="Check changes").last)
    expect_page(hand, "Check the changes")
    for customer, after in ((ANNA, "3\u00a0TB"), (BERT, "6.999\u00a0TB")):
        step = hand.page.get_by_role("row").filter(has_text=customer.name)
        expect(step).to_contain_text(customer.allocation.replace("3999 GB", "3.999 TB").replace(" ", "\u00a0"))
        expect(step).to_contain_text(after)
    hand.write(hand.page.get_by_label("Note for your records"), note)
    hand.press(button(hand, "Save these changes"))
    expect(text(hand, "Saved. The storage service is being told")).to_be_visible()


def undo(hand: Hand, who: Applicant) -> None:
    hand.press(button(hand, "Undo the last change"))
    expect(text(hand, "The last change was taken back.")).to_be_visible()
    assert (amount(hand, ANNA), amount(hand, BERT)) == (("6", "TB"), ("3.999", "TB"))


def expect_followed(hand: Hand) -> None:
    """Rows say that a change is being applied until the storage service has followed; then they say nothing of it."""
    if not hand.scripts:
        for _ in range(60):
            if not text(hand, "in force").count():
                break
            hand.page.reload()
    expect(text(hand, "in force")).to_have_count(0, timeout=FOLLOW_MS)


def distribute(hand: Hand, who: Applicant) -> None:
    """By slider, undone, and once more by the fields: every control of the board is used."""
    open_board(hand, who)
    move_by_slider(hand)
    save(hand, "by slider")
    undo(hand, who)
    move_by_fields(hand)
    save(hand, "by field")
    expect_followed(hand)


def log_out(hand: Hand) -> None:
    menu = hand.page.locator("details[data-menu] > summary").locator("visible=true").first
    hand.press(menu)
    hand.press(hand.page.get_by_role("button", name="Sign out").locator("visible=true"))
    expect_page(hand, "You are signed out")
