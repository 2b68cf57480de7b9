"""The customer's page: no log-in, the whole text, one box, one button, and why a link shows nothing more."""

import re
from datetime import timedelta

import pytest

from models.flow_down import CustomerAcceptance, FlowDown, FlowDownLink
from models.outbox import Mail
from tests.services.flow_downs import Agreements
from tests.services.ground import Ground


@pytest.fixture
def agreements(cast, settings, clock) -> Agreements:
    return Agreements(Ground(cast, settings, clock))


@pytest.fixture
def account(agreements):
    return agreements.opened("Müller GmbH")


@pytest.fixture
def link(agreements, account) -> str:
    return f"/agree/{agreements.token(account)}"


def fields(page, form: str = "agree-form") -> dict:
    """What the form sends when its box is ticked and its fields are filled."""
    found = re.search(rf'<form[^>]+id="{form}".*?</form>', page.text, re.DOTALL)[0]
    seen = re.search(r'name="seen"[^>]*value="([^"]+)"', found)[1]
    return {"seen": seen, "person_name": "Kim Kunde", "company": "Müller GmbH", "agree": "y"}


def test_the_page_shows_the_whole_text_its_version_digest_and_binding_language_and_an_empty_box(client, link):
    page = client.get(link)
    assert page.status_code == 200
    version = re.search(r'name="seen"[^>]*value="\d+:([0-9a-f]{64})"', page.text)[1]
    for part in ("Northwind Traders GmbH", "Müller GmbH", "Version 1.0", version, "The English text is binding."):
        assert part in page.text
    assert "What you may and may not do" in page.text and 'class="document-text" lang="en"' in page.text
    box = re.search(r'<input[^>]+name="agree"[^>]*>', page.text)[0]
    assert "checkbox" in box and "checked" not in box
    assert FlowDownLink.get().outcome == ""


def test_agreeing_records_it_with_the_words_of_the_page_and_the_receipt_is_sent(client, link, account, agreements):
    page = client.get(link)
    done = client.post(link, data=fields(page), headers={"User-Agent": "Phone 1.0"})
    assert done.status_code == 200 and "Thank you, that is recorded" in done.text
    row = CustomerAcceptance.get()
    assert (row.person_name, row.company, row.email) == ("Kim Kunde", "Müller GmbH", "kim@customer.example.com")
    assert row.shown["box"].startswith("I agree to the document") and row.shown["box"] in page.text
    assert (row.shown["button"], row.shown["boxes_before"], row.user_agent) == ("Agree", "empty", "Phone 1.0")
    assert row.ip and len(row.request_id) == 16 and agreements.state(account) == "accepted"
    assert Mail.get(Mail.template == "flow_down_receipt").recipient == "kim@customer.example.com"


def test_it_is_used_once(client, link):
    sent = fields(client.get(link))
    assert client.post(link, data=sent).status_code == 200
    again = client.post(link, data=sent)
    assert again.status_code == 410 and "These terms were agreed to by this link on" in again.text
    assert client.get(link).status_code == 410 and "for a new one" not in again.text
    assert FlowDown.select().count() == 1


@pytest.mark.parametrize(
    ("field", "words"),
    [("agree", "Tick the box if you agree."), ("person_name", "Enter your name."), ("company", "Enter the company")],
)
def test_what_is_missing_is_said_and_nothing_is_recorded(client, link, field, words):
    sent = fields(client.get(link))
    del sent[field]
    answer = client.post(link, data=sent)
    assert answer.status_code == 422 and answer.text.count(words) >= 2 and "There is a problem" in answer.text
    assert CustomerAcceptance.select().count() == 0 and FlowDownLink.get().outcome == ""
    assert 'value="Kim Kunde"' in answer.text or field == "person_name"


def test_a_name_that_cannot_be_seen_is_refused_beside_its_field(client, link):
    answer = client.post(link, data=fields(client.get(link)) | {"person_name": "Kim\u202eKunde"})
    assert answer.status_code == 422 and "cannot be seen" in answer.text


