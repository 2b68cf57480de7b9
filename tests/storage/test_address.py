"""STORAGE_URL and the credentials file."""

import json
import subprocess
import sys

import pytest

from services.storage import open_storage, parse_address, read_credentials
from services.storage.embedded import embedded_url

WHOLE = {"access_key_id": "AKROOT", "secret_access_key": "s1-canary", "admin_user": "admin", "admin_password": "p1"}


def test_a_whole_address_is_understood():
    found = parse_address(
        "seaweedfs+https://s3.internal:8443?admin=http://127.0.0.1:23646&public=https://s3.example.com/&region=eu-1"
    )
    assert (found.s3_url, found.admin_url) == ("https://s3.internal:8443", "http://127.0.0.1:23646")
    assert (found.endpoint, found.region) == ("https://s3.example.com", "eu-1")
    assert found.capabilities.hard_quota == "delayed"


def test_customers_see_the_services_own_address_when_no_other_is_given():
    found = parse_address("seaweedfs://127.0.0.1:8333?admin=http://127.0.0.1:8334")
    assert (found.endpoint, found.region) == ("http://127.0.0.1:8333", "us-east-1")


def test_the_embedded_servers_address_is_understood():
    found = parse_address(embedded_url(9000, region="eu-1", public="https://s3.example.com"))
    assert (found.s3_url, found.admin_url) == ("http://127.0.0.1:9000", "http://127.0.0.1:9001")
    assert (found.endpoint, found.region) == ("https://s3.example.com", "eu-1")


def test_the_address_of_a_ceph_gateway_is_understood():
    found = parse_address("rgw+https://rgw.internal:7443?public=https://s3.example.com/&region=default")
    assert (found.kind, found.s3_url, found.admin_url) == (
        "rgw", "https://rgw.internal:7443", "https://rgw.internal:7443/admin",
    )  # fmt: skip
    assert (found.endpoint, found.region) == ("https://s3.example.com", "default")
    assert found.capabilities.hard_quota == "immediate"
    elsewhere = parse_address("rgw://10.0.0.5:7480?admin=http://10.0.0.6:7480/admin/")
    assert (elsewhere.admin_url, elsewhere.endpoint) == ("http://10.0.0.6:7480/admin", "http://10.0.0.5:7480")


