"""How the storage services are doing, and trying again."""

import re
from datetime import timedelta
from typing import get_args

import pytest

from blueprints.admin.reasons import advice
from models.audit import AuditEvent
from models.sub_account import Region, SubAccount
from services import provisioning, provisioning_desk, regions
from services.storage.contract import HardQuota
from tests.applicants import sub_account, texts_of
from tests.house import source

AGAIN = "/admin/storage/100000000001/try-again"


@pytest.fixture
def stuck(cast, clock) -> SubAccount:
    return sub_account(
        cast.contract,
        cast.region,
        clock.now() - timedelta(hours=2),
        phase="attention",
        reason_code="refused",
        last_error="403 from the <service>",
        attempts=7,
        next_attempt_at=clock.now() + timedelta(hours=1),
    )


def test_a_region_in_order_says_when_it_last_answered(cast, client_as):
    page = client_as(cast.oscar).get("/admin/storage")
    (facts,) = texts_of(page, ".facts")
    assert "Endpointhttp://127.0.0.1:8333" in facts
    assert "Last answer2 Mar 2026, 09:00" in facts
    assert "Pending changesnone" in facts
    assert "In order" in page.text


def test_a_failing_region_says_since_when_and_that_nothing_is_lost(cast, client_as, clock):
    Region.update(failing_since_at=clock.now() - timedelta(hours=1), last_error="connection <refused>").execute()
    page = client_as(cast.oscar).get("/admin/storage")
    assert "Failing since 2 Mar 2026" in page.text
    assert "Nothing is lost" in page.text
    assert "connection &lt;refused&gt;" in page.text


QUOTAS = {
    "immediate": (None, "Quotaheld by the storage service"),
    "delayed": (5, "Quotaheld by the worker, within 5 seconds"),
    "none": (None, "Quotanot held"),
}


@pytest.mark.parametrize("quota", get_args(HardQuota))
def test_the_kind_of_quota_is_told(cast, client_as, clock, quota):
    seconds, words = QUOTAS[quota]
    Region.update(hard_quota=quota, quota_delay_seconds=seconds, enforced_at=clock.now()).execute()
    (facts,) = texts_of(client_as(cast.oscar).get("/admin/storage"), ".facts")
    assert words in facts


def test_when_the_loop_that_holds_quotas_stands_still_the_page_and_the_queue_say_so(cast, client_as, clock):
    Region.update(
        hard_quota="delayed", quota_delay_seconds=3, enforced_at=clock.now(), last_ok_at=clock.now()
    ).execute()
    browser = client_as(cast.oscar)
    clock.advance(seconds=60)
    assert "Quotas not held" not in browser.get("/admin/storage").text + browser.get("/admin").text
    assert "In order" in browser.get("/admin/storage").text
    clock.advance(seconds=1)
    page = browser.get("/admin/storage")
    assert "In order" not in page.text
    assert "Quotas not held since 2 Mar 2026, 09:00" in page.text.replace("\u00a0", " ")
    (entry,) = texts_of(browser.get("/admin"), "tbody tr")
    assert cast.region.name in entry and "Quotas not held" in entry
    assert f'href="/admin/storage#region-{cast.region.id}"' in browser.get("/admin").text


def test_quotas_that_were_never_held_are_said_once_there_is_a_sub_account(cast, client_as, clock):
    Region.update(hard_quota="delayed", quota_delay_seconds=3, enforced_at=None, last_ok_at=clock.now()).execute()
    browser = client_as(cast.oscar)
    assert "Quotas not held" not in browser.get("/admin").text
    sub_account(cast.contract, cast.region, clock.now(), phase="ready", observed_generation=1)
    assert "Quotas not held" in browser.get("/admin").text
    assert "Quotas not held" in browser.get("/admin/storage").text


@pytest.mark.parametrize("quota", ["immediate", "none"])
def test_where_the_worker_holds_no_quotas_their_age_says_nothing(cast, client_as, clock, quota):
    Region.update(hard_quota=quota, enforced_at=clock.now() - timedelta(hours=5), last_ok_at=clock.now()).execute()
    sub_account(cast.contract, cast.region, clock.now(), phase="ready", observed_generation=1)
    page = client_as(cast.oscar).get("/admin/storage")
    assert "Quotas not held" not in page.text and "In order" in page.text


