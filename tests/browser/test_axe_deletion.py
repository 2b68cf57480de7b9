"""Pausing, deleting and restoring, the use of one sub-account, and what operators see of both and of a restored portal:
no finding of axe, nothing small or cut off."""

from datetime import date, timedelta

import pytest

from models.deletion import Deletion
from models.recovery import Restoration
from models.sub_account import Region, SubAccount
from models.usage import AccountUse, TrafficDay, UsageDay
from tests.accounts import TB, opened
from tests.applicants import sub_account

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("axe-deletion")]

GB = 10**9
LONG_NAME = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"


@pytest.fixture
def account(cast, portal, clock) -> SubAccount:
    at = clock.now()
    return opened(cast, portal.app.settings, at, LONG_NAME, allocated_bytes=6 * TB, used_bytes=5 * TB, measured_at=at)


def put(account: SubAccount, **values) -> None:
    SubAccount.update(**values).where(SubAccount.id == account.id).execute()


def deletion(account: SubAccount, clock, **values) -> Deletion:
    asked_at = clock.now() - timedelta(days=30)
    return Deletion.create(
        sub_account=account, region=account.region_id, asked_at=asked_at, asked_by="member:1", asked_name="Alice Adler",
        **values,
    )  # fmt: skip


def test_pausing_deleting_and_restoring(eyes, cast, account):
    page, seen = f"/sub-accounts/{account.number}", eyes(cast.alice)
    seen.open(f"{page}/pause", "pause")
    seen.send("being paused")
    put(account, phase="suspended", observed_state="suspended", observed_generation=2)
    seen.open(page, "paused")
    seen.open(f"{page}/delete", "delete")
    seen.enter(typed="another")
    seen.send("delete, another name")
    seen.enter(typed=LONG_NAME)
    seen.send("to be deleted")
    put(account, phase="suspended", observed_generation=3)
    seen.open(page, "to be deleted, followed")
    seen.open("/allocations/RCP-1001", "board, one to be deleted")
    seen.open(page)
    seen.send("restored", "form[action$='/restore'] button")
    eyes(cast.vera).open("/sub-accounts?state=paused", "list of a viewer, paused")


def test_a_deletion_that_runs_and_one_that_is_over(eyes, cast, clock, account):
    page, seen, at = f"/sub-accounts/{account.number}", eyes(cast.alice), clock.now()
    row = deletion(account, clock, held_at=at)
    put(account, wanted_state="suspended", phase="suspended", delete_after_at=at)
    seen.open(page, "deletion held back")
    row.started_at, row.found_bytes, row.found_objects, row.removed_bytes, row.removed_objects = at, 5 * TB, 90, TB, 7
    row.locked_until_at = at + timedelta(days=9)
    row.save()
    put(account, wanted_state="deleted", phase="deleting", delete_after_at=None, reason_code="locked")
    seen.open(page, "deletion runs, objects are locked")
    row.ended_at, row.locked_until_at = at, None
    row.save()
    put(account, phase="deleted", observed_state="deleted", allocated_bytes=0, used_bytes=0, reason_code="")
    seen.open(page, "deleted")
    seen.open("/sub-accounts?state=deleted", "list, deleted")


def test_the_use_of_one_sub_account(eyes, cast, clock, account):
    seen = eyes(cast.alice)
    seen.open(f"/usage/{account.number}", "use, nothing measured")
    for day in (3, 4, 9):
        UsageDay.create(
            sub_account=account, day_on=date(2026, 2, day), samples=4, hours=2, average_bytes=day * 600 * GB,
            peak_bytes=day * 700 * GB, last_bytes=0, allocated_bytes=6 * TB, measured_at=clock.now(),
        )  # fmt: skip
    told = {"used_bytes": 3 * TB, "objects": 12_345, "unfinished_bytes": GB}
    buckets = [
        {"name": f"{account.number}-main", "noncurrent_bytes": None, **told},
        {"name": "a-name-of-63-signs-" + "x" * 44, "noncurrent_bytes": 2 * GB, **told},
    ]
    AccountUse.create(sub_account=account, measured_at=clock.now(), buckets=buckets)
    TrafficDay.create(sub_account=account, day_on=date(2026, 2, 9), received_bytes=TB, sent_bytes=GB, requests=10**9)
    seen.open(f"/usage/{account.number}?first=2026-02-01&last=2026-02-28", "use of a month")
    seen.page.locator("main summary").first.click()
    seen.look("use of a month, as a table")
    seen.open(f"/usage/{account.number}?first=2026-02-28&last=2026-02-01", "use, refused", 422)
    seen.open(f"/sub-accounts/{account.number}", "sub-account, buckets and traffic")


def test_deletions_that_wait_and_run(eyes, cast, clock, account, portal):
    at = clock.now()
    put(account, wanted_state="suspended", phase="suspended", delete_after_at=at)
    deletion(account, clock, held_at=at)
    other = opened(cast, portal.app.settings, at, "Bert Bau", phase="deleting", wanted_state="deleted")
    deletion(other, clock, started_at=at, found_bytes=TB, found_objects=9, removed_bytes=GB, removed_objects=2)
    seen = eyes(cast.olga)
    seen.open("/admin", "queue, deletions wait")
    seen.open("/admin/storage", "storage, deletions wait and run")
    seen.open(f"/admin/storage/deletions/{cast.region.id}", "release")
    seen.send("release, no reason")
    third = opened(cast, portal.app.settings, at, "Carl Cafe", wanted_state="suspended", phase="suspended")
    put(third, delete_after_at=at + timedelta(days=3))
    deletion(third, clock)
    seen.open("/admin/storage", "storage, one asked for")
    seen.open(f"/admin/storage/{third.number}/hold-deletion", "hold back")
    seen.send("hold back, no reason")
    eyes(cast.oscar).open("/admin/storage", "deletions, for somebody who does not decide")


def test_several_regions_and_one_that_nobody_looks_after(eyes, cast, clock):
    long_ago = clock.now() - timedelta(days=2)
    Region.create(name="eu-north-with-a-rather-long-name", endpoint="https://s3.north.example.com", tended_at=long_ago)
    Region.update(closed=True, scanned_at=long_ago, last_ok_at=clock.now()).where(Region.id == cast.region.id).execute()
    seen = eyes(cast.olga)
    seen.open("/admin", "queue, a region is abandoned")
    seen.open("/admin/storage", "storage, two regions")
    Region.update(closed=False).execute()
    eyes(cast.alice).open("/sub-accounts/new", "new sub-account, two regions")


def test_a_restored_portal(eyes, cast, clock):
    began_at = clock.now() - timedelta(hours=2)
    Restoration.create(began_at=began_at, cause="backup", prepared_at=began_at)
    sub_account(cast.contract, cast.region, began_at, phase="attention", reason_code="restored", paused_at=clock.now())
    seen = eyes(cast.olga)
    seen.open("/admin/storage/restored", "restored, not compared yet")
    Region.update(scanned_at=clock.now()).execute()
    seen.open("/admin", "queue of a restored portal")
    seen.open("/admin/storage", "storage of a restored portal")
    seen.open("/admin/storage/restored", "restored, compared")
    seen.send("restored, no reason")
    seen.enter(reason="Everything was looked at.")
    seen.send("restored, over")
