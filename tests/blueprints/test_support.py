"""What a partner lets support see, and how an operator looks: read-only, on record, ended at any time (threat 28)."""

from datetime import timedelta

import pytest

from models.audit import AuditEvent
from models.base import write_tx
from models.outbox import Mail
from models.session import Session
from models.support import SupportAccess, SupportLook, SupportPage
from services import sessions, support_access, support_looks
from tests import accounts
from tests.applicants import texts_of
from tests.house.test_access import address, declared, rules

ALLOW = {"hours": "24", "reason": "Request 4711: quota looks wrong"}
WHY = {"reason": "Request 4711"}
# Every page that a look gets. A new page of a viewer fails here until somebody has decided about it.
SEEN = {
    "activity.show",
    "allocations.index",
    "allocations.show",
    "allocations.states",
    "application.show",
    "change_requests.index",
    "change_requests.show",
    "company.show",
    "dashboard.show",
    "integrations.index",
    "notices.index",
    "notices.show",
    "papers.index",
    "sub_accounts.index",
    "sub_accounts.show",
    "sub_accounts.state",
    "sub_accounts.terms_state",
    "sub_accounts.watch_terms",
    "support.show",
    "team.own.show",
    "usage.account",
    "usage.index",
}


@pytest.fixture
def allowed(cast, settings, acting):
    return support_access.grant(acting(cast.alice), settings, cast.alice, 24, ALLOW["reason"])


@pytest.fixture
def account(cast, settings, clock):
    return accounts.opened(cast, settings, clock.now(), "Adler AG")


@pytest.fixture
def looking(cast, allowed, account, client_as):
    """Oscar's browser in a look at Northwind."""
    browser = client_as(cast.oscar)
    begun = browser.post(f"/admin/partners/{cast.northwind.id}/look", data=WHY)
    assert (begun.status_code, begun.location) == (303, "/")
    return browser


def trail(action: str) -> list[AuditEvent]:
    return list(AuditEvent.select().where(AuditEvent.action == action).order_by(AuditEvent.id))


def test_an_administrator_lets_support_look_and_the_others_hear_of_it(cast, client_as):
    browser = client_as(cast.alice)
    assert "Nothing was allowed yet" in browser.get("/support-access").text
    assert browser.post("/support-access", data=ALLOW).status_code == 303
    page = browser.get("/support-access").text
    assert "Support may look at present" in page and ALLOW["reason"] in page
    assert [mail.recipient for mail in Mail.select()] == [cast.alice.email]
    assert browser.post("/support-access", data=ALLOW).status_code == 409
    assert SupportAccess.select().count() == len(trail("support_access.granted")) == 1


@pytest.mark.parametrize(("values", "field"), [({"hours": "0"}, "hours"), ({"hours": "337"}, "hours"),
                                               ({"hours": "x"}, "hours"), ({"reason": " "}, "reason"),
                                               ({"reason": "x" * 501}, "reason")])  # fmt: skip
def test_what_is_out_of_bounds_is_explained_beside_its_field(cast, client_as, values, field):
    page = client_as(cast.alice).post("/support-access", data=ALLOW | values)
    assert page.status_code == 422 and texts_of(page, f"#{field}-error")
    assert not SupportAccess.select().exists()


def test_only_administrators_allow_and_everybody_of_the_company_sees(cast, client_as, allowed):
    for person in (cast.bob, cast.vera):
        browser = client_as(person)
        assert browser.get("/support-access").status_code == 200
        assert browser.post("/support-access", data=ALLOW).status_code == 403
        assert browser.post(f"/support-access/{allowed.public_id}/revoke").status_code == 403
    assert client_as(cast.charlie).post(f"/support-access/{allowed.public_id}/revoke").status_code == 404
    assert client_as(cast.olga).get("/support-access").status_code == 404


def test_nobody_looks_without_a_permission_that_stands(cast, client_as, clock, settings, acting):
    browser, path = client_as(cast.oscar), f"/admin/partners/{cast.northwind.id}/look"
    assert browser.get(path).status_code == 303
    assert browser.post(path, data=WHY).status_code == 409
    support_access.grant(acting(cast.alice), settings, cast.alice, 1, "a question")
    assert browser.get(path).status_code == 200
    assert client_as(cast.oscar).post(f"/admin/partners/{cast.contoso.id}/look", data=WHY).status_code == 409
    assert browser.post(path, data={"reason": ""}).status_code == 422
    assert browser.post("/admin/partners/999999/look", data=WHY).status_code == 404
    assert client_as(cast.charlie).get(path).status_code == 404
    clock.advance(hours=1)
    assert client_as(cast.oscar).post(path, data=WHY).status_code == 409
    assert not SupportLook.select().exists()


