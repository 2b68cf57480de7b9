"""What every storage backend must do. The same tests (tests/storage) run against all of them.

Calls are absolute and repeatable: saying the same thing twice leaves the same state. One call is one attempt with short
limits (CONNECT_SECONDS, READ_SECONDS per exchange); retrying belongs to the worker. Sizes are whole bytes. Whatever is
raised derives from StorageError, and no message holds a secret.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from services.secret import Secret
from services.storage.values import (
    BucketUse,
    Capabilities,
    Enforcement,
    HardQuota,
    KeyPair,
    KeyState,
    Measured,
    Purged,
    RemoteAccount,
    RemoteKey,
    StorageAbsent,
    StorageConflict,
    StorageError,
    StorageRefused,
    StorageUnavailable,
    Traffic,
    added_up,
)

__all__ = [
    "CONNECT_SECONDS",
    "READ_SECONDS",
    "BucketUse",
    "Capabilities",
    "Enforcement",
    "HardQuota",
    "KeyPair",
    "KeyState",
    "Measured",
    "Purged",
    "RemoteAccount",
    "RemoteKey",
    "Storage",
    "StorageAbsent",
    "StorageConflict",
    "StorageError",
    "StorageRefused",
    "StorageUnavailable",
    "Traffic",
    "added_up",
]

CONNECT_SECONDS = 3
READ_SECONDS = 10


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
    # operations that a backend has only with the capability of that name; without it they are refused
    OPTIONAL: ClassVar[dict[str, str]] = {
        "traffic": "traffic", "last_used": "last_used", "put_read_only": "read_only", "read_secret": "key_secret",
    }  # fmt: skip

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
        """Makes the bucket for this account. StorageConflict: the name belongs to another one (with `bucket_names`
        "account": to somebody else in the account's own namespace). StorageAbsent.

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
        """Switches a key off or on. StorageAbsent: no such key.

        StorageRefused: without capability `key_inactive`. There a key is switched off by `delete_key` and, where the
        portal has kept the pair and the service takes it (`key_import`), on again by `put_key`.
        """

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

    # optional, see OPTIONAL

    def traffic(self, from_at: datetime, to_at: datetime, uid: str | None = None) -> Mapping[str, Traffic]:
        """Traffic by uid, of one account or of all that had any, from full hour `from_at` until before `to_at` (UTC).

        The service writes it down by the hour and some seconds late: ask for hours that are over. StorageRefused:
        without capability `traffic`, or a time that is no full hour.
        """
        raise StorageRefused("this service does not tell traffic")

    def last_used(self, uid: str, key_id: str) -> datetime | None:
        """When the key was last used (UTC, as exact as the service keeps it); None: never, as far as it knows.

        StorageRefused: without capability `last_used`. StorageAbsent: no such key.
        """
        raise StorageRefused("this service does not tell when a key was last used")

    def read_secret(self, uid: str, key_id: str) -> Secret:
        """The secret of a key that stands there: kept sealed while the key is switched off by `delete_key`.

        StorageRefused: without capability `key_secret`. StorageAbsent: no such key.
        """
        raise StorageRefused("this service does not give out secrets")

    def put_read_only(self, uid: str, read_only: bool) -> None:
        """Lets the account read and delete alone, or write again; the gentle step before suspension.

        StorageRefused: without capability `read_only`. StorageAbsent.
        """
        raise StorageRefused("this service cannot make an account read-only")
