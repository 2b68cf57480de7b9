"""What a customer's key must not be able to do on SeaweedFS."""

import json
import urllib.request
from urllib.error import HTTPError

import pytest
from botocore.exceptions import ClientError

from tests.storage.customers import eventually, new_key_id, new_secret, s3_client


@pytest.fixture(scope="module")
def two(seaweed):
    """Two accounts with a bucket and a key each: `a` and `b`, as (bucket, key)."""
    found = {}
    for name in ("a", "b"):
        uid, key = f"pp-isolated-{name}", (new_key_id(), new_secret())
        seaweed.put_account(uid, f"marker-{name}", "Northwind", None)
        seaweed.put_bucket(uid, f"{uid}-main")
        seaweed.put_key(uid, *key)
        found[name] = (f"{uid}-main", key)
    for bucket, key in found.values():
        eventually(lambda bucket=bucket, key=key: seaweed.probe_key(*key, bucket) == "alive")
    s3_client(seaweed.endpoint, *found["b"][1]).put_object(Bucket=found["b"][0], Key="secret.txt", Body=b"b's own")
    return found


@pytest.fixture(scope="module")
def a(seaweed, two):
    return s3_client(seaweed.endpoint, *two["a"][1])


POLICY = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::*"}]}
FOREIGN = {
    "list": lambda s3, own, other: s3.list_objects_v2(Bucket=other),
    "look": lambda s3, own, other: s3.head_bucket(Bucket=other),
    "read": lambda s3, own, other: s3.get_object(Bucket=other, Key="secret.txt"),
    "write": lambda s3, own, other: s3.put_object(Bucket=other, Key="x", Body=b""),
    "delete": lambda s3, own, other: s3.delete_object(Bucket=other, Key="secret.txt"),
    "copy": lambda s3, own, other: s3.copy_object(Bucket=own, Key="x", CopySource=f"{other}/secret.txt"),
    "upload": lambda s3, own, other: s3.create_multipart_upload(Bucket=other, Key="x"),
    "uploads": lambda s3, own, other: s3.list_multipart_uploads(Bucket=other),
}
POWERS = {
    "make a bucket": lambda s3, own: s3.create_bucket(Bucket="pp-isolated-new"),
    "delete a bucket": lambda s3, own: s3.delete_bucket(Bucket=own),
    "set a bucket policy": lambda s3, own: s3.put_bucket_policy(Bucket=own, Policy=json.dumps(POLICY)),
    "open the bucket": lambda s3, own: s3.put_bucket_acl(Bucket=own, ACL="public-read-write"),
    "open an object": lambda s3, own: s3.put_object_acl(Bucket=own, Key="own.txt", ACL="public-read"),
    "keep versions": lambda s3, own: s3.put_bucket_versioning(
        Bucket=own, VersioningConfiguration={"Status": "Enabled"}
    ),
    "lock objects": lambda s3, own: s3.put_object_lock_configuration(
        Bucket=own, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"}
    ),
    "retain an object": lambda s3, own: s3.put_object_retention(
        Bucket=own, Key="own.txt", Retention={"Mode": "COMPLIANCE", "RetainUntilDate": "2040-01-01T00:00:00Z"}
    ),
    "change ownership": lambda s3, own: s3.put_bucket_ownership_controls(
        Bucket=own, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
    ),
    "set a life cycle": lambda s3, own: s3.put_bucket_lifecycle_configuration(
        Bucket=own,
        LifecycleConfiguration={
            "Rules": [{"ID": "x", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}]
        },
    ),
}
IDENTITY = {
    "make a key": lambda iam: iam.create_access_key(),
    "make a named key": lambda iam: iam.create_access_key(UserName="pp-isolated-a"),
    "make a foreign key": lambda iam: iam.create_access_key(UserName="pp-isolated-b"),
    "see foreign keys": lambda iam: iam.list_access_keys(UserName="pp-isolated-b"),
    "see users": lambda iam: iam.list_users(),
    "make a user": lambda iam: iam.create_user(UserName="pp-isolated-c"),
    "write a policy": lambda iam: iam.put_user_policy(
        UserName="pp-isolated-a", PolicyName="all", PolicyDocument=json.dumps(POLICY)
    ),
    "attach a policy": lambda iam: iam.attach_user_policy(
        UserName="pp-isolated-a", PolicyArn="arn:aws:iam:::policy/pp-isolated-b"
    ),
}


