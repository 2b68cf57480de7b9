"""Signing up with plain requests, as a browser without scripts does."""

import re

import pytest

from models.audit import AuditEvent
from models.outbox import Mail
from models.partner import Member, Partner, SignUpDraft
from models.terms import Acceptance, TermsVersion
from services import legal_text, passwords
from tests.blueprints.signing_up import COMPANY, PASSWORD, PERSON, boxes, fill_in, link_in, mails, publish, sign_up
from tests.page import check_partial


@pytest.fixture(autouse=True)
def published(app, request) -> None:
    if "cast" in request.fixturenames:
        request.getfixturevalue("cast")  # it brings the same texts, in force for longer
    publish(app)


def new_terms(at, label: str = "2.0") -> TermsVersion:
    body = "## 1. New\n\nOther words.\n"
    values = {"kind": "portal_terms", "label": label, "language": "en", "title": "New terms", "body": body}
    return TermsVersion.create(
        **values, sha256=legal_text.digest(body), state="published", published_at=at, effective_at=at
    )


def test_a_stranger_signs_up_from_the_first_page_to_the_confirmed_application(client):
    assert "/sign-up" in client.get("/").text
    start = client.get("/sign-up")
    assert start.location == "/sign-up/company"
    assert client.get(start.location).status_code == 200
    company = client.post("/sign-up/company", data=COMPANY)
    assert (company.status_code, company.location) == (303, "/sign-up/person")
    assert client.get("/sign-up/person").status_code == 200
    person = client.post("/sign-up/person", data=PERSON)
    assert (person.status_code, person.location) == (303, "/sign-up/check")
    check = client.get("/sign-up/check").text
    assert "Fabrikam Süd GmbH &amp; Co. KG" in check and "DE136695976" in check and "80331 München" in check
    agreed = client.post("/sign-up/terms", data=boxes(client.get("/sign-up/terms").text))
    assert (agreed.status_code, agreed.location) == (303, "/sign-up/sent")
    assert "Dora.Dietz@fabrikam.example.com" in client.get("/sign-up/sent").text
    link = link_in(mails("sign_up_confirm")[0])
    assert "Confirm and send the application" in client.get(link).text
    assert Partner.get().state == "draft"
    confirmed = client.post(link)
    assert (confirmed.status_code, confirmed.location) == (303, "/application")
    partner = Partner.get()
    assert (partner.state, partner.vat_id, partner.postcode, partner.phone) == (
        "applied",
        "DE136695976",
        "80331",
        "+49891234567",
    )
    assert "We are checking your application" in client.get("/application").text
    assert [mail.template for mail in Mail.select().order_by(Mail.id)] == [
        "sign_up_confirm",
        "receipt",
        "application_received",
    ]


def test_the_first_member_is_an_administrator_with_what_was_entered(client):
    sign_up(client, person={"relation": "agent", "person_phone": "0171 2345678"})
    member = Member.get()
    assert (member.name, member.email, member.email_key) == (
        "Dora Dietz",
        "Dora.Dietz@fabrikam.example.com",
        "dora.dietz@fabrikam.example.com",
    )
    assert (member.role, member.relation, member.phone, member.job_title) == (
        "admin",
        "agent",
        "+491712345678",
        "Owner",
    )
    assert member.declared_authority and member.email_confirmed_at is None
    assert passwords.matches(member.password_hash, PASSWORD)
    assert (member.locale, member.time_zone) == ("en", "Europe/Berlin")


def test_a_member_who_has_not_confirmed_cannot_come_in(client):
    sign_up(client)
    client.post("/login", data={"email": PERSON["email"], "password": PASSWORD})
    assert client.get("/application").status_code == 303


def test_the_evidence_names_text_person_company_device_and_words(client, clock):
    fill_in(client)
    page = client.get("/sign-up/terms").text
    client.post("/sign-up/terms", data=boxes(page), headers={"User-Agent": "Firefox/140"})
    rows = list(Acceptance.select().order_by(Acceptance.id))
    kinds = ["portal_terms", "data_processing", "acceptable_use", "privacy_notice"]
    assert [row.version.kind for row in rows] == kinds
    for row in rows:
        assert row.sha256 == row.version.sha256 == legal_text.digest(row.version.body)
        assert (row.partner_name, row.register_number, row.member_name) == (
            "Fabrikam Süd GmbH & Co. KG",
            "HRB 4711",
            "Dora Dietz",
        )
        assert (row.ip, row.user_agent, row.accepted_at) == ("127.0.0.1", "Firefox/140", clock.now())
        assert len(row.session_hash) == 64 and len(row.request_id) == 16 and row.declared_authority
        for words in (*row.shown["boxes"].values(), row.shown["authority"], row.shown["button"]):
            assert words.replace("&", "&amp;") in page
    actors = {event.actor_name for event in AuditEvent.select().where(AuditEvent.action == "terms.accepted")}
    assert actors == {"Dora Dietz"}


