"""No secret reaches the log, whatever level is set."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from services.secret import Secret
from services.storage import Credentials, Storage, StorageRefused, open_storage, read_credentials
from services.storage.contract import StorageUnavailable
from services.storage.quiet import quiet_loggers
from tests.storage.customers import free_base_port, make_key, new_key_id, new_secret, purge

CEPH = (pytest.mark.ceph, pytest.mark.xdist_group("ceph"))
REAL = ("seaweedfs", pytest.param("rgw", marks=CEPH), pytest.param("aws", marks=pytest.mark.xdist_group("aws")))


@pytest.fixture
def everything(caplog):
    """All that any logger says, at the lowest level."""
    caplog.set_level(logging.DEBUG)
    return caplog


@dataclass
class Service:
    """One real service: its address, the worker's credentials, and what it writes down itself."""

    url: str
    credentials: Credentials
    log: Callable[[], str]

    def open(self, **other) -> Storage:
        return open_storage(self.url, replace(self.credentials, **other))


@pytest.fixture(params=REAL)
def service(request) -> Service:
    if request.param == "seaweedfs":
        server = request.getfixturevalue("server")
        log = server.directory / "storage.log"
        return Service(server.url, read_credentials(server.credentials_file), log.read_text)
    if request.param == "rgw":
        node = request.getfixturevalue("ceph")
        log = node.directory / "client.rgw.a.log"
        root = Credentials(node.access_key_id, Secret(node.secret))
        return Service(f"rgw://{node.url[7:]}", root, lambda: log.read_text(errors="replace"))
    running = request.getfixturevalue("aws_server")
    return Service(f"aws://us-east-1?s3={running.url}&iam={running.url}", running.credentials, lambda: "")


def test_no_secret_is_logged_at_debug(service, everything, uid):
    storage = service.open()
    storage.put_account(uid, "marker-1", "Northwind", 1000)
    storage.put_bucket(uid, f"{uid}-main")
    key_id, secret = make_key(storage, uid)
    other = new_secret()
    if storage.capabilities.key_import:
        storage.put_key(uid, key_id, other)
        storage.put_key(uid, key_id, secret)
    storage.read_account(uid)
    storage.list_accounts("pp-")
    storage.probe_key(key_id, other, f"{uid}-main")
    storage.probe_key(key_id, secret, f"{uid}-main")
    storage.measure(uid)
    storage.enforce(uid)
    storage.health()
    purge(storage, uid)
    logged = "\n".join(record.getMessage() for record in everything.records) + service.log()
    root = service.credentials
    for canary in (secret, other, root.secret_access_key, root.admin_password):
        assert not canary.reveal() or canary.reveal() not in logged
    assert "Signature=" not in logged
    assert "secret-key=" not in logged


def test_no_secret_is_in_what_is_raised(service, uid):
    storage, secret = service.open(), new_secret()
    storage.put_account(uid, "marker-1", "Northwind", None)
    for key_id in ("x", "x" * 200):
        with pytest.raises(StorageRefused) as caught:
            storage.put_key(uid, key_id, secret)
        assert secret.reveal() not in str(caught.value)


def test_the_libraries_stay_quiet_although_someone_turned_them_up():
    for name in ("boto3", "botocore", "s3transfer", "urllib3"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    quiet_loggers()
    assert not any(
        logging.getLogger(name).isEnabledFor(logging.DEBUG)
        for name in ("botocore.endpoint", "botocore.parsers", "urllib3.connectionpool", "s3transfer")
    )


@pytest.mark.parametrize("kind", ["seaweedfs", "rgw", "aws"])
def test_a_service_that_is_down_is_unavailable_for_every_operation(uid, kind):
    there, secret = f"http://127.0.0.1:{free_base_port(21900)}", new_secret()
    url = {
        "seaweedfs": f"seaweedfs://{there[7:]}?admin={there}",
        "rgw": f"rgw://{there[7:]}",
        "aws": f"aws://us-east-1?s3={there}&iam={there}",
    }[kind]
    storage = open_storage(url, Credentials("AKROOT", new_secret(), "admin", new_secret()))
    can = storage.capabilities
    calls = [
        lambda: storage.health(),
        lambda: storage.read_account(uid),
        lambda: storage.put_account(uid, "marker-1", "Northwind", 1),
        lambda: storage.put_quota(uid, 1),
        lambda: storage.put_suspended(uid, True),
        lambda: storage.put_bucket(uid, f"{uid}-main"),
        lambda: storage.put_key(uid, new_key_id(), secret) if can.key_import else storage.new_key(uid),
        lambda: storage.delete_key(uid, "AK1234"),
        lambda: storage.list_accounts("pp-"),
        lambda: storage.measure(uid),
        lambda: storage.enforce(uid),
        lambda: storage.purge(uid),
        lambda: storage.probe_key("AK1234", secret, f"{uid}-main"),
    ]
    if can.key_inactive:
        calls.append(lambda: storage.put_key_active(uid, "AK1234", True))
    if can.read_only:
        calls.append(lambda: storage.put_read_only(uid, True))
    if can.last_used:
        calls.append(lambda: storage.last_used(uid, "AK1234"))
    for call in calls:
        with pytest.raises(StorageUnavailable) as caught:
            call()
        assert secret.reveal() not in str(caught.value)


def test_credentials_that_the_service_does_not_take_make_it_unavailable(service, uid):
    wrong = [{"secret_access_key": new_secret()}, {"access_key_id": "AKWRONG"}]
    if service.credentials.admin_user:
        wrong.append({"admin_password": new_secret()})
    for other in wrong:
        with pytest.raises(StorageUnavailable):
            service.open(**other).health()
