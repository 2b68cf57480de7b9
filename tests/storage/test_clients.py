"""Programs that customers use store and fetch a file with an issued key."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.storage.customers import eventually, new_key_id, new_secret, s3_client

BIN = Path(sys.executable).parent


def program(name: str) -> str:
    found = shutil.which(name, path=f"{BIN}:{os.environ['PATH']}")
    assert found, f"{name} is missing: pip install -r requirements-dev.txt"
    return found


@pytest.fixture
def issued(seaweed, uid, tmp_path):
    """Bucket, key id, secret of a fresh account."""
    key, bucket = (new_key_id(), new_secret()), f"{uid}-main"
    seaweed.put_account(uid, "marker-1", "Northwind", 10**9)
    seaweed.put_bucket(uid, bucket)
    seaweed.put_key(uid, *key)
    eventually(lambda: seaweed.probe_key(*key, bucket) == "alive")
    return bucket, *key


@pytest.fixture
def sent(tmp_path):
    """A file larger than one part of the clients' default upload."""
    file = tmp_path / "report äöü.bin"
    file.write_bytes(os.urandom(9_000_000))
    return file


def run(tmp_path: Path, command: list[str], **environment: str) -> None:
    finished = subprocess.run(
        command,
        env={"PATH": f"{BIN}:{os.environ['PATH']}", "HOME": str(tmp_path), "LC_ALL": "C.UTF-8", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr


def test_boto3_stores_and_fetches(seaweed, issued, sent, tmp_path):
    bucket, key_id, secret = issued
    client = s3_client(seaweed.endpoint, key_id, secret)
    client.upload_file(str(sent), bucket, "dir/report.bin")
    client.download_file(bucket, "dir/report.bin", str(tmp_path / "back.bin"))
    assert (tmp_path / "back.bin").read_bytes() == sent.read_bytes()


def test_the_aws_command_line_stores_and_fetches(seaweed, issued, sent, tmp_path):
    bucket, key_id, secret = issued
    pair = {
        "AWS_ACCESS_KEY_ID": key_id,
        "AWS_SECRET_ACCESS_KEY": secret.reveal(),
        "AWS_DEFAULT_REGION": seaweed.region,
        "AWS_ENDPOINT_URL": seaweed.endpoint,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    run(tmp_path, [program("aws"), "s3", "cp", str(sent), f"s3://{bucket}/dir/report.bin"], **pair)
    run(tmp_path, [program("aws"), "s3", "cp", f"s3://{bucket}/dir/report.bin", str(tmp_path / "back.bin")], **pair)
    assert (tmp_path / "back.bin").read_bytes() == sent.read_bytes()


def test_rclone_stores_and_fetches(seaweed, issued, sent, tmp_path):
    bucket, key_id, secret = issued
    remote = {
        "RCLONE_CONFIG": str(tmp_path / "rclone.conf"),
        "RCLONE_CONFIG_PORTAL_TYPE": "s3",
        "RCLONE_CONFIG_PORTAL_PROVIDER": "Other",
        "RCLONE_CONFIG_PORTAL_ENDPOINT": seaweed.endpoint,
        "RCLONE_CONFIG_PORTAL_REGION": seaweed.region,
        "RCLONE_CONFIG_PORTAL_ACCESS_KEY_ID": key_id,
        "RCLONE_CONFIG_PORTAL_SECRET_ACCESS_KEY": secret.reveal(),
        "RCLONE_CONFIG_PORTAL_NO_CHECK_BUCKET": "true",
    }
    run(tmp_path, [program("rclone"), "copyto", str(sent), f"portal:{bucket}/dir/report.bin"], **remote)
    run(
        tmp_path, [program("rclone"), "copyto", f"portal:{bucket}/dir/report.bin", str(tmp_path / "back.bin")], **remote
    )
    assert (tmp_path / "back.bin").read_bytes() == sent.read_bytes()


def test_s5cmd_stores_and_fetches(seaweed, issued, sent, tmp_path):
    bucket, key_id, secret = issued
    pair = {"AWS_ACCESS_KEY_ID": key_id, "AWS_SECRET_ACCESS_KEY": secret.reveal(), "AWS_REGION": seaweed.region}
    base = [program("s5cmd"), "--endpoint-url", seaweed.endpoint]
    run(tmp_path, [*base, "cp", str(sent), f"s3://{bucket}/dir/report.bin"], **pair)
    run(tmp_path, [*base, "cp", f"s3://{bucket}/dir/report.bin", str(tmp_path / "back.bin")], **pair)
    assert (tmp_path / "back.bin").read_bytes() == sent.read_bytes()