def test_the_terms_are_shown_in_full_and_every_box_starts_empty(client):
    fill_in(client)
    page = client.get("/sign-up/terms").text
    for version in TermsVersion.select().where(TermsVersion.language == "en", TermsVersion.kind != "flow_down"):
        last = legal_text.to_html(version.body).rstrip().splitlines()[-1]
        assert last in page
        assert f"/terms/{version.kind}/{version.label}/en.txt" in page
    assert len(re.findall(r'type="checkbox"', page)) == 5
    assert "checked" not in page
    assert 'tabindex="0" role="region"' in page


@pytest.mark.parametrize(
    "left_out", ["agree_portal_terms", "agree_data_processing", "agree_privacy_notice", "authority"]
)
def test_each_box_is_needed(client, left_out):
    fill_in(client)
    ticked = boxes(client.get("/sign-up/terms").text)
    del ticked[left_out]
    answer = client.post("/sign-up/terms", data=ticked)
    assert answer.status_code == 422
    assert f'href="#{left_out}"' in answer.text
    assert not Partner.select().exists() and not Mail.select().exists()


def test_terms_published_while_the_page_was_open_are_shown_anew(client, clock):
    fill_in(client)
    ticked = boxes(client.get("/sign-up/terms").text)
    clock.advance(minutes=3)
    new_terms(clock.now())
    answer = client.post("/sign-up/terms", data=ticked)
    assert answer.status_code == 409
    assert "Other words." in answer.text and "A newer text was published" in answer.text
    assert "checked" not in answer.text
    assert not Partner.select().exists()
    again = client.post("/sign-up/terms", data=boxes(answer.text))
    assert again.status_code == 303
    assert Acceptance.select().where(Acceptance.sha256 == legal_text.digest("## 1. New\n\nOther words.\n")).exists()


@pytest.mark.parametrize("forged", ["0:x", "junk", "", "99999999:" + "0" * 64])
def test_a_forged_version_is_not_consent(client, forged):
    fill_in(client)
    ticked = boxes(client.get("/sign-up/terms").text)
    answer = client.post("/sign-up/terms", data={**ticked, "seen_portal_terms": forged})
    assert answer.status_code == 409
    assert not Partner.select().exists()


def test_agreeing_twice_makes_one_application(client):
    fill_in(client)
    ticked = boxes(client.get("/sign-up/terms").text)
    for _click in range(2):
        answer = client.post("/sign-up/terms", data=ticked)
        assert (answer.status_code, answer.location) == (303, "/sign-up/sent")
    assert Partner.select().count() == Member.select().count() == 1
    assert len(mails("sign_up_confirm")) == 1
    client.post(link_in(mails("sign_up_confirm")[0]))
    assert len(mails("receipt")) == 1


def test_a_step_left_half_way_is_found_again_on_the_same_device(client, app, clock):
    client.post("/sign-up/company", data=COMPANY)
    clock.advance(days=29)
    with client.own_session() as cookie:
        assert cookie.permanent
    resumed = client.get("/sign-up")
    assert resumed.location == "/sign-up/person"
    assert "This is what you entered before" in client.get(resumed.location).text
    assert 'value="Lange Gasse 5"' in client.get("/sign-up/company").text
    assert app.test_client().get("/sign-up").location == "/sign-up/company"


def test_a_draft_is_gone_after_its_days(client, clock):
    fill_in(client)
    clock.advance(days=31)
    assert client.get("/sign-up").location == "/sign-up/company"
    assert "Lange Gasse" not in client.get("/sign-up/company").text
    assert client.post("/sign-up/terms", data={}).location == "/sign-up/company"
    client.post("/sign-up/company", data=COMPANY)
    assert SignUpDraft.select().count() == 1


def test_the_cookie_and_the_table_do_not_hold_the_details(client):
    fill_in(client)
    with client.own_session() as cookie:
        held = str(dict(cookie))
        token = cookie["sign_up"]
    draft = SignUpDraft.get()
    assert "Fabrikam" not in held and token not in (draft.token_hash, str(draft.details))
    assert PASSWORD not in str(draft.details) and draft.password_hash.startswith("$argon2id$")


