"""Hard quotas: at once, or as soon as `enforce` is called."""

import pytest

from services.storage.memory import CustomerRefused
from tests.storage.customers import eventually, new_key_id, new_secret


@pytest.fixture
def program(storage, uid, customer):
    """The program of a customer whose account may hold 1000 bytes."""
    storage.put_account(uid, "marker-1", "Northwind", 1000)
    storage.put_bucket(uid, f"{uid}-main")
    key = (new_key_id(), new_secret())
    storage.put_key(uid, *key)
    eventually(lambda: storage.probe_key(*key, f"{uid}-main") == "alive")
    return customer(*key)


def refused(storage, uid, program) -> bool:
    storage.enforce(uid)
    try:
        program.store(f"{uid}-main", "probe.txt", 1)
    except CustomerRefused:
        return True
    return False


def test_writing_up_to_the_quota_is_accepted_and_beyond_is_refused(storage, uid, program):
    program.store(f"{uid}-main", "full.bin", 1000)
    eventually(lambda: refused(storage, uid, program))


def test_lowering_below_use_refuses_more_and_deletes_nothing(storage, uid, program):
    program.store(f"{uid}-main", "half.bin", 500)
    storage.put_quota(uid, 100)
    eventually(lambda: refused(storage, uid, program))
    assert storage.measure(uid, exact=True).used_bytes >= 500


def test_raising_and_lifting_let_writing_work_again(storage, uid, program):
    program.store(f"{uid}-main", "full.bin", 1000)
    for wanted_bytes in (5000, None):
        storage.put_quota(uid, 0)
        eventually(lambda: refused(storage, uid, program))
        storage.put_quota(uid, wanted_bytes)
        eventually(lambda: not refused(storage, uid, program))


def test_what_is_enforced_is_reported(storage, uid, program):
    program.store(f"{uid}-main", "full.bin", 1000)
    found = storage.enforce(uid)
    if storage.capabilities.hard_quota == "delayed":
        assert (found.used_bytes, found.quota_bytes, found.writable) == (1000, 1000, False)
    else:
        assert (found.used_bytes, found.quota_bytes, found.writable) == (None, 1000, True)
    storage.put_quota(uid, 1001)
    assert storage.enforce(uid).writable


def test_over_quota_reading_and_deleting_still_work_and_free_the_account(seaweed, uid):
    from tests.storage.customers import S3Customer

    seaweed.put_account(uid, "marker-1", "Northwind", 1000)
    seaweed.put_bucket(uid, f"{uid}-main")
    key = (new_key_id(), new_secret())
    seaweed.put_key(uid, *key)
    program = S3Customer(seaweed.endpoint, *key)
    eventually(lambda: seaweed.probe_key(*key, f"{uid}-main") == "alive")
    program.store(f"{uid}-main", "full.bin", 1000)
    eventually(lambda: refused(seaweed, uid, program))
    assert seaweed.probe_key(*key, f"{uid}-main") == "alive"
    assert program.s3.get_object(Bucket=f"{uid}-main", Key="full.bin")["Body"].read() == b"x" * 1000
    program.s3.delete_object(Bucket=f"{uid}-main", Key="full.bin")
    eventually(lambda: not refused(seaweed, uid, program))


def test_parts_of_unfinished_uploads_count_and_purging_aborts_them(seaweed, uid):
    from tests.storage.customers import S3Customer

    seaweed.put_account(uid, "marker-1", "Northwind", 5_000_000)
    seaweed.put_bucket(uid, f"{uid}-main")
    key, bucket = (new_key_id(), new_secret()), f"{uid}-main"
    seaweed.put_key(uid, *key)
    eventually(lambda: seaweed.probe_key(*key, bucket) == "alive")
    s3 = S3Customer(seaweed.endpoint, *key).s3
    upload = s3.create_multipart_upload(Bucket=bucket, Key="big.bin")["UploadId"]
    for number in (1, 2):
        s3.upload_part(Bucket=bucket, Key="big.bin", UploadId=upload, PartNumber=number, Body=b"x" * 5_242_880)
    found = seaweed.measure(uid, exact=True)
    assert (found.used_bytes, found.objects, found.unfinished_bytes) == (10_485_760, 0, 10_485_760)
    assert not seaweed.enforce(uid).writable
    while not seaweed.purge(uid).done:
        pass
    assert seaweed.read_account(uid) is None


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
    while not seaweed.purge(uid).done:
        pass
    assert bucket not in [one["Name"] for one in s3.list_buckets()["Buckets"]]
