"""The partner's side of the terms for end customers: opening, the card, the list, links to many, documents; and what
the provider's staff see of it."""

import io
import re

import pytest

from models.audit import AuditEvent
from models.flow_down import FlowDown, FlowDownLink
from models.outbox import Mail
from models.stored_file import StoredFile
from models.sub_account import AccessKey, SubAccount
from services import flow_down_links, policy
from tests.accounts import many
from tests.services.flow_downs import Agreements, some_pdf
from tests.services.ground import Ground, work

ANSWERED = "The customer has answered."


@pytest.fixture
def agreements(cast, settings, clock) -> Agreements:
    return Agreements(Ground(cast, settings, clock))


@pytest.fixture
def alice(client_as, cast):
    return client_as(cast.alice)


@pytest.fixture
def account(agreements) -> SubAccount:
    """A link waits for its customer."""
    return agreements.opened("Müller GmbH")


@pytest.fixture
def whole(cast) -> dict:
    """The form of a new sub-account, filled."""
    return {
        "once": "once-0123456789abcdef", "contract": "RCP-1001", "customer": "Müller GmbH", "name": "",
        "contact_name": "Marta Müller", "contact_email": "marta@mueller.example.com", "region": cast.region.name,
        "billing": "reserved", "allocation": "1 TB", "overdraft": "no", "way": "attested", "agreed": "y",
        "reference": "MSA-77", "agreed_on": "2026-02-01",
    }  # fmt: skip


def card(page) -> str:
    return re.search(r'<section id="flow-down".*?</section>', page.text, re.DOTALL)[0]


def url(account: SubAccount, act: str = "") -> str:
    return f"/sub-accounts/{account.number}{act}"


# Opening


def test_opening_with_a_link_asks_for_no_contract(alice, whole):
    sent = {name: value for name, value in whole.items() if name not in ("agreed", "reference", "agreed_on")}
    answer = alice.post("/sub-accounts/new", data=sent | {"way": "link"})
    assert answer.status_code == 303 and FlowDown.select().count() == 0
    assert Mail.get(Mail.template == "flow_down_link").recipient == "marta@mueller.example.com"
    assert "Link sent" in card(alice.get(answer.location))


def test_opening_with_a_document_keeps_it(alice, whole):
    sent = whole | {"document": (io.BytesIO(some_pdf()), "Vertrag Müller.pdf")}
    answer = alice.post("/sub-accounts/new", data=sent, content_type="multipart/form-data")
    assert answer.status_code == 303 and FlowDown.get().document.name == "Vertrag Müller.pdf"
    assert "Vertrag Müller.pdf" in card(alice.get(answer.location))


def test_what_is_no_pdf_is_said_at_its_field_and_nothing_is_opened(alice, whole):
    sent = whole | {"document": (io.BytesIO(b"GIF89a"), "a.pdf")}
    answer = alice.post("/sub-accounts/new", data=sent, content_type="multipart/form-data")
    assert answer.status_code == 422 and answer.text.count("This is no PDF file.") == 2
    assert 'href="#document"' in answer.text and SubAccount.select().count() == StoredFile.select().count() == 0


def test_a_double_click_with_a_link_opens_one_and_sends_one(alice, whole):
    for _click in range(2):
        assert alice.post("/sub-accounts/new", data=whole | {"way": "link"}).status_code == 303
    assert SubAccount.select().count() == FlowDownLink.select().count() == 1


def test_the_form_says_that_the_key_waits_where_it_does(alice, agreements, cast):
    assert "as soon as the customer has agreed" not in alice.get("/sub-accounts/new").text
    policy.change(agreements.act(cast.olga), {"flow_down_before_keys": True})
    assert "The first key is made as soon as the customer has agreed." in alice.get("/sub-accounts/new").text


# The card of a sub-account


def test_the_card_shows_the_link_and_offers_to_send_again_withdraw_or_confirm(alice, account):
    text = card(alice.get(url(account)))
    for part in ("Link sent", "A link went to kim@customer.example.com", "Send the link again", "Withdraw the link"):
        assert part in text
    assert "Confirm an agreement…" in text and f'hx-get="{url(account, "/terms?seen=")}' in text


