"""Evidence of acceptance: complete, once, of the exact text, by who may bind the company (T1, T18, threat 18)."""

from datetime import timedelta
from io import BytesIO

import pytest
from pypdf import PdfReader

from models.audit import AuditEvent
from models.outbox import Mail
from models.partner import Member
from models.terms import Acceptance, TermsVersion
from services import consent, consent_receipts, consent_state, documents, legal_text
from services.consent import ConsentMissing, ConsentStale
from services.refusal import NotFound
from tests.evidence_ground import unguarded
from tests.past_the_rules import published_texts_can_be_changed

SHOWN = {
    "boxes": {"portal_terms": "I agree to the terms", "privacy_notice": "I have read the notice"},
    "authority": "I am authorised to bind Northwind",
    "button": "Agree and continue",
}


def publish(kind: str, label: str, at, language: str = "en", **more) -> TermsVersion:
    body = f"{kind} {label} in {language}\n"
    return TermsVersion.create(
        kind=kind,
        label=label,
        language=language,
        title=f"{kind} {label}",
        body=body,
        sha256=legal_text.digest(body),
        state="published",
        **{"published_at": at, "effective_at": at} | more,
    )


@pytest.fixture
def new_terms(cast, clock) -> TermsVersion:
    clock.advance(days=1)
    return publish("portal_terms", "2.0", clock.now())


@pytest.fixture
def accept(acting, settings):
    def accepting(member, *versions, authority=True, **act_values):
        agreed = [(version.id, version.sha256) for version in versions]
        act = acting(member, user_agent="Firefox", request_id="r-1", session_hash="s-1", **act_values)
        return consent.accept(act, member, agreed, shown=SHOWN, declared_authority=authority, settings=settings)

    return accepting


def test_nothing_is_missing_until_a_new_version_comes_into_force(cast, clock):
    assert consent.missing_kinds(cast.alice, clock.now()) == []
    later = publish("portal_terms", "2.0", clock.now(), effective_at=clock.now() + timedelta(days=30))
    assert not consent_state.is_overdue(cast.northwind, clock.now())
    assert consent_state.is_overdue(cast.northwind, later.effective_at)
    assert consent.missing_kinds(cast.alice, later.effective_at) == []


def test_what_is_missing_takes_one_query(cast, clock, count_queries):
    with count_queries() as queries:
        consent.missing_kinds(cast.alice, clock.now())
    assert queries.count == 1


def test_a_text_accepted_in_one_language_is_accepted_in_all(cast, clock, new_terms, accept):
    german = publish("portal_terms", "2.0", clock.now(), "de")
    accept(cast.alice, german)
    assert consent.missing(cast.alice, "en", clock.now()) == []


def test_an_older_version_is_not_asked_for_once_a_newer_holds(cast, clock, new_terms, accept):
    accept(cast.alice, new_terms)
    with unguarded():
        Acceptance.delete().where(Acceptance.version != new_terms).execute()
    assert consent.missing_kinds(cast.alice, clock.now()) == ["acceptable_use", "data_processing", "privacy_notice"]


def test_what_the_administrator_accepts_holds_for_the_staff_and_for_no_other_partner(cast, clock, new_terms, accept):
    accept(cast.alice, new_terms)
    assert not consent_state.of(cast.bob, clock.now()).open
    assert [question.label for question in consent_state.of(cast.charlie, clock.now()).overdue] == ["2.0"]


def test_the_evidence_has_every_column(cast, clock, new_terms, accept):
    [row] = accept(cast.alice, new_terms)
    kept = Acceptance.get_by_id(row.id)
    assert (kept.version_id, kept.sha256) == (new_terms.id, new_terms.sha256)
    assert (kept.partner_id, kept.partner_name, kept.register_number) == (
        cast.northwind.id,
        "Northwind Traders GmbH",
        "HRB 1001 B",
    )
    assert (kept.member_name, kept.member_email, kept.member_role) == ("Alice Adler", cast.alice.email, "admin")
    assert kept.declared_authority and kept.accepted_at == clock.now()
    assert (kept.ip, kept.user_agent, kept.session_hash, kept.request_id) == ("192.0.2.7", "Firefox", "s-1", "r-1")
    assert kept.shown == {**SHOWN, "boxes": {"portal_terms": "I agree to the terms"}}
    trail = AuditEvent.get(AuditEvent.action == "terms.accepted")
    assert trail.after["sha256"] == new_terms.sha256 and trail.partner_id == cast.northwind.id


