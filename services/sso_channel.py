"""Asking a partner's log-in provider. Its address is a partner's input, so that asking it is dangerous (SSRF; OWASP
Server Side Request Forgery Prevention): https alone, public addresses alone, the connection made to the very address
that was looked at, no redirects, little time and little content. A few conversations at once at most: what hangs there
does not hang the portal.
"""

import http.client
import ipaddress
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlencode, urlsplit

from services.refusal import N_, Refusal

CONNECT_SECONDS = 3
ANSWER_SECONDS = 5
WHOLE_SECONDS = 12
LARGEST_BYTES = 256_000
MOST_ADDRESSES = 4
MOST_AT_ONCE = 3
MOST_OF_A_PARTNER = 2
WAIT_SECONDS = 2
# the only part of IPv6 that is given out for the internet, less what stands for other addresses or for nobody
PUBLIC_IPV6 = ipaddress.IPv6Network("2000::/3")
NOT_PUBLIC_IPV6 = tuple(map(ipaddress.IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))
NOT_PUBLIC_IPV4 = tuple(
    map(ipaddress.IPv4Network, ("100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15", "240.0.0.0/4"))
)


class ProviderAway(Refusal):
    """It does not answer, too late, or with what is no answer."""

    def __init__(self, host: str) -> None:
        super().__init__(N_("%(host)s does not answer as a log-in should. Try again in a moment."), host=host)


class AddressRefused(Refusal):
    """The portal does not ask there."""


class ProviderBusy(Refusal):
    def __init__(self) -> None:
        super().__init__(N_("Many people sign in at this moment. Try again in a few seconds."))


LookUp = Callable[[str, int, float], list[str]]


@dataclass(frozen=True)
class Answer:
    """In the form that Authlib reads."""

    host: str
    status_code: int
    body: bytes

    def json(self) -> Any:
        """Raises ProviderAway for what is no JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as failure:
            raise ProviderAway(self.host) from failure

    def raise_for_status(self) -> None:
        if self.status_code >= 400:
            raise ProviderAway(self.host)


_turn = threading.Condition()
_talking: dict[int, int] = {}


@contextmanager
def conversation(partner_id: int, *, loopback: bool = False) -> Iterator["Channel"]:
    """A channel to the provider of this partner. Raises ProviderBusy when there are too many at once."""

    def free() -> bool:
        return sum(_talking.values()) < MOST_AT_ONCE and _talking.get(partner_id, 0) < MOST_OF_A_PARTNER

    with _turn:
        if not _turn.wait_for(free, WAIT_SECONDS):
            raise ProviderBusy
        _talking[partner_id] = _talking.get(partner_id, 0) + 1
    try:
        yield Channel(loopback=loopback)
    finally:
        with _turn:
            _talking[partner_id] -= 1
            if not _talking[partner_id]:
                del _talking[partner_id]
            _turn.notify_all()


class Channel:
    """Some questions to one provider, which together have WHOLE_SECONDS. `loopback`: also plain http on this machine,
    for tests and labs. Each raises AddressRefused or ProviderAway; an answer with a status of any kind is an answer,
    except a redirect."""

    def __init__(self, *, loopback: bool = False, look_up: LookUp | None = None):
        self._loopback, self._until = loopback, time.monotonic() + WHOLE_SECONDS
        self._look_up = look_up or looked_up

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> Answer:
        return self._ask("GET", url, None, headers or {})

    def post(self, url: str, data: Mapping[str, str], headers: Mapping[str, str], auth: Any) -> Answer:
        """A form, as Authlib's client sends it; `auth` puts in who the client is."""
        url, headers, body = auth.prepare("POST", url, dict(headers), urlencode(data))
        return self._ask("POST", url, body, headers)

    def _ask(self, method: str, url: str, body: str | None, headers: Mapping[str, str]) -> Answer:
        parts = checked_address(url, loopback=self._loopback)
        host, path = parts.hostname or "", (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        try:
            with closing(self._connected(parts)) as connection, self._deadline(connection.sock) as late:
                if isinstance(connection.sock, ssl.SSLSocket):
                    connection.sock.do_handshake()
                own = {"Accept": "application/json", "Accept-Encoding": "identity", "Connection": "close"}
                connection.request(method, path, body, {**own, **headers})
                response = connection.getresponse()
                content = response.read(LARGEST_BYTES + 1)
                if late.is_set() or (response.length and len(content) <= LARGEST_BYTES):
                    raise TimeoutError  # what was cut off is no answer, however well it reads
        except (OSError, http.client.HTTPException, ValueError) as failure:
            raise ProviderAway(host) from failure
        if len(content) > LARGEST_BYTES or not 200 <= response.status < 600 or 300 <= response.status < 400:
            raise ProviderAway(host)
        return Answer(host, response.status, content)

    def _connected(self, parts: SplitResult) -> http.client.HTTPConnection:
        """Connected to one of the addresses that were looked at; by name nothing is connected to."""
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        secure = parts.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = kind(host, port, timeout=ANSWER_SECONDS)
        connection.auto_open = 0
        plain = self._opened(host, port)
        plain.settimeout(self._left(ANSWER_SECONDS))
        # the certificate is that of the name, wherever the connection leads; the handshake comes under the deadline
        connection.sock = (
            ssl.create_default_context().wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False)
            if secure
            else plain
        )
        return connection

    def _opened(self, host: str, port: int) -> socket.socket:
        failed: OSError = OSError(f"{host} has no address")
        for address in self._addresses(host, port)[:MOST_ADDRESSES]:
            try:
                return socket.create_connection((address, port), timeout=self._left(CONNECT_SECONDS))
            except OSError as failure:
                failed = failure
        raise failed

    def _addresses(self, host: str, port: int) -> list[str]:
        """All addresses of the name; if a single one of them is not public, none."""
        found = self._look_up(host, port, self._left(CONNECT_SECONDS))
        if not all(is_public(address) or (self._loopback and is_loopback(address)) for address in found):
            raise AddressRefused(
                N_("%(host)s is not on the public internet. The portal asks for log-ins only there."),
                "issuer",
                host=host,
            )
        return found

    def _left(self, most: float) -> float:
        left = min(most, self._until - time.monotonic())
        if left <= 0:
            raise TimeoutError
        return left

    @contextmanager
    def _deadline(self, sock: socket.socket) -> Iterator[threading.Event]:
        """Whoever answers a byte at a time meets the end all the same."""
        late = threading.Event()
        timer = threading.Timer(self._left(ANSWER_SECONDS), _cut, [sock, late])
        timer.daemon = True
        timer.start()
        try:
            yield late
        finally:
            timer.cancel()


