"""SeaweedFS's admin HTTP service, signed in to as its own web page does it: cookie and CSRF token.

It is no documented contract, so the version is pinned and tests/storage hold what is used here. The service answers
many refusals with 500; they are told apart by their words. Answers about users hold secrets: bodies are never logged.
"""

import json
import re
import threading
from typing import Any
from urllib.parse import quote, urlencode

from services.secret import Secret
from services.storage.contract import CONNECT_SECONDS, READ_SECONDS, StorageError, StorageRefused, StorageUnavailable
from services.storage.quiet import quiet_loggers

_COOKIE = re.compile(r"admin-session=[^;]+")
_FORM_TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')
_PAGE_TOKEN = re.compile(r'name="csrf-token" content="([^"]+)"')
_SMALL_PAGE = "/object-store/policies"  # of the web interface: carries the token and is cheap


class Missing(StorageUnavailable):
    """The service knows no such user, key, policy or bucket. Where nobody expects it: changed meanwhile, try again."""


class Taken(StorageUnavailable):
    """The name is in use. Where nobody expects that: somebody else was at it at the same moment, try again."""


class AdminService:
    """Speaks JSON to the admin service. Signs in when it must; safe to be used by several threads."""

    def __init__(self, url: str, user: str, password: Secret):
        self._url, self._user, self._password = url, user, password
        self._lock = threading.Lock()
        self._pool: Any = None
        self._session: tuple[str, str] | None = None  # cookie, token

    def get(self, *path: str) -> dict[str, Any]:
        """Raises Missing, StorageRefused, StorageUnavailable; so do the others, and Taken."""
        return self._call("GET", path, None)

    def post(self, *path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._call("POST", path, body)

    def put(self, *path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._call("PUT", path, body)

    def delete(self, *path: str) -> dict[str, Any]:
        return self._call("DELETE", path, None)

    def _call(self, method: str, path: tuple[str, ...], body: dict[str, Any] | None) -> dict[str, Any]:
        address = "/api/" + "/".join(quote(part, safe="") for part in path)
        session = self._session or self._sign_in(None)
        status, answer = self._exchange(method, address, body, session)
        if _signed_out(status, answer):  # nothing was done: the service was restarted or the session ended
            status, answer = self._exchange(method, address, body, self._sign_in(session))
        if status in (200, 201):
            return answer
        raise _failure(f"{method} {address}", status, str(answer.get("error", "")))

    def _exchange(
        self, method: str, address: str, body: dict[str, Any] | None, session: tuple[str, str]
    ) -> tuple[int, dict[str, Any]]:
        cookie, token = session
        headers = {"Cookie": cookie, "X-CSRF-Token": token, "Content-Type": "application/json"}
        response = self._send(method, address, None if body is None else json.dumps(body), headers)
        try:
            answer = json.loads(response.data)
        except ValueError:
            answer = {}
        return response.status, answer if isinstance(answer, dict) else {}

    def _sign_in(self, stale: tuple[str, str] | None) -> tuple[str, str]:
        with self._lock:
            if self._session is not None and self._session != stale:
                return self._session  # another thread was faster
            self._session = None
            form = self._send("GET", "/login", None, {})
            cookie, token = _COOKIE.search(form.headers.get("Set-Cookie", "")), _FORM_TOKEN.search(form.data.decode())
            if not cookie or not token:
                raise StorageUnavailable(f"the storage admin service shows no log-in (status {form.status})")
            values = {"username": self._user, "password": self._password.reveal(), "csrf_token": token[1]}
            headers = {"Cookie": cookie[0], "Content-Type": "application/x-www-form-urlencoded"}
            signed_in = self._send("POST", "/login", urlencode(values), headers)
            cookie = _COOKIE.search(signed_in.headers.get("Set-Cookie", "")) or cookie
            token = _PAGE_TOKEN.search(self._send("GET", _SMALL_PAGE, None, {"Cookie": cookie[0]}).data.decode())
            if not token:
                raise StorageUnavailable("the storage admin service does not accept the portal's log-in")
            self._session = (cookie[0], token[1])
            return self._session

    def _send(self, method: str, address: str, body: str | None, headers: dict[str, str]) -> Any:
        import urllib3

        quiet_loggers()
        if self._pool is None:
            limits = urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS)
            self._pool = urllib3.PoolManager(timeout=limits, retries=False, maxsize=8)
        try:
            return self._pool.request(method, self._url + address, body=body, headers=headers, redirect=False)
        except urllib3.exceptions.HTTPError as failure:
            raise StorageUnavailable(f"storage admin service: {type(failure).__name__} at {method} {address}") from None


def _signed_out(status: int, answer: dict[str, Any]) -> bool:
    words = str(answer.get("error", ""))
    return status in (307, 401) or (status == 403 and "CSRF" in words) or "initialize session" in words


def _failure(what: str, status: int, words: str) -> StorageError:
    if status == 404 or "not found" in words or "no entry is found" in words:
        return Missing(f"storage admin service: {what}: no such thing")
    if status == 409 or "already exists" in words or "already in use" in words:
        return Taken(f"storage admin service: {what}: the name is in use")
    text = f"storage admin service: {what}: {status} {words[:200]}"
    return StorageUnavailable(text) if status >= 500 or status == 429 else StorageRefused(text)
