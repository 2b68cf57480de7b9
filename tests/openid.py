"""Log-in providers for tests: a real one (oidc-provider-mock, in a process of its own) and one that lies as told."""

import base64
import hashlib
import http.client
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

CLIENT_ID, CLIENT_SECRET = "portal", "a-client-secret-nobody-guesses"


def ask(method: str, url: str, body: bytes = b"", kind: str = "application/x-www-form-urlencoded") -> tuple[int, str]:
    """Status of an answer, and where it leads; redirects are not followed."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=20)
    try:
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        connection.request(method, path, body, {"Content-Type": kind})
        answer = connection.getresponse()
        answer.read()
        return answer.status, answer.headers.get("Location", "")
    finally:
        connection.close()


@dataclass(frozen=True)
class RealProvider:
    """`issuer` of a provider that runs; people are put into it, and sign in with a click."""

    issuer: str

    def put(self, subject: str, **claims: Any) -> None:
        status, _where = ask("PUT", f"{self.issuer}/users/{subject}", json.dumps(claims).encode(), "application/json")
        assert status == 204

    def sign_in(self, url: str, subject: str) -> str:
        """What a browser does there: the address that the provider leads back to."""
        status, where = ask("POST", url, urlencode({"sub": subject}).encode())
        assert status == 302, "the provider led nowhere"
        return where


@contextmanager
def real_provider() -> Iterator[RealProvider]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port), "--require-nonce", "true"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    issuer, waited = f"http://127.0.0.1:{port}", threading.Event()
    try:
        for _try in range(300):
            try:
                ask("GET", f"{issuer}/.well-known/openid-configuration")
                break
            except OSError:
                assert process.poll() is None, "the provider ended by itself"
                waited.wait(0.1)
        yield RealProvider(issuer)
    finally:
        process.terminate()
        process.wait(10)


@dataclass
class LyingProvider:
    """A provider whose every word can be set. It checks the client's secret, PKCE and that a code is used once."""

    issuer: str = ""
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one"}))
    published: list[RSAKey] | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] = field(default_factory=dict)
    algorithm: str = "RS256"
    raw: Callable[[dict], bytes] | None = None
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def sign_in(self, url: str, **more: str) -> str:
        """The address that a browser is led back to, with a code for what it came with."""
        asked = dict(parse_qsl(urlsplit(url).query))
        code = base64.urlsafe_b64encode(hashlib.sha256(asked["state"].encode()).digest()[:12]).decode()
        self.codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state'], **more})}"

    def answer(self, path: str, body: str, headers: Any) -> tuple[int, bytes]:
        self.asked.append(path)
        if self.raw is not None:
            return 200, self.raw({"path": path})
        if path == "/.well-known/openid-configuration":
            return 200, json.dumps(self._metadata()).encode()
        if path == "/keys":
            keys = self.published if self.published is not None else [self.key]
            return 200, json.dumps({"keys": [key.as_dict(private=False) for key in keys]}).encode()
        if path == "/userinfo":
            return 200, json.dumps(self.userinfo).encode()
        return self._token({name: values[0] for name, values in parse_qs(body).items()}, headers)

    def _metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "response_types_supported": ["code"],
            "id_token_signing_alg_values_supported": ["RS256"],
            **self.metadata,
        }

    def _token(self, sent: dict[str, str], headers: Any) -> tuple[int, bytes]:
        asked = self.codes.pop(sent.get("code", ""), None)
        shown = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        verifier = hashlib.sha256(sent.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(verifier).rstrip(b"=").decode()
        if (
            asked is None
            or headers.get("Authorization") != f"Basic {shown}"
            or asked.get("code_challenge_method") != "S256"
            or asked.get("code_challenge") != challenge
            or asked["redirect_uri"] != sent.get("redirect_uri")
        ):
            return 400, b'{"error": "invalid_grant"}'
        token = self._id_token({"nonce": asked["nonce"], "iss": self.issuer, **self.claims})
        return 200, json.dumps({"access_token": "access", "token_type": "Bearer", "id_token": token}).encode()

    def _id_token(self, claims: dict[str, Any]) -> str:
        claims = {name: value for name, value in claims.items() if value is not None}
        if self.algorithm == "none":
            parts = [{"alg": "none", "typ": "JWT"}, claims]
            coded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
            return ".".join([*coded, ""])
        header = {"alg": self.algorithm, "kid": "one"}
        key = self.key if self.algorithm.startswith("RS") else OctKey.import_key(CLIENT_SECRET)
        return jwt.encode(header, claims, key, algorithms=[self.algorithm])


@contextmanager
def lying_provider() -> Iterator[LyingProvider]:
    provider = LyingProvider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._send("")

        def do_POST(self) -> None:
            self._send(self.rfile.read(int(self.headers.get("Content-Length", 0))).decode())

        def _send(self, body: str) -> None:
            status, content = provider.answer(urlsplit(self.path).path, body, self.headers)
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.issuer = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
