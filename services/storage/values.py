"""What the storage contract speaks of: its errors and its values. Import them from `services.storage.contract`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from services.secret import Secret

HardQuota = Literal["immediate", "delayed", "none"]
KeyState = Literal["alive", "dead", "suspended"]


class StorageError(Exception):
    """The storage service did not do it. The text is for the log and for operators; it never holds a secret."""


class StorageUnavailable(StorageError):
    """Try again later: time-out, no connection, 5xx, throttled. The call may or may not have taken effect.

    `retry_after_seconds` is what the service asked for, or None.
    """

    def __init__(self, text: str, retry_after_seconds: int | None = None):
        super().__init__(text)
        self.retry_after_seconds = retry_after_seconds


class StorageConflict(StorageError):
    """A stranger stands under the name (account, bucket or key id): never adopted, never overwritten."""


class StorageRefused(StorageError):
    """Permanent: the same call will be refused again."""


class StorageAbsent(StorageRefused):
    """The account or key that the call is about does not exist on the service."""


@dataclass(frozen=True)
class Capabilities:
    """What this backend can do; pages and documents say what it cannot."""

    key_import: bool  # the portal chooses the pair (`put_key`); otherwise the service does (`new_key`)
    key_inactive: bool  # a key can be switched off and on again
    last_used: bool  # the service knows when a key was last used
    hard_quota: HardQuota  # delayed: `enforce` must be called again and again
    quota_delay_seconds: int | None  # delayed: writing past the quota is refused within so many seconds
    quota_scope: Literal["account", "bucket"]
    traffic: bool
    versions: bool  # customers can switch on object versions
    read_only: bool = False  # an account can be brought to reading and deleting alone (`put_read_only`)
    bucket_names: Literal["service", "account"] = "service"  # within which two buckets cannot have the same name
    customer_buckets: bool = False  # customers make further buckets themselves, with their keys
    key_secret: bool = False  # the service gives out the secret of a key that stands there (`read_secret`)
    max_keys: int | None = None  # keys that an account may have at a time; None: no limit that matters

    def __post_init__(self) -> None:
        if (self.hard_quota == "delayed") != (self.quota_delay_seconds is not None):
            raise ValueError("quota_delay_seconds belongs to hard_quota 'delayed' and to no other")


@dataclass(frozen=True)
class RemoteKey:
    id: str
    active: bool


@dataclass(frozen=True)
class KeyPair:
    id: str
    secret: Secret


@dataclass(frozen=True)
class RemoteAccount:
    """What stands on the service under a uid. `quota_bytes` None: no hard limit. Keys and buckets in order of name."""

    uid: str
    marker: str
    display: str
    quota_bytes: int | None
    suspended: bool
    keys: tuple[RemoteKey, ...]
    buckets: tuple[str, ...]
    read_only: bool = False


@dataclass(frozen=True)
class BucketUse:
    """What lies in one bucket. `used_bytes` and `objects`: what a listing shows; where the service does not tell old
    versions apart (None), they are among it."""

    name: str
    used_bytes: int
    objects: int
    noncurrent_bytes: int | None = None  # old versions
    unfinished_bytes: int | None = None  # parts of uploads that were neither completed nor aborted


@dataclass(frozen=True)
class Measured:
    """Use of one account. `used_bytes` is the sum of the buckets and of what is known of old versions and unfinished
    uploads.

    None: the backend (or this way of measuring) does not know. `exact`: counted now, object by object; otherwise the
    service's own figures, which may be some seconds old.
    """

    used_bytes: int
    objects: int
    buckets: tuple[BucketUse, ...]
    unfinished_bytes: int | None
    noncurrent_bytes: int | None
    exact: bool


def added_up(buckets: Sequence[BucketUse], *, exact: bool) -> Measured:
    """The use of an account with these buckets. What one bucket does not tell, the account does not tell either; an
    account without buckets tells that there is nothing."""
    noncurrent_bytes = _sum([bucket.noncurrent_bytes for bucket in buckets])
    unfinished_bytes = _sum([bucket.unfinished_bytes for bucket in buckets])
    used_bytes = sum(
        bucket.used_bytes + (bucket.noncurrent_bytes or 0) + (bucket.unfinished_bytes or 0) for bucket in buckets
    )
    objects = sum(bucket.objects for bucket in buckets)
    return Measured(used_bytes, objects, tuple(buckets), unfinished_bytes, noncurrent_bytes, exact)


def _sum(figures: Sequence[int | None]) -> int | None:
    told = [figure for figure in figures if figure is not None]
    return sum(told) if len(told) == len(figures) else None


@dataclass(frozen=True)
class Enforcement:
    """`writable` False: reading and deleting work, writing is refused. `used_bytes` None: nothing had to be counted."""

    used_bytes: int | None
    quota_bytes: int | None
    writable: bool


@dataclass(frozen=True)
class Purged:
    """One page of a deletion. Call again with `cursor` until `done`; `locked_until`: retention forbids it so long."""

    removed_objects: int
    removed_bytes: int
    cursor: str | None
    done: bool
    locked_until: datetime | None = None


@dataclass(frozen=True)
class Traffic:
    """What went to and from an account's buckets, refused requests included."""

    received_bytes: int
    sent_bytes: int
    requests: int
