"""One Ceph node on loopback for tests: a monitor, one OSD that keeps everything in memory, and a gateway (radosgw).

    with CephNode(directory, first_port) as node: node.url, node.access_key_id, node.secret

Nothing of it survives `stop`. No manager runs: the gateway does not need one. `debug rgw = 0/0` as in production: at
its default level the gateway writes request lines into its log, and those of the admin service hold secrets. Without
`tcp_nodelay` each answer takes 44 ms. The programs come from Debian's packages, see PACKAGES.
"""

import os
import secrets
import shutil
import signal
import socket
import string
import subprocess
import time
import uuid
from pathlib import Path

HOST = "127.0.0.1"
PORTS = 40  # how many from the first one on a node may use
PACKAGES = "ceph-mon ceph-osd radosgw ceph-common"
PROGRAMS = ("ceph", "ceph-authtool", "ceph-mon", "ceph-osd", "monmaptool", "radosgw", "radosgw-admin")
CAPABILITIES = "users=*;buckets=*;usage=read;metadata=read"
READY_SECONDS = 120
MEMORY_BYTES = 2 * 2**30

SETTINGS = """\
[global]
fsid = {fsid}
mon host = v2:{host}:{mon_port},v1:{host}:{mon_old_port}
mon initial members = a
public addr = {host}
public network = {host}/8
cluster network = {host}/8
ms bind ipv6 = false
ms bind port min = {first_osd_port}
ms bind port max = {last_osd_port}
auth cluster required = cephx
auth service required = cephx
auth client required = cephx
auth allow insecure global id reclaim = false
keyring = {home}/keyring
run dir = {home}
admin socket = {home}/$name.asok
crash dir = {home}/crash
log file = {home}/$name.log
mon cluster log file = {home}/cluster.log
log to stderr = false
err to stderr = true
mon data = {home}/mon
mon allow pool size one = true
mon warn on pool no redundancy = false
mon max pg per osd = 1000
mon data avail warn = 2
mon data avail crit = 1
mgr initial modules =
osd data = {home}/osd
osd objectstore = memstore
osd crush chooseleaf type = 0
osd memory target = 939524096
memstore device bytes = {memory_bytes}
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pgp num = 4
osd pool default pg autoscale mode = off

[client.rgw.a]
keyring = {home}/gateway.keyring
rgw data = {home}/gateway
rgw frontends = beast endpoint={host}:{port} tcp_nodelay=1
rgw enable apis = s3, admin
rgw enable usage log = true
rgw usage log tick interval = 1
rgw usage log flush threshold = 1
debug rgw = 0/0
rgw override bucket index max shards = 1
rgw dynamic resharding = false
rgw gc obj min wait = 5
rgw thread pool size = 16
"""


class CephFailed(Exception):
    """The node does not run. One sentence for whoever runs the tests."""


