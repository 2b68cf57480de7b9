"""The terms for end customers: how a customer agrees, what is recorded, and what the lists say of it."""

import json
from dataclasses import replace
from datetime import date, timedelta

import pytest
from peewee import IntegrityError

from models import flow_down as questions
from models.audit import AuditEvent
from models.base import database, write_tx
from models.evidence import Evidence, EvidencePersonal
from models.flow_down import CustomerAcceptance, FlowDown, FlowDownLink
from models.outbox import Mail
from models.partner import Member
from models.stored_file import StoredFile
from models.sub_account import SubAccount
from models.terms import TermsVersion
from services import (
    evidence,
    flow_down,
    flow_down_answers,
    flow_down_attesting,
    flow_down_links,
    legal_text,
    mail_sending,
    sub_accounts,
)
from services.attempts import TooManyAttempts
from services.flow_down import FlowDownRefused
from services.flow_down_answers import LinkOver, TextStale
from services.flow_down_attesting import Attestation
from services.refusal import NotFound
from services.sub_account_lookup import own_sub_account
from services.uploads import UploadRefused
from tests.cast import act_of
from tests.services.flow_downs import Agreements, some_pdf

GB = 10**9


@pytest.fixture
def agreements(ground) -> Agreements:
    return Agreements(ground)


@pytest.fixture
def account(agreements) -> SubAccount:
    """Opened with a link that waits."""
    return agreements.opened("Müller GmbH")


def test_opening_with_a_link_sends_it_to_the_contact_and_records_no_agreement(agreements, account):
    mail = Mail.get(Mail.template == "flow_down_link")
    assert (mail.recipient, mail.private) == ("kim@customer.example.com", True)
    assert "Northwind Traders GmbH" in mail.text and "/agree/" in mail.text and "/agree/" in mail.html
    assert FlowDown.select().count() == 0 and agreements.state(account) == "sent"


def test_the_token_is_kept_nowhere_but_in_the_mail_and_gone_once_that_is_sent(agreements, account, settings, clock):
    token = agreements.token(account)
    assert FlowDownLink.get().token_hash == flow_down_links.digest(token)
    mail_sending.send_due(settings, clock.now())
    rows = [str(row) for table in (Mail, FlowDownLink, AuditEvent, SubAccount) for row in table.select().dicts()]
    assert rows and all(token not in row for row in rows)


def test_the_customer_agrees_once_and_that_is_evidence(agreements, account, clock):
    row = agreements.accept(account)
    agreed, link = FlowDown.get(), FlowDownLink.get()
    assert (agreed.way, agreed.acceptance, agreed.attested_by) == ("accepted", row, "Kim Kunde")
    assert (link.outcome, link.ended_at) == ("accepted", clock.now()) and agreements.state(account) == "accepted"
    assert (row.sha256, row.email, row.ip) == (agreed.version.sha256, "kim@customer.example.com", "198.51.100.7")
    assert row.shown == {"box": "I agree", "button": "Agree"} and row.answered_at == clock.now()
    with pytest.raises(LinkOver, match="agreed to by this link"):
        agreements.accept(account)
    assert CustomerAcceptance.select().count() == FlowDown.select().count() == 1


def test_the_record_stands_in_the_chain_of_evidence_and_names_nobody_there(agreements, account):
    row = agreements.accept(account)
    kept = Evidence.get(Evidence.hash == row.hash)
    assert (kept.kind, kept.prev_hash) == ("customer_acceptance", row.prev_hash)
    assert kept.partner == agreements.ground.cast.northwind
    record = json.loads(kept.record)
    assert (record["outcome"], record["sha256"]) == ("accepted", row.sha256) and "Kim" not in kept.record
    personal = json.loads(EvidencePersonal.get(EvidencePersonal.number == kept.number).body)
    assert (personal["person_name"], personal["email"]) == ("Kim Kunde", "kim@customer.example.com")
    assert evidence.head().hash == row.hash


@pytest.mark.parametrize("change", [{"sha256": "0" * 64}, {"person_name": "Somebody Else"}, {"outcome": "declined"}])
def test_an_answer_is_never_changed(agreements, account, change):
    row = agreements.accept(account)
    with pytest.raises(IntegrityError), database.atomic():
        CustomerAcceptance.update(**change).where(CustomerAcceptance.id == row.id).execute()
    with pytest.raises(IntegrityError), database.atomic():
        CustomerAcceptance.delete().where(CustomerAcceptance.id == row.id).execute()