def refusal(call) -> int:
    with pytest.raises(ClientError) as caught:
        call()
    return caught.value.response["ResponseMetadata"]["HTTPStatusCode"]


@pytest.mark.parametrize("what", FOREIGN)
def test_a_customer_gets_403_on_another_customers_bucket(two, a, what):
    assert refusal(lambda: FOREIGN[what](a, two["a"][0], two["b"][0])) == 403


def test_a_customer_gets_403_on_a_bucket_that_does_not_exist_so_that_names_cannot_be_probed(a):
    assert refusal(lambda: a.list_objects_v2(Bucket="pp-isolated-nothing")) == 403


def test_a_customer_sees_only_its_own_buckets(two, a):
    assert [bucket["Name"] for bucket in a.list_buckets()["Buckets"]] == [two["a"][0]]


@pytest.mark.parametrize("what", POWERS)
def test_a_customer_may_not(two, a, what):
    a.put_object(Bucket=two["a"][0], Key="own.txt", Body=b"own")
    assert refusal(lambda: POWERS[what](a, two["a"][0])) == 403


@pytest.mark.parametrize("what", IDENTITY)
def test_a_customers_key_may_not_touch_identities(seaweed, two, what):
    iam = s3_client(seaweed.endpoint, *two["a"][1], service="iam")
    assert refusal(lambda: IDENTITY[what](iam)) == 403


def test_a_customer_gets_no_temporary_credentials_that_could_outlive_its_key(seaweed, two):
    sts = s3_client(seaweed.endpoint, *two["a"][1], service="sts")
    assert refusal(lambda: sts.get_session_token()) == 403
    assert refusal(lambda: sts.get_federation_token(Name="someone")) == 403


@pytest.mark.parametrize("path", ["/", "/pp-isolated-a-main", "/pp-isolated-a-main/public.txt"])
def test_nobody_reads_without_a_key_even_what_was_stored_as_public(seaweed, two, a, path):
    a.put_object(Bucket=two["a"][0], Key="public.txt", Body=b"x", ACL="public-read")
    with pytest.raises(HTTPError) as caught:
        urllib.request.urlopen(seaweed.endpoint + path, timeout=5)  # noqa: S310 - our own server
    assert caught.value.code == 403
    caught.value.close()


def test_the_services_own_key_cannot_be_given_away(server, seaweed):
    from services.storage import StorageConflict, read_credentials

    root = read_credentials(server.credentials_file)
    with pytest.raises(StorageConflict):
        seaweed.put_key("pp-isolated-a", root.access_key_id, new_secret())


@pytest.mark.parametrize("uid", ["", "a", "anonymous", "../policies/x", "with space", "x" * 70, "ümlaut"])
def test_a_name_that_is_no_account_name_is_refused(seaweed, uid):
    from services.storage import StorageRefused

    with pytest.raises(StorageRefused):
        seaweed.put_account(uid, "marker", "Northwind", None)


def test_an_account_that_the_portal_did_not_make_is_neither_adopted_nor_purged(seaweed):
    from services.storage import StorageConflict

    seaweed._admin.post("users", body={"username": "stranger-1"})
    assert seaweed.read_account("stranger-1").marker == ""
    with pytest.raises(StorageConflict):
        seaweed.put_account("stranger-1", "marker", "Northwind", None)
    with pytest.raises(StorageConflict):
        seaweed.purge("stranger-1")
    assert seaweed.read_account("stranger-1") is not None


def test_a_link_signed_before_the_suspension_is_refused_after_it(seaweed, two):
    bucket, key = two["b"]
    link = s3_client(seaweed.endpoint, *key).generate_presigned_url(
        "get_object", Params={"Bucket": bucket, "Key": "secret.txt"}
    )
    with urllib.request.urlopen(link, timeout=5) as answer:  # noqa: S310 - our own server
        assert answer.read() == b"b's own"
    seaweed.put_suspended("pp-isolated-b", True)
    eventually(lambda: seaweed.probe_key(*key, bucket) == "suspended")
    with pytest.raises(HTTPError) as caught:
        urllib.request.urlopen(link, timeout=5)  # noqa: S310 - our own server
    assert caught.value.code == 403
    caught.value.close()
    seaweed.put_suspended("pp-isolated-b", False)
