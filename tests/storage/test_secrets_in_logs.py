"""No secret reaches the log, whatever level is set."""

import logging

import pytest

from services.storage import StorageRefused, open_storage, parse_address, read_credentials
from services.storage.contract import StorageUnavailable
from services.storage.quiet import quiet_loggers
from services.storage.seaweedfs import SeaweedStorage
from tests.storage.customers import free_base_port, new_key_id, new_secret


@pytest.fixture
def everything(caplog):
    """All that any logger says, at the lowest level."""
    caplog.set_level(logging.DEBUG)
    return caplog


def test_no_secret_is_logged_at_debug(server, everything, uid):
    root = read_credentials(server.credentials_file)
    storage, secret, other = open_storage(server.url, root), new_secret(), new_secret()
    key_id = new_key_id()
    storage.put_account(uid, "marker-1", "Northwind", 1000)
    storage.put_bucket(uid, f"{uid}-main")
    for one in (secret, other):
        storage.put_key(uid, key_id, one)
    storage.read_account(uid)
    storage.list_accounts("pp-")
    storage.probe_key(key_id, other, f"{uid}-main")
    storage.probe_key(key_id, secret, f"{uid}-main")
    storage.enforce(uid)
    storage.health()
    storage.purge(uid)
    logged = "\n".join(record.getMessage() for record in everything.records)
    logged += (server.directory / "storage.log").read_text()
    for canary in (secret, other, root.secret_access_key, root.admin_password):
        assert canary.reveal() not in logged
    assert "Signature=" not in logged


def test_no_secret_is_in_what_is_raised(server, uid):
    storage = open_storage(server.url, read_credentials(server.credentials_file))
    secret = new_secret()
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


def test_a_service_that_is_down_is_unavailable_for_every_operation(server, uid):
    port = free_base_port(21900)
    address = parse_address(f"seaweedfs://127.0.0.1:{port}?admin=http://127.0.0.1:{port + 1}")
    storage, secret = SeaweedStorage(address, read_credentials(server.credentials_file)), new_secret()
    for call in (
        lambda: storage.health(),
        lambda: storage.read_account(uid),
        lambda: storage.put_account(uid, "marker-1", "Northwind", 1),
        lambda: storage.put_quota(uid, 1),
        lambda: storage.put_suspended(uid, True),
        lambda: storage.put_bucket(uid, f"{uid}-main"),
        lambda: storage.put_key(uid, new_key_id(), secret),
        lambda: storage.put_key_active(uid, "AK1234", True),
        lambda: storage.delete_key(uid, "AK1234"),
        lambda: storage.list_accounts("pp-"),
        lambda: storage.measure(uid),
        lambda: storage.enforce(uid),
        lambda: storage.purge(uid),
        lambda: storage.probe_key("AK1234", secret, f"{uid}-main"),
    ):
        with pytest.raises(StorageUnavailable) as caught:
            call()
        assert secret.reveal() not in str(caught.value)


def test_credentials_that_the_service_does_not_take_make_it_unavailable(server, uid, tmp_path):
    from dataclasses import replace

    root = read_credentials(server.credentials_file)
    for wrong in (replace(root, admin_password=new_secret()), replace(root, secret_access_key=new_secret())):
        with pytest.raises(StorageUnavailable):
            open_storage(server.url, wrong).health()
