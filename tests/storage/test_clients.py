"""Programs that customers use store and fetch a file with an issued key, on each service that takes keys."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.storage.customers import open_account, s3_client

BIN = Path(sys.executable).parent


def program(name: str, how: str = "pip install -r requirements-dev.txt") -> str:
    found = shutil.which(name, path=f"{BIN}:{os.environ['PATH']}")
    assert found, f"{name} is missing: {how}"
    return found


@pytest.fixture(params=["seaweed", pytest.param("rgw", marks=(pytest.mark.ceph, pytest.mark.xdist_group("ceph")))])
def service(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def issued(service, uid):
    """Bucket, key id, secret of a fresh account."""
    return f"{uid}-main", *open_account(service, uid, 10**9)


@pytest.fixture
def pair(service, issued):
    """The environment in which AWS's own programs and those like them find the key."""
    return {
        "AWS_ACCESS_KEY_ID": issued[1],
        "AWS_SECRET_ACCESS_KEY": issued[2].reveal(),
        "AWS_DEFAULT_REGION": service.region,
        "AWS_REGION": service.region,
        "AWS_ENDPOINT_URL": service.endpoint,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@pytest.fixture
def sent(tmp_path):
    """A file larger than one part of the clients' default upload."""
    file = tmp_path / "report äöü.bin"
    file.write_bytes(os.urandom(9_000_000))
    return file


def run(tmp_path: Path, command: list[str], **environment: str) -> str:
    finished = subprocess.run(
        command,
        env={"PATH": f"{BIN}:{os.environ['PATH']}", "HOME": str(tmp_path), "LC_ALL": "C.UTF-8", **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


def test_boto3_stores_and_fetches(service, issued, sent, tmp_path):
    bucket, key_id, secret = issued
    client = s3_client(service.endpoint, key_id, secret)
    client.upload_file(str(sent), bucket, "dir/report.bin")
    client.download_file(bucket, "dir/report.bin", str(tmp_path / "back.bin"))
    assert (tmp_path / "back.bin").read_bytes() == sent.read_bytes()


def test_the_aws_command_line_stores_and_fetches(issued, pair, sent, tmp_path):
    there = f"s3://{issued[0]}/dir/report.bin"
    run(tmp_path, [program("aws"), "s3", "cp", str(sent), there], **pair)
    run(tmp_path, [program("aws"), "s3", "cp", there, str(tmp_path / "back.bin")], **pair)
    assert (tmp_path / "back.bin").read_bytes() == sent.read_bytes()


def test_rclone_stores_and_fetches(service, issued, sent, tmp_path):
    bucket, key_id, secret = issued
    remote = {
        "RCLONE_CONFIG": str(tmp_path / "rclone.conf"),
        "RCLONE_CONFIG_PORTAL_TYPE": "s3",
        "RCLONE_CONFIG_PORTAL_PROVIDER": "Other",
        "RCLONE_CONFIG_PORTAL_ENDPOINT": service.endpoint,
        "RCLONE_CONFIG_PORTAL_REGION": service.region,
        "RCLONE_CONFIG_PORTAL_ACCESS_KEY_ID": key_id,
        "RCLONE_CONFIG_PORTAL_SECRET_ACCESS_KEY": secret.reveal(),
        "RCLONE_CONFIG_PORTAL_NO_CHECK_BUCKET": "true",
    }
    there = f"portal:{bucket}/dir/report.bin"
    run(tmp_path, [program("rclone"), "copyto", str(sent), there], **remote)
    run(tmp_path, [program("rclone"), "copyto", there, str(tmp_path / "back.bin")], **remote)
    assert (tmp_path / "back.bin").read_bytes() == sent.read_bytes()


def test_s5cmd_stores_and_fetches(service, issued, pair, sent, tmp_path):
    base, there = [program("s5cmd"), "--endpoint-url", service.endpoint], f"s3://{issued[0]}/dir/report.bin"
    run(tmp_path, [*base, "cp", str(sent), there], **pair)
    run(tmp_path, [*base, "cp", there, str(tmp_path / "back.bin")], **pair)
    assert (tmp_path / "back.bin").read_bytes() == sent.read_bytes()


def test_s3cmd_stores_and_fetches(service, issued, sent, tmp_path):
    bucket, key_id, secret = issued
    host, there = service.endpoint.removeprefix("http://"), f"s3://{bucket}/dir/report.bin"
    (tmp_path / ".s3cfg").write_text(
        f"[default]\naccess_key = {key_id}\nsecret_key = {secret.reveal()}\nhost_base = {host}\n"
        f"host_bucket = {host}\nbucket_location = {service.region}\nuse_https = False\nmultipart_chunk_size_mb = 5\n"
    )
    base = [program("s3cmd", "apt-get install s3cmd"), "--no-progress"]
    run(tmp_path, [*base, "put", str(sent), there])
    run(tmp_path, [*base, "get", there, str(tmp_path / "back.bin")])
    assert (tmp_path / "back.bin").read_bytes() == sent.read_bytes()


def test_restic_backs_up_checks_and_restores(service, issued, pair, tmp_path):
    source, back = tmp_path / "source", tmp_path / "back"
    (source / "dir").mkdir(parents=True)
    for number in range(20):
        (source / "dir" / f"{number}.bin").write_bytes(os.urandom(200_000))
    (source / "Grüße.txt").write_text("hello", encoding="utf-8")
    where = {**pair, "RESTIC_REPOSITORY": f"s3:{service.endpoint}/{issued[0]}/backup", "RESTIC_PASSWORD": "kept"}
    restic = [program("restic", "apt-get install restic"), "--no-cache", "--option", "s3.bucket-lookup=path"]
    run(tmp_path, [*restic, "init"], **where)
    run(tmp_path, [*restic, "backup", str(source)], **where)
    assert "no errors were found" in run(tmp_path, [*restic, "check", "--read-data"], **where)
    run(tmp_path, [*restic, "restore", "latest", "--target", str(back)], **where)
    restored = back / source.relative_to("/")
    for file in source.rglob("*"):
        if file.is_file():
            assert (restored / file.relative_to(source)).read_bytes() == file.read_bytes()
    run(tmp_path, [*restic, "forget", "--prune", "--keep-last", "1"], **where)
