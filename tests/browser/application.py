"""The first half of the journey as people act it: apply, confirm, be asked, answer, be approved, get a contract."""

from dataclasses import dataclass
from datetime import date, timedelta

import pyotp
from playwright.sync_api import expect

from tests.browser.hands import Hand
from tests.browser.running import RunningPortal

PASSWORD = "lamp river socket Tuesday"
NOTE = "The register shows Lange Gasse 7. Which number is right?"


@dataclass(frozen=True)
class Applicant:
    """Who walks the journey; every way has its own, equal in all but names."""

    way: str

    @property
    def company(self) -> str:
        return f"Fabrikam {self.way.capitalize()} GmbH"

    @property
    def email(self) -> str:
        return f"dora.{self.way}@fabrikam.example.com"

    @property
    def operator_email(self) -> str:
        return f"olga.{self.way}@provider.example.com"

    @property
    def contract(self) -> str:
        return f"RCP-{self.way.upper()}-1"


def button(hand: Hand, name: str):
    return hand.page.get_by_role("button", name=name, exact=True).first


def link(hand: Hand, name: str):
    return hand.page.get_by_role("link", name=name, exact=True).first


def text(hand: Hand, words: str):
    """In the page's own part; the region that is read aloud repeats some of it."""
    return hand.page.get_by_role("main").get_by_text(words)


def expect_page(hand: Hand, heading: str) -> None:
    expect(hand.page.get_by_role("heading", level=1)).to_have_text(heading)
    hand.visitor.expect_no_sideways_scroll()


def sign_up(hand: Hand, who: Applicant) -> None:
    """From the front page to "we have sent you a mail", with a break half-way on the same device."""
    hand.visitor.open("/")
    hand.press(hand.page.get_by_role("main").get_by_role("link", name="Become a partner"))
    expect_page(hand, "Become a partner: your company")
    enter_company(hand, who)
    leave_and_come_back(hand)
    expect_page(hand, "Become a partner: you")
    expect(text(hand, "This is what you entered before.")).to_be_visible()
    enter_person(hand, who)
    expect_page(hand, "Become a partner: check")
    expect(text(hand, who.company)).to_be_visible()
    hand.press(link(hand, "All is right, go on to the terms"))
    expect_page(hand, "Become a partner: terms")
    agree(hand)
    expect_page(hand, "We have sent you a mail")


def enter_company(hand: Hand, who: Applicant) -> None:
    """First with a slip, so that the way through the error summary is walked too."""
    page = hand.page
    hand.write(page.get_by_label("Company name"), who.company)
    hand.choose(page.get_by_label("Country"), "Germany")
    hand.write(page.get_by_label("Register number"), "HRB 4711")
    hand.write(page.get_by_label("VAT number"), "DE 136 695 976")
    hand.write(page.get_by_label("Street and number"), "Lange Gasse 5")
    hand.write(page.get_by_label("Postcode"), "803")
    hand.write(page.get_by_label("City"), "München")
    hand.write(page.get_by_label("Phone number"), "089 1234567")
    hand.press(button(hand, "Save and continue"))
    summary = page.locator(".error-summary")
    expect(summary).to_contain_text("There is a problem")
    if hand.scripts:
        expect(summary).to_be_focused()
    hand.press(summary.get_by_role("link").first)
    expect(page.get_by_label("Postcode")).to_be_focused()
    hand.write(page.get_by_label("Postcode"), "80331")
    hand.press(button(hand, "Save and continue"))


def leave_and_come_back(hand: Hand) -> None:
    """Closes the window and opens the sign-up in a new one of the same browser."""
    expect_page(hand, "Become a partner: you")
    hand.visitor.new_page()
    hand.visitor.open("/sign-up")


def enter_person(hand: Hand, who: Applicant) -> None:
    page = hand.page
    hand.write(page.get_by_label("Your name"), "Dora Dietz")
    hand.write(page.get_by_label("Work mail address"), who.email)
    hand.write(page.get_by_label("Job title"), "Owner")
    hand.pick(page.get_by_label("Contractor"))
    hand.write(page.get_by_label("Password", exact=True), PASSWORD)
    hand.press(button(hand, "Save and continue"))


def agree(hand: Hand) -> None:
    boxes = hand.page.get_by_role("checkbox")
    assert boxes.count() == 5  # four documents and the authority to bind the company
    for box in boxes.all():
        expect(box).not_to_be_checked()
        hand.tick(box)
    hand.press(button(hand, "Agree and apply"))


def confirm(hand: Hand, portal: RunningPortal, who: Applicant) -> None:
    mail = portal.mail(who.email, "onfirm")
    hand.visitor.open(portal.link_in(mail))
    expect_page(hand, "Confirm your mail address")
    hand.press(button(hand, "Confirm and send the application"))
    expect_page(hand, "We are checking your application")