def test_a_look_needs_a_fresh_proof(cast, client_as, allowed, clock):
    browser, path = client_as(cast.oscar), f"/admin/partners/{cast.northwind.id}/look"
    Session.update(proved_at=clock.now() - timedelta(hours=1)).execute()
    assert browser.get(path).location.startswith("/prove")
    assert browser.post(path, data=WHY).status_code == 403
    assert not SupportLook.select().exists()


def test_the_operator_sees_what_the_partner_sees_with_a_banner_and_no_session_of_a_member(cast, looking, account):
    home = looking.get("/home")
    assert "You see the pages of Northwind Traders GmbH" in home.text and "60 minutes left" in home.text
    assert "Oscar Otto" in home.text and "End the look" in home.text
    page = looking.get(f"/sub-accounts/{account.number}").text
    assert "Adler AG" in page and "End the look" in page
    assert not Session.select().where(Session.member.is_null(False)).exists()


def test_a_look_changes_nothing_and_shows_no_more_than_it_may(app, cast, looking, account, db):
    """Every address there is, with every method."""
    before = SupportLook.select().count()
    shown = set()
    for rule in rules(app):
        if rule.endpoint.startswith("console"):
            continue  # it knows no session of the portal
        path = own_address(app, rule, cast, account)
        for method in sorted(rule.methods - {"HEAD", "OPTIONS", "GET"}):
            if rule.endpoint in ("support.end", "auth.logout"):
                continue
            assert looking.open(path, method=method).status_code == 403, (method, path)
        if "GET" in rule.methods:
            answer = looking.get(path)
            access = declared(app, rule)
            assert answer.status_code < 500, path
            if not access.open_to_all and answer.status_code != 403:
                shown.add(rule.endpoint)
                led_on = answer.status_code == 303 and not answer.location.startswith(("/login", "/prove", "/admin"))
                assert answer.status_code in (200, 204) or led_on or path.endswith(("nothing", "999999")), path
    assert shown == SEEN
    assert SupportLook.select().where(SupportLook.ended_at.is_null()).count() == before == 1


def own_address(app, rule, cast, account) -> str:
    """The rule's address with Northwind's own things where there are such."""
    path = address(app, rule)
    for made_up, own in (("/sub-accounts/000000000000", f"/sub-accounts/{account.number}"),
                         ("/usage/000000000000", f"/usage/{account.number}"),
                         ("/allocations/nothing", f"/allocations/{cast.contract.number}")):  # fmt: skip
        path = path.replace(made_up, own)
    return path


def test_a_look_writes_nothing_while_it_makes_a_page(app, cast, looking, monkeypatch):
    def careless():
        with write_tx():
            return "written"

    careless.access = app.view_functions["dashboard.show"].access
    monkeypatch.setitem(app.view_functions, "dashboard.show", careless)
    assert looking.get("/home").status_code == 500
    monkeypatch.undo()
    assert looking.get("/home").status_code == 200
    with write_tx():
        pass


def test_things_of_another_partner_are_not_there(cast, looking, settings, clock):
    foreign = accounts.opened(cast, settings, clock.now(), "Foreign", who=cast.charlie)
    assert looking.get(f"/sub-accounts/{foreign.number}").status_code == 404
    assert looking.get(f"/allocations/{cast.other_contract.number}").status_code == 404
    assert looking.get("/admin").status_code == 403
    assert looking.get(f"/admin/partners/{cast.contoso.id}").status_code == 403


def test_each_page_is_on_record_once_a_minute_with_name_and_reason(cast, looking, clock):
    for _twice in range(2):
        looking.get("/home")
        looking.get("/usage")
    clock.advance(minutes=1)
    looking.get("/home?q=secret")
    pages = [(event.after["page"], event.actor_kind, event.actor_name) for event in trail("support_look.page")]
    assert pages == [(path, "operator", "Oscar Otto") for path in ("/home", "/usage", "/home")]
    assert {event.after["reason"] for event in trail("support_look.page")} == {"Request 4711"}
    assert {event.partner_id for event in trail("support_look.page")} == {cast.northwind.id}
    assert SupportPage.select().count() == 3


