"""What a measurement tells of each bucket: old versions, unfinished uploads, and what a service does not tell."""

from datetime import UTC, datetime, timedelta

import pytest

from services.storage.contract import BucketUse, StorageRefused, Traffic, added_up
from services.storage.memory import MemoryStorage
from tests.storage.customers import S3Customer, eventually, open_account, purge

PART_BYTES = 5_242_880
CEPH = (pytest.mark.ceph, pytest.mark.xdist_group("ceph"))
REAL = ["seaweed", pytest.param("rgw", marks=CEPH), "aws"]


@pytest.fixture(params=REAL)
def real(request):
    return request.getfixturevalue(request.param)


@pytest.mark.parametrize("exact", [False, True])
def test_measure_tells_unfinished_uploads_of_the_bucket_that_holds_them(real, uid, exact):
    key, second = open_account(real, uid), f"{uid}-second"
    real.put_bucket(uid, second)
    eventually(lambda: real.probe_key(*key, second) == "alive")
    s3 = S3Customer(real.endpoint, *key).s3
    s3.put_object(Bucket=f"{uid}-main", Key="whole.bin", Body=b"x" * 10)
    upload = s3.create_multipart_upload(Bucket=second, Key="big.bin")["UploadId"]
    s3.upload_part(Bucket=second, Key="big.bin", UploadId=upload, PartNumber=1, Body=b"x" * PART_BYTES)
    found = {one.name: one for one in real.measure(uid, exact=exact).buckets}
    assert [(one.used_bytes, one.objects, one.unfinished_bytes) for one in found.values()] == [
        (10, 1, 0),
        (0, 0, PART_BYTES),
    ]
    purge(real, uid)


def test_measure_tells_old_versions_of_a_bucket_or_says_that_it_does_not(real, uid):
    s3, bucket = S3Customer(real.endpoint, *open_account(real, uid)).s3, f"{uid}-main"
    if real.capabilities.versions:
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for size_bytes in (70, 30):
        s3.put_object(Bucket=bucket, Key="twice.txt", Body=b"x" * size_bytes)
    exact, usual = real.measure(uid, exact=True), real.measure(uid)
    kept_bytes = 70 if real.capabilities.versions else 0
    assert exact.used_bytes == usual.used_bytes == 30 + kept_bytes
    assert (exact.buckets[0].noncurrent_bytes or 0) == kept_bytes
    for found in (exact, usual):
        (one,) = found.buckets
        assert one.noncurrent_bytes == found.noncurrent_bytes
        if one.noncurrent_bytes is None:  # among what is used
            assert one.used_bytes == 30 + kept_bytes
    purge(real, uid)


def test_measure_in_memory_tells_what_was_set(uid):
    silent, telling = MemoryStorage(), MemoryStorage(versions=True)
    for storage, kept in ((silent, None), (telling, 5)):
        open_account(storage, uid)
        storage.put_bucket(uid, f"{uid}-second")
        storage.set_use(uid, 90, 3, unfinished_bytes=7, noncurrent_bytes=5)
        found = storage.measure(uid)
        assert (found.used_bytes, found.objects, found.unfinished_bytes, found.noncurrent_bytes) == (102, 3, 7, kept)
        assert found.buckets[0] == BucketUse(f"{uid}-main", 90, 3, kept, 7)
        assert found.buckets[1] == BucketUse(f"{uid}-second", 0, 0, None if kept is None else 0, 0)


def test_what_one_bucket_does_not_tell_the_account_does_not_tell():
    found = added_up([BucketUse("a", 10, 1, 3, None), BucketUse("b", 20, 2, 4, 6)], exact=True)
    assert (found.used_bytes, found.objects) == (43, 3)
    assert (found.noncurrent_bytes, found.unfinished_bytes) == (7, None)


def test_traffic_in_memory_is_told_by_the_hour_where_it_is_declared(uid):
    hour = datetime(2026, 3, 2, 9, tzinfo=UTC)
    with pytest.raises(StorageRefused, match="does not tell"):
        MemoryStorage().traffic(hour, hour + timedelta(hours=1))
    storage = MemoryStorage(traffic=True)
    open_account(storage, uid)
    for number in range(3):
        storage.set_traffic(uid, hour + timedelta(hours=number), Traffic(1, 10, 100))
    assert storage.traffic(hour, hour + timedelta(hours=2)) == {uid: Traffic(2, 20, 200)}
    assert storage.traffic(hour, hour + timedelta(hours=2), "pp-other") == {}
    assert storage.traffic(hour - timedelta(hours=1), hour) == {}
    with pytest.raises(StorageRefused, match="by the hour"):
        storage.traffic(hour, hour + timedelta(minutes=90))