def test_going_back_keeps_everything_and_returns_to_the_check(client):
    fill_in(client)
    page = client.get("/sign-up/person").text
    assert 'value="Dora Dietz"' in page and "You have chosen one" in page
    assert PASSWORD not in page
    before = SignUpDraft.get().password_hash
    answer = client.post("/sign-up/company", data={**COMPANY, "city": "Fürth"})
    assert answer.location == "/sign-up/check"
    answer = client.post("/sign-up/person", data={**PERSON, "password": "", "job_title": "Chair"})
    assert answer.location == "/sign-up/check"
    assert SignUpDraft.get().password_hash == before
    assert "Fürth" in client.get("/sign-up/check").text and "Chair" in client.get("/sign-up/check").text


def test_a_new_password_replaces_the_one_chosen_before(client):
    fill_in(client)
    client.post("/sign-up/person", data={**PERSON, "password": "quite another long secret"})
    assert passwords.matches(SignUpDraft.get().password_hash, "quite another long secret")


@pytest.mark.parametrize("step", ["person", "check", "terms", "sent"])
def test_no_step_can_be_jumped_to(client, step):
    assert client.get(f"/sign-up/{step}").location == "/sign-up/company"


def test_every_wrong_detail_is_named_at_once_and_what_was_typed_stays(client):
    answer = client.post("/sign-up/company", data={**COMPANY, "country": "AT", "postcode": "D-80331", "phone": "x"})
    assert answer.status_code == 422
    for field in ("vat_id", "postcode", "phone"):
        assert f'href="#{field}"' in answer.text and f'id="{field}-error"' in answer.text
    assert "Correct one of the two" in answer.text and "Example: 1010" in answer.text
    assert 'value="D-80331"' in answer.text
    assert not SignUpDraft.select().exists()


@pytest.mark.parametrize(
    ("password", "says"),
    [("", "Choose a password."), ("short", "use at least 15"), ("Fabrikam Dora Dietz 1", "mostly your name")],
)
def test_a_weak_password_is_explained_and_never_shown_again(client, password, says):
    client.post("/sign-up/company", data=COMPANY)
    answer = client.post("/sign-up/person", data={**PERSON, "password": password})
    assert answer.status_code == 422 and says in answer.text
    assert f'value="{password}"' not in answer.text or not password


@pytest.mark.parametrize("step", ["company", "person"])
def test_hostile_text_is_refused_or_shown_as_text(client, step):
    client.post("/sign-up/company", data=COMPANY)
    field, given = ("legal_name", COMPANY) if step == "company" else ("name", PERSON)
    markup = '"><script>alert(1)</script>{{7*7}}${7*7}'
    assert client.post(f"/sign-up/{step}", data={**given, field: markup}).status_code == 303
    page = client.get(f"/sign-up/{step}", check=False).text
    assert "<script>alert" not in page and "&lt;script&gt;alert(1)" in page
    for hostile in ("Fabri\u202ekam", "Fabri\u200bkam", "a\r\nBcc: x@y.com", "x1" * 5000):
        answer = client.post(f"/sign-up/{step}", data={**given, field: hostile})
        assert answer.status_code == 422, hostile


def test_fields_that_the_form_does_not_have_change_nothing(client):
    extra = {"state": "active", "role": "owner", "kind": "distributor", "public_id": "x", "declared_authority": "n"}
    sign_up(client, company=extra, person=extra)
    partner = Partner.get()
    assert (partner.state, partner.kind) == ("draft", "channel_partner")
    assert partner.public_id != "x" and Member.get().role == "admin"


def test_another_country_brings_its_own_hints_without_a_new_page(client):
    answer = client.get("/sign-up/company?country=AT", htmx=True)
    check_partial(answer)
    assert "ATU13585627" in answer.text and "1010" in answer.text and 'id="phone-hint"' in answer.text
    assert client.get("/sign-up/company?country=zz%22", htmx=True).status_code == 200


def test_restart_forgets_the_draft(client):
    fill_in(client)
    assert client.post("/sign-up/restart").location == "/sign-up/company"
    assert not SignUpDraft.select().exists()
    assert "Lange Gasse" not in client.get("/sign-up/company").text


def test_without_the_token_of_the_page_nothing_is_taken(client):
    assert client.post("/sign-up/company", data=COMPANY, csrf=False).status_code == 400
    assert not SignUpDraft.select().exists()


def test_who_is_signed_in_does_not_sign_up(client_as, cast):
    assert client_as(cast.alice).get("/sign-up").location == "/"