def test_the_partner_sees_begin_pages_and_end_and_a_banner_while_it_lasts(cast, looking, client_as):
    looking.get("/home")
    member = client_as(cast.vera)
    assert "Support is looking at your company's pages" in member.get("/home").text.replace("&#39;", "'")
    assert looking.post("/support-look/end").location == f"/admin/partners/{cast.northwind.id}"
    assert "Support is looking" not in member.get("/home").text
    history = member.get("/support-access").text
    assert "Oscar Otto" in history and "/home" in history and "Request 4711" in history
    activity = member.get("/activity").text
    for words in ("Support began to look", "Support opened a page", "Support ended its look", "Oscar Otto"):
        assert words in activity
    assert "Support" not in client_as(cast.charlie).get("/activity").text
    assert looking.get("/admin").status_code == 200


def test_taking_it_back_ends_the_look_at_the_next_step(cast, looking, client_as, allowed):
    assert client_as(cast.alice).post(f"/support-access/{allowed.public_id}/revoke").status_code == 303
    gone = looking.get("/home")
    assert (gone.status_code, gone.location) == (303, f"/admin/partners/{cast.northwind.id}")
    assert looking.get("/home").status_code == 404
    assert [event.after["end"] for event in trail("support_look.ended")] == ["revoked"]
    again = looking.post(f"/admin/partners/{cast.northwind.id}/look", data=WHY)
    assert again.status_code == 409


@pytest.mark.parametrize(("hours", "begun_after", "left"), [(1, 40, 20), (24, 0, 60)])
def test_a_look_ends_with_its_hour_or_with_the_permission(
    cast, client_as, settings, acting, clock, hours, begun_after, left
):
    support_access.grant(acting(cast.alice), settings, cast.alice, hours, "a question")
    clock.advance(minutes=begun_after)
    browser = client_as(cast.oscar)
    browser.post(f"/admin/partners/{cast.northwind.id}/look", data=WHY)
    for minutes_left in range(left - 10, 0, -10):  # a log-in that does nothing for long ends before
        clock.advance(minutes=10)
        assert f"{minutes_left} minutes left" in browser.get("/home").text
    clock.advance(minutes=9)
    assert "1 minute left" in browser.get("/home").text
    clock.advance(minutes=1)
    assert browser.get("/home").status_code == 303
    support_access.sweep(acting(None), settings)
    assert [event.after["end"] for event in trail("support_look.ended")] == ["over"]
    assert support_access.sweep(acting(None), settings) == []


def test_two_operators_look_at_once_and_apart(cast, looking, client_as):
    other = client_as(cast.olga)
    other.post(f"/admin/partners/{cast.northwind.id}/look", data={"reason": "the same question"})
    assert "Olga Olsen" in other.get("/home").text and "Oscar Otto" in looking.get("/home").text
    other.post("/support-look/end")
    assert looking.get("/home").status_code == 200 and other.get("/home").status_code == 404
    assert client_as(cast.oscar).get("/home").status_code == 404  # the same person in another browser looks at nothing


def test_a_poll_answers_and_is_no_page(cast, looking, account):
    answer = looking.get(f"/sub-accounts/{account.number}/state", htmx=True)
    assert answer.status_code == 200
    assert trail("support_look.page") == []


def test_signing_out_and_losing_access_end_the_look(cast, looking, client_as, settings, acting):
    looking.post("/logout")
    assert [event.after["end"] for event in trail("support_look.ended")] == ["signed_out"]
    other = client_as(cast.oscar)
    other.post(f"/admin/partners/{cast.northwind.id}/look", data=WHY)
    sessions.end_all(acting(cast.olga), cast.oscar, "ended by an owner")
    assert support_looks.going_on(cast.northwind.id, acting().at) == []
    assert other.get("/home").location.startswith("/login")
    support_access.sweep(acting(None), settings)
    assert [event.after["end"] for event in trail("support_look.ended")] == ["signed_out"] * 2


def test_a_second_look_of_one_browser_ends_the_first(cast, looking, acting):
    session = Session.get(Session.operator == cast.oscar)
    act = acting(cast.oscar, session_hash=session.origin_hash)
    support_looks.begin(act, looking.application.settings, cast.oscar, cast.northwind.id, "again")
    assert SupportLook.select().where(SupportLook.ended_at.is_null()).count() == 1
