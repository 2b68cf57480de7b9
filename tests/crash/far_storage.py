"""The gateway to the storage service of these tests (`storage_service`), over HTTP."""

import http.client
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from services.storage.contract import Capabilities, Storage, StorageUnavailable
from tests.crash import wire
from tests.crash.storage_service import CUSTOMERS, HOST, free_port

PORTS = (21300, 21400)
ROOT = Path(__file__).parents[2]


def _asked(name: str):
    def call(self, *arguments: Any, **named: Any) -> Any:
        return self.ask(name, *arguments, **named)

    return call


_NAMES = (*Storage.OPERATIONS, *Storage.OPTIONAL, *CUSTOMERS)
_Operations = type("_Operations", (), {name: _asked(name) for name in _NAMES})


class FarStorage(_Operations, Storage):
    """Also what a test wants beside the contract: `begin`, `most_bytes`, `_state`, and what customers do."""

    endpoint, region = "https://s3.storage.example", "eu-1"

    def __init__(self, port: int):
        self.port, self._own = port, threading.local()
        self._connections: list[http.client.HTTPConnection] = []

    @cached_property
    def capabilities(self) -> Capabilities:
        """As of a real gateway: known without asking again, also while the service is dead."""
        wait_for(self)
        while True:
            with suppress(StorageUnavailable):
                return self.ask("capabilities")

    @property
    def most_bytes(self) -> int:
        """The greatest sum of quotas that ever stood there."""
        return self.ask("most_bytes")

    @property
    def _state(self) -> dict:
        return self.ask("state")

    def begin(self, **capabilities: Any) -> None:
        """Empties the service."""
        self.capabilities = self.ask("begin", **capabilities)

    def ask(self, operation: str, *arguments: Any, **named: Any) -> Any:
        """Raises StorageUnavailable when nobody answers; the call may or may not have taken effect."""
        try:
            connection = self._connection()
            connection.request("POST", f"/{operation}", wire.packed((arguments, named)))
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException) as failure:
            self._own.connection.close()  # opened anew by the next call
            raise StorageUnavailable(f"{operation}: {failure}") from failure
        if answer.status != 200:
            raise wire.error(body)
        return wire.unpacked(body)

    def _connection(self) -> http.client.HTTPConnection:
        if getattr(self._own, "connection", None) is None:
            self._own.connection = http.client.HTTPConnection(HOST, self.port, timeout=10)
            self._connections.append(self._own.connection)
        return self._own.connection

    def close(self) -> None:
        for connection in self._connections:
            connection.close()


@contextmanager
def storage_service(folder: Path) -> Iterator[FarStorage]:
    """A running service, in a process of its own, and the gateway to it."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port(*PORTS)
    program = [sys.executable, "-m", "tests.crash.storage_service", str(port), str(folder / "storage.json")]
    with subprocess.Popen(program, stdin=subprocess.PIPE, cwd=ROOT) as process:
        storage = FarStorage(port)
        wait_for(storage, process)
        yield storage
        storage.close()
        process.stdin.close()
        process.wait(10)


def wait_for(storage: FarStorage, process: subprocess.Popen | None = None, seconds: float = 30) -> None:
    """Returns when the service answers."""
    ends = time.monotonic() + seconds
    while True:
        try:
            storage.health()
            return
        except StorageUnavailable:
            assert (process is None or process.poll() is None) and time.monotonic() < ends, "no storage service"
            time.sleep(0.02)
