"""What RGW's statistics and usage log say, as the contract's figures."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from services.storage.contract import BucketUse, Measured, Traffic, added_up
from services.storage.rgw_names import uid_of
from services.storage.versions import Counted


@dataclass(frozen=True)
class BucketFigures:
    """One bucket of the statistics. They count the parts of unfinished uploads as objects, and old versions too."""

    name: str
    used_bytes: int
    entries: int
    uploads: int


def bucket_figures(answer: Iterable[dict[str, Any]]) -> list[BucketFigures]:
    """The buckets of an answer to `bucket?uid=…&stats=true`, by name. An empty bucket has no figures at all."""
    found = []
    for one in answer:
        usage = one.get("usage", {})
        main, uploads = usage.get("rgw.main", {}), usage.get("rgw.multimeta", {})
        size_bytes, entries = int(main.get("size", 0)), int(main.get("num_objects", 0))
        found.append(BucketFigures(one["bucket"], size_bytes, entries, int(uploads.get("num_objects", 0))))
    return sorted(found, key=lambda bucket: bucket.name)


def by_statistics(buckets: list[BucketFigures], unfinished: Callable[[str], tuple[int, int]]) -> Measured:
    """`unfinished` counts bytes and parts of a bucket's unfinished uploads; it is asked only where there are any."""
    uses = []
    for bucket in buckets:
        part_bytes, parts = unfinished(bucket.name) if bucket.uploads else (0, 0)
        # what was uploaded between the two answers must not make figures negative
        part_bytes, parts = min(part_bytes, bucket.used_bytes), min(parts, bucket.entries)
        uses.append(BucketUse(bucket.name, bucket.used_bytes - part_bytes, bucket.entries - parts, None, part_bytes))
    return added_up(uses, exact=False)


def by_counting(
    names: Iterable[str], count: Callable[[str], Counted], unfinished: Callable[[str], tuple[int, int]]
) -> Measured:
    """Every object and part of these buckets, counted now."""
    uses = []
    for name in sorted(names):
        counted = count(name)
        part_bytes = unfinished(name)[0]
        uses.append(BucketUse(name, counted.used_bytes, counted.objects, counted.noncurrent_bytes, part_bytes))
    return added_up(uses, exact=True)


def log_time(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def traffic_by_uid(entries: list[dict[str, Any]], from_at: datetime, to_at: datetime) -> dict[str, Traffic]:
    """Sums of the usage log by account; entries of other users and other hours are left out."""
    found: dict[str, Traffic] = {}
    for entry in entries:
        uid = uid_of(str(entry.get("user", "")))
        if uid is None:
            continue
        hours = [
            hour for hour in entry.get("buckets", []) if from_at.timestamp() <= int(hour["epoch"]) < to_at.timestamp()
        ]
        parts = [part for hour in hours for part in hour.get("categories", [])]
        if parts:
            before = found.get(uid, Traffic(0, 0, 0))
            found[uid] = Traffic(
                before.received_bytes + sum(int(part["bytes_received"]) for part in parts),
                before.sent_bytes + sum(int(part["bytes_sent"]) for part in parts),
                before.requests + sum(int(part["ops"]) for part in parts),
            )
    return found
