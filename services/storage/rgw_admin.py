"""RGW's Admin Ops API: requests signed as S3 requests are, one attempt, JSON answers.

Whatever is said goes as query parameters (a JSON body is refused with 501). That holds for the secrets of keys too, and
the service writes its request lines into its log unless `debug rgw` is 0: docs/storage.md. Answers about users hold
secrets: neither addresses nor bodies are ever logged or put into what is raised.
"""

import json
from importlib import import_module
from typing import Any
from urllib.parse import quote

from services.secret import Secret
from services.storage.contract import CONNECT_SECONDS, READ_SECONDS, StorageError, StorageRefused, StorageUnavailable
from services.storage.quiet import quiet_loggers

PAGE_USERS = 1000
_USER = ("display_name", "keys", "op_mask", "suspended", "user_quota")


class Missing(StorageUnavailable):
    """The service knows no such user, key or bucket. Where nobody expects it: changed meanwhile, try again."""


class Taken(StorageUnavailable):
    """In use: the user, the key id, or a bucket that is not empty. Where nobody expects it: try again."""


class AdminOps:
    """Speaks to the service at `url` (with its path, mostly `/admin`). Safe to be used by several threads."""

    def __init__(self, url: str, region: str, access_key_id: str, secret: Secret):
        self._url, self._region = url, region
        self._access_key_id, self._secret = access_key_id, secret
        self._pool: Any = None

    def user(self, user: str, **figures: bool) -> dict[str, Any]:
        """The user of this id. Raises Missing, StorageRefused, StorageUnavailable; so do all others."""
        return _shaped(self._call("GET", "user", (), {"uid": user, **figures}), *_USER)

    def own_user(self) -> dict[str, Any]:
        """The user whose pair signs here."""
        return _shaped(self._call("GET", "user", (), {"access_key": self._access_key_id}), *_USER, "user_id", "caps")

    def make_user(self, user: str, **values: object) -> dict[str, Any]:
        """Makes the user. Raises Taken too."""
        return _shaped(self.put("user", uid=user, **values), *_USER)

    def users(self) -> list[str]:
        """The ids of all users: the whole list or an error."""
        found: list[str] = []
        position: dict[str, object] = {}
        while True:
            values = {"max_entries": PAGE_USERS, **position}
            page = _shaped(self._call("GET", "user", ("list",), values), "keys", "truncated")
            found += page["keys"]
            if str(page["truncated"]).lower() != "true":
                return found
            if not page.get("marker"):
                raise StorageUnavailable("storage service: a list of users breaks off without saying how it goes on")
            position = {"marker": page["marker"]}

    def bucket_owner(self, bucket: str) -> str:
        """The user that has `tenant/bucket`."""
        return str(_shaped(self._call("GET", "bucket", (), {"bucket": bucket}), "owner")["owner"])

    def bucket_names(self, user: str) -> list[str]:
        """The buckets of this user, sorted."""
        return sorted(_listed(self._call("GET", "bucket", (), {"uid": user}), str))

    def bucket_statistics(self, user: str) -> list[dict[str, Any]]:
        """Figures of each bucket of this user."""
        found = _listed(self._call("GET", "bucket", (), {"uid": user, "stats": True}), dict)
        return [_shaped(one, "bucket", "usage") for one in found]

    def usage(self, **values: object) -> list[dict[str, Any]]:
        """Entries of the usage log, by user."""
        answer = self._call("GET", "usage", (), {**values, "show_summary": False})
        return _listed(_shaped(answer, "entries")["entries"], dict)

    def put(self, what: str, *flags: str, **values: object) -> Any:
        """Makes or sets; `flags` are parameters without a value. Raises Taken too."""
        return self._call("PUT", what, flags, values)

    def post(self, what: str, **values: object) -> Any:
        """Changes what is there."""
        return self._call("POST", what, (), values)

    def delete(self, what: str, *flags: str, **values: object) -> Any:
        """Removes. Raises Taken too."""
        return self._call("DELETE", what, flags, values)

    def _call(self, method: str, what: str, flags: tuple[str, ...], values: dict[str, object]) -> Any:
        url = f"{self._url}/{what}?{_query(flags, values)}"
        status, data = self._exchange(method, url, f"{method} {what}")
        try:
            answer = json.loads(data) if data else {}
        except ValueError:
            answer = None
        if status == 200 and answer is not None:
            return answer
        raise _failure(" ".join((method, what, *flags)), status, _code(answer))

    def _exchange(self, method: str, url: str, words: str) -> tuple[int, bytes]:
        import urllib3

        quiet_loggers()
        request = import_module("botocore.awsrequest").AWSRequest(method, url, data=b"")
        pair = import_module("botocore.credentials").Credentials(self._access_key_id, self._secret.reveal())
        import_module("botocore.auth").S3SigV4Auth(pair, "s3", self._region).add_auth(request)
        if self._pool is None:
            limits = urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS)
            self._pool = urllib3.PoolManager(timeout=limits, retries=False, maxsize=8)
        try:
            response = self._pool.request(method, url, headers=dict(request.headers), redirect=False)
        except urllib3.exceptions.HTTPError as failure:
            raise StorageUnavailable(f"storage admin service: {type(failure).__name__} at {words}") from None
        return response.status, response.data


def _shaped(answer: Any, *names: str) -> dict[str, Any]:
    """The answer, if it has these parts; what looks otherwise is not from RGW, or from one that is not understood."""
    if not isinstance(answer, dict) or any(name not in answer for name in names):
        raise StorageUnavailable("storage admin service: an answer of another shape than RGW's")
    return answer


def _listed(answer: Any, kind: type) -> list[Any]:
    if not isinstance(answer, list) or not all(isinstance(one, kind) for one in answer):
        raise StorageUnavailable("storage admin service: an answer of another shape than RGW's")
    return answer


def _query(flags: tuple[str, ...], values: dict[str, object]) -> str:
    pairs = [f"{name.replace('_', '-')}={quote(str(value), safe='')}" for name, value in values.items()]
    return "&".join([*flags, *pairs])


def _code(answer: Any) -> str:
    """RGW says `{"Code": …}`; a proxy before it may say anything."""
    return str(answer.get("Code", "")) if isinstance(answer, dict) else ""


def _failure(what: str, status: int, code: str) -> StorageError:
    text = f"storage admin service: {what}: {status} {code}".rstrip()
    if status == 404 and code.startswith("NoSuch"):
        return Missing(text)
    if status == 409:
        return Taken(text)
    # 403: our own pair is not accepted or lacks a right; 404 without a code: no admin service stands at this address.
    # An operator mends that, and the work waits.
    if 400 <= status < 500 and status not in (403, 404, 408, 429):
        return StorageRefused(text)
    return StorageUnavailable(text)
