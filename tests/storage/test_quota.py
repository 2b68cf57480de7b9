"""Quotas: held at once, as soon as `enforce` is called, or not at all; each backend does what it says.

Sizes are multiples of 4096: RGW counts each object in such steps (test_quota_bytes.py)."""

import pytest

from services.storage.memory import CustomerRefused
from tests.storage.customers import S3Customer, eventually, open_account, purge

STEP_BYTES = 4096
QUOTA_BYTES = 10 * STEP_BYTES


@pytest.fixture
def program(storage, uid, customer):
    """The program of a customer whose account may hold QUOTA_BYTES."""
    return customer(*open_account(storage, uid, QUOTA_BYTES))


@pytest.fixture
def holds(storage) -> bool:
    """Whether the service holds quotas at all."""
    return storage.capabilities.hard_quota != "none"


def refused(storage, uid, program) -> bool:
    storage.enforce(uid)
    try:
        program.store(f"{uid}-main", "probe.txt", 1)
    except CustomerRefused:
        return True
    return False


def test_writing_up_to_the_quota_is_accepted_and_beyond_is_refused(storage, uid, program, holds):
    program.store(f"{uid}-main", "full.bin", QUOTA_BYTES)
    if holds:
        eventually(lambda: refused(storage, uid, program))
    else:
        assert not refused(storage, uid, program)
        assert storage.read_account(uid).quota_bytes == QUOTA_BYTES


def test_lowering_below_use_deletes_nothing_and_refuses_more(storage, uid, program, holds):
    program.store(f"{uid}-main", "half.bin", QUOTA_BYTES // 2)
    storage.put_quota(uid, STEP_BYTES)
    if holds:
        eventually(lambda: refused(storage, uid, program))
    assert storage.measure(uid, exact=True).used_bytes >= QUOTA_BYTES // 2


def test_raising_and_lifting_let_writing_work_again(storage, uid, program, holds):
    program.store(f"{uid}-main", "full.bin", QUOTA_BYTES)
    for wanted_bytes in (5 * QUOTA_BYTES, None):
        storage.put_quota(uid, 0)
        if holds:
            eventually(lambda: refused(storage, uid, program))
        storage.put_quota(uid, wanted_bytes)
        eventually(lambda: not refused(storage, uid, program))


def test_what_is_enforced_is_reported(storage, uid, program):
    program.store(f"{uid}-main", "full.bin", QUOTA_BYTES)
    found = storage.enforce(uid)
    if storage.capabilities.hard_quota == "delayed":
        assert (found.used_bytes, found.quota_bytes, found.writable) == (QUOTA_BYTES, QUOTA_BYTES, False)
    else:
        assert (found.used_bytes, found.quota_bytes, found.writable) == (None, QUOTA_BYTES, True)
    storage.put_quota(uid, 2 * QUOTA_BYTES)
    assert storage.enforce(uid).writable


@pytest.fixture(params=["seaweed", pytest.param("rgw", marks=(pytest.mark.ceph, pytest.mark.xdist_group("ceph")))])
def holder(request):
    """Real services that hold a quota."""
    return request.getfixturevalue(request.param)


def test_over_quota_reading_and_deleting_still_work_and_free_the_account(holder, uid):
    key = open_account(holder, uid, QUOTA_BYTES)
    program = S3Customer(holder.endpoint, *key)
    program.store(f"{uid}-main", "full.bin", QUOTA_BYTES)
    eventually(lambda: refused(holder, uid, program))
    assert holder.probe_key(*key, f"{uid}-main") == "alive"
    assert program.s3.get_object(Bucket=f"{uid}-main", Key="full.bin")["Body"].read() == b"x" * QUOTA_BYTES
    program.s3.delete_object(Bucket=f"{uid}-main", Key="full.bin")
    eventually(lambda: not refused(holder, uid, program))


PART_BYTES = 5_242_880
REAL = ["seaweed", pytest.param("rgw", marks=(pytest.mark.ceph, pytest.mark.xdist_group("ceph"))), "aws"]


@pytest.mark.parametrize("name", REAL)
@pytest.mark.parametrize("exact", [False, True])
def test_parts_of_unfinished_uploads_count_and_purging_aborts_them(request, uid, name, exact):
    storage = request.getfixturevalue(name)
    bucket = f"{uid}-main"
    s3 = S3Customer(storage.endpoint, *open_account(storage, uid)).s3
    s3.put_object(Bucket=bucket, Key="whole.bin", Body=b"x" * 10)
    upload = s3.create_multipart_upload(Bucket=bucket, Key="big.bin")["UploadId"]
    for number in (1, 2):
        s3.upload_part(Bucket=bucket, Key="big.bin", UploadId=upload, PartNumber=number, Body=b"x" * PART_BYTES)
    found = storage.measure(uid, exact=exact)
    assert (found.used_bytes, found.objects, found.unfinished_bytes) == (2 * PART_BYTES + 10, 1, 2 * PART_BYTES)
    assert [(one.used_bytes, one.objects) for one in found.buckets] == [(10, 1)]
    if storage.capabilities.hard_quota == "delayed":
        storage.put_quota(uid, PART_BYTES)
        assert not storage.enforce(uid).writable
    purge(storage, uid)
    assert storage.read_account(uid) is None


def test_old_versions_and_markers_are_purged_too(server, seaweed, uid):
    from services.storage import read_credentials
    from tests.storage.customers import s3_client

    root, bucket = read_credentials(server.credentials_file), f"{uid}-main"
    seaweed.put_account(uid, "marker-1", "Northwind", None)
    seaweed.put_bucket(uid, bucket)
    s3 = s3_client(seaweed.endpoint, root.access_key_id, root.secret_access_key)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for _ in range(2):
        s3.put_object(Bucket=bucket, Key="twice.txt", Body=b"x" * 10)
    s3.delete_object(Bucket=bucket, Key="twice.txt")
    purge(seaweed, uid)
    assert bucket not in [one["Name"] for one in s3.list_buckets()["Buckets"]]