def test_pending_changes_are_counted_with_the_age_of_the_oldest(cast, client_as, clock):
    sub_account(cast.contract, cast.region, clock.now() - timedelta(minutes=3))
    sub_account(cast.contract, cast.region, clock.now(), "100000000002", public_id="b", remote_uid="b")
    facts = "".join(texts_of(client_as(cast.oscar).get("/admin/storage"), ".facts"))
    assert "Pending changes2, the oldest since 2 Mar 2026, 08:57" in facts


def test_before_the_worker_started_the_page_says_so(cast, client_as):
    Region.delete().execute()
    assert "No storage service yet" in client_as(cast.oscar).get("/admin/storage").text


def test_what_is_stuck_is_listed_with_its_error_and_advice(cast, client_as, stuck):
    (row,) = texts_of(client_as(cast.oscar).get("/admin/storage"), "tbody tr")
    for expected in (
        "Lovelace backup",
        "100000000001",
        "Northwind Traders GmbH",
        "403 from the <service>",
        "refused the change",
    ):
        assert expected in row


def test_trying_again_hands_it_to_the_worker_at_once(cast, client_as, stuck, clock):
    browser = client_as(cast.oscar)
    answer = browser.post(AGAIN)
    assert (answer.status_code, answer.location) == (303, "/admin/storage")
    row = SubAccount.get_by_id(stuck.id)
    assert (row.phase, row.attempts, row.next_attempt_at, row.reason_code) == ("pending", 0, clock.now(), "")
    assert row.deadline_at == clock.now() + timedelta(minutes=15)
    event = AuditEvent.get(AuditEvent.action == "sub_account.retried")
    assert (event.actor_name, event.partner, event.before) == ("Oscar Otto", cast.northwind, {"phase": "attention"})
    assert "was handed back to the worker" in browser.get("/admin/storage").text


def test_with_htmx_the_list_comes_back_in_place(cast, client_as, stuck):
    answer = client_as(cast.oscar).post(AGAIN, htmx=True)
    assert answer.status_code == 200
    assert answer.text.lstrip().startswith('<div id="regions"')
    assert "was handed back to the worker" in answer.text


def test_what_is_in_order_again_needs_no_second_try(cast, client_as, stuck):
    SubAccount.update(phase="ready", observed_generation=1).execute()
    answer = client_as(cast.oscar).post(AGAIN)
    assert answer.status_code == 422
    assert "Lovelace backup is in order again" in answer.text


def test_an_unknown_number_is_404(cast, client_as):
    assert client_as(cast.oscar).post("/admin/storage/999999999999/try-again").status_code == 404


@pytest.mark.parametrize(
    ("values", "phase"),
    [
        ({}, "pending"),
        ({"observed_state": "active"}, "updating"),
        ({"observed_state": "active", "wanted_state": "suspended"}, "suspending"),
        ({"observed_state": "suspended", "wanted_state": "suspended"}, "updating"),
        ({"observed_state": "active", "wanted_state": "deleted"}, "deleting"),
    ],
)
def test_the_phase_says_what_the_worker_is_to_do(stuck, values, phase):
    for name, value in values.items():
        setattr(stuck, name, value)
    assert provisioning_desk.phase_of_wish(stuck) == phase


def reason_codes() -> set[str]:
    """Every code that the worker may leave, read from its code."""
    text = "".join((source.ROOT / "services" / name).read_text() for name in ("provisioning.py", "purging.py"))
    named = re.findall(r'(?:NeedsPeople\(|_call_people\(site, row, )"(\w+)"', text)
    return {*named, provisioning.NO_ROOM, regions.UNAVAILABLE}


@pytest.mark.parametrize("language", ["en", "de"])
def test_every_reason_has_words_of_its_own(app, language):
    with app.test_request_context(headers={"Accept-Language": language}):
        told = {code: advice(code) for code in (*reason_codes(), "something else")}
    assert len(told) > 7
    assert len(set(told.values())) == len(told)
