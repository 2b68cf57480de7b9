"""Starts the services that the contract is held against, and opens the gateway to them."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.secret import Secret
from services.storage import Credentials, Storage, open_storage
from tests.ceph.node import CephFailed, CephNode, check_programs, free_ports
from tests.storage.customers import s3_client

HOST = "127.0.0.1"
FIRST_PORT, PORTS_EACH = 32_000, 100
FREE_REQUESTS = 3


def own_ports(first: int = FIRST_PORT) -> int:
    """Parallel test processes look apart."""
    return first + PORTS_EACH * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))


@contextmanager
def ceph_node(directory: Path) -> Iterator[CephNode]:
    check_programs()
    for _ in range(3):
        port = free_ports(own_ports(), own_ports() + PORTS_EACH)
        try:
            with CephNode(directory / f"node-{port}", port) as node:
                yield node
                return
        except CephFailed as failed:
            if "Address already in use" not in str(failed):
                raise
    raise CephFailed("Three times another program took a port of the Ceph node.")


def open_rgw(node: CephNode, url: str | None = None) -> Storage:
    address = (url or node.url).removeprefix("http://")
    return open_storage(f"rgw://{address}", Credentials(node.access_key_id, Secret(node.secret)))


class AwsService:
    """A running moto, and the pair of its administrator."""

    def __init__(self, port: int):
        self.url = f"http://{HOST}:{port}"
        nobody = s3_client(self.url, "nobody", Secret("nothing"), service="iam")
        nobody.create_user(UserName="portal")
        everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
        nobody.put_user_policy(UserName="portal", PolicyName="all", PolicyDocument=json.dumps(everything))
        pair = nobody.create_access_key(UserName="portal")["AccessKey"]
        self.credentials = Credentials(pair["AccessKeyId"], Secret(pair["SecretAccessKey"]))

    def open(self, url: str | None = None) -> Storage:
        there = url or self.url
        return open_storage(f"aws://us-east-1?s3={there}&iam={there}", self.credentials)


@contextmanager
def aws_service(directory: Path) -> Iterator[AwsService]:
    port = _free_port(own_ports() + PORTS_EACH // 2)
    program = Path(__file__).with_name("aws_service.py")
    directory.mkdir(parents=True, exist_ok=True)
    with open(directory / "moto.log", "wb") as log:
        process = subprocess.Popen(
            [sys.executable, str(program), str(port), str(FREE_REQUESTS)],
            stdout=log,
            stderr=log,
            env={"PATH": os.environ["PATH"], "HOME": str(directory)},
        )
    try:
        ends = time.monotonic() + 60
        while not _listens(port):
            assert process.poll() is None and time.monotonic() < ends, (directory / "moto.log").read_text()[-500:]
            time.sleep(0.1)
        yield AwsService(port)
    finally:
        process.terminate()
        process.wait(10)


def _free_port(first: int) -> int:
    return next(port for port in range(first, first + PORTS_EACH // 2) if not _listens(port))


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0