def test_a_version_that_came_while_the_page_was_open_is_shown_with_an_empty_box(client, link, agreements):
    sent = fields(client.get(link))
    agreements.publish("2.0")
    answer = client.post(link, data=sent)
    assert answer.status_code == 409 and "A newer text was published" in answer.text and "Version 2.0" in answer.text
    assert "checked" not in re.search(r'<input[^>]+name="agree"[^>]*>', answer.text)[0]
    assert CustomerAcceptance.select().count() == 0
    assert client.post(link, data=fields(answer)).status_code == 200
    assert FlowDown.get().version.label == "2.0"


@pytest.mark.parametrize("seen", ["", "x", "1", "99999999999999999999999999:abc", "1:" + "0" * 64])
def test_a_form_about_no_text_is_shown_the_text(client, link, seen):
    answer = client.post(link, data=fields(client.get(link)) | {"seen": seen})
    assert answer.status_code == 409 and CustomerAcceptance.select().count() == 0


def test_refusing_is_recorded_and_says_who_is_told(client, link, account, agreements):
    seen = fields(client.get(link))["seen"]
    answer = client.post(f"{link}/decline", data={"seen": seen, "reason": "Too strict."})
    assert answer.status_code == 200 and "You do not agree to the terms." in answer.text
    row = CustomerAcceptance.get()
    assert (row.outcome, row.reason, row.shown["button"]) == ("declined", "Too strict.", "I do not agree")
    assert agreements.state(account) == "declined" and Mail.get(Mail.template == "flow_down_declined")
    assert "it was answered on" in client.get(link).text


def test_an_overlong_reason_is_refused_and_the_form_stays_open(client, link):
    seen = fields(client.get(link))["seen"]
    answer = client.post(f"{link}/decline", data={"seen": seen, "reason": "x" * 1001})
    assert answer.status_code == 422 and "<details open>" in answer.text


def test_a_link_whose_time_is_up_or_that_was_replaced_or_withdrawn_says_so(client, link, account, agreements, clock):
    clock.advance(days=1)
    agreements.send(account)
    assert "A newer link was sent to you" in client.get(link).text
    newer = f"/agree/{agreements.token(account)}"
    clock.advance(days=30)
    for answer in (client.get(newer), client.post(newer, data={})):
        assert answer.status_code == 410 and "The time of this link is up." in answer.text
        assert "Ask whoever sent it to you for a new one." in answer.text


def test_an_unknown_link_says_what_may_have_happened(client, cast):
    for answer in (client.get("/agree/" + "x" * 43), client.post("/agree/" + "x" * 43)):
        assert answer.status_code == 404 and "copy it whole" in answer.text


def test_guesses_of_whoever_fills_the_form_wait(client, link, agreements, account):
    sent = fields(client.get(link))
    for _guess in range(20):
        client.post(link, data=sent | {"seen": "1:x"})
    refused = client.post(link, data=sent)
    assert refused.status_code == 429 and int(refused.headers["Retry-After"]) > 0


def test_it_speaks_the_language_of_the_mail_until_the_reader_chooses_another(client, agreements):
    token = agreements.token(agreements.opened("Bäcker", locale="de"))
    page = client.get(f"/agree/{token}")
    assert '<html lang="de"' in page.text and 'lang="en"' in page.text
    assert client.post("/language", data={"language": "en", "next": f"/agree/{token}"}).status_code == 303
    assert '<html lang="en"' in client.get(f"/agree/{token}").text


def test_a_browser_that_asks_for_german_gets_what_the_mail_had(client, link):
    page = client.get(link, headers={"Accept-Language": "de"})
    assert '<html lang="en"' in page.text


def test_nothing_of_it_is_kept_by_browsers_or_told_to_others(client, link):
    page = client.get(link)
    assert page.headers["Cache-Control"] == "no-store" and page.headers["Referrer-Policy"] == "same-origin"
    assert page.headers["X-Frame-Options"] == "DENY"


def test_the_token_stands_in_no_log(client, link, caplog):
    caplog.set_level("DEBUG")
    token = link.rsplit("/", 1)[1]
    client.post(link, data=fields(client.get(link)))
    assert token not in caplog.text


def test_a_form_without_its_token_against_forgery_records_nothing(client, link):
    sent = fields(client.get(link))
    assert client.post(link, data=sent, csrf=False).status_code == 400 and CustomerAcceptance.select().count() == 0


def test_the_time_of_the_link_stands_on_the_page(client, link, clock):
    until = (clock.now() + timedelta(days=30)).strftime("%-d %b %Y")
    assert until in client.get(link).text
