"""The operators' pages of a database that came out of a backup: the banner, what waits, and the end."""

from datetime import timedelta

import pytest

from models.audit import AuditEvent
from models.recovery import Restoration
from models.sub_account import Region
from services import restored
from tests.applicants import sub_account, texts_of

PAGE = "/admin/storage/restored"


@pytest.fixture
def mode(cast, clock) -> Restoration:
    """Two hours old; the storage service was compared since."""
    began_at = clock.now() - timedelta(hours=2)
    mode = Restoration.create(began_at=began_at, cause="backup", prepared_at=began_at)
    Region.update(scanned_at=clock.now()).execute()
    return mode


def banner(page) -> bool:
    return "restored from a backup" in page.text


def test_every_operator_reads_of_it_and_deciders_find_the_end(cast, client_as, mode):
    for person, link in ((cast.olga, True), (cast.oscar, False)):
        for path in ("/admin", "/admin/storage", "/admin/partners"):
            page = client_as(person).get(path)
            assert banner(page)
            assert (f'href="{PAGE}"' in page.text) == link


def test_partners_do_not(cast, client_as, mode):
    assert not banner(client_as(cast.alice).get("/"))


def test_without_the_mode_there_is_no_banner_and_no_page(cast, client_as):
    browser = client_as(cast.olga)
    assert not banner(browser.get("/admin"))
    answer = browser.get(PAGE)
    assert (answer.status_code, answer.location) == (303, "/admin/storage")


def test_the_page_says_what_waits(cast, client_as, mode, clock):
    sub_account(
        cast.contract, cast.region, clock.now(), phase="attention", reason_code=restored.CODE, paused_at=clock.now()
    )
    facts = " ".join(texts_of(client_as(cast.olga).get(PAGE), ".facts"))
    assert "On hold, to be decided one by one1" in facts


def test_it_ends_with_a_reason(cast, client_as, mode):
    browser = client_as(cast.olga)
    assert browser.post(PAGE, data={"reason": ""}).status_code == 422
    assert restored.on()
    answer = browser.post(PAGE, data={"reason": "everything was looked at"})
    assert answer.status_code == 303
    assert not restored.on()
    event = AuditEvent.get(AuditEvent.action == "database.restored_ended")
    assert (event.actor_name, event.after["reason"]) == ("Olga Olsen", "everything was looked at")


def test_it_does_not_end_before_the_service_was_compared(cast, client_as, mode, clock):
    Region.update(scanned_at=None).execute()
    sub_account(cast.contract, cast.region, clock.now())
    browser = client_as(cast.olga)
    page = browser.get(PAGE)
    assert "Not completely compared yet" in page.text and "End this mode" not in page.text
    refused = browser.post(PAGE, data={"reason": "I am in a hurry"})
    assert refused.status_code == 422 and "was not completely compared yet" in refused.text
    assert restored.on()


def test_support_cannot_end_it(cast, client_as, mode):
    assert client_as(cast.oscar).post(PAGE, data={"reason": "why not"}).status_code == 403
    assert restored.on()


def test_a_stuck_sub_account_is_explained(cast, client_as, mode, clock):
    sub_account(
        cast.contract, cast.region, clock.now(), phase="attention", reason_code=restored.CODE, observed_generation=0
    )
    assert "let it go on or take over the value there" in client_as(cast.olga).get("/admin/storage").text
