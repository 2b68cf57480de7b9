"""How many bytes RGW lets through against a quota, printed as a table (`pytest -m ceph -s`)."""

import threading

import pytest
from botocore.exceptions import ClientError

from tests.storage.customers import S3Customer, open_account, show

pytestmark = [pytest.mark.ceph, pytest.mark.xdist_group("ceph")]

STEP_BYTES = 4096  # each object counts in whole steps
MIB = 2**20
QUOTA_BYTES = 10 * MIB
PART_BYTES = 5 * MIB


@pytest.fixture
def s3(rgw, uid):
    return S3Customer(rgw.endpoint, *open_account(rgw, uid, QUOTA_BYTES)).s3


@pytest.fixture
def bucket(uid) -> str:
    return f"{uid}-main"


@pytest.fixture(scope="module")
def table(request):
    """Shown when the module is through."""
    rows: list[tuple[str, int, int]] = []
    yield lambda what, limit_bytes, accepted_bytes: rows.append((what, limit_bytes, accepted_bytes))
    show(request.config, f"{'quota on Ceph RGW':<50}{'limit':>12}{'accepted':>12}{'over':>12}")
    for what, limit_bytes, accepted_bytes in rows:
        show(request.config, f"{what:<50}{limit_bytes:>12}{accepted_bytes:>12}{accepted_bytes - limit_bytes:>12}")


def accepted(s3, bucket: str, sizes_bytes: list[int], prefix: str = "o") -> int:
    """Bytes taken until the first refusal."""
    total_bytes = 0
    for number, size_bytes in enumerate(sizes_bytes):
        if refused(s3, bucket, f"{prefix}{number}", size_bytes):
            return total_bytes
        total_bytes += size_bytes
    raise AssertionError("nothing was refused")


def refused(s3, bucket: str, name: str, size_bytes: int) -> bool:
    try:
        s3.put_object(Bucket=bucket, Key=name, Body=b"x" * size_bytes)
    except ClientError as failure:
        answer = failure.response
        if (answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]) != (403, "QuotaExceeded"):
            raise
        return True
    return False


def test_objects_of_whole_steps_fill_the_quota_to_the_byte(rgw, uid, s3, bucket, table):
    found = accepted(s3, bucket, [MIB] * 12)
    table("PUT, 1 MiB each", QUOTA_BYTES, found)
    assert found == QUOTA_BYTES
    assert refused(s3, bucket, "one", 1)
    assert rgw.measure(uid).used_bytes == QUOTA_BYTES


def test_a_single_object_larger_than_what_is_left_is_refused_before_it_is_stored(rgw, uid, s3, bucket, table):
    found = accepted(s3, bucket, [QUOTA_BYTES + 1])
    table("PUT, one object of quota + 1 byte", QUOTA_BYTES, found)
    assert (found, rgw.measure(uid).used_bytes) == (0, 0)
    s3.put_object(Bucket=bucket, Key="fits", Body=b"x" * QUOTA_BYTES)
    table("PUT, one object of exactly the quota", QUOTA_BYTES, rgw.measure(uid).used_bytes)


def test_small_objects_count_in_steps_of_4096_bytes(rgw, uid, s3, bucket, table):
    rgw.put_quota(uid, 10 * STEP_BYTES)
    found = accepted(s3, bucket, [1000] * 20)
    table("PUT, 1,000 bytes each (counted as 4,096)", 10 * STEP_BYTES, found)
    assert found == 10 * 1000
    assert rgw.measure(uid, exact=True).used_bytes == found


def test_a_quota_that_is_no_whole_step_lets_through_what_fits_in_whole_steps(rgw, uid, s3, bucket, table):
    rgw.put_quota(uid, 10 * STEP_BYTES + 4095)
    found = accepted(s3, bucket, [STEP_BYTES] * 20)
    table("PUT, 4,096 bytes each, quota no whole step", 10 * STEP_BYTES + 4095, found)
    assert found == 10 * STEP_BYTES


