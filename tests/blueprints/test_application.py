"""Where an application stands, and answers to what the provider asked (T9)."""

import pytest

from models.audit import AuditEvent
from models.outbox import Mail
from models.partner import DetailQuery, Partner
from services import verification


@pytest.fixture
def ask(cast, acting, settings):
    """Northwind has applied, and the operator asks about these details."""

    def asking(**notes: str) -> None:
        Partner.update(state="applied", decided_at=None).where(Partner.id == cast.northwind.id).execute()
        verification.query(acting(cast.olga), settings, cast.northwind.id, notes)

    return asking


def northwind(cast) -> Partner:
    return Partner.get_by_id(cast.northwind.id)


@pytest.mark.parametrize(
    ("state", "says"),
    [
        ("draft", "Open the link in the mail"),
        ("applied", "Your application is with us"),
        ("query", "answers are on their way"),
        ("suspended", "suspended your company"),
        ("closing", "being closed"),
        ("closed", "Your account is closed"),
        ("refused", "cannot accept it"),
    ],
)
@pytest.mark.parametrize("who", ["alice", "vera"])
def test_every_state_is_explained_to_everyone_of_the_company(client_as, cast, state, says, who):
    Partner.update(state=state, decision_note="between us: fake").where(Partner.id == cast.northwind.id).execute()
    browser = client_as(getattr(cast, who))
    assert browser.get("/home").location == "/application"
    assert browser.get("/").location == "/application"
    page = browser.get("/application").text
    assert says in page and "between us" not in page


def test_after_approval_the_page_leads_home(client_as, cast):
    assert client_as(cast.alice).get("/application").location == "/home"


def test_operators_and_strangers_have_no_application(client, client_as, cast):
    assert client_as(cast.olga).get("/application").status_code == 404
    assert client.get("/application").location.startswith("/login")


def test_a_question_is_shown_beside_the_present_value(client_as, cast, ask):
    ask(street="Which house number?\nA photo will do.", vat_id="Not found in VIES")
    page = client_as(cast.alice).get("/application").text
    assert "We have a question" in page
    assert "Which house number?" in page and "Not found in VIES" in page
    assert 'value="Hauptstraße 1"' in page and 'value="DE136695976"' in page and 'name="city"' not in page


def test_an_answer_corrects_the_detail_and_gives_the_application_back(client_as, cast, ask, clock):
    ask(street="Which house number?")
    clock.advance(hours=2)
    answer = client_as(cast.alice).post("/application", data={"street": " Hauptstraße  7b ", "answer_street": "Moved."})
    assert (answer.status_code, answer.location) == (303, "/application")
    partner = northwind(cast)
    assert (partner.state, partner.street, partner.city) == ("applied", "Hauptstraße 7b", "Berlin")
    row = DetailQuery.get()
    assert (row.value_before, row.value_after, row.answer) == ("Hauptstraße 1", "Hauptstraße 7b", "Moved.")
    assert (row.answered_by, row.answered_at) == ("Alice Adler", clock.now())
    trail = AuditEvent.get(AuditEvent.action == "partner.answered")
    assert trail.before["street"] == "Hauptstraße 1" and trail.after["street"] == "Hauptstraße 7b"
    assert trail.actor_name == "Alice Adler" and trail.partner_id == partner.id


def test_an_unchanged_detail_needs_an_explanation(client_as, cast, ask):
    ask(street="Which house number?")
    browser = client_as(cast.alice)
    answer = browser.post("/application", data={"street": "Hauptstraße 1", "answer_street": "  "})
    assert answer.status_code == 422 and 'href="#answer_street"' in answer.text
    assert "Street and number: correct it" in answer.text
    assert northwind(cast).state == "query"
    assert (
        browser.post("/application", data={"street": "Hauptstraße 1", "answer_street": "It is right."}).status_code
        == 303
    )
    assert DetailQuery.get().answer == "It is right."


