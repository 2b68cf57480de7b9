"""The S3 side of SeaweedFS, spoken with the root pair: counting and deleting; and with a customer's pair: probing."""

import threading
from collections.abc import Callable
from importlib import import_module
from typing import Any

from services.secret import Secret
from services.storage.contract import (
    CONNECT_SECONDS,
    READ_SECONDS,
    KeyState,
    StorageRefused,
    StorageUnavailable,
)
from services.storage.quiet import quiet_loggers

PAGE_OBJECTS = 200  # deleting takes up to 5 ms an object on a busy machine: well within the read limit
_UNKNOWN_KEY = {"InvalidAccessKeyId", "SignatureDoesNotMatch"}


class NoBucket(StorageUnavailable):
    """The bucket does not exist."""


class S3Side:
    """One attempt per request, short limits. Safe to be used by several threads."""

    def __init__(self, url: str, region: str, access_key_id: str, secret: Secret):
        self._url, self._region = url, region
        self._access_key_id, self._secret = access_key_id, secret
        self._lock = threading.Lock()
        self._session: Any = None
        self._root: Any = None

    def objects(self, bucket: str) -> tuple[int, int]:
        """Bytes and number of the objects in the bucket, counted one by one: about 0.15 ms each."""
        used_bytes = objects = 0
        for page in self._pages("list_objects_v2", Bucket=bucket):
            found = page.get("Contents", [])
            used_bytes += sum(one["Size"] for one in found)
            objects += len(found)
        return used_bytes, objects

    def unfinished_bytes(self, bucket: str) -> int:
        """Bytes of the parts of uploads that were neither completed nor aborted: no listing of objects shows them."""
        total = 0
        for page in self._pages("list_multipart_uploads", Bucket=bucket):
            for upload in page.get("Uploads", []):
                total += self._part_bytes(bucket, upload["Key"], upload["UploadId"])
        return total

    def abort_uploads(self, bucket: str) -> None:
        """Aborts all unfinished uploads of the bucket."""
        for page in self._pages("list_multipart_uploads", Bucket=bucket):
            for upload in page.get("Uploads", []):
                where = {"Bucket": bucket, "Key": upload["Key"], "UploadId": upload["UploadId"]}
                self._ask("abort_multipart_upload", absent="NoSuchUpload", **where)

    def delete_page(self, bucket: str) -> tuple[int, int]:
        """Deletes up to PAGE_OBJECTS objects, old versions and delete markers; how many, and their bytes."""
        page = self._ask("list_object_versions", Bucket=bucket, MaxKeys=PAGE_OBJECTS)
        found = page.get("Versions", []) + page.get("DeleteMarkers", [])
        if not found:
            return 0, 0
        names = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in found]
        answer = self._ask("delete_objects", Bucket=bucket, Delete={"Objects": names, "Quiet": True})
        if errors := answer.get("Errors"):
            raise StorageUnavailable(f"{len(errors)} objects in {bucket} not deleted: {errors[0].get('Code')}")
        return len(found), sum(one.get("Size", 0) for one in found)

    def delete_bucket(self, bucket: str) -> None:
        """Deletes the empty bucket; that it was gone already is success."""
        self._ask("delete_bucket", absent="NoSuchBucket", Bucket=bucket)

    def check(self) -> None:
        """StorageUnavailable unless the service answers and takes the root pair."""
        self._ask("list_buckets", MaxBuckets=1)

    def probe(self, key_id: str, secret: Secret, bucket: str) -> KeyState:
        """Looks into the bucket as the customer."""
        exceptions = _library("botocore.exceptions")
        customer = self._client(key_id, secret)
        try:
            customer.list_objects_v2(Bucket=bucket, MaxKeys=1)
        except exceptions.ClientError as failure:
            status, code = _status(failure), _code(failure)
            if code in _UNKNOWN_KEY:
                return "dead"
            if code == "AccessDenied":
                return "suspended"
            if status == 404:
                return "alive"
            raise StorageUnavailable(f"storage service answers a probe with {status} {code}") from None
        except exceptions.BotoCoreError as failure:
            raise StorageUnavailable(f"storage service: {type(failure).__name__}") from None
        finally:
            customer.close()
        return "alive"

    def _part_bytes(self, bucket: str, key: str, upload_id: str) -> int:
        total, marker = 0, 0
        while True:
            where = {"Bucket": bucket, "Key": key, "UploadId": upload_id, "PartNumberMarker": marker}
            page = self._ask("list_parts", absent="NoSuchUpload", **where)
            parts = page.get("Parts", [])
            total += sum(part["Size"] for part in parts)
            if not page.get("IsTruncated") or not parts:
                return total
            marker = parts[-1]["PartNumber"]

    def _pages(self, operation: str, **where: Any) -> list[dict[str, Any]]:
        return self._translated(lambda root: list(root.get_paginator(operation).paginate(**where)), None)

    def _ask(self, operation: str, absent: str | None = None, **where: Any) -> dict[str, Any]:
        """Asks as root; an empty answer when the service says `absent`."""
        return self._translated(lambda root: getattr(root, operation)(**where), absent) or {}

    def _translated(self, question: Callable[[Any], Any], absent: str | None) -> Any:
        exceptions = _library("botocore.exceptions")
        try:
            return question(self._as_root())
        except exceptions.ClientError as failure:
            status, code, wait_seconds = _status(failure), _code(failure), _retry_after_seconds(failure)
        except exceptions.BotoCoreError as failure:
            raise StorageUnavailable(f"storage service: {type(failure).__name__}") from None
        if absent is not None and code == absent:
            return None
        if code == "NoSuchBucket":
            raise NoBucket("the bucket does not exist")
        text = f"storage service: {status} {code}"
        # 403 means that our own pair is not accepted: an operator mends that, and the work waits
        if 400 <= status < 500 and status not in (403, 429):
            raise StorageRefused(text)
        raise StorageUnavailable(text, wait_seconds)

    def _as_root(self) -> Any:
        if self._root is None:
            self._root = self._client(self._access_key_id, self._secret)
        return self._root

    def _client(self, key_id: str, secret: Secret) -> Any:
        quiet_loggers()
        limits = _library("botocore.config").Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"total_max_attempts": 1},
            s3={"addressing_style": "path"},
            proxies={},
        )
        with self._lock:  # making clients is not safe with threads, using them is
            if self._session is None:
                self._session = _library("boto3.session").Session()
            return self._session.client(
                "s3",
                endpoint_url=self._url,
                region_name=self._region,
                aws_access_key_id=key_id,
                aws_secret_access_key=secret.reveal(),
                config=limits,
            )


def _library(name: str) -> Any:
    """boto3 and botocore are loaded by the first request: they cost a third of a second, and the web needs neither."""
    return import_module(name)


def _status(failure: Any) -> int:
    return int(failure.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _code(failure: Any) -> str:
    return str(failure.response.get("Error", {}).get("Code", ""))


def _retry_after_seconds(failure: Any) -> int | None:
    asked = str(failure.response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("retry-after", ""))
    return int(asked) if asked.isdecimal() else None
