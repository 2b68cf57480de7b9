"""What the storage in memory remembers."""

from dataclasses import dataclass, field
from datetime import datetime

from services.secret import Secret
from services.storage.contract import BucketUse, Measured, Traffic


@dataclass
class Key:
    secret: Secret
    active: bool = True

    def __deepcopy__(self, memo: dict[int, object]) -> "Key":
        return Key(self.secret, self.active)  # secrets do not let themselves be copied, nor need they


@dataclass
class Account:
    marker: str
    display: str
    quota_bytes: int | None
    suspended: bool = False
    writable: bool = True
    locked_until: datetime | None = None
    unfinished_bytes: int = 0
    keys: dict[str, Key] = field(default_factory=dict)
    buckets: dict[str, dict[str, int]] = field(default_factory=dict)
    bulk_bytes: int = 0  # use that a test has set without storing objects one by one
    bulk_objects: int = 0
    noncurrent_bytes: int = 0
    traffic: dict[datetime, Traffic] = field(default_factory=dict)  # by the hour

    @property
    def used_bytes(self) -> int:
        stored = sum(size for objects in self.buckets.values() for size in objects.values())
        return stored + self.bulk_bytes + self.unfinished_bytes + self.noncurrent_bytes

    def measured(self, tells_versions: bool, exact: bool) -> Measured:
        kept_bytes = self.noncurrent_bytes if tells_versions else None
        buckets = [
            BucketUse(name, sum(stored.values()), len(stored), 0 if tells_versions else None, 0)
            for name, stored in sorted(self.buckets.items())
        ]
        if buckets:  # what tests have set without saying where it lies
            first = buckets[0]
            used_bytes, objects = first.used_bytes + self.bulk_bytes, first.objects + self.bulk_objects
            buckets[0] = BucketUse(first.name, used_bytes, objects, kept_bytes, self.unfinished_bytes)
        objects = self.bulk_objects + sum(map(len, self.buckets.values()))
        return Measured(self.used_bytes, objects, tuple(buckets), self.unfinished_bytes, kept_bytes, exact)

    def traffic_between(self, from_at: datetime, to_at: datetime) -> Traffic | None:
        """The sum of these hours; None when nothing went."""
        hours = [found for hour_at, found in self.traffic.items() if from_at <= hour_at < to_at]
        if not hours:
            return None
        return Traffic(
            sum(one.received_bytes for one in hours),
            sum(one.sent_bytes for one in hours),
            sum(one.requests for one in hours),
        )
