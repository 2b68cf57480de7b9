"""The operators' pages of security reports."""

import json

import pytest

from models.incident import Incident, IncidentPartner
from models.notice import Notice
from models.sub_account import AccessKey
from services import security_report
from services.security_report import Report
from tests.accounts import opened


@pytest.fixture
def incident(cast, acting, settings):
    report = Report("key", "<b>A key</b> leaked.\nAt night.", contact="+49 30 1")
    return security_report.send(acting(cast.alice), settings, cast.alice, report, "once")


def own(incident) -> str:
    return f"/admin/incidents/{incident.number}"


def test_a_report_waits_in_the_queue_and_stands_on_the_list(client_as, cast, incident):
    oscar = client_as(cast.oscar)
    queue = oscar.get("/admin").text
    assert incident.number in queue and own(incident) in queue
    assert incident.number in oscar.get("/admin/incidents").text
    assert incident.number not in oscar.get("/admin/incidents?view=closed").text
    assert oscar.get("/admin/incidents?view=nonsense").status_code == 200


def test_the_page_shows_everything_and_escapes_it(client_as, cast, incident):
    page = client_as(cast.oscar).get(own(incident)).text
    assert "&lt;b&gt;A key&lt;/b&gt; leaked." in page and "+49 30 1" in page and "Northwind" in page
    assert "Stop harm" not in page  # a manager decides


def test_state_weight_and_note_are_saved_and_a_stale_form_keeps_what_was_typed(client_as, cast, incident):
    oscar = client_as(cast.oscar)
    form = {"state": "seen", "severity": "high", "note": "Called her.", "seen": "1", "once": "a"}
    assert oscar.post(own(incident), data=form).location == own(incident)
    page = oscar.get(own(incident)).text
    assert "Called her." in page and "Oscar Otto" in page
    stale = oscar.post(own(incident), data=form | {"once": "b", "note": "Second note"})
    assert stale.status_code == 409 and "Second note" in stale.text and "A colleague has changed" in stale.text
    assert oscar.post(own(incident), data=form | {"once": "c", "state": "lost", "seen": "2"}).status_code == 422


def test_partners_are_named_and_told(client_as, cast, incident):
    olga = client_as(cast.olga)
    assert olga.post(f"{own(incident)}/affected", data={"partners": "nobody at all"}).status_code == 422
    assert olga.post(f"{own(incident)}/affected", data={"partners": "Contoso"}).status_code == 303
    assert IncidentPartner.select().count() == 2
    assert "Contoso" in olga.get(f"{own(incident)}/tell").text
    texts = {"title_en": "Keys were read", "title_de": "Schlüssel gelesen", "body_en": "Replace them."}
    assert olga.post(f"{own(incident)}/tell", data=texts | {"whose": "affected", "once": "t"}).status_code == 422
    texts |= {"body_de": "Ersetzen Sie sie.", "whose": "affected", "once": "t"}
    for _ in range(2):
        assert olga.post(f"{own(incident)}/tell", data=texts).location == own(incident)
    assert Notice.select().count() == 1
    assert "Keys were read" in client_as(cast.charlie).get("/home").text


def test_harm_is_stopped_by_who_decides_and_only_with_the_box_ticked(client_as, cast, incident, settings, clock):
    account = opened(cast, settings, clock.now(), "Anna Apotheke")
    alice, olga = client_as(cast.alice), client_as(cast.olga)
    form = {"partner": str(cast.northwind.id), "stops": ["sessions", "keys"]}
    refused = olga.post(f"{own(incident)}/stop", data=form)
    assert refused.status_code == 422 and "Tick this box" in refused.text
    assert alice.get("/home").status_code == 200
    assert olga.post(f"{own(incident)}/stop", data=form | {"sure": "y"}).location == own(incident)
    assert alice.get("/home").status_code == 303
    assert AccessKey.get(AccessKey.sub_account == account).wanted == "inactive"
    assert "Access keys were switched off: 1, Northwind" in olga.get(own(incident)).text
    foreign = {"partner": str(cast.contoso.id), "stops": "keys", "sure": "y"}
    assert olga.post(f"{own(incident)}/stop", data=foreign).status_code == 404


@pytest.mark.parametrize("end", ["stop", "tell"])
def test_support_neither_stops_nor_tells(client_as, cast, incident, end):
    assert client_as(cast.oscar).post(f"{own(incident)}/{end}", data={}).status_code == 403


def test_members_find_no_desk(client_as, cast, incident):
    for path in ("/admin/incidents", own(incident), f"{own(incident)}/report.json"):
        assert client_as(cast.alice).get(path).status_code == 404


def test_an_unknown_number_is_not_found(client_as, cast):
    olga = client_as(cast.olga)
    for end in ("", "/tell", "/report.json", "/report.pdf"):
        assert olga.get(f"/admin/incidents/SR-NOTHERE1{end}").status_code == 404


def test_it_is_saved_as_json_and_as_pdf(client_as, cast, incident):
    olga = client_as(cast.olga)
    file = olga.get(f"{own(incident)}/report.json")
    assert json.loads(file.data)["number"] == incident.number
    paper = olga.get(f"{own(incident)}/report.pdf")
    assert paper.data.startswith(b"%PDF") and incident.number in paper.headers["Content-Disposition"]
    for response in (file, paper):
        assert response.headers["Cache-Control"] == "no-store"


def test_a_report_of_a_stranger_opens_too(client_as, client, cast):
    client.post("/security/report", data={"kind": "weakness", "text": "Look", "once": "x"})
    olga, path = client_as(cast.olga), f"/admin/incidents/{Incident.get().number}"
    assert "somebody who was not signed in" in olga.get(path).text
    assert olga.get(f"{path}/report.pdf").status_code == 200
