"""The policy document that is an account's rights and memory."""

import pytest

from services.storage.seaweedfs_policy import Grant, document, read_grant


@pytest.mark.parametrize("quota_bytes", [None, 0, 10**18])
@pytest.mark.parametrize("suspended", [False, True])
@pytest.mark.parametrize("writable", [False, True])
@pytest.mark.parametrize("buckets", [(), ("one",), ("one", "two")])
def test_every_state_reads_back_as_it_was_written(quota_bytes, suspended, writable, buckets):
    grant = Grant("marker", "Müller „& Söhne“", quota_bytes, suspended, writable, buckets)
    assert read_grant(document(grant)) == grant


def test_lists_of_one_may_come_back_as_texts():
    grant = Grant("marker", "Northwind", 5, buckets=("one",))
    written = document(grant)
    for statement in written["Statement"]:
        for part in ("Action", "Resource"):
            if len(statement[part]) == 1:
                statement[part] = statement[part][0]
    assert read_grant(written) == grant


@pytest.mark.parametrize(
    "found",
    [
        {},
        {"Statement": None},
        {"Statement": [{"Effect": "Allow"}]},
        {"Statement": [{"Sid": "portal-%%%"}]},
        {"Statement": [{"Sid": "portal-e30="}]},
    ],
)
def test_a_document_of_somebody_else_is_a_stranger(found):
    assert read_grant(found) is None


def test_only_listed_actions_on_named_buckets_are_allowed():
    for statement in document(Grant("marker", "Northwind", None, buckets=("one",)))["Statement"]:
        if statement["Effect"] == "Allow":
            assert all("*" not in action for action in statement["Action"])
            assert all(arn in ("arn:aws:s3:::one", "arn:aws:s3:::one/*") for arn in statement["Resource"])
