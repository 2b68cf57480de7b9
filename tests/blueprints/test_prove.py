"""The step-up: sensitive acts ask again who somebody is, and lose nothing that was typed."""

import pytest

from models.audit import AuditEvent
from models.session import Session

MAIL = {"email": "alice.new@northwind.example.com", "password": "correct horse battery staple"}


@pytest.fixture
def late(cast, client_as, clock):
    """Alice, who signed in half an hour ago."""
    browser = client_as(cast.alice)
    clock.advance(minutes=30)
    return browser


def test_a_sensitive_page_opens_at_once_after_the_log_in(cast, client_as, clock):
    browser = client_as(cast.alice)
    clock.advance(minutes=29)
    assert browser.get("/profile/mail").status_code == 200


def test_later_it_asks_first_and_leads_back(cast, late):
    asked = late.get("/profile/mail?from=menu")
    assert (asked.status_code, asked.location) == (303, "/prove?next=/profile/mail?from%3Dmenu")
    page = late.get(asked.location)
    assert "Confirm that it is you" in page.text
    answer = late.post("/prove", data={"password": cast.password, "next": "/profile/mail?from=menu"})
    assert answer.location == "/profile/mail?from=menu"
    assert late.get(answer.location).status_code == 200
    assert AuditEvent.select().where(AuditEvent.action == "session.proved").count() == 1


def test_a_piece_of_a_page_leads_to_the_page_that_asks(late):
    around = {"HX-Current-URL": "http://127.0.0.1:8000/profile"}
    answer = late.get("/profile/mail", htmx=True, headers=around)
    assert answer.headers["HX-Redirect"] == "/prove?next=/profile"


def test_a_form_that_comes_late_changes_nothing_and_is_kept(cast, late):
    answer = late.post("/profile/mail", data=MAIL)
    assert answer.status_code == 403
    assert "Nothing was changed" in answer.text
    assert 'value="alice.new@northwind.example.com"' in answer.text  # to be sent again
    assert cast.password not in answer.text
    assert type(cast.alice).get_by_id(cast.alice.id).wanted_email == ""
    late.post("/prove", data={"password": cast.password})
    assert late.post("/profile/mail", data=MAIL).location == "/profile"
    assert type(cast.alice).get_by_id(cast.alice.id).wanted_email == MAIL["email"]


def test_with_htmx_the_sentence_comes_where_alerts_are(late):
    answer = late.post("/profile/mail", data=MAIL, htmx=True)
    assert (answer.status_code, answer.headers["HX-Retarget"]) == (403, "#alert")
    assert 'href="/prove"' in answer.text


def test_a_wrong_password_proves_nothing(late):
    answer = late.post("/prove", data={"password": "wrong", "next": "/profile/mail"})
    assert answer.status_code == 422
    assert "The password is not right." in answer.text
    assert late.get("/profile/mail").status_code == 303


def test_nothing_typed_is_told_before_it_was_counted(late):
    answers = [late.post("/prove", data={"password": "wrong"}).status_code for _ in range(11)]
    assert answers == [422] * 10 + [429]


def test_the_way_back_is_never_to_another_site(cast, late):
    assert 'value="//evil.example' not in late.get("/prove?next=//evil.example/x").text
    answer = late.post("/prove", data={"password": cast.password, "next": "https://evil.example/x"})
    assert answer.location == "/prove/done"
    assert "close this one" in late.get("/prove/done").text


def test_the_end_of_the_other_tab_is_not_shown_before_the_proof(late):
    assert late.get("/prove/done").location == "/prove"


def test_an_empty_password_is_asked_for(late):
    assert "Enter your password." in late.post("/prove", data={}).text


def test_operators_prove_it_more_often(app, cast, client_as, clock):
    app.settings = type(app.settings)(**{**vars(app.settings), "operator_idle_minutes": 60})
    browser = client_as(cast.olga)
    clock.advance(minutes=14)
    assert browser.get("/prove").location == "/prove/done"
    clock.advance(minutes=1)
    assert browser.get("/prove").status_code == 200


def test_a_stranger_is_asked_to_sign_in(client):
    assert client.get("/prove").location.startswith("/login")
    assert client.post("/prove", data={"password": "x"}).location == "/login"


def test_who_signed_in_on_a_trusted_device_has_not_proved_it(app, cast, client_as):
    browser = client_as(cast.alice)
    Session.update(proved_at=None).execute()
    assert browser.get("/profile/mail").location == "/prove?next=/profile/mail"
