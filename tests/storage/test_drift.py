"""What somebody changed by hand on a real service: found by the regular comparison, and put right, barred or told.

The rules themselves are in tests/services/test_drift.py, against the storage in memory; here each row of their table
meets a service with its own ways of answering."""

import secrets

import pytest

from models.drift import Drift
from models.outbox import Mail
from models.sub_account import AccessKey, Region, SubAccount
from services import drift, regions, remote_names
from services.clock import FakeClock
from services.secret import Vault
from services.settings import Settings
from services.site import Site
from services.storage.contract import RemoteKey, StorageUnavailable
from tests.services.ground import TB, Ground, fresh, work
from tests.storage.customers import make_key, purge

CEPH = (pytest.mark.ceph, pytest.mark.xdist_group("ceph"))
REAL = ["seaweed", pytest.param("rgw", marks=CEPH), pytest.param("aws", marks=pytest.mark.xdist_group("aws"))]


@pytest.fixture(params=REAL)
def site(request, cast, settings: Settings, clock: FakeClock) -> Site:
    storage = request.getfixturevalue(request.param)
    region = regions.describe(cast.region.name, storage)
    return Site(region, storage, Vault(settings.data_keys), clock, "worker", jitter=lambda _least, most: most)


@pytest.fixture
def row(cast, settings, clock, site):
    """Set up, and left alone for long enough to be compared."""
    row = Ground(cast, settings, clock).account("A", 2 * TB)
    work(site)
    assert fresh(row).settled
    yield row
    purge(site.storage, row.remote_uid)


@pytest.fixture
def scan(site, settings, clock):
    def compare(**later) -> None:
        clock.advance(**(later or {"minutes": 15}))
        while drift.look(site, settings):
            pass
        assert Region.get_by_id(site.region.id).scan_error == ""

    return compare


def found(row: SubAccount) -> list[tuple[str, str]]:
    """Kind and end of what was found at this account, the oldest first."""
    rows = Drift.select().where(Drift.remote_uid == row.remote_uid).order_by(Drift.id)
    return [(finding.kind, finding.resolution) for finding in rows]


def test_what_stands_as_wanted_is_no_finding(row, scan):
    scan()
    scan()
    assert found(row) == []


@pytest.mark.parametrize("there_bytes", [TB, 5 * TB, None])
def test_a_quota_by_hand_is_put_right(site, row, scan, there_bytes):
    site.storage.put_quota(row.remote_uid, there_bytes)
    scan()
    assert found(row) == [("quota", "")]
    work(site)
    assert site.storage.read_account(row.remote_uid).quota_bytes == 2 * TB
    scan()
    assert found(row) == [("quota", "repaired")]


def test_the_third_change_by_hand_in_a_day_goes_to_people_and_is_left_alone(site, row, scan, clock):
    for _ in range(3):
        site.storage.put_suspended(row.remote_uid, True)
        scan()
        work(site)
        clock.advance(minutes=2)
    assert (fresh(row).phase, fresh(row).reason_code) == ("attention", "edited")
    clock.advance(hours=3)
    assert work(site) == 0
    assert site.storage.read_account(row.remote_uid).suspended


def test_a_suspension_by_hand_is_lifted(site, row, scan):
    site.storage.put_suspended(row.remote_uid, True)
    scan()
    work(site)
    assert not site.storage.read_account(row.remote_uid).suspended
    assert found(row) == [("suspension", "")]


def test_a_key_switched_off_by_hand_is_switched_on_or_its_loss_is_told(site, row, scan):
    key = AccessKey.get()
    if site.storage.capabilities.key_inactive:
        site.storage.put_key_active(row.remote_uid, key.access_key_id, False)
        scan()
        work(site)
        assert site.storage.read_account(row.remote_uid).keys == (RemoteKey(key.access_key_id, True),)
        assert found(row) == [("key_state", "")]
    site.storage.delete_key(row.remote_uid, key.access_key_id)
    scan()
    assert AccessKey.get().phase == "attention"
    assert found(row)[-1] == ("key_missing", "")
    (mail,) = Mail.select().where(Mail.template == "key_missing")
    assert key.access_key_id in mail.text


def test_a_key_that_nobody_made_here_is_switched_off_at_once(site, row, scan):
    own = AccessKey.get().access_key_id
    key_id, secret = make_key(site.storage, row.remote_uid)
    scan()
    there = {key.id: key.active for key in site.storage.read_account(row.remote_uid).keys}
    assert there.pop(own)
    assert not there.get(key_id)
    assert site.storage.probe_key(key_id, secret, row.main_bucket) == "dead"
    assert found(row) == [("unknown_key", "")]
    assert fresh(row).phase == "ready"


def test_an_account_that_is_gone_reaches_people_and_is_not_made_anew(site, row, scan, clock):
    purge(site.storage, row.remote_uid)
    scan()
    assert (fresh(row).phase, fresh(row).reason_code, found(row)) == ("attention", "missing", [("missing", "")])
    clock.advance(hours=2)
    work(site)
    assert site.storage.read_account(row.remote_uid) is None


def test_an_unknown_account_of_ours_is_barred_after_a_day_and_never_deleted(site, row, scan):
    nobody, other = remote_names.own_prefix() + secrets.token_hex(6), f"pp-other1-{secrets.token_hex(6)}"
    for uid in (nobody, other):
        site.storage.put_account(uid, "marker-1", "Somebody", None)
    scan()
    scan(hours=23)
    assert not site.storage.read_account(nobody).suspended
    scan(hours=2)
    assert site.storage.read_account(nobody).suspended
    assert not site.storage.read_account(other).suspended, "another portal's on the same service"
    assert [finding.kind for finding in Drift.select().where(Drift.remote_uid.in_((nobody, other)))] == [
        "unknown_account"
    ]
    for uid in (nobody, other):
        purge(site.storage, uid)


def test_nothing_is_concluded_when_the_list_breaks_off(site, row, settings, clock, monkeypatch):
    """Half of a list is an error, never a short list: also when the account is really gone."""
    purge(site.storage, row.remote_uid)

    def breaks_off(prefix):
        raise StorageUnavailable("the second page did not come")

    monkeypatch.setattr(site.storage, "list_accounts", breaks_off)
    clock.advance(minutes=15)
    assert not drift.look(site, settings)
    assert (found(row), fresh(row).phase) == ([], "ready")
    monkeypatch.undo()
    clock.advance(minutes=1)
    while drift.look(site, settings):
        pass
    assert found(row) == [("missing", "")]
