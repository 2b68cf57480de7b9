"""What customers can do on each real backend is what it declares; test_matrix.py proves the rest."""

import pytest

from services.storage.contract import Storage
from tests.storage.customers import S3Customer, eventually, open_account, purge
from tests.storage.matrix import BY_CAPABILITY


def test_each_optional_operation_belongs_to_a_capability():
    assert set(Storage.OPTIONAL) <= set(BY_CAPABILITY)
    assert not set(Storage.OPTIONAL) & set(Storage.OPERATIONS)


@pytest.fixture(
    params=["seaweed", pytest.param("rgw", marks=(pytest.mark.ceph, pytest.mark.xdist_group("ceph"))), "aws"]
)
def real(request) -> Storage:
    return request.getfixturevalue(request.param)


def allowed(call) -> bool:
    from botocore.exceptions import ClientError

    try:
        call()
    except ClientError as refusal:
        if refusal.response["ResponseMetadata"]["HTTPStatusCode"] != 403:
            raise
        return False
    return True


def test_customers_make_buckets_exactly_where_it_is_said(real, uid):
    s3 = S3Customer(real.endpoint, *open_account(real, uid)).s3
    assert allowed(lambda: s3.create_bucket(Bucket=f"{uid}-own")) == real.capabilities.customer_buckets
    if real.capabilities.customer_buckets:
        assert f"{uid}-own" in real.read_account(uid).buckets


def test_customers_switch_on_versions_exactly_where_it_is_said(real, uid):
    s3, bucket = S3Customer(real.endpoint, *open_account(real, uid)).s3, f"{uid}-main"
    state = {"Status": "Enabled"}
    switched = allowed(lambda: s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration=state))
    assert switched == real.capabilities.versions
    for size_bytes in (70, 30):
        s3.put_object(Bucket=bucket, Key="twice.txt", Body=b"x" * size_bytes)
    found = real.measure(uid, exact=True)
    kept_bytes = 70 if switched else 0
    assert (found.used_bytes, found.objects, found.noncurrent_bytes or 0) == (30 + kept_bytes, 1, kept_bytes)
    assert real.measure(uid).used_bytes == 30 + kept_bytes
    purge(real, uid)
    assert real.read_account(uid) is None


def test_the_time_of_last_use_is_told_where_it_is_said(real, uid):
    if not real.capabilities.last_used:
        return
    key = open_account(real, uid)
    S3Customer(real.endpoint, *key).store(f"{uid}-main", "report.txt", 1)
    eventually(lambda: real.last_used(uid, key[0]) is not None)
    assert real.last_used(uid, key[0]).utcoffset().total_seconds() == 0
