"""The storage in memory as a service of its own, so that it outlives whoever calls it.

python -m tests.crash.storage_service PORT FILE

POST /<operation> with [arguments, named arguments] answers with the result, or 409 with the error. What a call changed
is in FILE before it is answered: killed and started again, the service goes on where it was. Beside the contract there
is `begin` (an empty service with these capabilities), `most_bytes` (the greatest sum of quotas that ever stood here),
`state`, and what customers do.
"""

import os
import socket
import sys
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from services.storage.address import MEMORY
from services.storage.contract import Capabilities, Storage
from services.storage.memory import MemoryStorage
from tests.crash import wire

HOST = "127.0.0.1"
READING = ("read_account", "list_accounts", "measure", "probe_key", "health", "read_secret")
CUSTOMERS = ("store", "set_use", "lock_until")
FIGURES = {"most_bytes": "most_bytes", "state": "_state", "capabilities": "capabilities"}


class KeptStorage(MemoryStorage):
    """Writes down what it holds after each call that may have changed something."""

    def __init__(self, path: Path):
        super().__init__()
        self._path = path
        self.most_bytes = 0
        if path.exists():
            self.capabilities, self._state, self.most_bytes = wire.unpacked(path.read_bytes())

    def begin(self, page_objects: int = 1000, **capabilities: Any) -> Capabilities:
        self.page_objects = page_objects
        self.capabilities, self._state, self.most_bytes = replace(MEMORY, **capabilities), {}, 0
        return self.capabilities

    def carry_out(self, operation: str, arguments: tuple, named: dict) -> Any:
        with self._lock:
            if operation in FIGURES:
                return getattr(self, FIGURES[operation])
            if operation not in (*Storage.OPERATIONS, *Storage.OPTIONAL, *CUSTOMERS, "begin"):
                raise ValueError(f"no such operation: {operation}")
            try:
                return getattr(self, operation)(*arguments, **named)
            finally:
                if operation not in READING:
                    self._save()

    def _save(self) -> None:
        self.most_bytes = max(self.most_bytes, sum(account.quota_bytes or 0 for account in self._state.values()))
        draft = self._path.with_suffix(".part")
        draft.write_bytes(wire.packed((self.capabilities, self._state, self.most_bytes)))
        os.replace(draft, self._path)


class Desk(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    storage: KeptStorage

    def do_POST(self) -> None:
        arguments, named = wire.unpacked(self.rfile.read(int(self.headers["Content-Length"])))
        try:
            status, body = 200, wire.packed(self.storage.carry_out(self.path[1:], arguments, named))
        except Exception as error:  # each travels to the caller, who knows what to make of it
            status, body = 409, wire.packed_error(error)
        self.wfile.write(
            f"HTTP/1.1 {status} -\r\nContent-Length: {len(body)}\r\nContent-Type: application/json\r\n\r\n".encode()
            + body
        )

    def log_message(self, *args: object) -> None:
        """Says nothing."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """Callers that are killed break off; nothing is wrong here."""


def serve(port: int, path: Path) -> None:
    """Never returns."""
    handler = type("OwnDesk", (Desk,), {"storage": KeptStorage(path)})
    Server((HOST, port), handler).serve_forever()


def free_port(first: int, last: int) -> int:
    """Parallel test processes look apart."""
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    ports = [*range(first, last)]
    for port in ports[number * 10 % len(ports) :] + ports:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port
    raise AssertionError("no free port for the storage service")


if __name__ == "__main__":
    threading.Thread(target=lambda: os._exit(len(sys.stdin.read())), daemon=True).start()  # ends with its parent
    serve(int(sys.argv[1]), Path(sys.argv[2]))