def test_the_card_turns_by_itself_when_the_customer_answers(alice, account, agreements):
    asks = re.search(r'hx-get="([^"]+/terms\?[^"]+)"', card(alice.get(url(account))))[1].replace("&amp;", "&")
    assert alice.get(asks, htmx=True).status_code == 204
    agreements.accept(account)
    turned = alice.get(asks, htmx=True)
    assert turned.status_code == 200 and ANSWERED in turned.headers["HX-Trigger"]
    assert "Agreed by the customer" in turned.text and "Kim Kunde" in turned.text and "hx-get" not in card(turned)
    assert alice.get(url(account, "/terms")).status_code == 303


def test_with_the_answer_the_keys_follow(alice, account, agreements, cast):
    policy.change(agreements.act(cast.olga), {"flow_down_before_keys": True})
    site = agreements.ground.site()
    work(site)
    page = alice.get(url(account))
    assert "Keys wait for the customer's agreement" in page.text.replace("&#39;", "'")
    assert "Waits for the customer" in page.text and "Show the key" not in page.text
    asks = re.search(r'hx-get="([^"]+/terms\?[^"]+)"', card(page))[1].replace("&amp;", "&")
    agreements.accept(account)
    turned = alice.get(asks, htmx=True)
    assert 'id="state"' in turned.text and 'id="keys"' in turned.text and turned.text.count("hx-swap-oob") == 2
    assert "every 2s" in turned.text and "Keys wait" not in turned.text
    work(site)
    assert AccessKey.get().phase == "live" and "Show the key" in alice.get(url(account)).text


def test_sending_withdrawing_and_confirming_work_without_scripts(client_as, cast, account, clock):
    clock.advance(days=1)
    alice = client_as(cast.alice)
    sent = alice.post(url(account, "/terms/send"), data={"once": "once-of-the-form"})
    assert (sent.status_code, sent.location) == (303, url(account, "#flow-down"))
    assert "A link is on its way to kim@customer.example.com." in alice.get(url(account)).text
    alice.post(url(account, "/terms/withdraw"))
    assert "The link does not work any more." in alice.get(url(account)).text
    form = alice.get(url(account, "/terms/attest"))
    once = re.search(r'name="once"[^>]*value="([^"]+)"', form.text)[1]
    told = {"once": once, "agreed": "y", "reference": "MSA-8", "agreed_on": "2026-02-01"}
    told["document"] = (io.BytesIO(some_pdf()), "Vertrag.pdf")
    done = alice.post(url(account, "/terms/attest"), data=told, content_type="multipart/form-data")
    assert (done.status_code, done.location) == (303, url(account, "#flow-down"))
    text = card(alice.get(url(account)))
    assert "Agreed, confirmed by you" in text and "MSA-8" in text and "Vertrag.pdf" in text


def test_a_second_link_on_the_same_day_is_refused_in_words(alice, account):
    alice.post(url(account, "/terms/send"), data={"once": "once-too-early"})
    assert "The next one can be sent a day later." in alice.get(url(account)).text


@pytest.mark.parametrize(
    ("field", "words"),
    [("agreed", "Confirm that the customer has agreed."), ("reference", "Enter the number or name"),
     ("agreed_on", "Enter the day on which the customer agreed.")],
)  # fmt: skip
def test_what_is_missing_in_a_confirmation_is_said(alice, account, field, words):
    sent = {"once": "once-0123456789abcdef", "agreed": "y", "reference": "MSA-8", "agreed_on": "2026-02-01"}
    del sent[field]
    answer = alice.post(url(account, "/terms/attest"), data=sent)
    assert answer.status_code == 422 and answer.text.count(words) >= 2 and FlowDown.select().count() == 0


def test_the_document_is_a_download_that_nothing_keeps_and_the_trail_tells(alice, account, agreements):
    file = agreements.attest(account, document=("Vertrag.pdf", some_pdf())).document
    answer = alice.get(url(account, f"/terms/documents/{file.public_id}"))
    assert answer.data == some_pdf() and answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Disposition"].startswith("attachment") and answer.mimetype == "application/pdf"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    [event] = AuditEvent.select().where(AuditEvent.action == "flow_down.document_fetched")
    assert (event.actor_name, event.thing_id) == ("Alice Adler", account.number)