def test_an_aws_region_is_an_address():
    found = parse_address("aws://eu-central-1")
    assert (found.kind, found.region) == ("aws", "eu-central-1")
    assert found.endpoint == found.s3_url == "https://s3.eu-central-1.amazonaws.com"
    assert found.admin_url == "https://iam.amazonaws.com"
    assert found.capabilities.hard_quota == "none"
    other = parse_address("aws://eu-1?s3=https://s3.internal&iam=https://iam.internal&public=https://s3.example.com")
    assert (other.s3_url, other.admin_url, other.endpoint) == (
        "https://s3.internal", "https://iam.internal", "https://s3.example.com",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("rgw://", "HOST:PORT"),
        ("rgw://127.0.0.1:7480/bucket", "no path"),
        ("rgw://127.0.0.1:7480?admin=admin", "admin="),
        ("rgw://portal:canary@127.0.0.1:7480", "STORAGE_CREDENTIALS_FILE"),
        ("rgw://127.0.0.1:7480?iam=http://a", "iam"),
        ("aws://", "region"),
        ("aws+https://eu-central-1", "begins with"),
        ("aws://eu-central-1?region=eu-1", "region"),
        ("aws://eu-central-1?s3=s3.example.com", "s3="),
        ("", "begins with"),
        ("http://127.0.0.1:8333", "begins with 'http'"),
        ("seaweedfs://127.0.0.1:8333", "admin="),
        ("seaweedfs://127.0.0.1:8333?admin=127.0.0.1:8334", "admin="),
        ("seaweedfs://127.0.0.1:8333?admin=http://a&public=s3.example.com", "public="),
        ("seaweedfs://127.0.0.1:8333?admin=http://a&colour=red", "colour"),
        ("seaweedfs://127.0.0.1:8333/path?admin=http://a", "no path"),
        ("seaweedfs://root:canary@127.0.0.1:8333?admin=http://a", "STORAGE_CREDENTIALS_FILE"),
        ("rgw://h:1?admin=http://root:canary@h:1/admin", "admin= with an address that holds no user"),
        ("rgw://h:1?public=https://canary@s3.example.com", "public= with an address that holds no user"),
        ("rgw://h:1?public=https://s3.example.com/%3Ftoken=canary", "public= with an address that holds no user"),
        ("rgw://h:1?public=https://s3.example.com/%23canary", "public= with an address that holds no user"),
        ("rgw://h:1?public=https://user:canary%23x@s3.example.com", "public= with a whole address"),
        ("rgw://h:1?public=https://user:canary#x@s3.example.com", "must not hold a #"),
        ("rgw://h:1?public=https://user:canary%E2%84%80@s3.example.com", "public= with a whole address"),
        ("aws://eu-1?iam=https://root:canary@iam.example.com", "iam= with an address that holds no user"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_in_one_sentence(url, words):
    with pytest.raises(ValueError, match=words) as caught:
        parse_address(url)
    assert "canary" not in str(caught.value)


def test_credentials_are_read(tmp_path, caplog):
    file = tmp_path / "credentials.json"
    file.write_text(json.dumps(WHOLE))
    file.chmod(0o600)
    found = read_credentials(file)
    assert (found.access_key_id, found.secret_access_key.reveal()) == ("AKROOT", "s1-canary")
    assert "canary" not in repr(found) and not caplog.records


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_credentials_that_others_may_read_are_told_in_the_log(tmp_path, caplog, mode):
    file = tmp_path / "credentials.json"
    file.write_text(json.dumps(WHOLE))
    file.chmod(mode)
    read_credentials(file)
    (record,) = caplog.records
    assert record.levelname == "WARNING" and f"{file}: give it mode 0600" in record.message
    assert "canary" not in record.message


@pytest.mark.parametrize("text", ["", "{", "[]", '"x"', json.dumps({"access_key_id": "canary"})])
def test_a_broken_credentials_file_is_refused_without_its_content(tmp_path, text):
    file = tmp_path / "credentials.json"
    file.write_text(text)
    with pytest.raises(ValueError, match=r"credentials\.json") as caught:
        read_credentials(file)
    assert "canary" not in str(caught.value)


def test_a_missing_credentials_file_says_so(tmp_path):
    with pytest.raises(ValueError, match="No such file"):
        read_credentials(tmp_path / "credentials.json")


@pytest.mark.parametrize(
    "url", ["seaweedfs://127.0.0.1:8333?admin=http://127.0.0.1:8334", "rgw://127.0.0.1:1", "aws://eu-1"]
)
def test_a_real_service_needs_credentials(url):
    with pytest.raises(ValueError, match="STORAGE_CREDENTIALS_FILE"):
        open_storage(url)


def test_credentials_without_an_admin_log_in_open_every_service_but_seaweedfs(tmp_path):
    file = tmp_path / "credentials.json"
    file.write_text(json.dumps({name: WHOLE[name] for name in ("access_key_id", "secret_access_key")}))
    credentials = read_credentials(file)
    for url in ("rgw://127.0.0.1:1", "aws://eu-central-1"):
        assert open_storage(url, credentials).capabilities == parse_address(url).capabilities
    with pytest.raises(ValueError, match="admin_user"):
        open_storage("seaweedfs://127.0.0.1:8333?admin=http://127.0.0.1:8334", credentials)


def test_importing_the_gateway_loads_no_boto3():
    modules = ", ".join(f"services.storage.{name}" for name in ("seaweedfs", "rgw", "aws"))
    code = f"import sys, {modules}; print([m for m in sys.modules if 'boto' in m])"
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert finished.stdout.strip() == "[]"
