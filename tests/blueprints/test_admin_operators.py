"""The provider's own people on their pages."""

import pytest

from models.audit import AuditEvent
from models.operator import Operator
from models.outbox import Mail
from models.session import Session
from services import operator_access
from services.operator_access import AccessRefused
from services.refusal import NotFound
from tests.applicants import texts_of

NEW = {"name": "Otto Ost", "email": "otto@provider.example.com", "right": "manager"}


def test_the_list_shows_who_is_in(cast, client_as):
    rows = texts_of(client_as(cast.olga).get("/admin/operators"), "tbody tr")
    assert ["Olga Olsen" in rows[0], "Owner" in rows[0], "you" in rows[0]] == [True] * 3
    assert ["Oscar Otto" in rows[1], "Support" in rows[1], "Take access away" in rows[1]] == [True] * 3


def test_an_owner_adds_a_person_who_gets_a_link_by_mail(cast, client_as):
    browser = client_as(cast.olga)
    assert browser.get("/admin/operators/new").status_code == 200
    done = browser.post("/admin/operators/new", data=NEW)
    assert (done.status_code, done.location) == (303, "/admin/operators")
    added = Operator.get(Operator.email == NEW["email"])
    assert (added.name, added.right, added.password_hash) == ("Otto Ost", "manager", "")
    assert (Mail.get().recipient, Mail.get().private) == (NEW["email"], True)
    page = browser.get("/admin/operators")
    assert "Log-in not set up yet" in page.text
    assert "/operator/setup/" not in page.text


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"email": ""}, "email"),
        ({"email": "nobody"}, "email"),
        ({"email": "olga@provider.example.com"}, "email"),
        ({"email": "alice@northwind.example.com"}, "email"),
        ({"right": "king"}, "right"),
    ],
)
def test_bad_input_is_explained_beside_its_field(cast, client_as, changes, field):
    page = client_as(cast.olga).post("/admin/operators/new", data=NEW | changes)
    assert page.status_code == 422
    assert texts_of(page, f"#{field}-error")
    assert Operator.select().count() == 2


def test_access_taken_away_ends_every_session_at_once(cast, client_as):
    owner, gone = client_as(cast.olga), client_as(cast.oscar)
    assert gone.get("/admin").status_code == 200
    assert owner.post(f"/admin/operators/{cast.oscar.id}/deactivate").status_code == 303
    assert not Operator.get_by_id(cast.oscar.id).active
    assert not Session.select().where(Session.operator == cast.oscar, Session.ended_at.is_null()).exists()
    assert gone.get("/admin").status_code == 303
    assert "Taken away" in owner.get("/admin/operators").text


def test_access_can_be_given_back(cast, client_as):
    browser = client_as(cast.olga)
    browser.post(f"/admin/operators/{cast.oscar.id}/deactivate")
    browser.post(f"/admin/operators/{cast.oscar.id}/activate")
    assert Operator.get_by_id(cast.oscar.id).active
    assert client_as(cast.oscar).get("/admin").status_code == 200


def test_nobody_takes_their_own_access_away(cast, client_as):
    page = client_as(cast.olga).post(f"/admin/operators/{cast.olga.id}/deactivate")
    assert page.status_code == 422
    assert "You cannot take away your own access" in page.text
    assert Operator.get_by_id(cast.olga.id).active


def test_the_last_owner_keeps_access(cast, acting):
    with pytest.raises(AccessRefused) as refused:
        operator_access.deactivate(acting(None), cast.olga.id)
    assert "last owner" in refused.value.text
    Operator.update(right="owner").where(Operator.id == cast.oscar.id).execute()
    operator_access.deactivate(acting(cast.oscar), cast.olga.id)
    assert not Operator.get_by_id(cast.olga.id).active


def test_a_second_click_leaves_no_second_line(cast, client_as):
    browser = client_as(cast.olga)
    for _click in range(2):
        browser.post(f"/admin/operators/{cast.oscar.id}/deactivate")
    assert AuditEvent.select().where(AuditEvent.action == "operator.deactivated").count() == 1


def test_an_unknown_operator_is_not_found(cast, acting, client_as):
    with pytest.raises(NotFound):
        operator_access.deactivate(acting(cast.olga), 999_999)
    assert client_as(cast.olga).post("/admin/operators/999999/deactivate").status_code == 404


def test_a_hostile_name_is_text(cast, client_as):
    Operator.update(name="<script>alert(1)</script>").where(Operator.id == cast.oscar.id).execute()
    assert "<script>alert" not in client_as(cast.olga).get("/admin/operators").text