def test_the_evidence_stays_as_of_then(cast, new_terms, accept):
    [row] = accept(cast.alice, new_terms)
    Member.update(name="Alice Newname", email="new@example.com").where(Member.id == cast.alice.id).execute()
    kept = Acceptance.get_by_id(row.id)
    assert (kept.member_name, kept.member_email) == ("Alice Adler", "alice@northwind.example.com")


def test_the_receipt_is_mailed_with_the_text(cast, new_terms, accept):
    accept(cast.alice, new_terms)
    mail = Mail.get(Mail.template == "receipt")
    assert mail.recipient == cast.alice.email
    assert new_terms.sha256 in mail.text and new_terms.sha256 in mail.html
    text = mail.attachment.split("=" * 72 + "\n")[-1]
    assert legal_text.digest(text) == new_terms.sha256
    assert mail.attachment_name == "documents-2026-03-03.txt"


def test_a_second_click_records_and_mails_nothing(cast, new_terms, accept):
    accept(cast.alice, new_terms)
    assert accept(cast.alice, new_terms) == []
    assert Acceptance.select().where(Acceptance.version == new_terms).count() == 1
    assert Mail.select().where(Mail.template == "receipt").count() == 1


def test_a_newer_version_in_force_refuses_the_older_text(cast, clock, new_terms, accept):
    clock.advance(minutes=5)
    publish("portal_terms", "2.1", clock.now())
    with pytest.raises(ConsentStale):
        accept(cast.alice, new_terms)
    assert not Acceptance.select().where(Acceptance.version == new_terms).exists()


def test_a_text_that_is_not_the_one_shown_is_refused(cast, acting, settings, new_terms):
    with pytest.raises(ConsentStale):
        consent.accept(
            acting(cast.alice),
            cast.alice,
            [(new_terms.id, "0" * 64)],
            shown=SHOWN,
            declared_authority=True,
            settings=settings,
        )


def test_a_text_changed_in_the_database_is_refused(cast, new_terms, accept):
    with published_texts_can_be_changed():
        TermsVersion.update(body="something else\n").where(TermsVersion.id == new_terms.id).execute()
    with pytest.raises(ConsentStale):
        accept(cast.alice, new_terms)


def test_unknown_and_unpublished_versions_are_refused(cast, clock, new_terms, accept):
    with published_texts_can_be_changed():
        TermsVersion.update(state="draft").where(TermsVersion.id == new_terms.id).execute()
    with pytest.raises(ConsentStale):
        accept(cast.alice, new_terms)
    with pytest.raises(ConsentStale):
        accept(cast.alice, TermsVersion(id=10**9, sha256=new_terms.sha256))


@pytest.mark.parametrize("who", ["bob", "vera"])
def test_only_an_administrator_binds_the_company(cast, new_terms, accept, who):
    with pytest.raises(NotFound):
        accept(getattr(cast, who), new_terms)


def test_without_the_box_of_authority_nothing_is_recorded(cast, new_terms, accept):
    with pytest.raises(ConsentMissing) as refusal:
        accept(cast.alice, new_terms, authority=False)
    assert refusal.value.field == "authority"


def test_flow_down_terms_are_not_asked_of_partners(cast, clock):
    publish("flow_down", "2.0", clock.now())
    assert consent.missing_kinds(cast.alice, clock.now()) == []
    assert "flow_down" not in [version.kind for version in documents.required_at_sign_up("en", clock.now())]


def test_receipts_are_seen_by_their_person_and_by_administrators_only(cast, new_terms, accept):
    [row] = accept(cast.alice, new_terms)
    assert consent_receipts.receipt(cast.alice, row.id) == row
    assert {found.member_id for found in consent_receipts.receipts(cast.bob)} == {cast.bob.id}
    for stranger in (cast.bob, cast.charlie):
        with pytest.raises(NotFound):
            consent_receipts.receipt(stranger, row.id)


@pytest.mark.parametrize(("language", "words"), [("en", "In force from"), ("de", "Gilt ab")])
def test_the_receipt_says_from_when_a_version_holds_that_was_accepted_before(
    new_terms, accept, cast, clock, settings, language, words
):
    later = publish("portal_terms", "3.0", clock.now(), effective_at=clock.now() + timedelta(days=30))
    accept(cast.alice, later)
    row = Acceptance.get(Acceptance.version == later)
    pages = PdfReader(BytesIO(consent_receipts.document(settings, language, [row]))).pages
    text = " ".join(page.extract_text() for page in pages)
    assert row.accepted_at < later.effective_at
    assert words in text and "In force since" not in text and f"{later.effective_at:%Y-%m-%d}" in text
