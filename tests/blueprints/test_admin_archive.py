"""The archive on its pages: owners alone, for a reason, each time on record."""

import pytest

from models.archive import ArchiveRecord, Erasure, PurgeReport
from models.audit import AuditEvent
from services import archive
from tests.applicants import texts_of
from tests.models import rows

SHELF = "/admin/archive/77/evidence"


@pytest.fixture
def kept(cast, clock):
    erasure = rows.make(Erasure, finished_at=clock.now())
    line = {"member_name": "Alice Adler", "shown": {"boxes": {"x": "I agree"}}, "empty": ""}
    for _record in range(archive.PAGE_ROWS + 1):
        rows.make(ArchiveRecord, erasure=erasure, former_partner_id=77, record_class="evidence", payload=[line])
    PurgeReport.create(at=clock.now(), removed={"mail_texts": 3, "links": 0})
    return cast


def looks() -> list[AuditEvent]:
    return list(AuditEvent.select().where(AuditEvent.action == "archive.read"))


def test_owners_see_what_is_kept_and_nothing_of_its_content(kept, client_as):
    page = client_as(kept.olga).get("/admin/archive")
    assert page.status_code == 200 and "77" in page.text and "Evidence" in page.text
    assert "Alice Adler" not in page.text and "Texts of mails: 3" in page.text
    assert looks() == []


def test_the_menu_of_owners_leads_there(cast, client_as):
    assert 'href="/admin/archive"' in client_as(cast.olga).get("/admin").text
    assert 'href="/admin/archive"' not in client_as(cast.oscar).get("/admin").text


def test_nobody_else_opens_it(kept, client_as, client):
    for path in ("/admin/archive", SHELF):
        assert client_as(kept.oscar).get(path).status_code == 403
        assert client_as(kept.alice).get(path).status_code == 404
        assert client.get(path).status_code == 303
    assert client_as(kept.oscar).post(SHELF, data={"reason": "curious"}).status_code == 403
    assert looks() == []


def test_looking_needs_a_reason(kept, client_as):
    browser = client_as(kept.olga)
    assert "Alice Adler" not in browser.get(SHELF).text
    answer = browser.post(SHELF, data={"reason": " "})
    assert answer.status_code == 422 and "Alice Adler" not in answer.text
    assert looks() == []


def test_a_look_shows_the_records_page_by_page_and_each_is_on_record(kept, client_as):
    browser = client_as(kept.olga)
    first = browser.post(SHELF, data={"reason": "Tax audit 2026-7"})
    assert first.status_code == 200 and len(texts_of(first, "h2")) >= archive.PAGE_ROWS
    assert "Alice Adler" in first.text and "I agree" in first.text
    (look,) = looks()
    assert (look.actor_name, look.after["reason"]) == ("Olga Olsen", "Tax audit 2026-7")
    last = ArchiveRecord.select().order_by(ArchiveRecord.id)[archive.PAGE_ROWS - 1]
    second = browser.post(SHELF, data={"reason": "Tax audit 2026-7", "after": last.id})
    assert second.status_code == 200 and len(looks()) == 2
    assert "Next records" in first.text and "Next records" not in second.text


def test_what_is_not_there_is_not_found(kept, client_as):
    browser = client_as(kept.olga)
    assert browser.get("/admin/archive/77/gossip").status_code == 404
    assert browser.post("/admin/archive/78/evidence", data={"reason": "Tax audit"}).status_code == 404


def test_before_anybody_left_the_page_says_so(cast, client_as):
    page = client_as(cast.olga).get("/admin/archive")
    assert "The archive is empty" in page.text and "No purge yet" in page.text


def test_erasures_that_wait_are_told(cast, client_as):
    rows.make(Erasure, waits_for="sub_accounts")
    assert "still there on the storage service" in client_as(cast.olga).get("/admin/archive").text
