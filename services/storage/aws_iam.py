"""IAM as AWS speaks it: one attempt per request, short limits, its errors in the contract's words."""

import threading
from importlib import import_module
from typing import Any

from services.secret import Secret
from services.storage.contract import CONNECT_SECONDS, READ_SECONDS, StorageError, StorageRefused, StorageUnavailable
from services.storage.quiet import quiet_loggers

_BUSY = {"Throttling", "ThrottlingException", "RequestLimitExceeded", "ConcurrentModification", "RequestTimeout"}


class Missing(StorageUnavailable):
    """The service knows no such user, key or policy. Where nobody expects it: changed meanwhile, try again."""


class Taken(StorageUnavailable):
    """The user exists, or something still hangs on it. Where nobody expects it: try again."""


class Iam:
    """Safe to be used by several threads."""

    def __init__(self, url: str, region: str, access_key_id: str, secret: Secret):
        self._url, self._region = url, region
        self._access_key_id, self._secret = access_key_id, secret
        self._lock = threading.Lock()
        self._client: Any = None

    def ask(self, operation: str, **values: Any) -> dict[str, Any]:
        """Raises Missing, Taken, StorageRefused, StorageUnavailable."""
        exceptions = import_module("botocore.exceptions")
        try:
            return getattr(self._as_admin(), operation)(**values)
        except exceptions.ClientError as failure:
            status = int(failure.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
            code = str(failure.response.get("Error", {}).get("Code", ""))
        except exceptions.ParamValidationError:  # its text repeats the values
            raise StorageRefused(f"IAM service: {operation}: a value of a form that it does not take") from None
        except (exceptions.BotoCoreError, import_module("botocore.parsers").ResponseParserError, KeyError) as failure:
            # the last two: the answer is no XML, or none of IAM's
            raise StorageUnavailable(f"IAM service: {type(failure).__name__} at {operation}") from None
        raise _failure(operation, status, code)

    def pages(self, operation: str, part: str, **values: Any) -> list[Any]:
        """All entries under `part` of an answer in pages: the whole list, or what `ask` raises."""
        found: list[Any] = []
        position: dict[str, str] = {}
        while True:
            page = self.ask(operation, **values, **position)
            found += page.get(part, [])
            if not page.get("IsTruncated"):
                return found
            if not page.get("Marker"):
                raise StorageUnavailable(f"IAM service: {operation} breaks off without saying how it goes on")
            position = {"Marker": page["Marker"]}

    def _as_admin(self) -> Any:
        with self._lock:  # making clients is not safe with threads, using them is
            if self._client is None:
                quiet_loggers()
                limits = import_module("botocore.config").Config(
                    connect_timeout=CONNECT_SECONDS,
                    read_timeout=READ_SECONDS,
                    retries={"total_max_attempts": 1},
                    proxies={},
                )
                self._client = (
                    import_module("boto3.session")
                    .Session()
                    .client(
                        "iam",
                        endpoint_url=self._url,
                        region_name=self._region,
                        aws_access_key_id=self._access_key_id,
                        aws_secret_access_key=self._secret.reveal(),
                        config=limits,
                    )
                )
            return self._client


def _failure(operation: str, status: int, code: str) -> StorageError:
    text = f"IAM service: {operation}: {status} {code}"
    if code == "NoSuchEntity":
        return Missing(text)
    if code in ("EntityAlreadyExists", "DeleteConflict"):
        return Taken(text)
    # 403 means that our own pair is not accepted or lacks a right: an operator mends that, and the work waits
    if 400 <= status < 500 and status not in (403, 429) and code not in _BUSY:
        return StorageRefused(text)
    return StorageUnavailable(text)
