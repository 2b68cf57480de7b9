"""What each backend declares is what it does, shown as a table: operation by backend."""

from datetime import UTC, datetime

import pytest

from services.storage.contract import Storage, StorageRefused
from tests.storage.customers import S3Customer, eventually, new_key_id, new_secret, open_account, purge, show

ROWS: dict[str, dict[str, str]] = {}
BY_CAPABILITY = {
    "put_key": lambda can: can.key_import,
    "new_key": lambda can: not can.key_import,
    "put_key_active": lambda can: can.key_inactive,
    "traffic": lambda can: can.traffic,
    "last_used": lambda can: can.last_used,
    "put_read_only": lambda can: can.read_only,
    "read_secret": lambda can: can.key_secret,
}
HOUR = (datetime(2026, 3, 1, 9, tzinfo=UTC), datetime(2026, 3, 1, 10, tzinfo=UTC))


@pytest.fixture(scope="module", autouse=True)
def table(request):
    yield
    names = sorted({name for row in ROWS.values() for name in row})
    show(request.config, f"{'operation':<16}" + "".join(f"{name:<20}" for name in names))
    for operation, row in ROWS.items():
        show(request.config, f"{operation:<16}" + "".join(f"{row.get(name, ''):<20}" for name in names))


def calls(storage: Storage, uid: str, key) -> dict:
    """Each operation of the contract with arguments that suit."""
    return {
        "read_account": lambda: storage.read_account(uid),
        "put_account": lambda: storage.put_account(uid, "marker-1", "Northwind", 10**9),
        "put_quota": lambda: storage.put_quota(uid, 10**9),
        "put_suspended": lambda: storage.put_suspended(uid, False),
        "put_bucket": lambda: storage.put_bucket(uid, f"{uid}-main"),
        "put_key": lambda: storage.put_key(uid, new_key_id(), new_secret()),
        "new_key": lambda: storage.new_key(uid),
        "put_key_active": lambda: storage.put_key_active(uid, key[0], True),
        "list_accounts": lambda: storage.list_accounts(uid),
        "measure": lambda: storage.measure(uid),
        "enforce": lambda: storage.enforce(uid),
        "traffic": lambda: storage.traffic(*HOUR),
        "last_used": lambda: storage.last_used(uid, key[0]),
        "put_read_only": lambda: storage.put_read_only(uid, False),
        "read_secret": lambda: storage.read_secret(uid, key[0]),
        "probe_key": lambda: storage.probe_key(*key, f"{uid}-main"),
        "health": storage.health,
        "delete_key": lambda: storage.delete_key(uid, key[0]),
        "purge": lambda: purge(storage, uid),
    }


def test_each_operation_works_or_is_refused_as_declared(request, storage, uid):
    backend = request.node.callspec.params["storage"]
    made = calls(storage, uid, open_account(storage, uid))
    assert set(made) == {*Storage.OPERATIONS, *Storage.OPTIONAL}
    for operation, call in made.items():
        can = BY_CAPABILITY.get(operation, lambda can: True)(storage.capabilities)
        if can:
            call()
        else:
            with pytest.raises(StorageRefused):
                call()
        ROWS.setdefault(operation, {})[backend] = "ok" if can else "refused"


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