def test_all_questions_are_answered_together_or_none(client_as, cast, ask):
    ask(street="?", phone="?")
    answer = client_as(cast.alice).post("/application", data={"street": "Neue Straße 2", "phone": "12"})
    assert answer.status_code == 422 and 'value="Neue Straße 2"' in answer.text
    assert northwind(cast).street == "Hauptstraße 1"
    assert DetailQuery.select().where(DetailQuery.answered_at.is_null()).count() == 2


def test_a_changed_country_brings_along_what_has_to_fit_it(client_as, cast, ask):
    ask(country="Your VAT number is Austrian?")
    browser = client_as(cast.alice)
    page = browser.get("/application").text
    assert 'name="vat_id"' in page and 'name="postcode"' in page and 'name="street"' not in page
    as_it_stands = {"vat_id": "DE136695976", "postcode": "10115", "register_number": "HRB 1001 B"}
    wrong = browser.post("/application", data={**as_it_stands, "country": "AT"})
    assert wrong.status_code == 422 and "Correct one of the two" in wrong.text
    right = {"country": "AT", "vat_id": "ATU13585627", "postcode": "1010", "register_number": "FN 1"}
    assert browser.post("/application", data=right).status_code == 303
    partner = northwind(cast)
    assert (partner.country, partner.vat_id, partner.postcode) == ("AT", "ATU13585627", "1010")


def test_only_what_was_asked_about_can_be_changed(client_as, cast, ask):
    ask(street="?")
    given = {"street": "Neue Straße 2", "legal_name": "Evil AG", "city": "Bonn", "state": "active", "public_id": "x"}
    client_as(cast.alice).post("/application", data=given)
    partner = northwind(cast)
    assert (partner.legal_name, partner.city, partner.state) == ("Northwind Traders GmbH", "Berlin", "applied")
    assert partner.public_id == "northwind"


def test_a_new_company_name_can_be_found_by_its_new_key(client_as, cast, ask):
    ask(legal_name="Legal form?")
    client_as(cast.alice).post("/application", data={"legal_name": "NORTHWIND Großhandel KG"})
    assert northwind(cast).name_key == "northwind grosshandel kg"


@pytest.mark.parametrize("who", ["bob", "vera"])
def test_others_read_the_question_but_only_an_administrator_answers(client_as, cast, ask, who):
    ask(street="Which house number?")
    browser = client_as(getattr(cast, who))
    page = browser.get("/application").text
    assert "Which house number?" in page and 'name="street"' not in page
    assert browser.post("/application", data={"street": "Neue Straße 2"}).status_code == 403


def test_a_second_answer_finds_nothing_left_to_do(client_as, cast, ask):
    ask(street="?")
    browser = client_as(cast.alice)
    browser.post("/application", data={"street": "Neue Straße 2"})
    assert browser.post("/application", data={"street": "Dritte Straße 3"}).status_code == 303
    assert "no open question" in browser.get("/application").text
    assert northwind(cast).street == "Neue Straße 2"


@pytest.mark.parametrize("hostile", ["Haupt\u202estraße 1", "a\r\nb 1", "x1" * 5000])
def test_hostile_answers_are_refused(client_as, cast, ask, hostile):
    ask(street="?")
    assert client_as(cast.alice).post("/application", data={"street": hostile}).status_code == 422


def test_markup_in_notes_and_answers_is_only_text(client_as, cast, ask):
    ask(street="<script>alert(1)</script>")
    page = client_as(cast.alice).get("/application", check=False).text
    assert "<script>alert" not in page and "&lt;script&gt;alert(1)" in page


def test_a_question_that_was_answered_can_be_asked_again(client_as, cast, ask, acting, settings):
    ask(street="?")
    browser = client_as(cast.alice)
    browser.post("/application", data={"street": "Neue Straße 2"})
    verification.query(acting(cast.olga), settings, cast.northwind.id, {"street": "Really?"})
    assert "Really?" in browser.get("/application").text
    browser.post("/application", data={"street": "Neue Straße 2", "answer_street": "Yes."})
    assert northwind(cast).state == "applied"
    mails = Mail.select().where(Mail.template == "application_query")
    assert [mail.recipient for mail in mails] == [cast.alice.email] * 2
