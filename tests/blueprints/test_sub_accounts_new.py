"""Opening a sub-account by its form: every field, every refusal, double clicks, several contracts and regions."""

import re
from datetime import UTC, datetime

import pytest

from models.base import write_tx
from models.contract import Contract
from models.sub_account import Region, SubAccount
from models.terms import TermsVersion
from services import flow_down_limits, policy
from tests.accounts import TB, opened
from tests.past_the_rules import published_texts_can_be_changed


@pytest.fixture
def alice(client_as, cast):
    return client_as(cast.alice)


@pytest.fixture
def whole(alice) -> dict[str, str]:
    """A form that is accepted, with the one-time key that the page gave out."""
    once = re.search(r'name="once"[^>]*value="([^"]+)"', alice.get("/sub-accounts/new").text)[1]
    return {
        "once": once,
        "customer": "Müller GmbH",
        "name": "",
        "contact_name": "Marta Müller",
        "contact_email": "marta@example.com",
        "billing": "reserved",
        "allocation": "1,5 TB",
        "overdraft": "no",
        "agreed": "y",
        "reference": "MSA-77",
        "agreed_on": "2026-02-01",
    }


def refused(answer, words: str, field: str) -> None:
    assert answer.status_code == 422, answer.status_code
    assert re.search(r"<title>Error: ", answer.text) and "There is a problem" in answer.text
    assert answer.text.count(words) >= 2, f"{words!r} stands at the top and at the field"
    assert f'href="#{field}' in answer.text
    assert SubAccount.select().count() == 0


def test_a_plain_form_opens_it_and_leads_to_its_page(alice, whole):
    answer = alice.post("/sub-accounts/new", data=whole)
    account = SubAccount.get()
    assert answer.status_code == 303 and answer.location == f"/sub-accounts/{account.number}"
    assert (account.name, account.allocated_bytes, account.allow_overdraft) == ("Müller GmbH", 1_500 * 10**9, False)
    assert "Being set up" in alice.get(answer.location).text


def test_a_double_click_opens_one_and_leads_to_the_same_page(alice, whole):
    places = {alice.post("/sub-accounts/new", data=whole).location for _ in range(2)}
    assert len(places) == 1 and SubAccount.select().count() == 1


def test_going_back_and_sending_other_values_is_explained_and_can_be_sent_again(alice, whole):
    alice.post("/sub-accounts/new", data=whole)
    answer = alice.post("/sub-accounts/new", data=whole | {"customer": "Other"})
    assert answer.status_code == 422 and "already sent with other values" in answer.text
    once = re.search(r'name="once"[^>]*value="([^"]+)"', answer.text)[1]
    assert alice.post("/sub-accounts/new", data=whole | {"customer": "Other", "once": once}).status_code == 303


def test_pay_per_use_needs_no_amount_and_the_excess_choice_is_kept(alice, whole):
    alice.post("/sub-accounts/new", data=whole | {"billing": "pay_per_use", "allocation": ""})
    assert (SubAccount.get().billing, SubAccount.get().allocated_bytes) == ("pay_per_use", 0)


def test_more_may_be_used_when_that_is_chosen(alice, whole):
    page = alice.get("/sub-accounts/new").text
    assert "Writing stops. Nothing is deleted" in page
    assert re.search(r"The excess is billed at [^<]*0\.008[^<]* per GB and month", page)
    alice.post("/sub-accounts/new", data=whole | {"overdraft": "yes"})
    assert SubAccount.get().allow_overdraft is True


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("customer", "", "Enter the customer's name."),
        ("customer", "a\u200bb", "cannot be seen"),
        ("customer", "Invoice http://evil.example", "A name does not contain a web address."),
        ("contact_name", "www.evil.example", "A name does not contain a web address."),
        ("contact_name", "", "Enter the contact's name."),
        ("contact_email", "", "Enter the contact's mail address."),
        ("contact_email", "marta", "Enter a mail address such as"),
        ("billing", "", "Choose one of the two."),
        ("allocation", "", "Enter an amount such as"),
        ("allocation", "11 TB", "At most 10\u00a0TB is free."),
        ("allocation", "1.5.2 TB", "can be read in more than one way"),
        ("allocation", "-1 TB", "cannot be below zero"),
        ("allocation", "9999999 PB", "more than this portal can count"),
        ("agreed", None, "Confirm that the customer has agreed."),
        ("reference", "", "Enter the number or name by which you find that contract again."),
        ("agreed_on", "", "Enter the day on which the customer agreed."),
        ("agreed_on", "yesterday", "Enter a day such as 2026-03-01"),
        ("agreed_on", "2026-03-03", "at the latest today, 2 Mar 2026"),
    ],
)
def test_what_is_missing_or_wrong_is_said_at_its_field_and_nothing_typed_is_lost(alice, whole, field, value, words):
    sent = {name: text for name, text in (whole | {field: value}).items() if text is not None}
    answer = alice.post("/sub-accounts/new", data=sent)
    refused(answer, words, field)
    assert 'value="Marta Müller"' in answer.text or field == "contact_name"


def test_a_link_that_the_day_has_no_room_for_is_said_at_its_field(alice, whole, cast, acting):
    policy.change(acting(cast.olga), {"flow_down_address_mails": 1})
    with write_tx():
        flow_down_limits.take(acting(), cast.contoso.id, ["MARTA@example.com"])
    answer = alice.post("/sub-accounts/new", data=whole | {"way": "link"})
    refused(answer, "As many links as one day allows went to marta@example.com.", "contact_email")
    assert alice.post("/sub-accounts/new", data=whole | {"way": "attested"}).status_code == 303