def test_what_is_personal_in_it_can_be_emptied(agreements, account):
    from services.flow_down_records import BLANK

    row = agreements.accept(account)
    with write_tx():
        FlowDown.select().count()
        CustomerAcceptance.update(**BLANK).where(CustomerAcceptance.id == row.id).execute()
    assert CustomerAcceptance.get().person_name == "" and CustomerAcceptance.get().hash == row.hash


def test_the_receipt_goes_to_the_address_of_the_link_with_the_text_as_pdf(agreements, account):
    agreements.accept(account)
    mail = Mail.get(Mail.template == "flow_down_receipt")
    version = FlowDown.get().version
    assert mail.recipient == "kim@customer.example.com" and version.sha256 in mail.text and "Kim Kunde" in mail.text
    attached = mail.attachments.get()
    assert attached.media_type == "application/pdf" and bytes(attached.content).startswith(b"%PDF-")


def test_the_receipt_holds_the_text_that_was_digested(agreements, account):
    import io

    from pypdf import PdfReader

    row = agreements.accept(account)
    content = bytes(Mail.get(Mail.template == "flow_down_receipt").attachments.get().content)
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)
    for part in (row.hash, row.sha256, "Kim Kunde", "198.51.100.7", row.version.body.splitlines()[0].strip("# ")):
        assert part[:40] in text


def test_the_trail_says_who_agreed_and_holds_no_token(agreements, account):
    token = agreements.token(account)
    agreements.accept(account)
    [event] = AuditEvent.select().where(AuditEvent.action == "flow_down.accepted")
    assert event.thing_id == account.number and event.after["name"] == "Kim Kunde"
    assert all(token not in str(event.after) for event in AuditEvent.select())


def test_refusing_is_recorded_and_the_administrators_are_told(agreements, account, cast):
    row = agreements.decline(account, reason="The liability is too low.")
    assert (row.outcome, row.reason, row.person_name) == ("declined", "The liability is too low.", "")
    mails = list(Mail.select().where(Mail.template == "flow_down_declined"))
    admins = Member.select().where(Member.partner == cast.northwind, Member.role == "admin")
    assert [mail.recipient for mail in mails] == [admin.email for admin in admins]
    assert "The liability is too low." in mails[0].text and account.number in mails[0].text
    assert agreements.state(account) == "declined" and FlowDown.select().count() == 0
    assert Evidence.get(Evidence.hash == row.hash).kind == "customer_acceptance"
    with pytest.raises(LinkOver, match="not agreed to"):
        agreements.accept(account)


def test_after_a_refusal_a_new_link_waits_again(agreements, account, clock):
    agreements.decline(account)
    clock.advance(days=1)
    agreements.send(account)
    assert agreements.state(account) == "sent"
    agreements.accept(account)
    assert agreements.state(account) == "accepted"


def test_a_link_lasts_thirty_days(agreements, account, clock):
    clock.advance(days=30)
    assert agreements.state(account) == "none"
    with pytest.raises(LinkOver, match="time of this link is up"):
        agreements.accept(account)


def test_looking_uses_nothing_up(agreements, account, clock):
    token = agreements.token(account)
    for _look in range(3):
        assert flow_down_answers.look(token, clock.now()).sub_account == account
    assert agreements.accept(account)


def test_an_unknown_token_is_nothing(agreements, account, clock):
    with pytest.raises(NotFound):
        flow_down_answers.look("x" * 43, clock.now())


def test_a_newer_link_replaces_the_one_before(agreements, account, clock):
    first = agreements.token(account)
    clock.advance(days=1)
    agreements.send(account)
    with pytest.raises(LinkOver, match="newer link was sent"):
        flow_down_answers.look(first, clock.now())
    assert agreements.accept(account)


def test_a_withdrawn_link_says_so(agreements, account, cast, clock):
    token = agreements.token(account)
    assert flow_down_links.withdraw(agreements.act(), cast.northwind, account.number)
    assert not flow_down_links.withdraw(agreements.act(), cast.northwind, account.number)
    with pytest.raises(LinkOver, match="taken back"):
        flow_down_answers.look(token, clock.now())
    assert agreements.state(account) == "none"


