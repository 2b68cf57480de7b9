"""What the storage in memory remembers."""

from dataclasses import dataclass, field
from datetime import datetime

from services.secret import Secret


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

    @property
    def used_bytes(self) -> int:
        stored = sum(size for objects in self.buckets.values() for size in objects.values())
        return stored + self.bulk_bytes + self.unfinished_bytes
