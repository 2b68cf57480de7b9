"""What operators see of each region: health, sums, what it can do; and what is wrong with one as a whole."""

from datetime import timedelta

import pytest

from models.sub_account import Region, SubAccount
from services import regions
from services.region_alarms import Alarm, alarms
from services.region_list import regions_offered
from services.storage.address import AWS, RGW
from services.storage.memory import MemoryStorage
from tests.applicants import sub_account, texts_of

TB = 10**12


@pytest.fixture
def page(cast, client_as):
    def read() -> str:
        return client_as(cast.oscar).get("/admin/storage").text.replace("\u00a0", " ")

    return read


@pytest.fixture
def facts(cast, client_as):
    def read() -> str:
        return " ".join(texts_of(client_as(cast.oscar).get("/admin/storage"), ".facts")).replace("\u00a0", " ")

    return read


def told(cast, **columns) -> None:
    Region.update(**columns).where(Region.id == cast.region.id).execute()


def found(clock) -> list[tuple]:
    return [(alarm.region.name, alarm.kind, alarm.since_at) for alarm in alarms(clock.now())]


def test_each_region_has_a_card_with_the_name_that_people_use(cast, page):
    told(cast, display_name="Hamburg", place="Germany")
    Region.create(name="south", display_name="Oslo", closed=True)
    assert f'<h2 id="region-{cast.region.id}">Hamburg, Germany</h2>' in page()
    assert ">Oslo</h2>" in page() and page().count("Takes no new sub-accounts") == 1


def test_sub_accounts_allocations_and_quotas_are_summed(cast, facts, clock):
    for number, phase in enumerate(("ready", "updating", "deleted")):
        values = {"public_id": f"p{number}", "remote_uid": f"u{number}", "name": f"A{number}", "phase": phase}
        quotas = {"allocated_bytes": 2 * TB, "observed_quota_bytes": TB}
        sub_account(cast.contract, cast.region, clock.now(), f"10000000000{number}", **values, **quotas)
    assert "Sub-accounts2 Allocated4 TB Quotas on the service2 TB" in facts()


def test_the_breaker_is_closed_open_or_on_trial(cast, facts, clock):
    assert "Circuit breakerclosed, calls go through" in facts()
    told(cast, failures=5, retry_at=clock.now() + timedelta(seconds=30))
    assert "Circuit breakeropen until 2 Mar 2026" in facts()
    clock.advance(seconds=31)
    assert "Circuit breakerthe next call is a trial" in facts()


@pytest.mark.parametrize(
    ("can", "words"),
    [
        (RGW, ("the portal chooses access keys", "tells traffic", "customers make buckets themselves", "read-only")),
        (AWS, ("the service makes access keys itself", "does not tell traffic", "2 keys an account at most")),
    ],
    ids=["rgw", "aws"],
)
def test_what_a_service_can_do_is_said_in_words(cast, facts, can, words):
    storage = MemoryStorage()
    storage.capabilities = can
    assert "The servicenot told yet" in facts()
    regions.describe(cast.region.name, storage)
    assert [text for text in words if text not in facts()] == []


def test_what_programs_are_told_of_regions_has_the_vendors_fields_and_what_the_service_can_do(cast):
    regions.describe(cast.region.name, MemoryStorage(hard_quota="delayed", quota_delay_seconds=3))
    told(cast, iam_url="https://iam.example.com")
    Region.create(name="gone", removed_at=cast.northwind.created_at)
    (region,) = regions_offered()
    assert {"name", "s3_url", "iam_url", "sts_url"} <= set(vars(region))
    assert (region.name, region.s3_url) == (cast.region.name, "https://s3.storage.example")
    assert (region.iam_url, region.sts_url) == ("https://iam.example.com", "")
    assert region.capabilities["hard_quota"] == "delayed"
    assert (region.capabilities["quota_delay_seconds"], region.capabilities["key_import"]) == (3, True)


def test_a_region_without_a_worker_says_since_when_and_that_nothing_is_lost(cast, client_as, page, clock):
    told(cast, tended_at=clock.now() - timedelta(minutes=2))
    assert found(clock) == []
    clock.advance(seconds=1)
    assert found(clock) == [(cast.region.name, "abandoned", clock.now() - timedelta(seconds=121))]
    assert "Nobody looks after it" in page() and "Since 2 Mar 2026, 08:58" in page()
    assert "Nothing is lost" in page() and "Start a worker for it" in page()
    (row,) = texts_of(client_as(cast.oscar).get("/admin"), "tbody tr")
    assert "Nobody looks after this region" in row


def test_a_region_that_was_removed_while_accounts_live_there_is_shown_and_without_them_not(cast, page, clock):
    told(cast, removed_at=clock.now() - timedelta(days=3), tended_at=clock.now() - timedelta(days=3))
    assert found(clock) == [] and "No storage service yet" in page()
    row = sub_account(cast.contract, cast.region, clock.now() - timedelta(days=9), phase="ready")
    assert [kind for _name, kind, _at in found(clock)] == ["abandoned"]
    assert "Put it back into the worker" in page() and "27 Feb 2026" in page()
    SubAccount.update(phase="deleted").where(SubAccount.id == row.id).execute()
    assert found(clock) == []


def test_the_oldest_change_is_an_alarm_after_five_minutes(cast, clock, client_as):
    told(cast, scanned_at=clock.now())
    made_at = clock.now() - timedelta(minutes=5)
    row = sub_account(cast.contract, cast.region, made_at, phase="updating")
    SubAccount.update(deadline_at=made_at + timedelta(minutes=15)).execute()
    assert found(clock) == []
    clock.advance(seconds=1)
    assert found(clock) == [(cast.region.name, "pending", made_at)]
    (entry,) = texts_of(client_as(cast.oscar).get("/admin"), "tbody tr")
    assert "Changes wait for more than 5 minutes" in entry
    for values in ({"paused_at": clock.now()}, {"paused_at": None, "phase": "attention"}, {"phase": "deleting"}):
        SubAccount.update(**values).where(SubAccount.id == row.id).execute()
        assert found(clock) == []
    SubAccount.update(phase="updating", deadline_at=clock.now() - timedelta(seconds=1)).execute()
    assert found(clock) == []  # it stands in the queue by itself


def test_a_comparison_that_is_an_hour_old_is_an_alarm(cast, clock, client_as):
    told(cast, scanned_at=clock.now() - timedelta(hours=1))
    assert found(clock) == []
    clock.advance(seconds=1)
    assert [kind for _name, kind, _at in found(clock)] == ["unscanned"]
    assert "an hour old" in client_as(cast.oscar).get("/admin").text
    told(cast, scanned_at=None)
    assert alarms(clock.now()) == []
    since_at = clock.now() - timedelta(hours=2)
    sub_account(cast.contract, cast.region, since_at, phase="ready", observed_generation=1)
    assert alarms(clock.now()) == [Alarm(cast.region, "unscanned", since_at)]
