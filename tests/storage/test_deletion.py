"""A sub-account's whole life on real services: the customer's program is refused, let in again, and refused for good;
what it stored goes page by page, and the service knows the account no more."""

import secrets

import pytest

from models.deletion import Deletion
from models.sub_account import AccessKey
from services import deletion_guard, promises_there, regions, sub_account_life
from services.clock import FakeClock
from services.provisioning import provision_next
from services.secret import Vault
from services.settings import Settings
from services.site import Site
from services.storage import seaweedfs_s3, versions
from services.storage.memory import CustomerRefused, MemoryStorage
from tests.services.deletions import delete, deletion_of, restore
from tests.services.ground import Ground, fresh, trail, work
from tests.storage.customers import Customer, MemoryCustomer, S3Customer, eventually

CEPH = (pytest.mark.ceph, pytest.mark.xdist_group("ceph"))
ALL = ["memory", "seaweed", pytest.param("rgw", marks=CEPH), pytest.param("aws", marks=pytest.mark.xdist_group("aws"))]
PAGE_OBJECTS = 4
OBJECTS = 10


@pytest.fixture(params=ALL)
def site(request, cast, settings: Settings, clock: FakeClock, monkeypatch) -> Site:
    monkeypatch.setattr(versions, "PAGE_VERSIONS", PAGE_OBJECTS)
    monkeypatch.setattr(seaweedfs_s3, "PAGE_OBJECTS", PAGE_OBJECTS)
    if request.param == "memory":
        storage = MemoryStorage()
        storage.page_objects = PAGE_OBJECTS
    else:
        storage = request.getfixturevalue(request.param)
    region = regions.describe(cast.region.name, storage)
    return Site(region, storage, Vault(settings.data_keys), clock, "worker", jitter=lambda _least, most: most)


@pytest.fixture
def ground(cast, settings, clock) -> Ground:
    return Ground(cast, settings, clock)


def customer_of(site: Site, row) -> Customer:
    key = AccessKey.get(AccessKey.sub_account == row)
    pair = str(key.access_key_id), site.vault.open(key.retained_ct)
    if isinstance(site.storage, MemoryStorage):
        return MemoryCustomer(site.storage, *pair)
    return S3Customer(site.storage.endpoint, *pair)


def refused(customer: Customer, bucket: str) -> bool:
    try:
        customer.store(bucket, f"{secrets.token_hex(4)}.txt", 10)
    except CustomerRefused:
        return True
    return False


def test_paused_restored_and_deleted_on_a_real_service(site, ground, cast):
    row = ground.account("Whole life", 10**12)
    other = ground.account("Neighbour", 10**12)
    work(site)
    customer, neighbour, bucket = customer_of(site, row), customer_of(site, other), row.main_bucket
    eventually(lambda: not refused(customer, bucket))
    for number in range(OBJECTS):
        customer.store(bucket, f"object-{number}", 1000)
    neighbour.store(other.main_bucket, "kept", 1000)

    sub_account_life.suspend(ground.act(), cast.northwind, row.number)
    work(site)
    eventually(lambda: refused(customer, bucket))
    sub_account_life.resume(ground.act(), cast.northwind, row.number)
    work(site)
    eventually(lambda: not refused(customer, bucket))

    delete(ground, row)
    work(site)
    eventually(lambda: refused(customer, bucket))
    ground.clock.advance(days=29)
    restore(ground, row)
    work(site)
    eventually(lambda: not refused(customer, bucket))

    delete(ground, row)
    work(site)
    ground.clock.advance(days=30)
    assert deletion_guard.begin_due(site, ground.settings) == 1
    work(site)
    assert (fresh(row).phase, fresh(row).settled) == ("deleted", True), fresh(row).last_error
    assert site.storage.read_account(row.remote_uid) is None
    assert refused(customer, bucket)
    assert deletion_of(row).removed_objects >= OBJECTS
    assert trail("sub_account.deleted")[0].after["verified"] == "NoSuchUser"
    assert not refused(neighbour, other.main_bucket)
    own = {row.remote_uid, other.remote_uid}
    found = [found.text for found in promises_there.check_there(site.region, site.storage)]
    assert not [text for text in found if any(uid in text for uid in own)]
    site.storage.purge(other.remote_uid)


def test_a_purge_that_was_cut_off_goes_on_where_it_stood(site, ground):
    row = ground.account("Cut off", 10**12)
    work(site)
    customer, bucket = customer_of(site, row), row.main_bucket
    eventually(lambda: not refused(customer, bucket))
    for number in range(OBJECTS):
        customer.store(bucket, f"object-{number}", 1000)
    delete(ground, row)
    work(site)
    ground.clock.advance(days=30)
    deletion_guard.begin_due(site, ground.settings)

    while deletion_of(row).removed_objects == 0:
        assert provision_next(site)
    halfway = deletion_of(row)
    assert 0 < halfway.removed_objects <= PAGE_OBJECTS and halfway.ended_at is None
    work(site)
    ended = Deletion.get_by_id(halfway.id)
    assert ended.removed_objects > PAGE_OBJECTS and ended.ended_at is not None
    assert site.storage.read_account(row.remote_uid) is None
