"""How the storage services are doing, and trying again."""

from datetime import timedelta

import pytest

from models.audit import AuditEvent
from models.sub_account import Region, SubAccount
from services import provisioning_desk
from tests.applicants import sub_account, texts_of

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


@pytest.mark.parametrize(
    ("quota", "seconds", "words"),
    [
        ("immediate", None, "held by the storage service"),
        ("delayed", 5, "within 5 seconds"),
        ("none", None, "not held"),
    ],
)
def test_the_kind_of_quota_is_told(cast, client_as, quota, seconds, words):
    Region.update(hard_quota=quota, quota_delay_seconds=seconds).execute()
    assert words in "".join(texts_of(client_as(cast.oscar).get("/admin/storage"), ".facts"))


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
