"""A key is replaced on real services: the pair that the customer's program has, and what it is told."""

import secrets

import pytest

from models.sub_account import AccessKey
from services import key_rotation, regions
from services.access_keys import reveal
from services.clock import FakeClock
from services.secret import Vault
from services.settings import Settings
from services.site import Site
from services.storage.memory import CustomerRefused
from tests.cast import act_of
from tests.services.ground import Ground, fresh, work
from tests.storage.customers import S3Customer, eventually

CEPH = (pytest.mark.ceph, pytest.mark.xdist_group("ceph"))
REAL = ["seaweed", pytest.param("rgw", marks=CEPH), pytest.param("aws", marks=pytest.mark.xdist_group("aws"))]


@pytest.fixture(params=REAL)
def site(request, cast, settings: Settings, clock: FakeClock) -> Site:
    storage = request.getfixturevalue(request.param)
    region = regions.describe(cast.region.name, storage)
    return Site(region, storage, Vault(settings.data_keys), clock, "worker", jitter=lambda _least, most: most)


def refused(customer: S3Customer, bucket: str) -> bool:
    try:
        customer.store(bucket, f"{secrets.token_hex(4)}.txt", 10)
    except CustomerRefused:
        return True
    return False


def test_the_new_pair_works_and_the_old_one_follows_its_switch(site, cast, settings, clock):
    ground = Ground(cast, settings, clock)
    row = ground.account("Rotated", 10**12)

    def act():
        return act_of(cast.alice, clock.now(), session_hash="session-a")

    def pair(key_id: int) -> S3Customer:
        return S3Customer(site.storage.endpoint, *reveal(act(), settings, key_id))

    work(site)
    first = row.access_keys.get()
    old, bucket = pair(first.id), row.main_bucket
    made = key_rotation.replace(act(), cast.northwind, row.number, first.id, "once")
    work(site)
    new = pair(made.id)
    eventually(lambda: not refused(new, bucket))
    assert not refused(old, bucket)

    key_rotation.switch_off(act(), settings, cast.northwind, row.number, first.id)
    work(site)
    eventually(lambda: refused(old, bucket))
    assert not refused(new, bucket)

    key_rotation.switch_on(act(), cast.northwind, row.number, first.id)
    work(site)
    eventually(lambda: not refused(old, bucket))

    key_rotation.switch_off(act(), settings, cast.northwind, row.number, first.id)
    work(site)
    key_rotation.delete(act(), cast.northwind, row.number, first.id)
    work(site)
    eventually(lambda: refused(old, bucket))
    assert not refused(new, bucket) and fresh(row).settled
    there = site.storage.read_account(row.remote_uid).keys
    assert [key.id for key in there] == [AccessKey.get_by_id(made.id).access_key_id]
    site.storage.purge(row.remote_uid)
