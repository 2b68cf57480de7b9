"""Serves the portal with waitress, and ends without cutting off anybody who is being answered."""

import signal
import threading
import time
from typing import Any

from waitress import create_server
from waitress.channel import HTTPChannel

from services import uploads
from services.settings import Settings

# more than the portal takes anywhere, so that its own page says what was too large
LARGEST_REQUEST_BYTES = uploads.LARGEST_BYTES + 1_000_000
DRAIN_SECONDS = 10.0
LOOK_SECONDS = 0.2


def options(settings: Settings) -> dict[str, Any]:
    """Waitress is told its limits: its own are meant for a trusted network (threat 23)."""
    proxy: dict[str, Any] = {
        "trusted_proxy": settings.trusted_proxy,
        "trusted_proxy_count": 1,
        "trusted_proxy_headers": {"x-forwarded-for", "x-forwarded-proto"},
    }
    return {
        "host": settings.host,
        "port": settings.port,
        "threads": settings.threads,
        "ident": None,
        "connection_limit": 500,
        "channel_timeout": 30,
        "max_request_body_size": LARGEST_REQUEST_BYTES,
        "max_request_header_size": 32_768,
        "clear_untrusted_proxy_headers": True,
        **(proxy if settings.trusted_proxy else {}),
    }


def serve(application: Any, **given: Any) -> None:
    """Answers until SIGTERM or SIGINT. Then nobody new is let in, and whoever was let in gets an answer, for at most
    DRAIN_SECONDS. `given` are waitress' settings."""
    sockets: dict[int, Any] = {}
    server = create_server(application, map=sockets, **given)
    told = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told.set())
    while not told.is_set():
        _turn(server, sockets)
    _stop_listening(sockets)
    deadline = time.monotonic() + DRAIN_SECONDS
    while any(_is_busy(channel) for channel in list(sockets.values())) and time.monotonic() < deadline:
        _turn(server, sockets)
    server.task_dispatcher.shutdown(timeout=1)


def _turn(server: Any, sockets: dict[int, Any]) -> None:
    server.asyncore.loop(timeout=LOOK_SECONDS, map=sockets, use_poll=True, count=1)


def _stop_listening(sockets: dict[int, Any]) -> None:
    """A name with two addresses, such as localhost, has two sockets that listen."""
    for listening in [channel for channel in sockets.values() if channel.accepting]:
        listening.del_channel(sockets)
        listening.socket.close()


def _is_busy(channel: Any) -> bool:
    """A request is being received or answered, or its answer is not all sent."""
    return isinstance(channel, HTTPChannel) and bool(channel.request or channel.requests or channel.total_outbufs_len)