def test_what_came_before_stays_on_the_card(client_as, cast, account, agreements, clock):
    agreements.decline(account, reason="Too strict.")
    clock.advance(days=1)
    agreements.attest(account)
    agreements.publish("2.0")
    text = card(client_as(cast.alice).get(url(account)))
    assert "Outdated" in text and "Version 2.0 is in force now." in text and "There is time until" in text
    assert "Earlier answers and confirmations" in text and "Too strict." in text


@pytest.mark.parametrize("way", ["/terms", "/terms/attest", "/terms/documents/abcdef"])
def test_strangers_see_nothing_and_viewers_may_not(client_as, cast, account, way):
    assert client_as(cast.charlie).get(url(account, way)).status_code == 404
    assert client_as(cast.vera).get(url(account, way)).status_code == 403


@pytest.mark.parametrize("way", ["/terms/send", "/terms/withdraw", "/terms/attest"])
def test_strangers_and_viewers_change_nothing(client_as, cast, account, way):
    sent = {"once": "once-0123456789abcdef", "agreed": "y", "reference": "MSA-8", "agreed_on": "2026-02-01"}
    assert client_as(cast.charlie).post(url(account, way), data=sent).status_code == 404
    assert client_as(cast.vera).post(url(account, way), data=sent).status_code == 403
    assert FlowDown.select().count() == 0 and FlowDownLink.get().outcome == ""


# The list


def test_the_list_shows_and_filters_every_state_and_so_does_the_file(client_as, cast, agreements):
    words = {
        "none": "Missing", "sent": "Link sent", "declined": "Not agreed", "accepted": "Agreed by the customer",
        "attested": "Agreed, confirmed by you", "outdated": "Outdated",
    }  # fmt: skip
    rows, alice = agreements.one_of_each_state(), client_as(cast.alice)
    for state, account in rows.items():
        page = alice.get(f"/sub-accounts?terms={state}").text
        table = re.search(r"<tbody>.*?</tbody>", page, re.DOTALL)[0]
        assert account.number in table and words[state] in table and table.count("<tr>") == 1
        file = alice.get(f"/sub-accounts/export.csv?terms={state}").text
        assert f",{state}," in file and len(file.splitlines()) == 2
    assert alice.get("/sub-accounts?terms=open").text.count('scope="row"') == 4
    assert alice.get("/sub-accounts?terms=nonsense").text.count('scope="row"') == 6


def test_a_row_turns_by_itself_when_its_customer_answers(alice, agreements, account):
    other = agreements.opened("Other")
    page = alice.get("/sub-accounts").text
    asks = re.search(r'id="watch" hx-get="([^"]+)"', page)[1].replace("&amp;", "&")
    assert alice.get(asks, htmx=True).status_code == 204
    agreements.accept(account)
    turned = alice.get(asks, htmx=True, check=False).text
    assert f'<td id="terms-{account.number}" hx-swap-oob="true"' in turned and "Agreed by the customer" in turned
    assert f"terms-{other.number}" not in turned and other.number in re.search(r'hx-get="([^"]+)"', turned)[1]
    agreements.accept(other)
    again = re.search(r'hx-get="([^"]+)"', turned)[1]
    assert "hx-get" not in alice.get(again, htmx=True, check=False).text


def test_the_watch_tells_nothing_of_others(client_as, cast, account, agreements):
    agreements.accept(account)
    asks = f"/sub-accounts/terms/watch?of={account.number}.x.{'9' * 12}"
    assert client_as(cast.charlie).get(asks, htmx=True).status_code == 204


# Links to many


def test_the_confirmation_names_the_number_and_the_button_sends_that_many(alice, agreements, cast, clock, settings):
    many(cast, clock.now(), 4)
    agreements.opened("Agreed", "attested")
    page = alice.get("/sub-accounts/terms/send?terms=open")
    assert "4 customers get a mail" in page.text and "The filter shows 4 sub-accounts." in page.text
    assert "Send 4 links" in page.text
    once = re.search(r'name="once"[^>]*value="([^"]+)"', page.text)[1]
    for _click in range(2):
        answer = alice.post("/sub-accounts/terms/send?terms=open", data={"once": once})
        assert (answer.status_code, answer.location) == (303, "/sub-accounts?terms=open")
    text = alice.get("/sub-accounts?terms=open").text
    assert "4 links are on their way." in text and "These links were asked for already." in text
    assert FlowDownLink.select().count() == 4
    assert flow_down_links.write_waiting(agreements.act(), settings) == 4
    left = alice.get("/sub-accounts/terms/send?terms=open").text
    assert "There is nobody to send a link to" in left


