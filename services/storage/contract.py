"""What every storage backend must do. The same tests (tests/storage) run against all of them.

Calls are absolute and repeatable: saying the same thing twice leaves the same state. One call is one attempt with short
limits (CONNECT_SECONDS, READ_SECONDS per exchange); retrying belongs to the worker. Sizes are whole bytes. Whatever is
raised derives from StorageError, and no message holds a secret.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal

from services.secret import Secret

CONNECT_SECONDS = 3
READ_SECONDS = 10

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


@dataclass(frozen=True)
class BucketUse:
    name: str
    used_bytes: int
    objects: int


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


class Storage(ABC):
    """One storage service. Safe to be used by several threads."""

    capabilities: Capabilities
    endpoint: str  # address that customers put into their programs, e.g. "https://s3.example.com"
    region: str

    # the operations of the contract, by name: what fakes, tests and metrics enumerate
    OPERATIONS: ClassVar[tuple[str, ...]] = (
        "read_account", "put_account", "put_quota", "put_suspended", "put_bucket", "put_key", "new_key",
        "put_key_active", "delete_key", "list_accounts", "measure", "enforce", "purge", "probe_key", "health",
    )  # fmt: skip

    @abstractmethod
    def read_account(self, uid: str) -> RemoteAccount | None:
        """What stands under `uid`; None when nothing does. A stranger is returned too: compare its `marker`."""

    @abstractmethod
    def put_account(self, uid: str, marker: str, display: str, quota_bytes: int | None) -> None:
        """Creates the account or brings it to these values; keys, buckets and suspension stay as they are.

        `uid` and `marker` are chosen by the portal and never reused. StorageConflict: `uid` carries another marker.
        """

    @abstractmethod
    def put_quota(self, uid: str, quota_bytes: int | None) -> None:
        """Sets the hard limit; None lifts it. Below use: nothing is deleted, writing is refused. StorageAbsent."""

    @abstractmethod
    def put_suspended(self, uid: str, suspended: bool) -> None:
        """Refuses all keys of the account (data are kept) or lets them work again. StorageAbsent."""

    @abstractmethod
    def put_bucket(self, uid: str, name: str) -> None:
        """Makes the bucket for this account. StorageConflict: the name belongs to another one. StorageAbsent.

        StorageRefused: not a valid name (3 to 63 of a-z, 0-9 and '-').
        """

    @abstractmethod
    def put_key(self, uid: str, key_id: str, secret: Secret) -> None:
        """Makes this pair work, or gives the id this secret; an existing key keeps whether it is active.

        StorageConflict: another account has the id. StorageRefused: without capability `key_import`. StorageAbsent.
        """

    @abstractmethod
    def new_key(self, uid: str) -> KeyPair:
        """Lets the service make a pair. The one call that is not repeatable: after a lost answer, `read_account` shows
        an unknown id whose secret nobody has; delete it. StorageRefused: with capability `key_import`. StorageAbsent.
        """

    @abstractmethod
    def put_key_active(self, uid: str, key_id: str, active: bool) -> None:
        """Switches a key off or on. StorageRefused: without capability `key_inactive`. StorageAbsent: no such key."""

    @abstractmethod
    def delete_key(self, uid: str, key_id: str) -> None:
        """The key is gone afterwards; that it, or its account, was absent already is success. Others' keys stay."""

    @abstractmethod
    def list_accounts(self, prefix: str) -> tuple[str, ...]:
        """All uids that begin with `prefix`, sorted: the whole list or an error, never a part of it."""

    @abstractmethod
    def measure(self, uid: str, exact: bool = False) -> Measured:
        """Use of the account. `exact` counts every object (time grows with their number). StorageAbsent."""

    @abstractmethod
    def enforce(self, uid: str) -> Enforcement:
        """Holds use against quota. With hard_quota 'delayed': counts exactly, unfinished uploads included, and switches
        the account between read/write and read/delete; call it each second for accounts near their limit. Other
        backends do this themselves: nothing happens, `used_bytes` is None. StorageAbsent."""

    @abstractmethod
    def purge(self, uid: str, cursor: str | None = None) -> Purged:
        """Deletes one page: keys are refused first, then unfinished uploads, versions, objects, buckets, the account.

        Start with None, go on with the returned cursor until `done`; starting anew at any time is harmless and an
        absent account is done. StorageConflict: the account is not one of the portal's.
        """

    @abstractmethod
    def probe_key(self, key_id: str, secret: Secret, bucket: str) -> KeyState:
        """Asks the service as the customer would, by looking into `bucket` (one of the account's own).

        dead: the key is unknown, switched off or the secret is another one. suspended: the key is known, its account is
        barred.
        """

    @abstractmethod
    def health(self) -> None:
        """Returns when the service answers and takes our credentials; otherwise StorageUnavailable."""