def test_a_day_may_be_typed_as_in_german(alice, whole):
    assert alice.post("/sub-accounts/new", data=whole | {"agreed_on": "1.2.2026"}).status_code == 303


def test_a_name_that_is_taken_names_the_one_that_has_it(alice, whole, cast, settings, clock):
    first = opened(cast, settings, clock.now())
    answer = alice.post("/sub-accounts/new", data=whole | {"customer": "MÜLLER GMBH"})
    assert answer.status_code == 422 and f"Your sub-account {first.number} is already called" in answer.text


def test_with_several_contracts_and_regions_one_chooses(alice, whole, cast, clock):
    values = {**cast.contract.__data__, "number": "RCP-1002", "public_id": "rcp-1002", "reserved_bytes": 3 * TB}
    Contract.create(**{name: value for name, value in values.items() if name != "id"})
    Region.create(name="south", endpoint="http://127.0.0.1:9", s3_region="x")
    page = alice.get("/sub-accounts/new").text
    assert "RCP-1002, 3\u00a0TB free" in page and ">south</option>" in page
    assert alice.post("/sub-accounts/new", data=whole).status_code == 422
    sent = whole | {"contract": "RCP-1002", "region": "south"}
    assert alice.post("/sub-accounts/new", data=sent).status_code == 303
    account = SubAccount.get()
    assert (account.contract.number, account.region.name) == ("RCP-1002", "south")


@pytest.fixture
def south(cast) -> Region:
    return Region.create(name="south", display_name="Hamburg", place="Germany", s3_region="x")


def test_regions_are_offered_by_what_people_call_them(alice, south):
    page = alice.get("/sub-accounts/new").text
    assert '<option value="south">Hamburg, Germany</option>' in page


@pytest.mark.parametrize("values", [{"closed": True}, {"removed_at": datetime(2026, 3, 1, tzinfo=UTC)}])
def test_a_region_that_takes_no_new_ones_is_not_offered_and_cannot_be_named(alice, whole, south, cast, values):
    Region.update(**values).where(Region.id == south.id).execute()
    page = alice.get("/sub-accounts/new").text
    assert "Hamburg" not in page and f'type="hidden" name="region" value="{cast.region.name}"' in page
    answer = alice.post("/sub-accounts/new", data=whole | {"region": "south"})
    refused(answer, "This region takes no new sub-accounts. Choose another one.", "region")


def test_a_region_that_closed_while_the_form_was_open_is_not_replaced_by_another(alice, whole, south, cast):
    Region.update(closed=True).where(Region.id == cast.region.id).execute()
    answer = alice.post("/sub-accounts/new", data=whole | {"region": cast.region.name})
    refused(answer, "This region takes no new sub-accounts. Choose another one.", "region")
    assert ">Hamburg, Germany</option>" in answer.text
    assert alice.post("/sub-accounts/new", data=whole | {"region": "south"}).status_code == 303
    assert "Hamburg" in alice.get(f"/sub-accounts/{SubAccount.get().number}").text


def test_between_several_regions_none_is_taken_for_chosen(alice, whole, south):
    refused(alice.post("/sub-accounts/new", data=whole), "Choose one of the regions.", "region")


def test_without_an_open_region_there_is_no_form(alice, cast):
    Region.update(closed=True).execute()
    assert "No storage region is ready yet" in alice.get("/sub-accounts/new").text


def test_a_contract_of_somebody_else_cannot_be_named(alice, whole, cast):
    alice.post("/sub-accounts/new", data=whole | {"contract": cast.other_contract.number})
    assert Contract.get_by_id(cast.other_contract.id).allocated_bytes == 0
    assert SubAccount.select().where(SubAccount.contract == cast.other_contract).count() == 0


def test_what_is_missing_before_one_can_be_opened_is_said(alice, cast):
    Region.delete().execute()
    assert "No storage region is ready yet" in alice.get("/sub-accounts/new").text
    Contract.update(state="expired").execute()
    assert alice.get("/sub-accounts/new").location == "/application"  # without a contract exports alone are open


def test_without_terms_for_end_customers_there_is_no_form(alice, cast):
    with published_texts_can_be_changed():
        TermsVersion.update(state="draft").where(TermsVersion.kind == "flow_down").execute()
    assert "The terms for end customers are not published yet" in alice.get("/sub-accounts/new").text


def test_a_pay_per_use_contract_offers_no_amount(alice, whole, cast):
    Contract.update(kind="pay_per_use", reserved_bytes=0).where(Contract.id == cast.contract.id).execute()
    assert 'name="allocation"' not in alice.get("/sub-accounts/new").text
    sent = {name: value for name, value in whole.items() if name not in ("allocation", "overdraft")}
    assert alice.post("/sub-accounts/new", data=sent | {"billing": "pay_per_use"}).status_code == 303


def test_fields_that_the_form_does_not_have_change_nothing(alice, whole, cast):
    more = {"phase": "ready", "partner_id": str(cast.contoso.id), "number": "1" * 12, "allocated_bytes": "9"}
    alice.post("/sub-accounts/new", data=whole | more)
    account = SubAccount.get()
    assert (account.phase, account.partner, account.allocated_bytes) == ("pending", cast.northwind, 1_500 * 10**9)


def test_the_terms_can_be_read_in_place(alice, cast):
    text = alice.get("/sub-accounts/new").text
    assert "Terms for end customers" in text and "What you may and may not do" in text


@pytest.mark.parametrize(("who", "status"), [("vera", 403), ("bob", 200), ("olga", 404)])
def test_who_may_open_one(client_as, cast, who, status):
    browser = client_as(getattr(cast, who))
    assert browser.get("/sub-accounts/new").status_code == status
    if status != 200:
        assert browser.post("/sub-accounts/new", data={}).status_code == status