def set_up_operator(hand: Hand, portal: RunningPortal, who: Applicant) -> None:
    """With the link that the command prints; then the log-in page."""
    printed = portal.command("operator", "add", who.operator_email, "--name", "Olga Olsen")
    address = next(word for word in printed.split() if word.startswith(portal.url))
    hand.visitor.open(address.removeprefix(portal.url))
    expect_page(hand, "Set up your log-in")
    hand.write(hand.page.get_by_label("New password"), PASSWORD)
    hand.press(button(hand, "Set the password"))
    expect_page(hand, "Sign in")
    sign_in(hand, who.operator_email)
    set_up_factor(hand)
    hand.visitor.open("/admin")
    expect_page(hand, "Queue")


def set_up_factor(hand: Hand) -> None:
    """Operators do that before anything else. The app knows the key that stands below the picture."""
    expect_page(hand, "Set up a second factor")
    hand.press(link(hand, "Set up an app"))
    expect_page(hand, "Set up an app with codes")
    key = hand.page.locator("[data-copy-text]").inner_text().replace(" ", "")
    hand.write(hand.page.get_by_label("Code"), pyotp.TOTP(key).now())
    hand.press(button(hand, "Set it up"))
    expect_page(hand, "The app is set up.")


def sign_in(hand: Hand, address: str) -> None:
    hand.write(hand.page.get_by_label("Mail address"), address)
    hand.write(hand.page.get_by_label("Password", exact=True), PASSWORD)
    hand.press(hand.page.get_by_role("main").get_by_role("button", name="Sign in", exact=True))


def open_file(hand: Hand, who: Applicant) -> None:
    """The partner's file, by the queue."""
    hand.visitor.open("/admin")
    hand.press(link(hand, who.company))
    expect_page(hand, who.company)


def ask(hand: Hand, who: Applicant) -> None:
    open_file(hand, who)
    hand.press(link(hand, "Ask about details"))
    expect_page(hand, f"Ask {who.company}")
    hand.write(hand.page.get_by_label("Street and number"), NOTE)
    hand.press(button(hand, "Send the questions"))
    expect(text(hand, "1 question was sent to the partner.")).to_be_visible()


def answer(hand: Hand, portal: RunningPortal, who: Applicant) -> None:
    mail = portal.mail(who.email, "question")
    assert NOTE in mail.get_body(("plain",)).get_content()
    hand.visitor.open("/application")
    expect_page(hand, "We have a question")
    expect(text(hand, NOTE)).to_be_visible()
    hand.write(hand.page.get_by_role("textbox", name="Street and number", exact=True), "Lange Gasse 7")
    hand.press(button(hand, "Send the answers"))
    expect_page(hand, "We are checking your application")


def approve(hand: Hand, who: Applicant) -> None:
    open_file(hand, who)
    hand.press(button(hand, "Accept all the rest and approve"))
    expect(text(hand, f"{who.company} is a partner now")).to_be_visible()


def create_contract(hand: Hand, who: Applicant) -> None:
    page, today = hand.page, date.today()  # noqa: DTZ011 - what a person would type
    hand.press(link(hand, "Create a contract"))
    expect_page(hand, f"New contract for {who.company}")
    hand.write(page.get_by_label("Contract number"), who.contract)
    hand.pick(page.get_by_role("radio", name="Reserved package"))
    hand.write(page.get_by_label("Capacity", exact=True), "10 TB")
    hand.write(page.get_by_label("Price", exact=True), "0.55")
    hand.write(page.get_by_label("Price of excess"), "0.8")
    hand.write(page.get_by_label("Price of egress"), "0")
    hand.write(page.get_by_label("First day"), today.isoformat())
    hand.write(page.get_by_label("Last day"), (today + timedelta(days=730)).isoformat())
    hand.press(button(hand, "Check"))
    expect_page(hand, "Check the contract")
    expect(text(hand, "10 TB")).to_be_visible()
    hand.press(button(hand, "Create the contract"))
    expect_page(hand, who.company)
    expect(page.get_by_role("rowheader", name=who.contract)).to_be_visible()


def become_partner(partner: Hand, operator: Hand, portal: RunningPortal, who: Applicant) -> None:
    """The whole first half; afterwards the partner is on its home page and has 10 TB."""
    sign_up(partner, who)
    confirm(partner, portal, who)
    set_up_operator(operator, portal, who)
    ask(operator, who)
    answer(partner, portal, who)
    approve(operator, who)
    create_contract(operator, who)
    portal.mail(who.email, "ontract")
    partner.visitor.open("/home")
    expect_page(partner, "Home")
    expect(partner.page.get_by_role("heading", name=f"Contract {who.contract}")).to_be_visible()
