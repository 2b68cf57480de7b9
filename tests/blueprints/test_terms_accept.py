"""New versions: time to agree, what is personal, going on using the portal, not agreeing (T1, T5)."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from peewee import OperationalError

from models.audit import AuditEvent
from models.evidence import ConsentEvent, Evidence
from models.outbox import Mail
from models.partner import Member
from models.terms import Acceptance
from services import consent, consent_overdue, evidence_faults
from tests.blueprints.signing_up import boxes
from tests.blueprints.test_terms import publish
from tests.evidence_ground import unguarded


@pytest.fixture
def with_time(cast, clock):
    """Terms in force since a day ago that may be agreed to for 30 days."""
    clock.advance(days=1)
    return publish("2.0", clock.now(), grace_until_at=clock.now() + timedelta(days=30), grace_days=30)


@pytest.fixture
def by_use(cast, clock):
    """Terms that take effect by notice in ten days."""
    clock.advance(days=1)
    at = clock.now() + timedelta(days=10)
    return publish("2.0", clock.now(), effective_at=at, requires_acceptance=False)


def kept(kind: str) -> list[tuple[int, str]]:
    rows = ConsentEvent.select().where(ConsentEvent.kind == kind).order_by(ConsentEvent.id)
    return [(row.member_id, row.version.label) for row in rows]


# Time to agree -------------------------------------------------------------------------------------------------------


def test_while_there_is_time_everything_works_and_a_banner_leads_to_the_text(client_as, cast, with_time):
    page = client_as(cast.alice).get("/home").text
    assert "New version: Terms 2.0" in page and "Please agree for your company until 2 Apr 2026" in page
    assert 'href="/terms/accept"' in page
    staff = client_as(cast.bob)
    page = staff.get("/home").text
    assert "An administrator of your company has time to agree until 2 Apr 2026" in page
    assert "Waiting for: Alice Adler" in staff.get("/terms/accept").text


def test_when_the_time_is_over_everything_can_be_seen_and_nothing_changed(client_as, cast, clock, with_time):
    clock.advance(days=30)
    for person in (cast.alice, cast.bob):
        browser = client_as(person)
        for path in ("/home", "/sub-accounts", "/usage"):
            page = browser.get(path)
            assert page.status_code == 200 and "The new terms are not accepted" in page.text, path
        assert browser.post("/sub-accounts/new").status_code == 403
    browser = client_as(cast.alice)
    assert browser.post("/terms/accept", data=boxes(browser.get("/terms/accept").text)).status_code == 303
    assert "The new terms are not accepted" not in browser.get("/home").text
    assert browser.get("/sub-accounts/new").status_code == 200


def test_an_announced_version_can_be_agreed_to_before_it_holds(client_as, cast, clock):
    clock.advance(days=1)
    at = clock.now() + timedelta(days=10)
    announced = publish("2.0", clock.now(), effective_at=at, grace_until_at=at)
    browser = client_as(cast.alice)
    assert "Please agree for your company until 13 Mar 2026" in browser.get("/home").text
    assert browser.post("/terms/accept", data=boxes(browser.get("/terms/accept").text)).status_code == 303
    assert Acceptance.get(Acceptance.version == announced).accepted_at < at
    clock.advance(days=11)
    assert "The new terms are not accepted" not in client_as(cast.alice).get("/home").text


def test_an_announced_version_is_not_asked_for_beside_what_stops_the_portal(client_as, cast, clock, with_time):
    publish("3.0", clock.now(), effective_at=clock.now() + timedelta(days=5))
    page = client_as(cast.alice).get("/terms/accept").text
    assert "Text of portal_terms 2.0." in page and "Text of portal_terms 3.0." not in page


def test_the_page_adds_no_question_to_the_database_while_nothing_is_open(client_as, cast, count_queries):
    browser = client_as(cast.alice)
    browser.get("/home")
    with count_queries() as queries:
        browser.get("/home")
    asked = [statement for statement in queries.statements if '"acceptance"' in statement]
    assert len(asked) == 1, asked


# What is personal ----------------------------------------------------------------------------------------------------


def test_each_member_reads_the_privacy_notice_for_itself(client_as, cast, clock):
    clock.advance(days=1)
    notice = publish("2.0", clock.now(), kind="privacy_notice")
    for person in (cast.bob, cast.alice):
        browser = client_as(person)
        assert browser.get("/home").location == "/terms/accept"
        page = browser.get("/terms/accept").text
        assert "A new document to read" in page and 'name="authority"' not in page
        assert browser.post("/terms/accept", data=boxes(page)).status_code == 303
        assert browser.get("/home").status_code == 200
    rows = list(Acceptance.select().where(Acceptance.version == notice).order_by(Acceptance.id))
    assert [(row.member_id, row.declared_authority, row.member_role) for row in rows] == [
        (cast.bob.id, False, "staff"),
        (cast.alice.id, False, "admin"),
    ]
    assert {mail.recipient for mail in Mail.select().where(Mail.template == "receipt")} == {
        cast.bob.email,
        cast.alice.email,
    }


def test_staff_cannot_agree_for_the_company_with_the_box_of_what_is_personal(client_as, cast, clock, with_time):
    notice = publish("2.0", clock.now(), kind="privacy_notice")
    browser = client_as(cast.bob)
    page = browser.get("/terms/accept").text
    assert "Waiting for: Alice Adler" in page
    forged = {"agree_portal_terms": "y", "seen_portal_terms": f"{with_time.id}:{with_time.sha256}", "authority": "y"}
    assert browser.post("/terms/accept", data=boxes(page) | forged).status_code == 303
    assert [row.version_id for row in Acceptance.select().where(Acceptance.accepted_at == clock.now())] == [notice.id]


# Taking effect by notice ---------------------------------------------------------------------------------------------


def test_before_the_day_the_banner_announces_and_nothing_is_kept(client_as, cast, by_use):
    page = client_as(cast.alice).get("/home").text
    assert "It takes effect on 13 Mar 2026." in page
    assert client_as(cast.alice).get("/terms/accept").location == "/"
    assert kept("continued") == []


def test_the_first_use_after_the_day_is_kept_once_for_each_member(client_as, cast, clock, by_use):
    clock.advance(days=10)
    for person in (cast.alice, cast.bob):
        browser = client_as(person)
        assert "By using the portal you agree to it." in browser.get("/home").text
        assert "New version" not in browser.get("/allocations").text
    assert kept("continued") == [(cast.alice.id, "2.0"), (cast.bob.id, "2.0")]
    assert list(evidence_faults.faults()) == []


def test_what_leads_elsewhere_or_is_not_there_is_no_use_before_a_page_is_seen(client_as, cast, clock, by_use):
    clock.advance(days=10)
    browser = client_as(cast.alice)
    answers = [
        browser.get("/"),
        browser.get("/sub-accounts/123456789012"),
        browser.post("/sub-accounts/new", data={}),
        browser.get("/sub-accounts/export.csv"),
        browser.get("/sub-accounts", htmx=True),
        browser.head("/home"),
    ]
    assert [answer.status_code for answer in answers] == [303, 404, 422, 200, 200, 200]
    assert kept("continued") == []
    assert "By using the portal you agree to it." in browser.get("/home").text
    assert kept("continued") == [(cast.alice.id, "2.0")]


def test_a_page_that_is_asked_for_twice_at_once_is_one_use(app, client_as, cast, clock, by_use):
    clock.advance(days=10)
    browsers = [client_as(cast.alice) for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(lambda browser: browser.get("/home").status_code, browsers)) == [200] * 4
    assert kept("continued") == [(cast.alice.id, "2.0")]
    assert list(evidence_faults.faults()) == []


def test_a_page_is_given_though_its_use_could_not_be_kept_and_the_next_one_keeps_it(
    client_as, cast, clock, by_use, monkeypatch
):
    clock.advance(days=10)
    browser = client_as(cast.alice)

    def away(*_given):
        raise OperationalError("database is locked")

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(consent, "continued", away)
        assert browser.get("/home").status_code == 200
    assert kept("continued") == []
    assert "By using the portal you agree to it." in browser.get("/home").text
    assert kept("continued") == [(cast.alice.id, "2.0")]


def test_reading_terms_and_receipts_is_no_use_of_the_portal(client_as, cast, clock, by_use):
    clock.advance(days=10)
    browser = client_as(cast.alice)
    for path in ("/terms", "/terms/mine", "/terms/evidence"):
        assert browser.get(path).status_code == 200
    assert kept("continued") == []


def test_a_partner_that_never_agreed_has_to_click_and_not_only_go_on(client_as, cast, clock, by_use):
    with unguarded():
        Acceptance.delete().where(Acceptance.partner == cast.northwind).execute()
    clock.advance(days=10)
    browser = client_as(cast.alice)
    assert browser.get("/home").location == "/terms/accept"
    assert kept("continued") == []


# Evidence of the page ------------------------------------------------------------------------------------------------


def test_the_record_holds_how_sure_it_was_who_acted_and_what_the_page_was(client_as, cast, clock, with_time):
    browser = client_as(cast.alice)
    clock.advance(minutes=5)
    page = browser.get("/terms/accept").text
    assert kept("viewed") == [(cast.alice.id, "2.0")]
    browser.get("/terms/accept")
    browser.post("/terms/accept", data=boxes(page))
    row = Acceptance.get(Acceptance.version == with_time)
    assert row.authentication == "password" and row.authenticated_at <= clock.now() - timedelta(minutes=5)
    assert (row.shown["boxes_before"], row.shown["boxes_after"]) == ("empty", "ticked")
    assert row.shown["template"] == "terms/accept.html" and len(row.shown["template_version"]) == 64
    assert len(row.shown["text_offered"]) == 3
    assert Evidence.get(Evidence.hash == row.hash).prev_hash == row.prev_hash
    assert kept("viewed") == [(cast.alice.id, "2.0")]


def test_the_receipt_is_mailed_and_downloaded_as_the_same_pdf(client_as, cast, with_time):
    browser = client_as(cast.alice)
    browser.post("/terms/accept", data=boxes(browser.get("/terms/accept").text))
    mail = Mail.get(Mail.template == "receipt")
    [file] = mail.attachments
    assert (file.name, file.media_type) == ("receipt-2026-03-03.pdf", "application/pdf")
    row = Acceptance.get(Acceptance.version == with_time)
    answer = browser.get(f"/terms/mine/{row.id}.pdf")
    assert answer.mimetype == "application/pdf" and answer.data == bytes(file.content)
    older = Acceptance.get(Acceptance.version != with_time, Acceptance.member == cast.alice)
    assert browser.get(f"/terms/mine/{older.id}.pdf").data.startswith(b"%PDF-")
    for stranger in (cast.bob, cast.charlie):
        assert client_as(stranger).get(f"/terms/mine/{row.id}.pdf").status_code == 404


# Not agreeing --------------------------------------------------------------------------------------------------------


def test_who_does_not_agree_learns_what_follows_and_it_is_kept(client_as, cast, with_time):
    browser = client_as(cast.alice)
    assert "/terms/decline" in browser.get("/terms/accept").text
    page = browser.get("/terms/decline").text
    assert "Your customers' access to their data goes on." in page and "Take all data along" in page
    assert kept("declined") == []
    for _click in range(2):
        assert "It is recorded that you do not agree." in browser.post("/terms/decline").text
    assert kept("declined") == [(cast.alice.id, "2.0")]
    assert AuditEvent.select().where(AuditEvent.action == "terms.declined").count() == 1
    assert browser.get("/home").status_code == 200
    assert browser.post("/terms/accept", data=boxes(browser.get("/terms/accept").text)).status_code == 303


def test_staff_cannot_decline_for_the_company(client_as, cast, with_time):
    browser = client_as(cast.bob)
    assert browser.get("/terms/decline").location == browser.post("/terms/decline").location == "/"
    assert kept("declined") == []


# Overdue -------------------------------------------------------------------------------------------------------------


def test_administrators_are_told_once_that_the_time_is_over(cast, clock, acting, settings, with_time):
    act = acting(cast.olga)
    assert consent_overdue.tell(act, settings) == 0
    clock.advance(days=30)
    assert consent_overdue.tell(acting(cast.olga), settings) == 2
    assert consent_overdue.tell(acting(cast.olga), settings) == 0
    told = {mail.recipient for mail in Mail.select().where(Mail.template == "terms_overdue")}
    assert told == {cast.alice.email, cast.charlie.email}
    assert kept("overdue") == [(cast.alice.id, "2.0"), (cast.charlie.id, "2.0")]


def test_staff_of_the_provider_see_who_is_overdue(client_as, cast, clock, with_time):
    browser = client_as(cast.olga)
    assert "Nobody is overdue" in browser.get("/admin/overdue-terms").text
    clock.advance(days=30)
    alice = client_as(cast.alice)
    alice.post("/terms/accept", data=boxes(alice.get("/terms/accept").text))
    page = client_as(cast.olga).get("/admin/overdue-terms").text
    assert cast.contoso.legal_name in page and cast.northwind.legal_name not in page
    assert client_as(cast.alice).get("/admin/overdue-terms").status_code == 404


def test_a_partner_without_a_confirmed_administrator_does_not_hold_up_the_others(
    cast, clock, acting, settings, with_time
):
    Member.update(email_confirmed_at=None).where(Member.id == cast.alice.id).execute()
    clock.advance(days=30)
    assert consent_overdue.tell(acting(cast.olga), settings) == 1


# Evidence to take along ----------------------------------------------------------------------------------------------


def test_an_administrator_downloads_the_evidence_and_staff_do_not(client_as, cast):
    browser = client_as(cast.alice)
    assert "/terms/mine/evidence.zip" in browser.get("/terms/mine").text
    answer = browser.get("/terms/mine/evidence.zip")
    assert answer.mimetype == "application/zip" and answer.data.startswith(b"PK")
    assert answer.headers["Cache-Control"] == "no-store"
    assert re.search(r"filename=evidence-2026-03-02\.zip", answer.headers["Content-Disposition"])
    assert AuditEvent.select().where(AuditEvent.action == "evidence.exported").count() == 1
    assert client_as(cast.bob).get("/terms/mine/evidence.zip").status_code == 403
    assert "/terms/mine/evidence.zip" not in client_as(cast.bob).get("/terms/mine").text


def test_staff_of_the_provider_download_it_for_a_partner(client_as, cast):
    path = f"/admin/partners/{cast.northwind.id}/evidence.zip"
    assert path in client_as(cast.olga).get(f"/admin/partners/{cast.northwind.id}").text
    assert client_as(cast.olga).get(path).data.startswith(b"PK")
    assert client_as(cast.olga).get("/admin/partners/99999/evidence.zip").status_code == 404
    assert client_as(cast.oscar).get(path).status_code == 403
    assert client_as(cast.alice).get(path).status_code == 404


def test_anybody_compares_a_hash_with_the_published_chain(client, cast):
    first = Evidence.get(Evidence.number == 1)
    assert Evidence.select().order_by(Evidence.number.desc()).get().hash in client.get("/terms/evidence").text
    assert first.hash in client.get("/terms/evidence?number=1").text
    for unknown in ("999999", "0", "abc", "9" * 30):
        answer = client.get(f"/terms/evidence?number={unknown}")
        assert answer.status_code == 200 and first.hash not in answer.text
