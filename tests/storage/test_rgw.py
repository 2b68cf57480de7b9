"""What is Ceph RGW's own: tenants, the marker, handing over buckets, traffic, rights of the portal's user."""

import json
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from urllib.error import HTTPError

import pytest
from botocore.exceptions import ClientError

from services.secret import Secret
from services.storage import (
    Credentials,
    StorageAbsent,
    StorageConflict,
    StorageRefused,
    StorageUnavailable,
    open_storage,
)
from services.storage.contract import Traffic
from services.storage.rgw_admin import PAGE_USERS, AdminOps
from services.storage.rgw_figures import traffic_by_uid
from services.storage.rgw_names import carried, read_carried, uid_of, user_of
from tests.storage.customers import (
    S3Customer,
    eventually,
    make_key,
    new_key_id,
    new_secret,
    open_account,
    purge,
    s3_client,
)
from tests.storage.services_here import open_rgw

live = [pytest.mark.ceph, pytest.mark.xdist_group("ceph")]


def marked(function):
    for mark in live:
        function = mark(function)
    return function


@pytest.fixture
def root(ceph):
    return AdminOps(f"{ceph.url}/admin", "us-east-1", ceph.access_key_id, Secret(ceph.secret))


def code(call) -> str:
    with pytest.raises(ClientError) as caught:
        call()
    return caught.value.response["Error"]["Code"]


@pytest.mark.parametrize(
    "display", ["Northwind", "Müller & Söhne <GmbH>", "a [portal b]", "100 %", "", "'\"\t", "日本"]
)
def test_a_display_name_comes_back_and_is_harmless_in_xml(display):
    written = carried(display, "marker-1")
    assert read_carried(written) == (display, "marker-1")
    assert not set(written) & set("&<>\"'\t")


@pytest.mark.parametrize("name", ["Northwind", "Northwind [portal ]", "[portal x] Northwind", "Northwind[portal x]"])
def test_a_display_name_of_somebody_else_has_no_marker(name):
    assert read_carried(name) == (name, "")


@pytest.mark.parametrize(
    "user", ["pp-1a", "$pp-1a", "pp-1a$pp-1a", "other$pp-1a", "pp_1a$pp_1a", "pp_1a$pp-1a:sub", ""]
)
def test_users_that_the_portal_cannot_have_made_are_no_accounts(user):
    assert uid_of(user) is None
    assert uid_of(user_of("pp-1a")) == "pp-1a"


@marked
@pytest.mark.parametrize("uid", ["", "a", "with_underscore", "../x", "with space", "x" * 70, "ümlaut", "a$b"])
def test_a_name_that_is_no_account_name_is_refused(rgw, uid):
    with pytest.raises(StorageRefused):
        rgw.put_account(uid, "marker", "Northwind", None)


@marked
@pytest.mark.parametrize("marker", ["", "with space", "a]b", "x" * 101])
def test_a_marker_that_cannot_be_carried_is_refused(rgw, uid, marker):
    with pytest.raises(StorageRefused):
        rgw.put_account(uid, marker, "Northwind", None)


@marked
def test_an_account_that_the_portal_did_not_make_is_neither_adopted_nor_purged(rgw, root, uid):
    root.put("user", uid=user_of(uid), display_name="Somebody", generate_key=False)
    assert rgw.read_account(uid).marker == ""
    for call in (lambda: rgw.put_account(uid, "marker-1", "Northwind", None), lambda: rgw.purge(uid)):
        with pytest.raises(StorageConflict):
            call()
    with pytest.raises(StorageAbsent):
        rgw.put_quota(uid, 1)
    assert rgw.read_account(uid).display == "Somebody"
    root.delete("user", uid=user_of(uid))


@marked
def test_a_bucket_of_somebody_else_in_the_accounts_namespace_is_a_conflict(rgw, root, uid):
    stranger = user_of(uid).replace("$pp", "$qq")
    key = (new_key_id(), new_secret())
    rgw.put_account(uid, "marker-1", "Northwind", None)
    root.put("user", uid=stranger, display_name="Somebody", generate_key=False)
    root.put("user", "key", uid=stranger, access_key=key[0], secret_key=key[1].reveal(), generate_key=False)
    s3_client(rgw.endpoint, *key).create_bucket(Bucket="data")
    with pytest.raises(StorageConflict):
        rgw.put_bucket(uid, "data")
    assert rgw.read_account(uid).buckets == ()


@marked
def test_a_bucket_whose_handing_over_was_cut_off_is_handed_over_by_the_next_call(rgw, uid):
    rgw.put_account(uid, "marker-1", "Northwind", None)
    rgw._s3.make_bucket(f"{uid.replace('-', '_')}:data")
    assert rgw.read_account(uid).buckets == ()
    rgw.put_bucket(uid, "data")
    assert rgw.read_account(uid).buckets == ("data",)
    key = make_key(rgw, uid)
    eventually(lambda: rgw.probe_key(*key, "data") == "alive")
    S3Customer(rgw.endpoint, *key).store("data", "report.txt", 10)
    assert rgw.measure(uid).used_bytes == 10