def test_over_the_limit_of_a_day_the_others_are_sent_and_it_is_said(alice, agreements, cast, clock):
    policy.change(agreements.act(cast.olga), {"flow_down_partner_mails": 10})
    many(cast, clock.now(), 12)
    for number, words in ((0, "10 links are on their way."), (1, "Send again tomorrow.")):
        answer = alice.post("/sub-accounts/terms/send", data={"once": f"once-over-the-limit-{number}"})
        text = alice.get(answer.location).text
        assert words in text and "2 customers got none" in text
    assert "on their way" not in text and FlowDownLink.select().count() == 10


def test_one_more_to_a_full_address_is_refused_with_the_time_of_the_next_one(alice, agreements, cast):
    policy.change(agreements.act(cast.olga), {"flow_down_address_mails": 1})
    agreements.opened("Sent")
    account = agreements.opened("Agreed", "attested")
    agreements.publish("2.0")
    answer = alice.post(f"/sub-accounts/{account.number}/terms/send", data={"once": "once-full-address-1"})
    text = alice.get(answer.location).text
    assert "As many links as one day allows went to kim@customer.example.com" in text
    assert "The next one can be sent on 3 Mar 2026, 10:00" in text
    assert FlowDownLink.select().count() == 1


def test_the_list_leads_there_with_its_filter_and_viewers_are_not_led(alice, client_as, cast, account):
    assert 'href="/sub-accounts/terms/send?terms=sent"' in alice.get("/sub-accounts?terms=sent").text
    vera = client_as(cast.vera)
    assert "/terms/send" not in vera.get("/sub-accounts").text
    assert vera.get("/sub-accounts/terms/send").status_code == vera.post("/sub-accounts/terms/send").status_code == 403


def test_a_form_without_its_key_is_asked_again(alice, cast, clock):
    many(cast, clock.now(), 2)
    assert alice.post("/sub-accounts/terms/send", data={"once": ""}).status_code == 422


# Home, and the provider's staff


def test_home_says_how_many_have_to_renew_until_when(client_as, cast, agreements):
    agreements.one_of_each_state()
    text = client_as(cast.alice).get("/home").text
    assert "1 customer to renew the terms with" in text and "/sub-accounts?terms=outdated" in text and "until" in text
    assert re.search(r'terms=none">\s*1 customer without terms<', text)
    assert re.search(r'terms=sent">\s*1 customer has not answered about the terms yet<', text)
    assert re.search(r'terms=declined">\s*1 customer refuses the terms<', text)


def test_home_is_silent_when_all_agreed(alice, agreements):
    agreements.opened("Agreed", "attested")
    text = alice.get("/home").text
    assert not re.search("renew the terms|without terms|not answered|refuses the terms", text)


def test_staff_see_the_figures_and_fetch_documents(client_as, cast, agreements):
    rows = agreements.one_of_each_state()
    file = agreements.attest(rows["none"], document=("Vertrag.pdf", some_pdf())).document
    oscar, base = client_as(cast.oscar), f"/admin/partners/{cast.northwind.id}"
    assert "3 agreed, 1 to renew, 1 not answered yet, 0 without, 1 refused" in oscar.get(base).text
    page = oscar.get(f"{base}/end-customers").text
    assert "Vertrag.pdf" in page and "1 customer until" in page and "agreed by Kim Kunde" in page
    fetched = oscar.get(f"{base}/end-customers/{rows['none'].number}/{file.public_id}")
    assert fetched.data == some_pdf() and fetched.headers["Content-Disposition"].startswith("attachment")
    other = f"/admin/partners/{cast.contoso.id}/end-customers/{rows['none'].number}/{file.public_id}"
    assert oscar.get(other).status_code == 404 and client_as(cast.alice).get(f"{base}/end-customers").status_code == 404


def test_staff_page_through_many(client_as, cast, agreements):
    for number in range(52):
        agreements.opened(f"Customer {number:02}", "attested")
    oscar = client_as(cast.oscar)
    first = oscar.get(f"/admin/partners/{cast.northwind.id}/end-customers").text
    later = re.search(r'href="([^"]+\?before=\d+)"', first)[1]
    assert first.count('scope="row"') == 50 and oscar.get(later).text.count('scope="row"') == 2
