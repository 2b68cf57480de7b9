"""Asking an address that a partner entered: only where it is safe to ask, and not for long (threats.md, SSRF)."""

import ssl
import threading
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from services import sso_channel
from services.settings import SettingMissing, read_settings
from services.sso_channel import AddressRefused, Channel, ProviderAway, ProviderBusy, conversation

NOT_PUBLIC = (
    "127.0.0.1", "127.8.9.1", "0.0.0.1", "10.0.0.1", "172.16.3.4", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "198.18.0.1", "192.0.0.8", "192.0.2.1", "192.88.99.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
    "::1", "::", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
    "::ffff:8.8.8.8", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::1", "2001::1", "2001:db8::1",
    "3fff::1", "fe80::1%lo", "nonsense",
)  # fmt: skip


class Server(BaseHTTPRequestHandler):
    """What it does stands in the path that is asked for."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.seen.append((self.path, self.headers.get("Host")))
        if self.path == "/away":
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.1/elsewhere")
            self.end_headers()
        elif self.path == "/large":
            self.send_response(200)
            self.send_header("Content-Length", str(10_000_000))
            self.end_headers()
            self.wfile.write(b"x" * 300_000)
        elif self.path == "/silent":
            self.server.released.wait(20)
        elif self.path == "/drip":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            while not self.server.released.wait(0.05):
                self.wfile.write(b" ")
        else:
            content = b"[" * 100_000 if self.path == "/deep" else b'{"fine": true}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
        self.close_connection = True

    def handle(self) -> None:
        with suppress(OSError):  # whoever asked hung up
            super().handle()

    def log_message(self, *_arguments: object) -> None:
        pass


@contextmanager
def served(context: ssl.SSLContext | None = None):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    server.seen, server.released = [], threading.Event()
    server.handle_error = lambda *_arguments: None
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.released.set()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def server():
    with served() as running:
        yield running


def address(server, path: str = "/") -> str:
    return f"http://127.0.0.1:{server.server_address[1]}{path}"


def to(*addresses: str):
    """A resolver that gives these answers, one a question; the last for ever."""
    left = [list(one.split()) for one in addresses]

    def look_up(host: str, port: int, seconds: float) -> list[str]:
        return left.pop(0) if len(left) > 1 else left[0]

    return look_up


@pytest.mark.parametrize("ip", NOT_PUBLIC)
def test_what_is_not_on_the_internet_is_not_asked(ip):
    assert not sso_channel.is_public(ip)
    with pytest.raises(AddressRefused):
        Channel(look_up=to(ip)).get("https://login.example.com/")
    with pytest.raises(AddressRefused):  # one bad address is enough
        Channel(look_up=to(f"93.184.215.14 {ip}")).get("https://login.example.com/")


def test_addresses_on_the_internet_are_public():
    for ip in ("93.184.215.14", "8.8.8.8", "2606:4700::1111", "2a00:1450:4001::200e"):
        assert sso_channel.is_public(ip), ip_address(ip)


@pytest.mark.parametrize(
    "url",
    [
        "http://login.example.com/", "ftp://login.example.com", "https://", "https://user@login.example.com",
        "https://user:secret@login.example.com", "https://login.example.com/#here", "https://login.example.com/a b",
        "https://login.example.com\\@127.0.0.1/", "https://login.example.com/\r\nX: y", "https://lögin.example.com",
        "https://login.example.com:port/", "https://[::1", "file:///etc/passwd", "gopher://127.0.0.1", "//127.0.0.1/",
        "https://login.example.com:0/", "https://" + "a" * 2000, "",
    ],
)  # fmt: skip
def test_an_address_of_another_kind_is_refused_before_anything_is_asked(url):
    with pytest.raises(AddressRefused):
        Channel(loopback=True, look_up=to("127.0.0.1")).get(url)


def test_this_machine_is_asked_in_labs_alone(server):
    assert Channel(loopback=True).get(address(server)).json() == {"fine": True}
    with pytest.raises(AddressRefused):
        Channel().get(address(server))
    with pytest.raises(AddressRefused):
        Channel(look_up=to("127.0.0.1")).get(address(server).replace("http:", "https:"))
    with pytest.raises(AddressRefused):  # plain http for no other name
        Channel(loopback=True, look_up=to("127.0.0.1")).get(address(server).replace("127.0.0.1", "login.example.com"))
    assert len(server.seen) == 1


def test_the_setting_for_labs_is_refused_in_production(tmp_path):
    given = {"PORTAL_VAR_DIR": str(tmp_path), "PORTAL_SSO_LOOPBACK": "1"}
    assert read_settings(given).sso_loopback
    assert not read_settings({"PORTAL_VAR_DIR": str(tmp_path)}).sso_loopback
    production = {**given, "PORTAL_ENV": "production", "PORTAL_SECRET_KEY": "x" * 40}
    production |= {
        "PORTAL_DATA_KEYS": "hBxYb5Nj0T8gH9v3JvJ6l1i0h1m1mI3pYb5Nj0T8gH8=",
        "PORTAL_PUBLIC_URL": "https://p.example",
    }
    with pytest.raises(SettingMissing, match="PORTAL_SSO_LOOPBACK"):
        read_settings(production)
    with pytest.raises(SettingMissing, match="PORTAL_SSO_LOOPBACK"):
        read_settings({**given, "PORTAL_SSO_LOOPBACK": "yes"})


def test_a_redirect_is_not_followed(server):
    with pytest.raises(ProviderAway):
        Channel(loopback=True).get(address(server, "/away"))
    assert [path for path, _host in server.seen] == ["/away"]


@pytest.mark.parametrize("path", ["/large", "/silent", "/drip"])
def test_too_much_and_too_slow_is_cut_off(server, path, monkeypatch):
    monkeypatch.setattr(sso_channel, "ANSWER_SECONDS", 0.5)
    with pytest.raises(ProviderAway):
        Channel(loopback=True).get(address(server, path))


def test_all_questions_together_have_a_time(server, monkeypatch):
    monkeypatch.setattr(sso_channel, "WHOLE_SECONDS", 0)
    with pytest.raises(ProviderAway):
        Channel(loopback=True).get(address(server))
    assert server.seen == []


def test_what_is_no_json_is_no_answer(server):
    with pytest.raises(ProviderAway):
        Channel(loopback=True).get(address(server, "/deep")).json()


def test_a_name_that_nobody_answers_for_in_time_is_away():
    def silent(host: str, port: int, seconds: float) -> list[str]:
        raise OSError("no answer")

    with pytest.raises(ProviderAway):
        Channel(look_up=silent).get("https://login.example.com/")


def test_only_so_many_talk_at_once(monkeypatch):
    monkeypatch.setattr(sso_channel, "WAIT_SECONDS", 0.01)
    with conversation(1), conversation(1):
        with pytest.raises(ProviderBusy), conversation(1):
            pass
        with conversation(2), pytest.raises(ProviderBusy), conversation(3):
            pass
    with conversation(1):
        pass
    assert sso_channel._talking == {}


@pytest.fixture
def certificate(tmp_path, monkeypatch):
    """`certificate("login.example.com")` -> a server's TLS context; what signed it is trusted."""

    def made(name: str) -> ssl.SSLContext:
        key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
        own = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        built = (
            x509.CertificateBuilder()
            .subject_name(own).issuer_name(own).public_key(key.public_key()).serial_number(1)
            .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), False)
            .add_extension(x509.BasicConstraints(True, None), True)
            .sign(key, hashes.SHA256())
        )  # fmt: skip
        file = tmp_path / "certificate.pem"
        secret = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        file.write_bytes(secret + built.public_bytes(serialization.Encoding.PEM))
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    return made


def test_the_connection_goes_to_the_address_that_was_looked_at_and_the_certificate_is_of_the_name(certificate):
    with served(certificate("login.example.com")) as server:
        port = server.server_address[1]
        channel = Channel(loopback=True, look_up=to("127.0.0.1"))
        assert channel.get(f"https://login.example.com:{port}/").status_code == 200
        assert server.seen == [("/", f"login.example.com:{port}")]
        with pytest.raises(ProviderAway):
            channel.get(f"https://other.example.com:{port}/")
        assert len(server.seen) == 1


def test_a_name_that_leads_elsewhere_the_second_time_is_looked_at_again(certificate):
    with served(certificate("login.example.com")) as server:
        channel = Channel(loopback=True, look_up=to("127.0.0.1", "10.0.0.1"))
        url = f"https://login.example.com:{server.server_address[1]}/"
        channel.get(url)
        with pytest.raises(AddressRefused):
            channel.get(url)
