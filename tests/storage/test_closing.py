"""The end of a contract on real services: programs are refused, later they can read and not write, then nothing is
left, and the certificate lists what is gone."""

import json
import secrets
from datetime import date, timedelta

import pytest

from models.closure import Closure
from models.contract import Contract
from models.sub_account import AccessKey
from services import deletion_guard, enforcement, regions
from services.clock import FakeClock
from services.secret import Vault
from services.settings import Settings
from services.site import Site
from services.storage.memory import CustomerRefused, MemoryStorage
from services.sweep import sweep
from tests.cast import act_of
from tests.services.ground import Ground, fresh, work
from tests.storage.customers import Customer, MemoryCustomer, S3Customer, eventually

CEPH = (pytest.mark.ceph, pytest.mark.xdist_group("ceph"))
OBJECTS = 5


@pytest.fixture(params=["memory", "seaweed", pytest.param("rgw", marks=CEPH)])
def site(request, cast, settings: Settings, clock: FakeClock) -> Site:
    storage = MemoryStorage() if request.param == "memory" else request.getfixturevalue(request.param)
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


def stores(customer: Customer, bucket: str) -> bool:
    try:
        customer.store(bucket, f"{secrets.token_hex(4)}.txt", 10)
    except CustomerRefused:
        return False
    return True


def reads(site: Site, row) -> bool:
    key = AccessKey.get(AccessKey.sub_account == row)
    return site.storage.probe_key(str(key.access_key_id), site.vault.open(key.retained_ct), row.main_bucket) == "alive"


def comes(site: Site, ground: Ground, **later: int) -> Closure | None:
    """Time passes, and everybody does what it brings."""
    ground.clock.advance(**later)
    sweep(act_of(None, ground.clock.now()), ground.settings)
    work(site)
    enforcement.enforce_due(site)
    return Closure.get_or_none()


def test_refused_then_readable_then_gone(site, ground):
    row = ground.account("Ends here", 10**12)
    other = ground.account("Neighbour", 10**12, person=ground.cast.charlie, contract=ground.cast.other_contract)
    work(site)
    customer, neighbour, bucket = customer_of(site, row), customer_of(site, other), row.main_bucket
    eventually(lambda: stores(customer, bucket))
    for number in range(OBJECTS):
        customer.store(bucket, f"object-{number}", 1000)

    Contract.update(ends_on=date(2026, 3, 3)).where(Contract.id == ground.contract.id).execute()
    assert comes(site, ground, days=2).state == "transition"
    eventually(lambda: not stores(customer, bucket) and not reads(site, row))

    assert comes(site, ground, days=31).state == "retrieval"
    eventually(lambda: reads(site, row))
    eventually(lambda: not stores(customer, bucket))

    assert comes(site, ground, days=31).state == "purging"
    assert deletion_guard.begin_due(site, ground.settings) == 1
    closure = comes(site, ground, minutes=1)
    assert (fresh(row).phase, closure.state) == ("deleted", "purging"), fresh(row).last_error
    closure = comes(site, ground, minutes=1)
    assert closure.state == "closed"
    (account,) = json.loads(closure.certificate)["accounts"]
    assert (account["number"], account["account"], account["verified"]) == (row.number, row.remote_uid, "NoSuchUser")
    assert account["removed_objects"] >= OBJECTS
    assert site.storage.read_account(row.remote_uid) is None
    assert stores(neighbour, other.main_bucket)
    assert closure.closed_at - closure.retrieval_until_at < timedelta(days=2)
    site.storage.purge(other.remote_uid)
