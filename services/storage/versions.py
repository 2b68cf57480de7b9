"""The S3 side of services that keep versions and locks: counts old versions, deletes in pages, waits for locks."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

from services.storage.contract import Purged, StorageRefused, StorageUnavailable
from services.storage.seaweedfs_s3 import NoBucket, S3Side

PAGE_VERSIONS = 200


@dataclass(frozen=True)
class Counted:
    """What lies in one bucket, counted one by one. `objects` are those that a customer sees in a listing."""

    used_bytes: int
    objects: int
    noncurrent_bytes: int


@dataclass(frozen=True)
class DeletedPage:
    """`after`: where to go on; None when nothing was held back so far. `held`: how many stand under a legal hold, which
    has no date."""

    removed_objects: int
    removed_bytes: int
    found: int
    after: tuple[str, str] | None
    locked_until: datetime | None
    held: int


@dataclass(frozen=True)
class _Walk:
    """How far a purge has come; what it had to leave behind."""

    bucket: str = ""
    after: tuple[str, str] | None = None
    locked_until: datetime | None = None
    held: int = 0

    def cursor(self) -> str:
        until = self.locked_until.isoformat() if self.locked_until else None
        return json.dumps([self.bucket, self.after, until, self.held])


class VersionedSide(S3Side):
    """One attempt per request, short limits. Safe to be used by several threads."""

    def count(self, bucket: str) -> Counted:
        """Counts versions too. Raises NoBucket."""
        return self._translated(lambda root: _count(root.get_paginator("list_object_versions"), bucket), None)

    def unfinished(self, bucket: str) -> tuple[int, int]:
        """Bytes and number of the parts of unfinished uploads. Raises NoBucket."""
        total_bytes = parts = 0
        for page in self._pages("list_multipart_uploads", Bucket=bucket):
            _check(page)
            for upload in page.get("Uploads", []):
                for part in self._parts(bucket, upload["Key"], upload["UploadId"]):
                    total_bytes, parts = total_bytes + part["Size"], parts + 1
        return total_bytes, parts

    def prepare_deletion(self, bucket: str) -> None:
        """Takes away what could stand against deleting: unfinished uploads, and a policy that denies it to all."""
        self._ask("delete_bucket_policy", absent="NoSuchBucketPolicy", Bucket=bucket)
        self.abort_uploads(bucket)

    def delete_versions(self, bucket: str, after: tuple[str, str] | None) -> DeletedPage:
        """Deletes up to PAGE_VERSIONS objects, old versions and delete markers that come after `after`.

        What a lock forbids stays and is reported with its date. StorageUnavailable: something else stood against it.
        """
        start = {"KeyMarker": after[0], "VersionIdMarker": after[1]} if after else {}
        page = self._ask("list_object_versions", Bucket=bucket, MaxKeys=PAGE_VERSIONS, **start)
        _check(page)
        sizes = {(one["Key"], one["VersionId"]): one.get("Size", 0) for one in page.get("Versions", [])}
        sizes |= {(one["Key"], one["VersionId"]): 0 for one in page.get("DeleteMarkers", [])}
        if not sizes:
            return DeletedPage(0, 0, 0, after, None, 0)
        names = [{"Key": key, "VersionId": version} for key, version in sizes]
        answer = self._ask("delete_objects", Bucket=bucket, Delete={"Objects": names, "Quiet": True})
        until, held, locked = None, 0, set[tuple[str, str]]()
        for error in answer.get("Errors", []):
            if error.get("Code") != "AccessDenied":
                raise StorageUnavailable(f"an object in {bucket} was not deleted: {error.get('Code')}")
            where = _named(error, [known for known in sizes if known not in locked])
            date = self._locked_until(bucket, *where)
            until, held = max(filter(None, (until, date)), default=None), held + (date is None)
            locked.add(where)
        removed = {where: size for where, size in sizes.items() if where not in locked}
        stay = [where for where in sizes if where in locked]
        return DeletedPage(len(removed), sum(removed.values()), len(names), stay[-1] if stay else after, until, held)

    def _outcome(self, operation: str, codes: set[str], **where: Any) -> tuple[dict[str, Any], str]:
        """The answer; or nothing and the service's code, where it is one of `codes`."""
        exceptions = import_module("botocore.exceptions")

        def question(root: Any) -> tuple[dict[str, Any], str]:
            try:
                return getattr(root, operation)(**where), ""
            except exceptions.ClientError as failure:
                code = str(failure.response.get("Error", {}).get("Code", ""))
                if code not in codes:
                    raise
                return {}, code

        return self._translated(question, None)

    def _parts(self, bucket: str, key: str, upload_id: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            position = found[-1]["PartNumber"] if found else 0
            where = {"Bucket": bucket, "Key": key, "UploadId": upload_id, "PartNumberMarker": position}
            page = self._ask("list_parts", absent="NoSuchUpload", **where)
            found += page.get("Parts", [])
            if not page.get("IsTruncated") or not page.get("Parts"):
                return found

    def _locked_until(self, bucket: str, key: str, version: str) -> datetime | None:
        """Until when this version is retained; None: under a legal hold. StorageUnavailable: neither."""
        where = {"Bucket": bucket, "Key": key, "VersionId": version}
        if until := self._locks("get_object_retention", **where).get("Retention", {}).get("RetainUntilDate"):
            return until.astimezone(UTC)
        if self._locks("get_object_legal_hold", **where).get("LegalHold", {}).get("Status") == "ON":
            return None
        raise StorageUnavailable(f"an object in {bucket} was not deleted: AccessDenied")

    def _locks(self, operation: str, **where: Any) -> dict[str, Any]:
        """Every service has a code of its own for an object that is not locked in this way."""
        try:
            return self._ask(operation, **where)
        except StorageRefused:
            return {}


def _named(error: dict[str, Any], waiting: list[tuple[str, str]]) -> tuple[str, str]:
    """Which of the versions on the page an error is about; not every service repeats the version's id."""
    given = (error["Key"], error.get("VersionId") or "null")
    return given if given in waiting else next((one for one in waiting if one[0] == error["Key"]), given)


def _check(page: dict[str, Any]) -> None:
    """StorageUnavailable unless this is a listing: a proxy's page with status 200 must not pass for an empty bucket."""
    if "IsTruncated" not in page:
        raise StorageUnavailable("storage service: an answer that is no listing")


def _count(paginator: Any, bucket: str) -> Counted:
    """Page by page: a large bucket never lies in memory as a whole."""
    used_bytes = objects = noncurrent_bytes = 0
    for page in paginator.paginate(Bucket=bucket):
        _check(page)
        for one in page.get("Versions", []):
            if one["IsLatest"]:
                used_bytes, objects = used_bytes + one["Size"], objects + 1
            else:
                noncurrent_bytes += one["Size"]
    return Counted(used_bytes, objects, noncurrent_bytes)


def purge_buckets(
    side: VersionedSide, buckets: list[str], cursor: str | None, remove: Callable[[str], None]
) -> Purged | None:
    """Deletes one page of what is in the buckets, and those that are empty through `remove`. None: all are gone.

    `cursor` as in `Storage.purge`; a cursor that cannot be read starts anew. StorageRefused: nothing is left but what
    stands under a legal hold.
    """
    walk = _read(cursor)
    for bucket in sorted(buckets):
        if bucket < walk.bucket:
            continue
        if bucket != walk.bucket:
            walk = replace(walk, bucket=bucket, after=None)
        try:
            if walk.after is None:
                side.prepare_deletion(bucket)
            page = side.delete_versions(bucket, walk.after)
        except NoBucket:
            continue
        until = max(filter(None, (walk.locked_until, page.locked_until)), default=None)
        walk = replace(walk, after=page.after, locked_until=until, held=walk.held + page.held)
        if page.found:
            return Purged(page.removed_objects, page.removed_bytes, walk.cursor(), False)
        if walk.after is None:
            remove(bucket)
    if walk.held:
        raise StorageRefused(f"{walk.held} objects stand under a legal hold: whoever set it has to lift it")
    return Purged(0, 0, None, False, walk.locked_until) if walk.locked_until else None


def _read(cursor: str | None) -> _Walk:
    try:
        bucket, after, until, held = json.loads(cursor or "")
        at = datetime.fromisoformat(until) if until else None
        return _Walk(str(bucket), (str(after[0]), str(after[1])) if after else None, at, int(held))
    except (ValueError, TypeError, IndexError):
        return _Walk()