def check_programs() -> None:
    """CephFailed naming the packages when a program of Ceph is missing."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        raise CephFailed(
            f"The tests of the Ceph backend need {', '.join(missing)}: "
            f"apt-get install --no-install-recommends {PACKAGES}."
        )


def free_ports(first: int, last: int) -> int:
    """The first of PORTS ports in a row that nobody listens on. CephFailed when there are none up to `last`."""
    for start in range(first, last - PORTS, PORTS):
        try:
            for port in range(start, start + 3):
                with socket.socket() as probe:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # ended connections do not count
                    probe.bind((HOST, port))
        except OSError:
            continue
        return start
    raise CephFailed(f"No free ports between {first} and {last} for the Ceph node.")


class CephNode:
    """Works below `directory`, which must be new, on `port` (the gateway) and the PORTS - 1 above it."""

    def __init__(self, directory: Path, port: int):
        self.directory, self.port = directory, port
        self.url = f"http://{HOST}:{port}"
        self.access_key_id = "".join(secrets.choice(string.ascii_uppercase + string.digits) for _ in range(20))
        self.secret = secrets.token_hex(20)
        self._running: list[tuple[str, subprocess.Popen[bytes]]] = []

    def __enter__(self) -> "CephNode":
        check_programs()
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def admin(self, *arguments: str) -> str:
        """What radosgw-admin answers."""
        return self._run("radosgw-admin", "-n", "client.admin", *arguments)

    def stop(self) -> None:
        """Ends the programs in the reverse order of their start; by force what does not end within 10 s."""
        for _, process in reversed(self._running):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
            process.wait()
        self._running.clear()
        shutil.rmtree(self.directory / "osd", ignore_errors=True)

    def _start(self) -> None:
        home = self.directory
        for part in ("mon", "osd", "gateway", "crash"):
            (home / part).mkdir(mode=0o700, parents=True, exist_ok=True)
        fsid = str(uuid.uuid4())
        mon_port = self.port + 1
        text = SETTINGS.format(
            fsid=fsid, home=home, host=HOST, port=self.port, mon_port=mon_port, mon_old_port=mon_port + 1,
            first_osd_port=mon_port + 2, last_osd_port=self.port + PORTS - 1, memory_bytes=MEMORY_BYTES,
        )  # fmt: skip
        (home / "ceph.conf").write_text(text)
        self._start_monitor(fsid, mon_port)
        self._start_osd()
        self._start_gateway()

    def _start_monitor(self, fsid: str, mon_port: int) -> None:
        home = self.directory
        everything = ("--cap", "mon", "allow *")
        self._run("ceph-authtool", "--create-keyring", home / "mon.keyring", "--gen-key", "-n", "mon.", *everything)
        everything += ("--cap", "osd", "allow *", "--cap", "mgr", "allow *")
        self._run("ceph-authtool", "--create-keyring", home / "keyring", "--gen-key", "-n", "client.admin", *everything)
        self._run("ceph-authtool", home / "mon.keyring", "--import-keyring", home / "keyring")
        addresses = f"[v2:{HOST}:{mon_port},v1:{HOST}:{mon_port + 1}]"
        self._run("monmaptool", "--create", "--fsid", fsid, "--addv", "a", addresses, home / "monmap")
        self._run("ceph-mon", "--mkfs", "-i", "a", "--monmap", home / "monmap", "--keyring", home / "mon.keyring")
        self._spawn("mon", "ceph-mon", "-f", "-i", "a")
        self._wait("the monitor", lambda: self._ceph("-s") is not None)

    def _start_osd(self) -> None:
        home, number = self.directory, str(uuid.uuid4())
        self._ceph("osd", "new", number)
        keyring = self._ceph("auth", "get-or-create", "osd.0", "mon", "allow profile osd", "osd", "allow *")
        (home / "osd" / "keyring").write_text(keyring or "")
        self._run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", number, "--keyring", home / "osd" / "keyring")
        self._ceph("osd", "crush", "add", "0", "1.0", "host=localhost", "root=default")
        self._spawn("osd", "ceph-osd", "-f", "-i", "0", "--keyring", str(home / "osd" / "keyring"))
        self._wait("the OSD", lambda: "1 up" in (self._ceph("osd", "stat") or ""))

    def _start_gateway(self) -> None:
        keyring = self._ceph("auth", "get-or-create", "client.rgw.a", "mon", "allow rw", "osd", "allow rwx")
        (self.directory / "gateway.keyring").write_text(keyring or "")
        self._spawn("gateway", "radosgw", "-f", "-n", "client.rgw.a")
        self._wait("the gateway", self._answers)
        self.admin(
            "user", "create", "--uid=portal", "--display-name=Partner portal", "--admin", f"--caps={CAPABILITIES}",
            f"--access-key={self.access_key_id}", f"--secret-key={self.secret}",
        )  # fmt: skip

    def _answers(self) -> bool:
        try:
            with socket.create_connection((HOST, self.port), 1) as line:
                line.sendall(b"GET / HTTP/1.0\r\n\r\n")
                return line.recv(12).startswith(b"HTTP/1.1 200")
        except OSError:
            return False

    def _ceph(self, *arguments: str) -> str | None:
        """What `ceph` answers; None when it cannot reach the monitor in time."""
        try:
            return self._run("ceph", "--connect-timeout", "10", *arguments)
        except CephFailed:
            return None

    def _run(self, program: str, *arguments: object) -> str:
        command = [program, "-c", str(self.directory / "ceph.conf"), *map(str, arguments)]
        if program in ("ceph-authtool", "monmaptool"):
            del command[1:3]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode != 0:
            raise CephFailed(f"{program} failed: {done.stderr.strip()[-500:]}")
        return done.stdout

    def _spawn(self, name: str, program: str, *arguments: str) -> None:
        command = [program, "-c", str(self.directory / "ceph.conf"), *arguments]
        with open(self.directory / f"{name}.out", "ab") as out:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
                env={"PATH": os.environ["PATH"], "HOME": str(self.directory)},
            )  # fmt: skip
        self._running.append((name, process))

    def _wait(self, what: str, true) -> None:
        ends = time.monotonic() + READY_SECONDS
        while not true():
            for name, process in self._running:
                if process.poll() is not None:
                    said = (self.directory / f"{name}.out").read_text(errors="replace").strip()[-500:]
                    raise CephFailed(f"Ceph's {name} ended with status {process.returncode}: {said}")
            if time.monotonic() > ends:
                raise CephFailed(f"Within {READY_SECONDS} s {what} of the Ceph node did not answer.")
            time.sleep(0.1)