@marked
def test_a_customer_can_read_and_set_the_rights_of_a_bucket_whatever_the_display_name_holds(rgw, uid):
    s3 = S3Customer(rgw.endpoint, *open_account(rgw, uid)).s3
    assert s3.get_bucket_acl(Bucket=f"{uid}-main")["Owner"]["ID"] == user_of(uid)
    s3.put_bucket_acl(Bucket=f"{uid}-main", ACL="private")


@marked
def test_two_customers_have_a_bucket_of_the_same_name_and_do_not_reach_each_others(rgw, uid):
    programs = {}
    for who in (uid, f"{uid}-b"):
        key = open_account(rgw, who)
        rgw.put_bucket(who, "data")
        programs[who] = S3Customer(rgw.endpoint, *key).s3
        programs[who].put_object(Bucket="data", Key="name.txt", Body=who.encode())
    for who, s3 in programs.items():
        assert s3.get_object(Bucket="data", Key="name.txt")["Body"].read() == who.encode()
    assert code(lambda: programs[uid].list_objects_v2(Bucket=f"{uid}-b-main")) == "NoSuchBucket"


@marked
def test_a_customers_key_reaches_no_admin_service_and_no_foreign_tenant(rgw, ceph, uid):
    key = open_account(rgw, uid)
    open_account(rgw, f"{uid}-b")
    own = AdminOps(f"{ceph.url}/admin", "us-east-1", *key)
    for call in (
        lambda: own.user(user_of(uid)),
        lambda: own.put("user", "key", uid=user_of(uid), access_key=new_key_id(), secret_key="x", generate_key=False),
        lambda: own.put("user", "quota", uid=user_of(uid), quota_type="user", max_size=-1, enabled=False),
        lambda: own.users(),
    ):
        with pytest.raises(StorageUnavailable, match="403"):
            call()
    stranger = open_storage(f"rgw://{ceph.url[7:]}", Credentials(*key))
    with pytest.raises(StorageUnavailable, match="403"):
        stranger._s3.count(f"{uid.replace('-', '_')}_b:{uid}-b-main")


@marked
@pytest.mark.parametrize("end", ["suspended", "key deleted"])
def test_a_link_signed_before_access_ended_is_refused_after_it(rgw, uid, end):
    key = open_account(rgw, uid)
    s3 = S3Customer(rgw.endpoint, *key).s3
    s3.put_object(Bucket=f"{uid}-main", Key="a.txt", Body=b"own")
    link = s3.generate_presigned_url("get_object", Params={"Bucket": f"{uid}-main", "Key": "a.txt"})
    with urllib.request.urlopen(link, timeout=5) as answer:  # noqa: S310 - our own server
        assert answer.read() == b"own"
    rgw.put_suspended(uid, True) if end == "suspended" else rgw.delete_key(uid, key[0])
    eventually(lambda: rgw.probe_key(*key, f"{uid}-main") != "alive")
    with pytest.raises(HTTPError) as caught:
        urllib.request.urlopen(link, timeout=5)  # noqa: S310 - our own server
    assert caught.value.code == 403
    caught.value.close()


@marked
def test_read_only_lets_read_and_delete_and_is_seen(rgw, uid):
    key = open_account(rgw, uid)
    s3, bucket = S3Customer(rgw.endpoint, *key).s3, f"{uid}-main"
    s3.put_object(Bucket=bucket, Key="a.txt", Body=b"x")
    for _ in range(2):
        rgw.put_read_only(uid, True)
    assert rgw.read_account(uid).read_only
    eventually(lambda: code(lambda: s3.put_object(Bucket=bucket, Key="b.txt", Body=b"x")) == "AccessDenied")
    assert s3.get_object(Bucket=bucket, Key="a.txt")["Body"].read() == b"x"
    s3.delete_object(Bucket=bucket, Key="a.txt")
    rgw.put_read_only(uid, False)
    assert not rgw.read_account(uid).read_only
    s3.put_object(Bucket=bucket, Key="b.txt", Body=b"x")
    with pytest.raises(StorageAbsent):
        rgw.put_read_only(f"{uid}-absent", True)


@marked
def test_traffic_is_told_by_account_and_hour(rgw, uid):
    key = open_account(rgw, uid)
    s3 = S3Customer(rgw.endpoint, *key).s3
    hour = datetime.fromtimestamp(time.time(), UTC).replace(minute=0, second=0, microsecond=0)
    span = (hour, hour + timedelta(hours=2))  # the hour may end while this runs
    s3.put_object(Bucket=f"{uid}-main", Key="a.txt", Body=b"x" * 50_000)
    s3.get_object(Bucket=f"{uid}-main", Key="a.txt")["Body"].read()
    eventually(lambda: rgw.traffic(*span, uid).get(uid, Traffic(0, 0, 0)).sent_bytes >= 50_000, seconds=30)
    found = rgw.traffic(*span, uid)[uid]
    assert found.received_bytes == 50_000
    assert found.requests >= 2
    assert rgw.traffic(*span)[uid] == rgw.traffic(*span, uid)[uid]
    assert rgw.traffic(hour - timedelta(hours=2), hour).get(uid) is None
    assert rgw.traffic(*span, f"{uid}-absent") == {}


