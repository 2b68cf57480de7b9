"""The pages about people: who sees and decides, invitations as their readers meet them, a distributor's partners."""

import re

import pytest

from models.outbox import Mail
from models.partner import Member, Partner
from models.session import Session
from models.team import Invitation
from models.terms import TermsVersion
from services import team
from tests.applicants import texts_of
from tests.cast import _accept, _member

SECRET = "seven green lanterns by the river"
INVITED = {"email": "eve@example.com", "role": "staff", "relation": "agent", "access_until_on": "", "locale": "en"}


@pytest.fixture
def dana(cast, clock) -> Member:
    row = _member(cast.northwind, "Dana Dorn", "admin", clock.now())
    row.declared_authority = False
    row.save()
    _accept(row, list(TermsVersion.select()), clock.now())
    return row


def invite(browser, prefix: str = "/team", **changed):
    page = browser.get(f"{prefix}/invite")
    once = re.search(r'name="once"[^>]*value="([^"]+)"', page.text)[1]
    return browser.post(f"{prefix}/invite", data={**INVITED, "once": once, **changed})


def link() -> str:
    return "/invitation/" + Mail.get(Mail.template == "invitation").text.split("/invitation/")[1].split()[0]


def filled(page, **changed) -> dict:
    seen = dict(re.findall(r'name="(seen_\w+)"[^>]*value="([^"]+)"', page.text))
    boxes = {name.replace("seen_", "agree_"): "y" for name in seen}
    return {"name": "Eve Ebert", "password": SECRET, "locale": "en", **seen, **boxes, **changed}


def access(member: Member, **changed) -> dict:
    values = {"role": member.role, "relation": member.relation, "access_until_on": "", "seen": team.worded(member)}
    return values | changed


def test_everybody_sees_the_team_and_administrators_decide(cast, client_as):
    for person in (cast.alice, cast.bob, cast.vera):
        page = client_as(person).get("/team")
        assert texts_of(page, "tbody th bdi") == ["Alice Adler", "Bob Brandt", "Vera Vogt"]
        assert ("Invite somebody" in page.text) == (person == cast.alice)
        assert ("/team/bob/remove" in page.text) == (person == cast.alice)
    assert client_as(cast.bob).get("/team/vera").status_code == 403
    assert client_as(cast.olga).get("/team").status_code == 404


def test_an_invitation_goes_from_the_form_to_a_signed_in_member(cast, client_as, client):
    assert invite(client_as(cast.alice)).status_code == 303
    page = client.get(link())
    assert "Northwind Traders GmbH" in page.text and "eve@example.com" in page.text
    assert Invitation.get().used_at is None
    joined = client.post(link(), data=filled(page))
    assert joined.status_code == 303
    eve = Member.get(Member.email == "eve@example.com")
    assert Session.get(Session.member == eve).method == "invitation"
    assert client.get("/home").status_code == 200
    assert client.get(link()).status_code == 410
    assert client.get("/invitation/" + "x" * 43).status_code == 404


def test_a_box_that_is_not_ticked_and_a_weak_password_are_said_and_use_nothing_up(cast, client_as, client):
    invite(client_as(cast.alice))
    page = client.get(link())
    values = filled(page)
    unticked = {name: value for name, value in values.items() if not name.startswith("agree_")}
    for sent in (unticked, {**values, "password": "short"}, {**values, "name": ""}):
        refused = client.post(link(), data=sent)
        assert refused.status_code == 422
        assert texts_of(refused, ".error-summary li") != []
        assert SECRET not in refused.text
    assert client.post(link(), data=values).status_code == 303


def test_whoever_is_signed_in_as_somebody_else_is_signed_out_by_joining(cast, client_as):
    invite(client_as(cast.alice))
    browser = client_as(cast.charlie)
    page = browser.get(link())
    assert "Charlie Chase is signed in" in page.text
    browser.post(link(), data=filled(page))
    assert not Session.select().where(Session.member == cast.charlie, Session.ended_at.is_null()).exists()
    assert "Eve Ebert" in browser.get("/profile").text


def test_known_and_unknown_addresses_get_the_same_answer(cast, client_as):
    browser, answers = client_as(cast.alice), []
    for email in ("eve@example.com", cast.charlie.email):
        sent = invite(browser, email=email)
        told = browser.get("/team").text
        answers.append((sent.status_code, sent.location, told.count(email)))
    assert answers[0] == answers[1]


def test_an_invitation_is_sent_again_and_withdrawn_from_the_list(cast, client_as, client):
    browser = client_as(cast.alice)
    invite(browser)
    old = link()
    again = f"/team/invitations/{Invitation.get().public_id}/again"
    assert browser.post(again, data={"once": "again-1"}).status_code == 303
    assert client.get(old).status_code == 410
    row = Invitation.get(Invitation.ended_at.is_null())
    assert browser.post(f"/team/invitations/{row.public_id}/withdraw").status_code == 303
    assert "eve@example.com" not in texts_of(browser.get("/team"), "tbody bdi")
    assert client_as(cast.charlie).post(again).status_code == 404


def test_a_broken_form_keeps_what_was_typed(cast, client_as):
    refused = invite(client_as(cast.alice), email="eve at example", access_until_on="2020-01-01")
    assert refused.status_code == 422
    assert "eve at example" in refused.text


