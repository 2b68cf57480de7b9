"""The mail of a sign-up: who gets which, sending again, and the link in it (threats 5 and 7)."""

import re
import threading

import pytest

from models.base import database
from models.outbox import Mail
from models.partner import Member, Partner
from models.session import OneTimeLink, Session
from models.terms import Acceptance
from tests.blueprints.signing_up import PASSWORD, PERSON, boxes, fill_in, link_in, mails, publish, sign_up


@pytest.fixture(autouse=True)
def published(app, request) -> None:
    if "cast" in request.fixturenames:
        request.getfixturevalue("cast")  # it brings the same texts, in force for longer
    publish(app)


@pytest.fixture
def link(client) -> str:
    sign_up(client)
    return link_in(mails("sign_up_confirm")[-1])


def without_tokens(page: str) -> str:
    return re.sub(
        r'(name="csrf_token" value|X-CSRFToken&#34;:)[^>]*', "", re.sub(r"dora|alice", "who", page, flags=re.IGNORECASE)
    )


# Whose address is it? ------------------------------------------------------------------------------------------------


def test_a_known_address_gets_the_same_pages_and_only_the_mail_tells(app, cast):
    pages = []
    for address in ("alice@northwind.example.com", "doras@northwind.example.com"):
        client = app.test_client()
        fill_in(client, person={"email": address})
        answer = client.post("/sign-up/terms", data=boxes(client.get("/sign-up/terms").text))
        sent = client.get(answer.location).text
        pages.append((answer.status_code, answer.location, without_tokens(sent.replace(address, "address"))))
    assert pages[0] == pages[1]
    [known] = mails("sign_up_known")
    assert known.recipient == cast.alice.email and "/login" in known.text and not known.private
    [confirm] = mails("sign_up_confirm")
    assert confirm.recipient == "doras@northwind.example.com" and confirm.private


def test_a_known_address_leaves_nothing_behind(client, cast):
    before = Partner.select().count(), Member.select().count(), Acceptance.select().count()
    sign_up(client, person={"email": "ALICE@northwind.example.com"})
    assert (Partner.select().count(), Member.select().count(), Acceptance.select().count()) == before
    assert not mails("receipt")
    assert Member.get_by_id(cast.alice.id).password_hash == cast.alice.password_hash


def test_an_operators_address_is_known_too(client, cast):
    sign_up(client, person={"email": cast.olga.email})
    assert [mail.recipient for mail in mails("sign_up_known")] == [cast.olga.email]
    assert not mails("sign_up_confirm")


def test_both_cases_write_about_as_much(app, cast, count_queries):
    counts = []
    for address in ("alice@northwind.example.com", "dora@fabrikam.example.com"):
        client = app.test_client()
        fill_in(client, person={"email": address})
        ticked = boxes(client.get("/sign-up/terms").text)
        with count_queries() as queries:
            client.post("/sign-up/terms", data=ticked)
        counts.append(sum("INSERT" in statement for statement in queries.statements))
    assert abs(counts[0] - counts[1]) <= 2


def test_signing_up_anew_takes_the_place_of_an_unconfirmed_attempt(app):
    sign_up(app.test_client(), company={"legal_name": "Old Name GmbH"})
    old = link_in(mails("sign_up_confirm")[0])
    second = app.test_client()
    sign_up(second, person={"password": "other words entirely now", "name": "Doris Dietz"})
    assert Partner.select().count() == Member.select().count() == 1
    assert (Partner.get().legal_name, Member.get().name) == ("Fabrikam Süd GmbH & Co. KG", "Doris Dietz")
    assert [row.member_name for row in Acceptance.select().order_by(Acceptance.id)] == ["Dora Dietz"] * 4 + [
        "Doris Dietz"
    ] * 4
    assert second.get(old).status_code == 410
    assert second.post(link_in(mails("sign_up_confirm")[1])).location == "/application"


def test_whoever_signs_up_with_a_strangers_address_gets_nothing_by_the_strangers_press(app):
    stranger, thief = app.test_client(), app.test_client()
    sign_up(stranger)
    sign_up(thief, {"legal_name": "Evil GmbH"}, {"password": "the thief knows this one well"})
    newest = link_in(mails("sign_up_confirm")[-1])
    assert 'type="password"' in stranger.get(newest).text
    for password in ("", PASSWORD):
        assert stranger.post(newest, data={"password": password}).status_code == 422
    assert Partner.get().state == "draft"
    sign_up(stranger)
    assert stranger.post(link_in(mails("sign_up_confirm")[-1])).location == "/application"
    answer = thief.post("/login", data={"email": PERSON["email"], "password": "the thief knows this one well"})
    assert answer.status_code == 422
    assert Partner.get().legal_name == "Fabrikam Süd GmbH & Co. KG"


def test_an_address_that_nobody_confirmed_gets_no_receipts(app):
    for number in range(6):
        sign_up(app.test_client(), person={"name": f"Dora Dietz {'I' * (number + 1)}"})
    assert len(mails("sign_up_confirm")) == 5 and not mails("receipt")


def test_the_receipt_of_the_sign_up_that_was_confirmed_comes_with_the_confirmation(app, clock):
    sign_up(app.test_client(), {"legal_name": "Old Name GmbH"})
    clock.advance(hours=1)
    client = app.test_client()
    sign_up(client)
    clock.advance(days=1)
    client.post(link_in(mails("sign_up_confirm")[-1]))
    [receipt] = mails("receipt")
    assert receipt.recipient == Member.get().email and "Old Name" not in receipt.text
    assert "11:00" in receipt.text and receipt.attachment_name == "documents-2026-03-02.txt"
    latest = Acceptance.select().where(Acceptance.partner_name != "Old Name GmbH")
    assert [row.sha256 in receipt.text for row in latest] == [True] * 4