@pytest.mark.parametrize(
    ("from_at", "to_at"),
    [
        (datetime(2026, 3, 1, 9, 30, tzinfo=UTC), datetime(2026, 3, 1, 10, tzinfo=UTC)),
        (datetime(2026, 3, 1, 10, tzinfo=UTC), datetime(2026, 3, 1, 10, tzinfo=UTC)),
        (datetime(2026, 3, 1, 9), datetime(2026, 3, 1, 10)),  # noqa: DTZ001 - what is to be refused
    ],
)
def test_traffic_is_asked_for_by_full_hours_in_order(from_at, to_at):
    nobody = Credentials("AK1", Secret("x"))
    with pytest.raises(StorageRefused):
        open_storage("rgw://127.0.0.1:1", nobody).traffic(from_at, to_at)


def test_traffic_of_other_hours_and_users_is_left_out():
    def entry(user, *hours):
        part = {"category": "put_obj", "bytes_received": 5, "bytes_sent": 3, "ops": 2, "successful_ops": 1}
        return {"user": user, "buckets": [{"epoch": hour, "categories": [part, part]} for hour in hours]}

    entries = [entry("pp_a1$pp-a1", 0, 3600, 7200), entry("portal", 3600), entry("pp_b1$pp-b1", 0)]
    times = (datetime.fromtimestamp(3600, UTC), datetime.fromtimestamp(7200, UTC))
    assert traffic_by_uid(entries, *times) == {"pp-a1": Traffic(10, 6, 4)}


@marked
def test_the_list_of_accounts_is_whole_over_its_pages(rgw, monkeypatch, uid):
    for number in range(7):
        rgw.put_account(f"{uid}-{number}", "marker-1", "Northwind", None)
    monkeypatch.setattr("services.storage.rgw_admin.PAGE_USERS", 2)
    assert rgw.list_accounts(f"{uid}-") == tuple(f"{uid}-{number}" for number in range(7))
    assert PAGE_USERS == 1000


@marked
@pytest.mark.parametrize(
    ("admin", "rights", "lacking"),
    [
        ((), "users=*;buckets=*;usage=read", "--admin"),
        (("--admin",), "users=*;usage=read", "buckets"),
        (("--admin",), "users=*;buckets=*", "usage"),
        (("--admin",), "users=read;buckets=*;usage=*", "users"),
    ],
)
def test_a_portal_user_that_lacks_rights_is_named_by_health(ceph, uid, admin, rights, lacking):
    pair = (new_key_id(), new_secret())
    ceph.admin(
        "user", "create", f"--uid={uid}", "--display-name=x", f"--caps={rights}", *admin,
        f"--access-key={pair[0]}", f"--secret-key={pair[1].reveal()}",
    )  # fmt: skip
    with pytest.raises(StorageUnavailable, match=lacking):
        open_storage(f"rgw://{ceph.url[7:]}", Credentials(*pair)).health()


@marked
def test_the_portals_own_pair_and_odd_ids_cannot_be_given_away(rgw, ceph, uid):
    rgw.put_account(uid, "marker-1", "Northwind", None)
    with pytest.raises(StorageConflict):
        rgw.put_key(uid, ceph.access_key_id, new_secret())
    for key_id in ("", "ab", "a/b/c/d", "with space", "x" * 65):
        with pytest.raises(StorageRefused):
            rgw.put_key(uid, key_id, new_secret())
    rgw.health()


@marked
def test_a_bucket_policy_of_the_customers_own_neither_fools_the_probe_nor_stops_a_purge(rgw, uid):
    key, bucket = open_account(rgw, uid), f"{uid}-main"
    s3 = S3Customer(rgw.endpoint, *key).s3
    s3.put_object(Bucket=bucket, Key="a.txt", Body=b"x")
    arns = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": arns}],
    }
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    assert rgw.probe_key(*key, bucket) == "alive"
    assert rgw.measure(uid, exact=True).used_bytes == 1
    purge(rgw, uid)
    assert rgw.read_account(uid) is None


@marked
def test_an_address_without_an_admin_service_is_unavailable_and_never_an_empty_service(ceph, uid):
    wrong = open_rgw(ceph, f"{ceph.url}?admin={ceph.url}/nothing-here")
    for call in (lambda: wrong.read_account(uid), lambda: wrong.list_accounts("pp-"), wrong.health):
        with pytest.raises((StorageUnavailable, StorageRefused)):
            call()
