"""Not agreeing to a version that takes effect by continued use; what is said of it before and afterwards (T1, T5)."""

from datetime import timedelta

import pytest

from models.audit import AuditEvent
from models.evidence import ConsentEvent
from services import evidence_faults
from tests.blueprints.test_terms import publish


@pytest.fixture
def by_use(cast, clock):
    """Terms that take effect by notice in ten days, in both languages; German comes first."""
    clock.advance(days=1)
    more = {"effective_at": clock.now() + timedelta(days=10), "requires_acceptance": False, "supersedes": "1.0"}
    publish("2.0", clock.now(), "de", title="Bedingungen 2.0", **more)
    return publish("2.0", clock.now(), change_summary="Clearer words.", reason="Asked for.", **more)


def kept(kind: str) -> list[tuple[int, str]]:
    rows = ConsentEvent.select().where(ConsentEvent.kind == kind).order_by(ConsentEvent.id)
    return [(row.member_id, row.version.label) for row in rows]


def test_the_banner_names_the_document_in_the_readers_language_and_leads_to_the_difference(client_as, cast, by_use):
    browser = client_as(cast.alice)
    page = browser.get("/home").text
    assert "New version: Terms 2.0" in page and 'href="/terms/portal_terms/2.0/changes"' in page
    browser.post("/language", data={"language": "de"})
    assert "Bedingungen 2.0" in browser.get("/home").text


def test_the_banner_says_until_when_one_may_object(client_as, cast, by_use, clock):
    page = client_as(cast.alice).get("/home").text
    assert "Object until 13 Mar 2026" in page and 'href="/terms/decline"' in page
    assert "/terms/decline" not in client_as(cast.bob).get("/home").text
    clock.advance(days=10)
    assert "/terms/decline" not in client_as(cast.alice).get("/home").text


def test_away_from_home_one_line_holds_the_news_until_it_is_in_force(client_as, cast, clock, by_use):
    browser = client_as(cast.alice)
    fold = '<details class="notice notice-info notice-fold"'
    assert f"{fold} open>" in browser.get("/home").text and f"{fold}>" in browser.get("/sub-accounts").text
    publish("2.0", clock.now(), kind="acceptable_use", grace_until_at=clock.now() + timedelta(days=30))
    page = browser.get("/home").text
    assert f"{fold}>" in page and page.count("notice-fold") == 1 and "2 new versions of documents" in page
    clock.advance(days=10)
    assert f"{fold} open>" in client_as(cast.alice).get("/sub-accounts").text


def test_an_objection_is_kept_and_using_the_portal_is_no_agreement_then(client_as, cast, clock, by_use):
    browser = client_as(cast.alice)
    page = browser.get("/terms/decline").text
    assert "Terms 2.0" in page and "the earlier version stays in force for you" in page
    for _click in range(2):
        answer = browser.post("/terms/decline", data={"version": by_use.id})
        assert answer.status_code == 200 and "Your objection is recorded." in answer.text
    assert kept("declined") == [(cast.alice.id, "2.0")]
    assert AuditEvent.select().where(AuditEvent.action == "terms.declined").count() == 1
    assert "New version" not in browser.get("/home").text
    clock.advance(days=11)
    for person in (cast.alice, cast.bob, cast.charlie):
        page = client_as(person).get("/home")
        assert page.status_code == 200 and ("New version" in page.text) == (person is cast.charlie)
    assert kept("continued") == [(cast.charlie.id, "2.0")]
    assert "You objected to version 2.0" in client_as(cast.alice).get("/terms/mine").text
    assert list(evidence_faults.faults()) == []


def test_an_objection_holds_for_one_version_only(client_as, cast, clock, by_use):
    client_as(cast.alice).post("/terms/decline", data={"version": by_use.id})
    publish("3.0", clock.now(), effective_at=clock.now() + timedelta(days=20), requires_acceptance=False)
    clock.advance(days=21)
    assert "Terms 3.0" in client_as(cast.alice).get("/home").text
    assert kept("continued") == [(cast.alice.id, "3.0")]


def test_each_member_objects_to_what_is_personal_for_itself(client_as, cast, clock):
    clock.advance(days=1)
    more = {"effective_at": clock.now() + timedelta(days=10), "requires_acceptance": False}
    notice = publish("2.0", clock.now(), kind="privacy_notice", **more)
    client_as(cast.bob).post("/terms/decline", data={"version": notice.id})
    clock.advance(days=11)
    for person in (cast.alice, cast.bob):
        client_as(person).get("/home")
    assert kept("declined") == [(cast.bob.id, "2.0")] and kept("continued") == [(cast.alice.id, "2.0")]


def test_after_the_day_and_for_staff_there_is_nothing_to_object_to(client_as, cast, clock, by_use):
    staff = client_as(cast.bob)
    assert staff.post("/terms/decline", data={"version": by_use.id}).location == "/"
    clock.advance(days=10)
    assert client_as(cast.alice).post("/terms/decline", data={"version": by_use.id}).location == "/"
    assert kept("declined") == []


def test_objecting_to_one_says_nothing_of_what_needs_a_click(client_as, cast, clock, by_use):
    click = publish("2.0", clock.now(), kind="acceptable_use", grace_until_at=clock.now() + timedelta(days=30))
    browser = client_as(cast.alice)
    browser.post("/terms/decline", data={"version": by_use.id})
    assert kept("declined") == [(cast.alice.id, by_use.label)]
    assert ConsentEvent.get(ConsentEvent.kind == "declined").version_id == by_use.id
    browser.post("/terms/decline")
    assert {row.version_id for row in ConsentEvent.select().where(ConsentEvent.kind == "declined")} == {
        by_use.id,
        click.id,
    }


def test_staff_of_the_provider_see_who_does_not_agree(client_as, cast, by_use):
    assert "Nobody has objected" in client_as(cast.olga).get("/admin/objections").text
    client_as(cast.alice).post("/terms/decline", data={"version": by_use.id})
    olga = client_as(cast.olga)
    page = olga.get("/admin/objections").text
    assert cast.northwind.legal_name in page and "Alice Adler" in page and cast.contoso.legal_name not in page
    assert "Not agreed to" in olga.get(f"/admin/partners/{cast.northwind.id}").text
    assert 'href="/admin/objections"' in olga.get("/admin/partners").text
    assert client_as(cast.alice).get("/admin/objections").status_code == 404


def test_the_page_of_a_new_version_says_what_changes_and_why(client_as, cast, clock):
    clock.advance(days=1)
    at = clock.now() + timedelta(days=5)
    words = {"change_summary": "Clearer words.", "reason": "Asked for.", "supersedes": "1.0"}
    publish("2.0", clock.now(), effective_at=at, grace_until_at=at + timedelta(days=30), **words)
    page = client_as(cast.alice).get("/terms/accept").text
    assert "Clearer words." in page and "Asked for." in page and 'href="/terms/portal_terms/2.0/changes"' in page
    assert "Version 2.0, in force from 8 Mar 2026" in page and "in force since" not in page