def test_one_address_gets_one_link_a_day_and_a_corrected_one_gets_it_at_once(agreements, account, clock):
    with pytest.raises(FlowDownRefused, match="a day later"):
        agreements.send(account)
    for number in range(2):
        sub_accounts.describe(agreements.act(), account, account.name, "Kim", f"kim{number}@customer.example.com")
        agreements.send(account)
    sub_accounts.describe(agreements.act(), account, account.name, "Kim", "kim9@customer.example.com")
    with pytest.raises(FlowDownRefused, match="a day later"):
        agreements.send(account)
    clock.advance(days=1)
    agreements.send(account)


def test_a_link_to_who_is_not_the_contact_any_more_stops_working(agreements, account, clock):
    token = agreements.token(account)
    sub_accounts.describe(agreements.act(), account, account.name, account.contact_name, "new@customer.example.com")
    with pytest.raises(LinkOver, match="taken back"):
        flow_down_answers.look(token, clock.now())


def test_a_double_click_sends_one_link(agreements, account, clock):
    clock.advance(days=1)
    first = agreements.send(account, once_key="once-twice")
    assert agreements.send(account, once_key="once-twice") == first
    assert Mail.select().where(Mail.template == "flow_down_link").count() == 2


def test_a_version_that_came_meanwhile_is_shown_before_anything_is_recorded(agreements, account, clock):
    seen = agreements.answer()
    agreements.publish("2.0")
    with pytest.raises(TextStale):
        agreements.accept(account, answer=seen)
    assert CustomerAcceptance.select().count() == 0
    assert agreements.accept(account).version.label == "2.0"


@pytest.mark.parametrize("change", [{"sha256": "0" * 64}, {"version_id": 0}])
def test_a_text_that_was_not_shown_is_not_agreed_to(agreements, account, change):
    with pytest.raises(TextStale):
        agreements.accept(account, answer=replace(agreements.answer(), **change))


def test_other_documents_cannot_be_put_in_its_place(agreements, account, clock):
    other = TermsVersion.get(TermsVersion.kind == "privacy_notice", TermsVersion.language == "en")
    with pytest.raises(TextStale):
        agreements.accept(account, answer=replace(agreements.answer(), version_id=other.id, sha256=other.sha256))


def test_the_german_text_is_the_same_version(agreements, account):
    assert agreements.accept(account, answer=agreements.answer("de")).version.language == "de"
    assert agreements.state(account) == "accepted"


def test_guessing_waits(agreements, account):
    for _guess in range(20):
        with pytest.raises(NotFound):
            agreements.accept(account, token="x" * 43)
    with pytest.raises(TooManyAttempts):
        agreements.accept(account, token="x" * 43)


# The partner's word


def test_the_partner_confirms_and_the_link_ends(agreements, account, clock, cast):
    token = agreements.token(account)
    row = agreements.attest(account, document=("Vertrag.pdf", some_pdf()))
    assert (row.way, row.reference, row.agreed_on) == ("attested", "MSA-9", date(2026, 2, 1))
    assert row.document.name == "Vertrag.pdf" and agreements.state(account) == "attested"
    with pytest.raises(LinkOver, match="in another way"):
        flow_down_answers.look(token, clock.now())


def test_what_is_no_pdf_is_refused_and_nothing_is_recorded(agreements, account):
    with pytest.raises(UploadRefused) as caught:
        agreements.attest(account, document=("a.pdf", b"<html>"))
    assert caught.value.field == "document" and FlowDown.select().count() == StoredFile.select().count() == 0
    assert agreements.state(account) == "sent"


@pytest.mark.parametrize(
    ("field", "change"),
    [("reference", {"reference": " "}), ("agreed_on", {"agreed_on": date(2026, 3, 3)}),
     ("agreed_on", {"agreed_on": date(1989, 1, 1)})],
)  # fmt: skip
def test_a_confirmation_that_cannot_be_is_refused(agreements, account, field, change):
    with pytest.raises(FlowDownRefused) as caught:
        agreements.attest(account, **change)
    assert caught.value.field == field and FlowDown.select().count() == 0


def test_what_the_customer_agreed_to_itself_is_not_overwritten(agreements, account):
    agreements.accept(account)
    with pytest.raises(FlowDownRefused, match="agreed to this version itself"):
        agreements.attest(account)
    with pytest.raises(FlowDownRefused, match="already"):
        agreements.send(account)
    assert FlowDown.select().count() == 1


