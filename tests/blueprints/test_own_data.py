"""The page "Your data": who gets what, in every state, once at a time, and nothing is kept on the way."""

import io
import json
import zipfile

import pytest

from blueprints import own_data as pages
from models.audit import AuditEvent
from models.partner import PARTNER_STATES, Partner
from models.terms import TermsVersion
from services import own_data
from tests.applicants import texts_of

COMPANY = "/your-data/company.zip"
PERSON = ("/your-data/person.json", "/your-data/person.txt")


def test_everybody_who_signs_in_finds_own_data(cast, client_as):
    for person in (cast.alice, cast.bob, cast.vera, cast.olga, cast.oscar):
        browser = client_as(person)
        page = browser.get("/your-data")
        assert page.status_code == 200 and person.email in page.text
        assert json.loads(browser.get(PERSON[0]).data)["profile"][0]["email"] == person.email
        assert person.email in browser.get(PERSON[1]).text


def test_the_menu_leads_there(cast, client_as):
    assert 'href="/your-data"' in client_as(cast.vera).get("/home").text
    assert 'href="/your-data"' in client_as(cast.oscar).get("/admin").text


def test_a_stranger_is_asked_to_sign_in(cast, client):
    for path in ("/your-data", *PERSON, COMPANY):
        assert client.get(path).status_code == 303


def test_an_administrator_gets_everything_of_the_company(cast, client_as):
    browser = client_as(cast.alice)
    assert COMPANY in browser.get("/your-data").text
    answer = browser.get(COMPANY)
    assert answer.status_code == 200 and answer.mimetype == "application/zip"
    archive = zipfile.ZipFile(io.BytesIO(answer.data))
    assert json.loads(archive.read("manifest.json"))["company"] == cast.northwind.legal_name
    assert b"Contoso" not in archive.read("company.jsonl")
    assert "northwind" in answer.headers["Content-Disposition"]


@pytest.mark.parametrize("name", ["bob", "vera"])
def test_others_of_the_company_do_not(cast, client_as, name):
    browser = client_as(getattr(cast, name))
    assert COMPANY not in browser.get("/your-data").text
    assert browser.get(COMPANY).status_code == 403


def test_for_operators_there_is_no_such_file(cast, client_as):
    assert client_as(cast.olga).get(COMPANY).status_code == 404


@pytest.mark.parametrize("state", [state for state in PARTNER_STATES if state != "barred"])
def test_it_is_open_in_every_state_in_which_people_can_sign_in(cast, client_as, state):
    browser = client_as(cast.alice)
    Partner.update(state=state).where(Partner.id == cast.northwind.id).execute()
    for path in ("/your-data", *PERSON, COMPANY):
        assert browser.get(path).status_code == 200, path


def test_it_is_open_before_any_terms(cast, client_as, clock):
    """Whoever does not agree takes everything along (T1)."""
    old = TermsVersion.get(TermsVersion.kind == "portal_terms", TermsVersion.language == "en")
    values = {**old.__data__, "label": "9999-1", "published_at": clock.now(), "effective_at": clock.now()}
    del values["id"]
    TermsVersion.create(**values)
    browser = client_as(cast.alice)
    for path in ("/your-data", *PERSON, COMPANY):
        assert browser.get(path).status_code == 200, path


def test_nothing_is_kept_on_the_way_and_each_download_is_in_the_trail(cast, client_as):
    browser = client_as(cast.alice)
    for path in (*PERSON, COMPANY):
        assert "no-store" in browser.get(path).headers["Cache-Control"]
    given = [row.action for row in AuditEvent.select().where(AuditEvent.action.startswith("own_data."))]
    assert given == ["own_data.given", "own_data.given", "own_data.exported"]


def test_one_file_at_a_time_for_a_company(cast, client_as):
    browser = client_as(cast.alice)
    end = pages.desk.begin(cast.northwind)
    try:
        answer = browser.get(COMPANY)
        assert answer.status_code == 429 and "being made for you already" in answer.text
        assert texts_of(answer, "h1") == ["Your data"]
    finally:
        end()
    assert browser.get(COMPANY).status_code == 200


def test_the_turn_ends_with_the_file_however_it_ends(cast, client_as):
    browser = client_as(cast.alice)
    answer = browser.get(COMPANY, buffered=False)
    answer.close()
    assert browser.get(COMPANY).status_code == 200


def test_too_many_in_an_hour_are_refused_with_words(cast, client_as, clock):
    browser = client_as(cast.alice)
    for _time in range(own_data.MOST_AN_HOUR):
        assert browser.get(COMPANY).status_code == 200
    answer = browser.get(COMPANY)
    assert answer.status_code == 429 and "Try again later" in answer.text
    assert browser.get("/your-data").status_code == 200