def checked_address(url: str, *, loopback: bool = False) -> SplitResult:
    """The parts of an address that the portal may ask. Raises AddressRefused."""
    refused = AddressRefused(
        N_("Enter an address that begins with https:// and holds nothing but a name and a path."), "issuer"
    )
    if len(url) > 2000 or any(not 32 < ord(sign) < 127 or sign in '\\"<>' for sign in url):
        raise refused
    try:
        parts = urlsplit(url)
        of_scheme = parts.scheme == "https" or (loopback and parts.scheme == "http" and _names_loopback(parts.hostname))
        fine = of_scheme and parts.hostname and parts.port != 0 and parts.username is None and "#" not in url
    except ValueError:
        fine = False
    if not fine:
        raise refused
    return parts


def is_public(address: str) -> bool:
    """Whether the address is somebody's on the internet: not of this machine, this network, a cloud's own (169.254.…),
    and none that stands for another one (IPv4 in IPv6, 6to4, Teredo, NAT64)."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        return ip in PUBLIC_IPV6 and not any(ip in net for net in NOT_PUBLIC_IPV6)
    return ip.is_global and not ip.is_multicast and not any(ip in net for net in NOT_PUBLIC_IPV4)


def is_loopback(address: str) -> bool:
    with suppress(ValueError):
        return ipaddress.ip_address(address).is_loopback
    return False


def _names_loopback(host: str | None) -> bool:
    return host == "localhost" or is_loopback(host or "")


def looked_up(host: str, port: int, seconds: float) -> list[str]:
    """The system's resolver knows no deadline: a thread waits for it."""
    found: list[str] = []

    def look() -> None:
        with suppress(OSError, UnicodeError):
            found.extend(str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    thread.join(seconds)
    if not (addresses := list(dict.fromkeys(found))):
        raise OSError(f"{host} has no address")
    return addresses


def _cut(sock: socket.socket, late: threading.Event) -> None:
    late.set()
    with suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