def test_the_same_form_twice_confirms_once(agreements, account):
    assert agreements.attest(account, once_key="once-same") and agreements.attest(account, once_key="once-same") is None
    assert FlowDown.select().count() == 1


def test_the_document_is_fetched_by_its_partner_and_by_staff_and_each_time_on_record(agreements, account, cast):
    file = agreements.attest(account, document=("Vertrag.pdf", some_pdf())).document
    for partner in (cast.northwind, None):
        found = flow_down.document(agreements.act(), partner, account.number, file.public_id)
        assert bytes(found.content) == some_pdf()
    with pytest.raises(NotFound):
        flow_down.document(agreements.act(cast.charlie), cast.contoso, account.number, file.public_id)
    assert AuditEvent.select().where(AuditEvent.action == "flow_down.document_fetched").count() == 2


def test_another_partner_s_sub_account_is_not_found(agreements, account, cast, settings):
    act, said = agreements.act(cast.charlie), Attestation("MSA", date(2026, 2, 1))
    for attempt in (
        lambda: flow_down_links.send(act, settings, cast.contoso, account.number, "en", "once-foreign"),
        lambda: flow_down_links.withdraw(act, cast.contoso, account.number),
        lambda: flow_down_attesting.attest(act, settings, cast.contoso, account.number, said, "once-foreign"),
    ):
        with pytest.raises(NotFound):
            attempt()


# A newer version


def test_a_newer_version_makes_it_outdated_until_it_is_agreed_to(agreements, account, clock):
    agreements.accept(account)
    agreements.publish("2.0")
    assert agreements.state(account) == "outdated"
    clock.advance(days=1)
    agreements.send(account)
    assert (
        agreements.state(account) == "outdated"
        and questions.of_numbers(account.partner, [account.number], clock.now())[0].flow_down_linked
    )
    agreements.accept(account)
    assert agreements.state(account) == "accepted"
    assert [row.version.label for row in FlowDown.select().order_by(FlowDown.id)] == ["1.0", "2.0"]


def test_a_version_announced_for_later_changes_nothing_before(agreements, account, clock):
    agreements.accept(account)
    agreements.publish("2.0", clock.now() + timedelta(days=30))
    assert agreements.state(account) == "accepted"
    clock.advance(days=30)
    assert agreements.state(account) == "outdated"


def test_refusing_the_newer_one_is_said_and_the_older_agreement_stays(agreements, account, clock):
    agreements.accept(account)
    agreements.publish("2.0")
    clock.advance(days=1)
    agreements.send(account)
    agreements.decline(account)
    assert agreements.state(account) == "declined"
    shown = own_sub_account(account.partner, account.number, clock.now())
    assert shown.flow_down.version.label == "1.0"


def test_the_time_for_renewal_begins_when_the_next_version_took_effect(agreements, account, clock):
    version = agreements.accept(account).version
    assert flow_down.renewal_due_at(version, clock.now()) is None
    agreements.publish("2.0", clock.now() + timedelta(days=10))
    agreements.publish("3.0", clock.now() + timedelta(days=40))
    begins_at = clock.now() + timedelta(days=10)
    assert flow_down.renewal_due_at(version, clock.now()) is None
    clock.advance(days=50)
    assert flow_down.renewal_due_at(version, clock.now()) == begins_at + timedelta(days=60)


def test_the_states_and_the_filters_are_one(agreements, clock):
    """Whatever the state column says, the filter of that name finds."""
    rows = agreements.one_of_each_state()
    for name, account in rows.items():
        assert agreements.state(account) == name
        for filter_name in questions.STATES:
            found = agreements.filtered(filter_name)
            assert (account.number in found) == (filter_name == name), (name, filter_name)
    not_agreed = {rows[name].number for name in ("none", "sent", "declined", "outdated")}
    assert agreements.filtered("open") == not_agreed


def test_who_may_act_is_in_the_record(agreements, account, cast, clock):
    agreements.attest(account, person=cast.bob)
    assert FlowDown.get().attested_by == "Bob Brandt"
    assert act_of(cast.bob, clock.now()).actor_name == "Bob Brandt"


def test_the_shipped_text_is_what_was_digested(agreements, account):
    row = agreements.accept(account)
    assert legal_text.digest(row.version.body) == row.sha256