def test_role_and_end_date_are_changed_and_a_stale_page_is_told(cast, client_as):
    browser, sent = client_as(cast.alice), access(cast.bob, role="viewer", access_until_on="2026-12-31")
    assert browser.get("/team/bob").status_code == 200
    assert browser.post("/team/bob", data=sent).status_code == 303
    row = Member.get_by_id(cast.bob.id)
    assert (row.role, str(row.access_until_on)) == ("viewer", "2026-12-31")
    stale = browser.post("/team/bob", data={**sent, "role": "admin"})
    assert stale.status_code == 409
    assert Member.get_by_id(cast.bob.id).role == "viewer"
    assert browser.post("/team/bob", data=access(row, access_until_on="never")).status_code == 422


def test_a_removed_member_is_out_at_the_next_request(cast, client_as):
    bob, alice = client_as(cast.bob), client_as(cast.alice)
    assert bob.get("/home").status_code == 200
    assert "Remove Bob Brandt" in alice.get("/team/bob/remove").text
    assert alice.post("/team/bob/remove").status_code == 303
    assert bob.get("/home").location.startswith("/login")
    assert "Bob Brandt" not in texts_of(alice.get("/team"), "tbody th bdi")
    assert alice.post("/team/bob/remove").status_code == 404


def test_access_is_taken_away_and_given_back(cast, client_as):
    alice = client_as(cast.alice)
    assert alice.post("/team/vera/deactivate").status_code == 303
    assert "Taken away" in alice.get("/team").text
    assert alice.post("/team/vera/activate").status_code == 303
    assert Member.get_by_id(cast.vera.id).active


def test_who_binds_the_company_cannot_be_taken_out_and_the_page_says_why(cast, client_as, dana):
    refused = client_as(dana).post("/team/alice/remove")
    assert refused.status_code == 422
    assert "Hand that over to another administrator first" in refused.text


def test_binding_the_company_is_handed_over_by_two_acts(cast, client_as, dana):
    alice, other = client_as(cast.alice), client_as(dana)
    assert other.post("/team/authority/accept").status_code == 404
    assert alice.post("/team/dana/authority").status_code == 303
    assert "Take the offer back" in alice.get("/team").text
    assert "I am authorised: accept" in other.get("/team").text
    assert other.post("/team/authority/accept").status_code == 303
    assert Member.get_by_id(dana.id).declared_authority
    assert alice.post("/team/authority/decline").status_code == 404


def test_somebody_leaves_and_the_last_administrator_does_not(cast, client_as):
    bob, alice = client_as(cast.bob), client_as(cast.alice)
    assert bob.get("/team/leave").status_code == 200
    assert bob.post("/team/leave").status_code == 303
    assert bob.get("/home").location.startswith("/login")
    assert alice.post("/team/leave").status_code == 422


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("POST", ""), ("POST", "/deactivate"), ("POST", "/remove")])
def test_a_foreign_member_is_not_there(cast, client_as, method, path):
    browser = client_as(cast.alice)
    foreign = browser.open(f"/team/charlie{path}", method=method)
    unknown = browser.open(f"/team/nobody{path}", method=method)
    assert (foreign.status_code, unknown.status_code) == (404, 404)
    assert Member.get_by_id(cast.charlie.id).active


@pytest.fixture
def distributor(cast) -> Partner:
    Partner.update(kind="distributor").where(Partner.id == cast.contoso.id).execute()
    Partner.update(parent=cast.contoso, kind="distributor_partner").where(Partner.id == cast.northwind.id).execute()
    return Partner.get_by_id(cast.contoso.id)


def test_a_distributor_decides_about_its_partners_people_by_the_same_pages(cast, client_as, distributor, client):
    browser = client_as(cast.charlie)
    assert "/partners/northwind/team" in browser.get("/partners").text
    listed = browser.get("/partners/northwind/team")
    assert texts_of(listed, "h1") == ["Team of Northwind Traders GmbH"]
    assert "/partners/northwind/team/bob/remove" in listed.text
    assert browser.post("/partners/northwind/team/bob/remove").location == "/partners/northwind/team"
    assert invite(browser, "/partners/northwind/team").location == "/partners/northwind/team"
    client.post(link(), data=filled(client.get(link())))
    assert Member.get(Member.email == "eve@example.com").partner_id == cast.northwind.id


def test_a_partner_that_is_not_below_is_not_there(cast, client_as, distributor):
    assert client_as(cast.alice).get("/partners/contoso/team").status_code == 404
    assert client_as(cast.alice).get("/partners").location == "/team"
    browser = client_as(cast.charlie)
    assert browser.get("/partners/nobody/team").status_code == 404
    Partner.update(parent=None).where(Partner.id == cast.northwind.id).execute()
    for path in ("", "/bob", "/bob/remove", "/invite"):
        assert browser.get(f"/partners/northwind/team{path}").status_code == 404
    assert browser.post("/partners/northwind/team/bob/remove").status_code == 404
    assert Member.get_by_id(cast.bob.id).active


def test_the_pages_work_as_pieces_and_in_german(cast, client_as):
    browser = client_as(cast.alice)
    for path in ("/team", "/team/invite", "/team/bob", "/team/bob/remove", "/team/leave"):
        assert browser.get(path, htmx=True).status_code == 200
        Member.update(locale="de").where(Member.id == cast.alice.id).execute()
        assert browser.get(path).status_code == 200
