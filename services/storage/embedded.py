"""The embedded storage server: SeaweedFS (`weed mini`) in one process, on loopback only.

    python -m services.storage.embedded --dir var/storage --port 8333

uses ports 8333 (S3) to 8337 and 18333 to 18337, keeps data and credentials below --dir, says when it is ready, and ends
within a few seconds of SIGTERM or SIGINT. What goes wrong is said in one sentence, with exit status 1.
"""

import argparse
import errno
import fcntl
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from services.storage import Storage, open_storage, read_credentials
from services.storage.address import DEFAULT_REGION
from services.storage.contract import StorageUnavailable
from services.storage.embedded_files import HOST, prepare, service_ports
from services.storage.embedded_process import EmbeddedFailed, check_ports, end, end_orphan, find_binary, remove_sockets

LEAST_FREE_BYTES = 500_000_000
READY_SECONDS = 30
_NOTABLE = re.compile(r"[WEF]\d{4} ")  # glog: warnings, errors, fatal
_GLOG_PREFIX = re.compile(r"^[EF]\d{4} [\d:.]+ \S+\] ")


def embedded_url(port: int, region: str = DEFAULT_REGION, public: str | None = None) -> str:
    """STORAGE_URL of an embedded server with this S3 port."""
    options = f"admin=http://{HOST}:{service_ports(port)['admin']}&region={quote(region)}"
    return f"seaweedfs://{HOST}:{port}?{options}" + (f"&public={quote(public, safe=':/')}" if public else "")


class EmbeddedSeaweed:
    """A server that is started and stopped by this process. One per directory; the data outlive it."""

    def __init__(self, directory: str | Path, base_port: int = 8333):
        self.directory, self.base_port = Path(directory).absolute(), base_port
        self.url = embedded_url(base_port)
        self.credentials_file = self.directory / "credentials.json"
        self.process: subprocess.Popen[str] | None = None
        self._lock: IO[str] | None = None
        self._last_lines: deque[str] = deque(maxlen=30)

    def start(self) -> None:
        """Returns when the server answers. EmbeddedFailed with one sentence; nothing is left running then."""
        binary = find_binary()
        try:
            self._claim()
            self._check_disk()
            prepare(self.directory, self.base_port)
            check_ports(self.base_port)
            self._launch(binary)
            self._wait_until_ready()
        except OSError as failure:
            self.stop()
            if failure.errno in (errno.ENOSPC, errno.EDQUOT):
                raise EmbeddedFailed(
                    f"The disk below {self.directory} is full: free some space and start again."
                ) from None
            raise EmbeddedFailed(f"The storage server cannot use {self.directory}: {failure.strerror}.") from None
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Ends the server, gently first. Harmless when it does not run."""
        if self.process is not None:
            end(self.process)
            self.process = None
            remove_sockets(self.base_port)
            (self.directory / "run" / "pid").unlink(missing_ok=True)
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def open(self) -> Storage:
        """The gateway to this server, with the worker's credentials."""
        return open_storage(self.url, read_credentials(self.credentials_file))

    def failure(self) -> str:
        """One sentence about a server that has ended by itself."""
        line = next((line for line in reversed(self._last_lines) if line[:1] in "EF"), "")
        if "no space left" in line:
            return f"The disk below {self.directory} is full: free some space and start again."
        words = _GLOG_PREFIX.sub("", line) or "no reason given"
        return f"The storage server has ended ({words}); more is in {self.directory / 'storage.log'}."

    def _claim(self) -> None:
        """Makes sure that no other process works in the directory; ends a server whose starter was killed."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = open(self.directory / "lock", "w")  # noqa: SIM115 - held until stop
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise EmbeddedFailed(f"A storage server is already running in {self.directory}: stop it first.") from None
        end_orphan(self.directory)

    def _check_disk(self) -> None:
        free_bytes = shutil.disk_usage(self.directory).free
        if free_bytes < LEAST_FREE_BYTES:
            raise EmbeddedFailed(
                f"Only {free_bytes // 1_000_000} MB are free below {self.directory}; "
                f"the storage server needs {LEAST_FREE_BYTES // 1_000_000} MB."
            )

    def _launch(self, binary: str) -> None:
        credentials = read_credentials(self.credentials_file)
        conf = self.directory / "conf"
        environment = {
            "AWS_ACCESS_KEY_ID": credentials.access_key_id,
            "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key.reveal(),
            "GOMEMLIMIT": "200MiB",
            "HOME": str(conf),
            "PATH": os.defpath,
        }
        self.process = subprocess.Popen(
            [
                binary,
                "-logtostderr=true",
                "mini",
                f"-dir={self.directory / 'data'}",
                f"-options={conf / 'mini.options'}",
            ],
            cwd=conf,  # where it looks for security.toml
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,  # Ctrl-C reaches the starter, which ends the server in order
            umask=0o077,
        )
        (self.directory / "run" / "pid").write_text(str(self.process.pid))
        threading.Thread(target=self._keep_log, args=(self.process.stderr,), daemon=True).start()

    def _keep_log(self, lines: IO[str]) -> None:
        handler = RotatingFileHandler(self.directory / "storage.log", maxBytes=1_000_000, backupCount=1)
        for line in lines:
            self._last_lines.append(line.rstrip())
            if _NOTABLE.match(line):
                handler.emit(logging.LogRecord("seaweedfs", logging.WARNING, "", 0, line.rstrip(), None, None))
        handler.close()
        lines.close()

    def _wait_until_ready(self) -> None:
        storage, ends = self.open(), time.monotonic() + READY_SECONDS
        while True:
            if self.process is None or self.process.poll() is not None:
                raise EmbeddedFailed(self.failure())
            try:
                return storage.health()
            except StorageUnavailable as failure:
                if time.monotonic() > ends:
                    raise EmbeddedFailed(
                        f"The storage server is not ready after {READY_SECONDS} s: {failure}."
                    ) from None
            time.sleep(0.05)


def main(arguments: list[str] | None = None) -> int:
    """Runs the server until a signal comes or it ends by itself. Returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m services.storage.embedded", description="The embedded storage server"
    )
    parser.add_argument("--dir", default="var/storage", help="where data and credentials live (default: var/storage)")
    parser.add_argument(
        "--port", type=int, default=8333, help="S3 port; the four above and all five + 10000 are used too"
    )
    chosen = parser.parse_args(arguments)
    server, asked_to_stop = EmbeddedSeaweed(chosen.dir, chosen.port), threading.Event()

    def stop(*_: Any) -> None:
        asked_to_stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    try:
        server.start()
        print(f"Storage server ready on http://{HOST}:{chosen.port}, data in {server.directory}", flush=True)
        while not asked_to_stop.wait(0.2):
            if server.process is None or server.process.poll() is not None:
                raise EmbeddedFailed(server.failure())
    except EmbeddedFailed as failed:
        print(failed, file=sys.stderr)
        return 1
    finally:
        server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