def test_parts_are_refused_as_they_come(rgw, uid, s3, bucket, table):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="big")["UploadId"]
    where = {"Bucket": bucket, "Key": "big", "UploadId": upload}
    parts = [
        {"PartNumber": number, "ETag": s3.upload_part(**where, PartNumber=number, Body=b"x" * PART_BYTES)["ETag"]}
        for number in (1, 2)
    ]
    with pytest.raises(ClientError, match="QuotaExceeded"):
        s3.upload_part(**where, PartNumber=3, Body=b"x" * PART_BYTES)
    s3.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})
    found = rgw.measure(uid).used_bytes
    table("multipart, parts of 5 MiB, completed at the quota", QUOTA_BYTES, found)
    assert found == QUOTA_BYTES


def test_a_part_that_would_go_beyond_the_quota_is_refused(rgw, uid, s3, bucket, table):
    s3.put_object(Bucket=bucket, Key="before", Body=b"x" * (3 * MIB))
    upload = s3.create_multipart_upload(Bucket=bucket, Key="big")["UploadId"]
    where = {"Bucket": bucket, "Key": "big", "UploadId": upload}
    s3.upload_part(**where, PartNumber=1, Body=b"x" * PART_BYTES)
    with pytest.raises(ClientError, match="QuotaExceeded"):
        s3.upload_part(**where, PartNumber=2, Body=b"x" * PART_BYTES)
    found = rgw.measure(uid)
    table("3 MiB object and parts of 5 MiB", QUOTA_BYTES, found.used_bytes)
    assert (found.used_bytes, found.unfinished_bytes) == (8 * MIB, PART_BYTES)


def test_raising_lets_through_exactly_what_was_added(rgw, uid, s3, bucket, table):
    before = accepted(s3, bucket, [MIB] * 12)
    rgw.put_quota(uid, QUOTA_BYTES + 3 * MIB)
    found = before + accepted(s3, bucket, [MIB] * 12, prefix="more")
    table("raised by 3 MiB while full", QUOTA_BYTES + 3 * MIB, found)
    assert found == QUOTA_BYTES + 3 * MIB


def test_lowering_below_use_refuses_all_and_deletes_nothing_and_freed_space_counts_at_once(rgw, uid, s3, bucket, table):
    accepted(s3, bucket, [MIB] * 12)
    rgw.put_quota(uid, 4 * MIB)
    found = accepted(s3, bucket, [1], prefix="more")
    table("lowered to 4 MiB with 10 MiB stored: further bytes", 0, found)
    assert (found, rgw.measure(uid).used_bytes) == (0, QUOTA_BYTES)
    for number in range(7):
        s3.delete_object(Bucket=bucket, Key=f"o{number}")
    found = rgw.measure(uid).used_bytes + accepted(s3, bucket, [MIB] * 3, prefix="more")
    table("lowered to 4 MiB, then 7 of 10 MiB deleted", 4 * MIB, found)
    assert found == 4 * MIB


def test_overwriting_needs_room_for_the_new_object_beside_the_old(rgw, uid, s3, bucket, table):
    s3.put_object(Bucket=bucket, Key="same", Body=b"x" * (6 * MIB))
    found = 6 * MIB + accepted(s3, bucket, [6 * MIB], prefix="same")
    table("6 MiB stored, further 6 MiB", QUOTA_BYTES, found)
    assert refused(s3, bucket, "same", 6 * MIB)
    assert rgw.measure(uid).used_bytes == 6 * MIB


def test_all_buckets_of_the_account_count_together(rgw, uid, s3, bucket, table):
    s3.create_bucket(Bucket="own-choice")
    found = accepted(s3, bucket, [MIB] * 5 + [6 * MIB]) + accepted(s3, "own-choice", [MIB] * 12)
    table("two buckets, 1 MiB each", QUOTA_BYTES, found)
    assert found == QUOTA_BYTES


def test_many_writers_at_once_let_little_through(rgw, uid, s3, bucket, table):
    """Requests that run at the same moment are each compared with what was stored before them."""

    def write(who: int) -> None:
        for number in range(10):
            if refused(s3, bucket, f"{who}-{number}", MIB):
                return

    writers = [threading.Thread(target=write, args=(who,)) for who in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    found = rgw.measure(uid).used_bytes
    table("PUT, 1 MiB each by four writers at once", QUOTA_BYTES, found)
    assert QUOTA_BYTES <= found <= QUOTA_BYTES + 3 * MIB
