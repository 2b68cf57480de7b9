"""What is AWS-style IAM's own: tags, inline policies, buckets that belong to the provider."""

import json

import pytest
from botocore.exceptions import ClientError

from services.storage import StorageAbsent, StorageConflict, StorageRefused
from services.storage.aws_policy import access, buckets_of, display_of, quota_of, state
from tests.storage.customers import S3Customer, open_account, purge, s3_client

pytestmark = pytest.mark.xdist_group("aws")


@pytest.fixture
def root(aws_server):
    """S3 as the provider's administrator."""
    pair = aws_server.credentials
    return s3_client(aws_server.url, pair.access_key_id, pair.secret_access_key)


@pytest.fixture
def root_iam(aws_server):
    pair = aws_server.credentials
    return s3_client(aws_server.url, pair.access_key_id, pair.secret_access_key, service="iam")


def code(call) -> str:
    with pytest.raises(ClientError) as caught:
        call()
    return caught.value.response["Error"]["Code"]


@pytest.mark.parametrize("quota_bytes", [None, 0, 10**18])
@pytest.mark.parametrize("display", ["Northwind", "Müller & Söhne / <main>", "100 % =26", "", "日本 テスト"])
def test_the_state_of_an_account_comes_back_from_its_tags(display, quota_bytes):
    written = state("marker-1", display, quota_bytes)
    assert (display_of(written), quota_of(written)) == (display, quota_bytes)


def test_a_display_name_that_is_too_long_for_a_tag_is_cut_between_two_signs():
    written = state("marker-1", "&" * 300, None)
    assert len(written["portal-display"]) <= 256
    assert display_of(written) == "&" * 85


@pytest.mark.parametrize("buckets", [("one",), ("one", "two")])
def test_a_policy_allows_listed_actions_on_named_buckets_with_lasting_keys_only(buckets):
    document = json.loads(access(buckets))
    assert buckets_of(document) == buckets
    for statement in document["Statement"]:
        assert all("*" not in action for action in statement["Action"])
        assert {arn.removesuffix("/*").rpartition(":")[2] for arn in statement["Resource"]} == set(buckets)
        assert statement["Condition"] == {"Null": {"aws:TokenIssueTime": "true"}}


def test_a_dozen_buckets_fit_into_a_users_policy():
    assert len(access(tuple(f"rcp-1001-c{number:02}-main" for number in range(12)))) <= 2048


def test_users_of_the_providers_own_are_neither_adopted_nor_purged_nor_listed(aws, root_iam, uid):
    root_iam.create_user(UserName=uid)
    assert aws.read_account(uid).marker == ""
    for call in (lambda: aws.put_account(uid, "marker-1", "Northwind", None), lambda: aws.purge(uid)):
        with pytest.raises(StorageConflict):
            call()
    with pytest.raises(StorageAbsent):
        aws.put_suspended(uid, True)
    assert aws.list_accounts(uid) == ()


def test_buckets_of_the_providers_own_are_neither_adopted_nor_purged(aws, root, uid):
    root.create_bucket(Bucket=f"{uid}-own")
    open_account(aws, uid)
    with pytest.raises(StorageConflict):
        aws.put_bucket(uid, f"{uid}-own")
    assert aws.read_account(uid).buckets == (f"{uid}-main",)
    purge(aws, uid)
    assert f"{uid}-own" in [bucket["Name"] for bucket in root.list_buckets()["Buckets"]]


def test_a_policy_edited_by_hand_does_not_make_a_purge_delete_foreign_buckets(aws, root, root_iam, uid):
    root.create_bucket(Bucket=f"{uid}-own")
    open_account(aws, uid)
    root_iam.put_user_policy(
        UserName=uid, PolicyName="portal-access", PolicyDocument=access((f"{uid}-main", f"{uid}-own"))
    )
    purge(aws, uid)
    assert f"{uid}-own" in [bucket["Name"] for bucket in root.list_buckets()["Buckets"]]


def test_a_bucket_that_a_cut_off_call_left_untagged_is_found_again(aws, root, root_iam, uid):
    aws.put_account(uid, "marker-1", "Northwind", None)
    root_iam.tag_user(UserName=uid, Tags=[{"Key": "portal-making", "Value": f"{uid}-main"}])
    root.create_bucket(Bucket=f"{uid}-main")
    aws.put_bucket(uid, f"{uid}-main")
    assert aws.read_account(uid).buckets == (f"{uid}-main",)
    purge(aws, uid)
    assert f"{uid}-main" not in [bucket["Name"] for bucket in root.list_buckets()["Buckets"]]


def test_a_purge_finds_the_bucket_that_a_cut_off_call_left(aws, root, root_iam, uid):
    aws.put_account(uid, "marker-1", "Northwind", None)
    root_iam.tag_user(UserName=uid, Tags=[{"Key": "portal-making", "Value": f"{uid}-main"}])
    root.create_bucket(Bucket=f"{uid}-main")
    purge(aws, uid)
    assert f"{uid}-main" not in [bucket["Name"] for bucket in root.list_buckets()["Buckets"]]


def test_a_customer_reaches_its_own_buckets_and_nothing_else(aws, uid):
    keys = {who: open_account(aws, who) for who in (uid, f"{uid}-b")}
    s3 = S3Customer(aws.endpoint, *keys[uid]).s3
    s3.put_object(Bucket=f"{uid}-main", Key="a.txt", Body=b"x")
    iam = s3_client(aws.endpoint, *keys[uid], service="iam")
    for call in (
        lambda: s3.list_objects_v2(Bucket=f"{uid}-b-main"),
        lambda: s3.put_object(Bucket=f"{uid}-b-main", Key="a.txt", Body=b"x"),
        lambda: s3.list_buckets(),
        lambda: s3.create_bucket(Bucket=f"{uid}-new"),
        lambda: s3.delete_bucket(Bucket=f"{uid}-main"),
        lambda: iam.create_access_key(UserName=uid),
        lambda: iam.list_users(),
    ):
        assert code(call) == "AccessDenied"


@pytest.mark.parametrize("uid", ["", "a", "../x", "with space", "x" * 70, "ümlaut"])
def test_a_name_that_is_no_account_name_is_refused(aws, uid):
    with pytest.raises(StorageRefused):
        aws.put_account(uid, "marker", "Northwind", None)


def test_a_third_key_is_refused_in_words(aws, uid):
    open_account(aws, uid)
    aws.new_key(uid)
    with pytest.raises(StorageRefused, match="LimitExceeded"):
        aws.new_key(uid)


def test_last_use_of_a_foreign_or_unknown_key_is_absent(aws, uid):
    own, other = open_account(aws, uid), open_account(aws, f"{uid}-b")
    for key_id in (other[0], "AKIAUNKNOWN"):
        with pytest.raises(StorageAbsent):
            aws.last_used(uid, key_id)
    assert aws.last_used(uid, own[0]) is not None  # it was probed
