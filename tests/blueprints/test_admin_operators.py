"""The provider's own people on their pages."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from models.audit import AuditEvent
from models.base import database
from models.operator import Operator, OperatorRequest
from models.outbox import Mail
from models.session import OneTimeLink, Session
from models.support import SupportLook
from services import links, operator_access, support_access
from services.operator_access import AccessRefused
from services.refusal import NotFound
from tests.applicants import texts_of
from tests.cast import password_hash

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


def test_the_last_owner_keeps_access(cast, settings, acting):
    with pytest.raises(AccessRefused) as refused:
        operator_access.deactivate(acting(None), settings, cast.olga.id)
    assert "last owner" in refused.value.text
    Operator.update(right="owner", password_hash="").where(Operator.id == cast.oscar.id).execute()
    with pytest.raises(AccessRefused):  # who never set up a password cannot sign in, and is nobody's successor
        operator_access.deactivate(acting(None), settings, cast.olga.id)


def test_a_second_click_leaves_no_second_line(cast, client_as):
    browser = client_as(cast.olga)
    for _click in range(2):
        browser.post(f"/admin/operators/{cast.oscar.id}/deactivate")
    assert AuditEvent.select().where(AuditEvent.action == "operator.deactivated").count() == 1


def test_an_unknown_operator_is_not_found(cast, settings, acting, client_as):
    with pytest.raises(NotFound):
        operator_access.deactivate(acting(cast.olga), settings, 999_999)
    assert client_as(cast.olga).post("/admin/operators/999999/deactivate").status_code == 404


def test_a_hostile_name_is_text(cast, client_as):
    Operator.update(name="<script>alert(1)</script>").where(Operator.id == cast.oscar.id).execute()
    assert "<script>alert" not in client_as(cast.olga).get("/admin/operators").text


@pytest.fixture
def otto(cast, clock):
    """A second owner."""
    Operator.update(right="owner").where(Operator.id == cast.oscar.id).execute()
    return Operator.get_by_id(cast.oscar.id)


@pytest.fixture
def nora(cast, clock):
    address = "nora@provider.example.com"
    return Operator.create(
        name="Nora Nagel", email=address, email_key=address, password_hash=password_hash(), created_at=clock.now()
    )


def told() -> list[tuple[str, str]]:
    return sorted((mail.template, mail.recipient) for mail in Mail.select())


def test_the_only_owner_decides_alone_and_is_told_so(cast, client_as, nora):
    browser = client_as(cast.olga)
    assert "you decide alone" in browser.get("/admin/operators").text
    signed_in = client_as(nora)
    page = browser.get(f"/admin/operators/{nora.id}/right")
    assert page.status_code == 200 and "you decide alone" in page.text
    assert browser.post(f"/admin/operators/{nora.id}/right", data={"right": "owner"}).status_code == 303
    assert Operator.get_by_id(nora.id).right == "owner"
    assert signed_in.get("/admin").status_code == 303  # what was open belonged to the former right
    assert told() == [("operator_access", nora.email)]
    assert not OperatorRequest.select().exists()


@pytest.mark.parametrize("right", ["manager", "owner"])
def test_a_right_that_reaches_far_waits_for_another_owner(cast, client_as, otto, nora, right):
    asks, confirms = client_as(cast.olga), client_as(otto)
    asks.post(f"/admin/operators/{nora.id}/right", data={"right": right})
    assert Operator.get_by_id(nora.id).right == "support"
    assert told() == [("operator_news", otto.email)]
    request = OperatorRequest.get()
    page = asks.post(f"/admin/operators/asked/{request.id}/confirm")
    assert page.status_code == 409 and "You asked for this yourself" in page.text
    assert "Waits for another owner" in confirms.get("/admin/operators").text
    assert confirms.post(f"/admin/operators/asked/{request.id}/confirm").status_code == 303
    assert Operator.get_by_id(nora.id).right == right
    assert ("operator_access", nora.email) in told() and ("operator_news", cast.olga.email) in told()
    assert confirms.post(f"/admin/operators/asked/{request.id}/confirm").status_code == 409
    assert AuditEvent.select().where(AuditEvent.action == "operator.right_changed").count() == 1


def test_somebody_new_begins_as_support_until_another_owner_agrees(cast, client_as, otto):
    client_as(cast.olga).post("/admin/operators/new", data=NEW)
    added = Operator.get(Operator.email == NEW["email"])
    assert (added.right, OperatorRequest.get().right) == ("support", "manager")
    client_as(otto).post(f"/admin/operators/asked/{OperatorRequest.get().id}/confirm")
    assert Operator.get_by_id(added.id).right == "manager"


def test_an_owner_is_not_removed_by_another_alone(cast, client_as, otto, nora):
    asks = client_as(cast.olga)
    asks.post(f"/admin/operators/{otto.id}/deactivate")
    asks.post(f"/admin/operators/{otto.id}/right", data={"right": "support"})
    row = Operator.get_by_id(otto.id)
    assert (row.active, row.right, OperatorRequest.select().count()) == (True, "owner", 1)
    client_as(otto).post(f"/admin/operators/asked/{OperatorRequest.get().id}/decline")
    assert OperatorRequest.get().outcome == "declined"
    asks.post(f"/admin/operators/{otto.id}/deactivate")
    Operator.update(right="owner").where(Operator.id == nora.id).execute()
    waits = OperatorRequest.get(OperatorRequest.ended_at.is_null())
    assert client_as(nora).post(f"/admin/operators/asked/{waits.id}/confirm").status_code == 303
    assert not Operator.get_by_id(otto.id).active


def test_what_an_owner_asked_is_void_once_that_one_is_gone(cast, client_as, otto, nora, settings, acting):
    client_as(cast.olga).post(f"/admin/operators/{nora.id}/right", data={"right": "owner"})
    Operator.update(right="support").where(Operator.id == cast.olga.id).execute()
    page = client_as(otto).post(f"/admin/operators/asked/{OperatorRequest.get().id}/confirm")
    assert page.status_code == 409 and "no owner any more" in page.text
    operator_access.deactivate(acting(otto), settings, cast.olga.id)
    assert OperatorRequest.get().outcome == "void"
    assert Operator.get_by_id(nora.id).right == "support"


def test_coming_back_as_a_manager_needs_a_second_owner_too(cast, client_as, otto, nora):
    Operator.update(active=False, right="manager").where(Operator.id == nora.id).execute()
    client_as(cast.olga).post(f"/admin/operators/{nora.id}/activate")
    assert not Operator.get_by_id(nora.id).active
    client_as(otto).post(f"/admin/operators/asked/{OperatorRequest.get().id}/confirm")
    assert Operator.get_by_id(nora.id).active


def test_deactivation_cuts_off_whatever_is_open_in_one_go(cast, client_as, settings, acting, nora, clock):
    token = links.issue(acting(None), "reset_password", nora)
    support_access.grant(acting(cast.alice), settings, cast.alice, 24, "a question")
    browser = client_as(nora)
    browser.post(f"/admin/partners/{cast.northwind.id}/look", data={"reason": "a question"})
    client_as(cast.olga).post(f"/admin/operators/{nora.id}/deactivate")
    assert browser.get("/home").location.startswith("/login")
    with pytest.raises(NotFound):
        links.look("reset_password", token, clock.now())
    assert OneTimeLink.get().expires_at == clock.now()
    assert SupportLook.get().end_reason == "signed_out"
    assert not Session.select().where(Session.operator == nora, Session.ended_at.is_null()).exists()


def test_log_ins_are_ended_for_others_who_may_sign_in_again(cast, client_as):
    gone, member = client_as(cast.oscar), client_as(cast.bob)
    assert client_as(cast.olga).post(f"/admin/operators/{cast.oscar.id}/sign-out").status_code == 303
    assert gone.get("/admin").status_code == 303
    path = f"/admin/partners/{cast.northwind.id}/people/{cast.bob.public_id}/sign-out"
    support = client_as(cast.oscar)
    assert "Sign out everywhere: Bob Brandt" in support.get(f"/admin/partners/{cast.northwind.id}").text
    assert support.post(path).status_code == 303
    assert member.get("/home").status_code == 303 and client_as(cast.bob).get("/home").status_code == 200
    assert told() == [("operator_access", cast.oscar.email), ("signed_out", cast.bob.email)]
    assert support.post(f"/admin/partners/{cast.contoso.id}/people/{cast.bob.public_id}/sign-out").status_code == 404
    assert client_as(cast.charlie).post(path).status_code == 404


def test_the_link_is_sent_again_only_to_who_needs_it(cast, client_as):
    browser = client_as(cast.olga)
    browser.post("/admin/operators/new", data=NEW | {"right": "support"})
    added = Operator.get(Operator.email == NEW["email"])
    assert browser.post(f"/admin/operators/{added.id}/set-up").status_code == 303
    assert Mail.select().where(Mail.template == "operator_setup").count() == 2
    assert browser.post(f"/admin/operators/{cast.oscar.id}/set-up").status_code == 422


def test_nobody_but_owners_decides_about_operators(cast, client_as, nora, settings, acting):
    for path in ("right", "sign-out", "set-up", "deactivate", "activate"):
        assert client_as(cast.oscar).post(f"/admin/operators/{nora.id}/{path}").status_code == 403
        assert client_as(cast.alice).post(f"/admin/operators/{nora.id}/{path}").status_code == 404
    with pytest.raises(AccessRefused, match="Only an owner"):
        operator_access.set_right(acting(cast.oscar), settings, nora.id, "owner")
    with pytest.raises(AccessRefused, match="your own right"):
        operator_access.set_right(acting(cast.olga), settings, cast.olga.id, "support")
    page = client_as(cast.olga).post(f"/admin/operators/{nora.id}/right", data={"right": "king"})
    assert page.status_code == 422


def test_two_owners_who_remove_each_other_at_once_leave_one(db, cast, settings, acting, otto):
    """Each asked before the other's answer: whichever confirmation comes second finds the last owner."""
    for asks, gone in ((cast.olga, otto), (otto, cast.olga)):
        operator_access.deactivate(acting(asks), settings, gone.id)
    rows = {row.operator_id: row.id for row in OperatorRequest.select()}
    begin = threading.Barrier(2)

    def confirm(owner) -> bool:
        with database.connection_context():
            begin.wait(10)
            try:
                operator_access.confirm(acting(owner), settings, rows[owner.id])
            except AccessRefused:
                return False
            return True

    with ThreadPoolExecutor(2) as threads:
        done = [threads.submit(confirm, owner) for owner in (cast.olga, otto)]
        assert sorted(job.result(30) for job in done) == [False, True]
    assert Operator.select().where(Operator.right == "owner", Operator.active).count() == 1
