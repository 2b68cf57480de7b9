"""Stands between the gateway and a service and loses the answer to one request: a time-out after the effect."""

import selectors
import socket
import threading

HOST = "127.0.0.1"


class Drops:
    """Which exchange from now on loses its answer. Shared by all proxies that one gateway goes through."""

    def __init__(self):
        self._lock = threading.Lock()
        self._count = self._armed = 0

    def arm(self, number: int) -> None:
        """The exchange with this number, counted from 1 on, loses its answer; 0: none does."""
        with self._lock:
            self._count, self._armed = 0, number

    def next_is_lost(self) -> bool:
        with self._lock:
            self._count += 1
            return self._count == self._armed


class Proxy:
    """Forwards to `port`; listens on a port of its own, see `url`."""

    def __init__(self, port: int, drops: Drops):
        self._port, self._drops = port, drops
        self._listener = socket.create_server((HOST, 0))
        self.url = f"http://{HOST}:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._forward, args=(client,), daemon=True).start()

    def _forward(self, client: socket.socket) -> None:
        with (
            client,
            socket.create_connection((HOST, self._port)) as service,
            selectors.DefaultSelector() as both,
        ):
            for end in (client, service):
                both.register(end, selectors.EVENT_READ)
            asking, lost = False, False
            while ready := [key.fileobj for key, _ in both.select(60)]:
                for end in ready:
                    try:
                        data = end.recv(65536)
                    except ConnectionError:
                        return
                    if not data or (end is service and lost):
                        return  # the service has answered, so it has done its work
                    if end is client and not asking:
                        lost = self._drops.next_is_lost()
                    asking = end is client
                    try:
                        (service if end is client else client).sendall(data)
                    except ConnectionError:
                        return