def test_what_was_typed_does_not_reach_an_address_that_nobody_confirmed(client):
    lure = {"legal_name": "Account locked, unlock at secure-login.example/now"}
    sign_up(client, lure, {"name": "Go to pay.example now"})
    [confirm] = mails("sign_up_confirm")
    for typed in ("secure-login", "pay.example"):
        assert typed not in confirm.subject + confirm.text + confirm.html


def test_an_address_with_an_umlaut_can_sign_up(client):
    sign_up(client, person={"email": "jürgen@example.com"})
    assert client.post(link_in(mails("sign_up_confirm")[0])).location == "/application"


def test_a_confirmed_address_is_not_taken_over(app, client, link):
    client.post(link)
    sign_up(app.test_client(), company={"legal_name": "Evil GmbH"})
    assert Partner.get().legal_name == "Fabrikam Süd GmbH & Co. KG"
    assert len(mails("sign_up_known")) == 1


# Sending again -------------------------------------------------------------------------------------------------------


def test_the_mail_can_be_sent_again_but_not_without_end(client, clock, link):
    too_soon = client.post("/sign-up/again")
    assert too_soon.status_code == 429 and "Wait a minute" in too_soon.text
    for _time in range(3):
        clock.advance(minutes=2)
        assert client.post("/sign-up/again").location == "/sign-up/sent"
    clock.advance(minutes=2)
    assert client.post("/sign-up/again").status_code == 429
    assert len(mails("sign_up_confirm")) == 4
    assert client.get(link).status_code == 410
    assert client.post(link_in(mails("sign_up_confirm")[-1])).location == "/application"


def test_sending_again_looks_alike_for_a_known_address(client, clock, cast):
    sign_up(client, person={"email": cast.alice.email})
    clock.advance(minutes=2)
    assert client.post("/sign-up/again").location == "/sign-up/sent"
    assert len(mails("sign_up_known")) == 2


def test_without_a_finished_sign_up_nothing_is_sent(client):
    assert client.post("/sign-up/again").location == "/sign-up/company"
    assert not Mail.select().exists()


# The link ------------------------------------------------------------------------------------------------------------


def test_looking_at_the_link_changes_nothing(client, link):
    for _scanner in range(3):
        assert client.get(link).status_code == 200
    assert Member.get().email_confirmed_at is None and OneTimeLink.get().used_at is None


def test_the_link_works_once(client, app, link):
    client.post(link)
    for browser in (client, app.test_client()):
        for answer in (browser.get(link), browser.post(link)):
            assert answer.status_code == 410 and "already used" in answer.text and "/login" in answer.text


def test_two_presses_at_once_confirm_once(app, client, link):
    client.get(link)
    token = client.csrf_token()
    statuses: list[int] = []
    barrier = threading.Barrier(2)

    def press() -> None:
        barrier.wait()
        try:
            browser = app.test_client()
            statuses.append(browser.post(link, data={"password": PASSWORD}, check=False).status_code)
        finally:
            if not database.is_closed():
                database.close()

    threads = [threading.Thread(target=press) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(statuses) == [303, 410] and token
    assert len(mails("application_received")) == 1


def test_an_expired_link_says_so_and_sends_a_new_one(client, clock, link):
    clock.advance(hours=48, seconds=1)
    page = client.get(link)
    assert page.status_code == 410 and "no longer valid" in page.text and "Send a new link" in page.text
    assert client.post(link).status_code == 410
    assert client.post(f"{link}/again").location == "/"
    new = link_in(mails("sign_up_confirm")[-1])
    assert new != link
    assert client.get(new).status_code == 200


def test_an_unknown_or_cut_off_link_gets_a_way_on(client, link):
    assert client.get("/sign-up/confirm/" + "x" * 43).status_code == 404
    cut = client.get(link[:-10])
    assert cut.status_code == 404 and "cut off" in cut.text and "/sign-up" in cut.text
    assert client.post("/sign-up/confirm/" + "x" * 43 + "/again").status_code == 404


def test_on_another_device_the_password_is_asked_for(app, link):
    other = app.test_client()
    assert 'type="password"' in other.get(link).text
    for wrong in ("", "not the password at all"):
        answer = other.post(link, data={"password": wrong})
        assert answer.status_code == 422 and "not the password" in answer.text
    assert Partner.get().state == "draft"
    assert other.post(link, data={"password": PASSWORD}).location == "/application"
    assert Partner.get().state == "applied"


def test_guessing_at_the_password_of_a_link_ends(app, link):
    other = app.test_client()
    for _guess in range(10):
        other.post(link, data={"password": "wrong"})
    answer = other.post(link, data={"password": PASSWORD})
    assert answer.status_code == 422 and "Too many attempts" in answer.text


def test_confirming_while_somebody_else_is_signed_in_ends_that_session(client_as, cast, app):
    sign_up(app.test_client())
    browser = client_as(cast.alice)
    answer = browser.post(link_in(mails("sign_up_confirm")[0]), data={"password": PASSWORD})
    assert answer.location == "/application"
    assert Session.get(Session.member == cast.alice).ended_at is not None
    assert "Dora Dietz" in browser.get("/application").text


def test_the_session_before_the_confirmation_is_not_the_one_after(client, link):
    with client.own_session() as cookie:
        cookie["planted"] = "x"
    client.post(link)
    with client.own_session() as cookie:
        assert "planted" not in cookie and "sign_up" not in cookie
