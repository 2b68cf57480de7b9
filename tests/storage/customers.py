"""What the storage tests do as a customer, and how they wait."""

import os
import secrets
import socket
import time
from collections.abc import Callable
from functools import cache
from typing import Any, Protocol

from services.secret import Secret
from services.storage.contract import Storage
from services.storage.embedded_files import GRPC_DISTANCE, HOST, service_ports
from services.storage.memory import CustomerRefused, MemoryStorage


class Customer(Protocol):
    """A customer's program with one key pair. Raises CustomerRefused."""

    def store(self, bucket: str, name: str, size_bytes: int) -> None: ...


class MemoryCustomer:
    def __init__(self, storage: MemoryStorage, key_id: str, secret: Secret):
        self._storage, self._key_id, self._secret = storage, key_id, secret

    def store(self, bucket: str, name: str, size_bytes: int) -> None:
        self._storage.store(self._key_id, self._secret, bucket, name, size_bytes)


class S3Customer:
    def __init__(self, endpoint: str, key_id: str, secret: Secret):
        self.s3 = s3_client(endpoint, key_id, secret)

    def store(self, bucket: str, name: str, size_bytes: int) -> None:
        from botocore.exceptions import ClientError

        try:
            self.s3.put_object(Bucket=bucket, Key=name, Body=b"x" * size_bytes)
        except ClientError as failure:
            raise CustomerRefused(failure.response["Error"]["Code"]) from None


def s3_client(endpoint: str, key_id: str, secret: Secret, service: str = "s3") -> Any:
    from botocore.config import Config

    return _session().client(
        service,
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=key_id,
        aws_secret_access_key=secret.reveal(),
        config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
    )


@cache
def _session() -> Any:
    import boto3

    return boto3.session.Session()


def eventually(what: Callable[[], bool], seconds: float = 5) -> None:
    """Returns when `what` is true; the service lets changes work within some hundred milliseconds."""
    ends = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < ends, f"not true within {seconds} s"
        time.sleep(0.01)


def free_base_port(first: int = 21500) -> int:
    """A port from which on everything that the embedded server needs is free. Parallel test processes look apart."""
    first += 1000 * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    for base in range(first, first + 400, 5):
        try:
            for port in service_ports(base).values():
                for number in (port, port + GRPC_DISTANCE):
                    with socket.socket() as probe:
                        probe.bind((HOST, number))
        except OSError:
            continue
        return base
    raise AssertionError("no free ports for the storage server")


def new_secret() -> Secret:
    return Secret(secrets.token_urlsafe(24))


def new_key_id() -> str:
    return "AK" + secrets.token_hex(9).upper()


def make_key(storage: Storage, uid: str) -> tuple[str, Secret]:
    """A working pair, however the backend comes to it."""
    if not storage.capabilities.key_import:
        pair = storage.new_key(uid)
        return pair.id, pair.secret
    key_id, secret = new_key_id(), new_secret()
    storage.put_key(uid, key_id, secret)
    return key_id, secret


def open_account(storage: Storage, uid: str, quota_bytes: int | None = None) -> tuple[str, Secret]:
    """An account with the bucket `<uid>-main` and a pair that works already, which is returned."""
    storage.put_account(uid, "marker-1", "Müller & Söhne / main", quota_bytes)
    storage.put_bucket(uid, f"{uid}-main")
    key = make_key(storage, uid)
    eventually(lambda: storage.probe_key(*key, f"{uid}-main") == "alive")
    return key


def purge(storage: Storage, uid: str) -> None:
    """To the end, page by page."""
    page = storage.purge(uid)
    while not page.done:
        page = storage.purge(uid, page.cursor)


def show(config: Any, line: str) -> None:
    """A line of a table among what pytest says, whether output is captured or not."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    capture = config.pluginmanager.get_plugin("capturemanager")
    if reporter is not None and capture is not None:
        with capture.global_and_fixture_disabled():
            reporter.ensure_newline()
            reporter.write_line(line)
