"""The verification desk on its pages."""

import pytest

from models.outbox import Mail
from models.partner import DetailQuery, Partner
from services import verification
from tests.applicants import answered, applicant, texts_of


@pytest.fixture
def waiting(cast, clock) -> Partner:
    return applicant(clock.now())


def seen(partner: Partner) -> str:
    return verification.fingerprint(Partner.get_by_id(partner.id))


def state(partner: Partner) -> str:
    return Partner.get_by_id(partner.id).state


def test_an_application_goes_from_question_over_answer_to_approval(cast, client_as, waiting, clock):
    support, owner, own = client_as(cast.oscar), client_as(cast.olga), f"/admin/partners/{waiting.id}"
    asked = support.post(
        own + "/query", data={"seen": seen(waiting), "note_city": "Graz or Wien?", "note_phone": "Whose?"}
    )
    assert (asked.status_code, asked.location) == (303, own)
    page = support.get(own)
    assert "2 questions were sent to the partner." in page.text
    assert "Graz or Wien?" in page.text
    for row in DetailQuery.select():
        answered(row, "Graz" if row.field == "city" else waiting.phone, clock.now())
    page = owner.get(own)
    assert texts_of(page, "del, ins")[:2] == ["Wien", "Graz"]
    assert "Confirmed as it is" in page.text
    done = owner.post(own + "/approve", data={"seen": seen(waiting), "rest": "accept"})
    assert (done.status_code, done.location) == (303, own)
    assert state(waiting) == "active"
    page = owner.get(own)
    assert "Fabrikam AG is a partner now" in page.text
    assert "Create a contract" in page.text
    assert texts_of(page, "#decision") == []


def test_it_works_with_htmx_too(cast, client_as, waiting):
    answer = client_as(cast.olga).post(
        f"/admin/partners/{waiting.id}/approve", data={"seen": seen(waiting), "rest": "accept"}, htmx=True
    )
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (204, f"/admin/partners/{waiting.id}")
    assert state(waiting) == "active"


def test_the_form_of_questions_shows_what_was_given_and_what_is_open(cast, client_as, waiting):
    browser, own = client_as(cast.oscar), f"/admin/partners/{waiting.id}/query"
    assert "ATU12345675" in browser.get(own).text
    browser.post(own, data={"seen": seen(waiting), "note_city": "Graz or Wien?"})
    page = browser.get(own)
    assert "Graz or Wien?" in page.text
    assert 'name="note_city"' not in page.text
    assert 'name="note_phone"' in page.text


def test_no_question_at_all_is_refused_in_words(cast, client_as, waiting):
    page = client_as(cast.oscar).post(
        f"/admin/partners/{waiting.id}/query", data={"seen": seen(waiting), "note_city": " "}
    )
    assert page.status_code == 422
    assert "Write a question beside at least one detail." in page.text
    assert state(waiting) == "applied"


def test_an_overlong_question_is_refused_beside_its_field_and_kept(cast, client_as, waiting):
    page = client_as(cast.oscar).post(
        f"/admin/partners/{waiting.id}/query",
        data={"seen": seen(waiting), "note_city": "q" * 1001, "note_phone": "Whose?"},
    )
    assert page.status_code == 422
    assert "Write at most 1000 characters." in "".join(texts_of(page, "#note_city-error"))
    assert "q" * 1001 in page.text
    assert 'value="Whose?"' in page.text
    assert not Mail.select().exists()


def test_questions_do_not_change_what_they_should_not(cast, client_as, waiting):
    extra = {"state": "active", "partner_id": cast.northwind.id, "note_state": "x", "legal_name": "Other"}
    client_as(cast.oscar).post(
        f"/admin/partners/{waiting.id}/query", data={"seen": seen(waiting), "note_city": "?", **extra}
    )
    assert (state(waiting), Partner.get_by_id(waiting.id).legal_name) == ("query", "Fabrikam AG")
    assert [row.field for row in DetailQuery.select()] == ["city"]


def test_the_second_operator_is_told_who_decided(cast, client_as, waiting):
    old = seen(waiting)
    browser = client_as(cast.olga)
    browser.post(f"/admin/partners/{waiting.id}/approve", data={"seen": old, "rest": "accept"})
    again = browser.post(f"/admin/partners/{waiting.id}/approve", data={"seen": old, "rest": "accept"})
    assert again.status_code == 409
    assert "Olga Olsen approved this application on 2 Mar 2026" in "".join(texts_of(again, ".error-summary"))
    late = browser.post(f"/admin/partners/{waiting.id}/refuse", data={"seen": old, "reason": "no"})
    assert late.status_code == 422
    assert "Olga Olsen approved this application" in late.text
    assert Mail.select().count() == 1


def test_an_answer_that_came_in_meanwhile_must_be_looked_at_first(cast, client_as, waiting, clock):
    browser, own = client_as(cast.olga), f"/admin/partners/{waiting.id}"
    browser.post(own + "/query", data={"seen": seen(waiting), "note_city": "Graz or Wien?"})
    old = seen(waiting)
    answered(DetailQuery.get(), "Graz", clock.now())
    early = browser.post(own + "/approve", data={"seen": old, "rest": "accept"})
    assert early.status_code == 409
    assert "changed since you opened the page" in early.text
    assert state(waiting) == "applied"
    assert browser.post(own + "/approve", data={"seen": seen(waiting), "rest": "accept"}).status_code == 303


def test_an_approval_that_does_not_say_what_was_seen_is_refused(cast, client_as, waiting):
    assert client_as(cast.olga).post(f"/admin/partners/{waiting.id}/approve").status_code == 409
    assert state(waiting) == "applied"


def test_a_refusal_needs_a_reason_that_the_partner_never_reads(cast, client_as, waiting):
    browser, own = client_as(cast.olga), f"/admin/partners/{waiting.id}"
    page = browser.post(own + "/refuse", data={"seen": seen(waiting), "reason": ""})
    assert page.status_code == 422
    assert "Write down why" in "".join(texts_of(page, "#reason-error"))
    done = browser.post(own + "/refuse", data={"seen": seen(waiting), "reason": "Forged papers."})
    assert (done.status_code, state(waiting)) == (303, "refused")
    assert "Forged" not in Mail.get().text + Mail.get().html


@pytest.mark.parametrize("what", ["query", "refuse"])
def test_a_decided_application_has_no_forms_any_more(cast, client_as, what):
    browser = client_as(cast.olga)
    answer = browser.get(f"/admin/partners/{cast.northwind.id}/{what}")
    assert (answer.status_code, answer.location) == (303, f"/admin/partners/{cast.northwind.id}")
    assert "There is no open application here." in browser.get(answer.location).text


def test_support_sees_no_buttons_that_it_may_not_press(cast, client_as, waiting):
    page = client_as(cast.oscar).get(f"/admin/partners/{waiting.id}")
    assert texts_of(page, "#decision .button") == ["Ask about details"]


def test_doubts_about_a_name_are_shown_and_do_not_block(cast, client_as, clock):
    twin = applicant(clock.now(), name="Nоrthwind Traders GmbH")
    browser = client_as(cast.olga)
    page = "".join(texts_of(browser.get(f"/admin/partners/{twin.id}"), "#decision .notice"))
    assert "mixes letters of several alphabets: Cyrillic, Latin" in page
    assert "The name is close to that of another partner: Northwind Traders GmbH" in page
    browser.post(f"/admin/partners/{twin.id}/approve", data={"seen": seen(twin), "rest": "accept"})
    assert state(twin) == "active"
