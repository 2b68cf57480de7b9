"""Objects under retention or a legal hold: a purge takes the others, and says until when these stay."""

import time
from datetime import UTC, datetime

import pytest

from services.storage import StorageRefused, versions
from tests.storage.customers import S3Customer, eventually, make_key, s3_client

CEPH = (pytest.mark.ceph, pytest.mark.xdist_group("ceph"))


@pytest.fixture(params=[pytest.param("rgw", marks=CEPH), pytest.param("aws", marks=pytest.mark.xdist_group("aws"))])
def keeper(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def locked(request, keeper, uid):
    """A function that stores an object with these properties in a bucket that can lock, and that bucket's client."""
    keeper.put_account(uid, "marker-1", "Northwind", None)
    bucket = f"{uid}-locked"
    if keeper.capabilities.customer_buckets:
        key = make_key(keeper, uid)
        eventually(lambda: keeper.probe_key(*key, bucket) == "alive")
        s3 = S3Customer(keeper.endpoint, *key).s3
        s3.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
    else:
        pair = request.getfixturevalue("aws_server").credentials
        s3 = s3_client(keeper.endpoint, pair.access_key_id, pair.secret_access_key)
        s3.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
        keeper._s3.give_bucket(bucket, uid)
        keeper.put_bucket(uid, bucket)
    return lambda name, **lock: s3.put_object(Bucket=bucket, Key=name, Body=b"x" * 10, **lock)


def retained(until: datetime, mode: str = "COMPLIANCE") -> dict:
    return {"ObjectLockMode": mode, "ObjectLockRetainUntilDate": until}


def walk(storage, uid: str) -> tuple[int, object]:
    """Pages until one says done or locked; how many objects went, and that page."""
    removed, page = 0, storage.purge(uid)
    for _ in range(50):
        removed += page.removed_objects
        if page.done or page.locked_until:
            return removed, page
        page = storage.purge(uid, page.cursor)
    raise AssertionError("the purge goes round in circles")


def soon(seconds: int) -> datetime:
    return datetime.fromtimestamp(int(time.time()) + seconds, UTC)


@pytest.mark.parametrize("page_versions", [2, 200])
def test_locked_objects_stay_with_their_date_and_all_others_go(keeper, uid, locked, monkeypatch, page_versions):
    monkeypatch.setattr(versions, "PAGE_VERSIONS", page_versions)
    first, last = soon(1800), soon(3600)
    for number in range(5):
        locked(f"free-{number}")
    locked("a-first", **retained(first))
    locked("z-last", **retained(last))
    removed, page = walk(keeper, uid)
    assert (removed, page.done, page.locked_until, page.cursor) == (5, False, last, None)
    removed, page = walk(keeper, uid)
    assert (removed, page.locked_until) == (0, last)
    assert keeper.read_account(uid).keys == ()


@pytest.mark.ceph
@pytest.mark.xdist_group("ceph")
def test_when_the_date_is_over_the_rest_goes(rgw, uid):
    rgw.put_account(uid, "marker-1", "Northwind", None)
    s3 = S3Customer(rgw.endpoint, *make_key(rgw, uid)).s3
    s3.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
    until = soon(5)
    s3.put_object(Bucket="locked", Key="a", Body=b"x", **retained(until))
    assert walk(rgw, uid)[1].locked_until == until
    eventually(lambda: rgw.purge(uid).removed_objects == 1, seconds=15)
    assert walk(rgw, uid)[1].done
    assert rgw.read_account(uid) is None


def test_governance_is_respected_too(keeper, uid, locked):
    until = soon(3600)
    locked("governed", **retained(until, "GOVERNANCE"))
    assert walk(keeper, uid)[1].locked_until == until


@pytest.mark.ceph
@pytest.mark.xdist_group("ceph")
def test_a_legal_hold_has_no_date_and_needs_people(rgw, uid):
    rgw.put_account(uid, "marker-1", "Northwind", None)
    s3 = S3Customer(rgw.endpoint, *make_key(rgw, uid)).s3
    s3.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
    s3.put_object(Bucket="locked", Key="held", Body=b"x", ObjectLockLegalHoldStatus="ON")
    s3.put_object(Bucket="locked", Key="free", Body=b"x")
    assert rgw.purge(uid).removed_objects == 1
    page = rgw.purge(uid)
    with pytest.raises(StorageRefused, match="1 objects stand under a legal hold"):
        rgw.purge(uid, page.cursor)


@pytest.mark.parametrize("cursor", ["", "{", "[]", '["a", ["b"], null, 0]', '["a", null, "never", 0]', "more", "3"])
def test_a_cursor_that_cannot_be_read_starts_anew(cursor):
    assert versions._read(cursor) == versions._Walk()
