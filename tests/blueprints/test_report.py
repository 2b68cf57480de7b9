"""Reporting a security problem: everybody, on every page, and what it stops."""

import pytest

from models.incident import Incident
from models.session import Session
from models.sub_account import AccessKey
from tests.accounts import opened

FORM = {"kind": "access", "text": "Somebody was here.", "once": "once-1"}


@pytest.fixture
def key(cast, settings, clock):
    account = opened(cast, settings, clock.now(), "Anna Apotheke")
    return AccessKey.get(AccessKey.sub_account == account)


@pytest.mark.parametrize("path", ["/", "/login", "/nothing-here", "/terms", "/signed-out", "/signup/company"])
def test_the_way_to_report_stands_on_every_page_of_strangers(client, cast, path):
    assert '<a href="/security/report">Report a security problem</a>' in client.get(path).text


@pytest.mark.parametrize(("name", "path"), [("alice", "/home"), ("olga", "/admin"), ("vera", "/sub-accounts/1")])
def test_and_on_every_page_of_who_is_signed_in(client_as, cast, name, path):
    assert '<a href="/security/report">Report a security problem</a>' in client_as(getattr(cast, name)).get(path).text


def test_a_fault_page_has_it_too(app, client, cast):
    def fail():
        raise RuntimeError

    fail.access = app.view_functions["report.new"].access
    app.view_functions["report.own"], app.testing = fail, False
    app.config["PROPAGATE_EXCEPTIONS"] = False
    response = client.get("/security/reports")
    assert response.status_code == 500 and "/security/report" in response.text


def test_a_stranger_reports_and_gets_a_number(client, cast):
    page = client.get("/security/report")
    assert "What shall happen at once?" not in page.text and "Which keys" not in page.text
    sent = client.post("/security/report", data=FORM)
    assert sent.location == "/security/report/sent"
    number = Incident.get().number
    assert number in client.get("/security/report/sent").text
    assert client.application.test_client().get("/security/report/sent").location == "/security/report"


def test_a_stranger_learns_nothing_about_accounts(client, cast, key):
    """The same answer whether the names and numbers exist or not."""
    pages = []
    for number, (text, account) in enumerate([(cast.alice.email, key.sub_account.number), ("nobody@x.com", "0" * 12)]):
        form = {"kind": "access", "text": text, "numbers": account, "keys": str(key.id), "once": f"o{number}"}
        answer = client.post("/security/report", data=form | {"at_once": "sessions_own"})
        pages.append((answer.status_code, answer.location))
        shown = client.get("/security/report/sent").text.partition("<main")[2].partition("</main>")[0]
        pages.append(shown.replace(Incident.select().order_by(Incident.id.desc()).get().number, "SR"))
    assert pages[0] == pages[2] and pages[1] == pages[3]
    assert all(row.things == [] and row.contained == [] for row in Incident.select())
    assert "Nothing was stopped" in pages[1]
    assert AccessKey.get_by_id(key.id).wanted == "active"


def test_an_administrator_stops_everything_with_one_form_and_is_signed_out_by_it(client_as, cast, key):
    alice, bob = client_as(cast.alice), client_as(cast.bob)
    page = alice.get("/security/report")
    assert key.access_key_id in page.text and "Anna Apotheke" in page.text
    form = FORM | {"numbers": key.sub_account.number, "keys": str(key.id), "at_once": ["sessions_company"]}
    assert alice.post("/security/report", data=form).location == "/security/report/sent"
    receipt = alice.get("/security/report/sent")
    assert "All log-ins of the company were ended" in receipt.text and "Access keys were switched off" in receipt.text
    assert [browser.get("/home").status_code for browser in (alice, bob)] == [303, 303]
    assert AccessKey.get_by_id(key.id).wanted == "inactive"


def test_staff_and_viewers_choose_for_themselves_only(client_as, cast, key):
    for name, may_keys in (("bob", True), ("vera", False)):
        page = client_as(getattr(cast, name)).get("/security/report").text
        assert "in my company" not in page and "End all my log-ins" in page
        assert (key.access_key_id in page) is may_keys


@pytest.mark.parametrize("more", [{"at_once": "sessions_company"}, {"keys": "1"}, {"numbers": "000000000000"}])
def test_what_was_not_offered_is_not_found_and_nothing_is_filed(client_as, cast, key, more):
    vera = client_as(cast.vera)
    assert vera.post("/security/report", data=FORM | more).status_code == 404
    assert Incident.select().count() == 0
    assert Session.select().where(Session.ended_at.is_null()).count() == 1


def test_what_is_missing_is_said_beside_its_field_and_what_was_typed_stays(client):
    page = client.post("/security/report", data={"text": "Look at this", "once": "x"})
    assert page.status_code == 422 and "Choose what happened." in page.text and "Look at this" in page.text
    page = client.post("/security/report", data={"kind": "key", "once": "x"})
    assert "Write in a sentence what happened." in page.text


def test_a_flood_is_told_where_else_to_turn(client, cast, settings):
    for number in range(20):
        client.post("/security/report", data=FORM | {"once": f"f{number}"})
    page = client.post("/security/report", data=FORM | {"once": "more", "text": "a real one"})
    assert (page.status_code, "Retry-After" in page.headers) == (429, True)
    assert settings.provider.security_address in page.text and "a real one" in page.text


def test_sent_twice_it_is_one_report(client, cast):
    assert {client.post("/security/report", data=FORM).location for _ in range(2)} == {"/security/report/sent"}
    assert Incident.select().count() == 1


def test_reporters_see_their_own_and_its_state(client_as, cast):
    bob = client_as(cast.bob)
    assert "You have not reported anything" in bob.get("/security/reports").text
    bob.post("/security/report", data=FORM)
    number = Incident.get().number
    page = bob.get("/security/reports").text
    assert number in page and "Not looked at yet" in page
    assert number in client_as(cast.alice).get("/security/reports").text
    for name in ("vera", "charlie", "olga"):
        assert number not in client_as(getattr(cast, name)).get("/security/reports").text


def test_who_is_suspended_or_has_not_agreed_to_terms_can_report(client_as, cast):
    cast.northwind.state = "suspended"
    cast.northwind.save()
    alice = client_as(cast.alice)
    assert alice.post("/security/report", data=FORM).location == "/security/report/sent"
    assert alice.get("/security/reports").status_code == 200
