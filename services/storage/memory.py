"""A storage service in this process: for tests and drills. Obeys the contract; data end with the process."""

import secrets
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from services.secret import Secret
from services.storage.address import MEMORY
from services.storage.contract import (
    Enforcement,
    KeyPair,
    KeyState,
    Measured,
    Purged,
    RemoteAccount,
    RemoteKey,
    Storage,
    StorageAbsent,
    StorageConflict,
    StorageRefused,
    Traffic,
)
from services.storage.faults import FaultControls, operation, reading
from services.storage.hours import check_hours
from services.storage.memory_state import Account, Key
from services.storage.names import check_bucket_name


class CustomerRefused(Exception):
    """What a customer's program is told. `code`: InvalidAccessKeyId, AccountSuspended, AccessDenied, NoSuchBucket,
    QuotaExceeded."""

    def __init__(self, code: str):
        super().__init__(code)
        self.code = code


class MemoryStorage(FaultControls, Storage):
    """See `FaultControls` for fail, slow, drop_answer, answer_old, recover, calls and called.

    Capabilities can be chosen, e.g. `MemoryStorage(key_import=False, hard_quota="delayed", quota_delay_seconds=2)`.
    """

    def __init__(self, *, endpoint: str = "https://s3.storage.example", region: str = "eu-1", **capabilities: object):
        super().__init__()
        self.endpoint, self.region = endpoint, region
        self.capabilities = replace(MEMORY, **capabilities)  # type: ignore[arg-type]
        self.page_objects = 1000  # how much one call of `purge` removes
        self._lock = threading.RLock()
        self._state: dict[str, Account] = {}

    # the contract

    @reading
    def read_account(self, uid: str) -> RemoteAccount | None:
        account = self._state.get(uid)
        if account is None:
            return None
        keys = tuple(RemoteKey(id, key.active) for id, key in sorted(account.keys.items()))
        return RemoteAccount(
            uid, account.marker, account.display, account.quota_bytes, account.suspended, keys,
            tuple(sorted(account.buckets)),
        )  # fmt: skip

    @operation
    def put_account(self, uid: str, marker: str, display: str, quota_bytes: int | None) -> None:
        account = self._state.setdefault(uid, Account(marker, display, quota_bytes))
        if account.marker != marker:
            raise StorageConflict(f"account {uid} carries another marker")
        account.display, account.quota_bytes = display, quota_bytes

    @operation
    def put_quota(self, uid: str, quota_bytes: int | None) -> None:
        self._account(uid).quota_bytes = quota_bytes

    @operation
    def put_suspended(self, uid: str, suspended: bool) -> None:
        self._account(uid).suspended = suspended

    @operation
    def put_bucket(self, uid: str, name: str) -> None:
        check_bucket_name(name)
        account = self._account(uid)
        if any(name in other.buckets for other in self._state.values() if other is not account):
            raise StorageConflict(f"bucket {name} belongs to another account")
        account.buckets.setdefault(name, {})

    @operation
    def put_key(self, uid: str, key_id: str, secret: Secret) -> None:
        if not self.capabilities.key_import:
            raise StorageRefused("this service makes its own keys")
        account = self._account(uid)
        if any(key_id in other.keys for other in self._state.values() if other is not account):
            raise StorageConflict(f"key {key_id} belongs to another account")
        account.keys.setdefault(key_id, Key(secret)).secret = secret

    @operation
    def new_key(self, uid: str) -> KeyPair:
        if self.capabilities.key_import:
            raise StorageRefused("this service takes the keys that it is given")
        pair = KeyPair("AK" + secrets.token_hex(9).upper(), Secret(secrets.token_urlsafe(30)))
        self._account(uid).keys[pair.id] = Key(pair.secret)
        return pair

    @operation
    def put_key_active(self, uid: str, key_id: str, active: bool) -> None:
        if not self.capabilities.key_inactive:
            raise StorageRefused("this service cannot switch keys off")
        account = self._account(uid)
        if key_id not in account.keys:
            raise StorageAbsent(f"account {uid} has no key {key_id}")
        account.keys[key_id].active = active

    @operation
    def read_secret(self, uid: str, key_id: str) -> Secret:
        if not self.capabilities.key_secret:
            raise StorageRefused("this service does not give out secrets")
        account = self._account(uid)
        if key_id not in account.keys:
            raise StorageAbsent(f"account {uid} has no key {key_id}")
        return account.keys[key_id].secret

    @operation
    def delete_key(self, uid: str, key_id: str) -> None:
        if uid in self._state:
            self._state[uid].keys.pop(key_id, None)

    @reading
    def list_accounts(self, prefix: str) -> tuple[str, ...]:
        return tuple(sorted(uid for uid in self._state if uid.startswith(prefix)))

    @reading
    def measure(self, uid: str, exact: bool = False) -> Measured:
        return self._account(uid).measured(self.capabilities.versions, exact)

    @operation
    def traffic(self, from_at: datetime, to_at: datetime, uid: str | None = None) -> Mapping[str, Traffic]:
        if not self.capabilities.traffic:
            raise StorageRefused("this service does not tell traffic")
        check_hours(from_at, to_at)
        sums = {one: account.traffic_between(from_at, to_at) for one, account in self._state.items()}
        return {one: found for one, found in sums.items() if found is not None and uid in (None, one)}

    @operation
    def enforce(self, uid: str) -> Enforcement:
        account = self._account(uid)
        if self.capabilities.hard_quota != "delayed":
            return Enforcement(None, account.quota_bytes, True)
        account.writable = account.quota_bytes is None or account.used_bytes < account.quota_bytes
        return Enforcement(account.used_bytes, account.quota_bytes, account.writable)

    @operation
    def purge(self, uid: str, cursor: str | None = None) -> Purged:
        account = self._state.get(uid)
        if account is None:
            return Purged(0, 0, None, True)
        account.keys.clear()
        if account.locked_until:
            return Purged(0, 0, "locked", False, account.locked_until)
        removed_objects, removed_bytes = 0, account.unfinished_bytes + account.noncurrent_bytes
        account.unfinished_bytes = account.noncurrent_bytes = 0
        for objects in account.buckets.values():
            for name in list(objects)[: self.page_objects - removed_objects]:
                removed_bytes += objects.pop(name)
                removed_objects += 1
        if removed_objects == self.page_objects:
            return Purged(removed_objects, removed_bytes, "more", False)
        del self._state[uid]
        return Purged(removed_objects + account.bulk_objects, removed_bytes + account.bulk_bytes, None, True)

    @operation
    def probe_key(self, key_id: str, secret: Secret, bucket: str) -> KeyState:
        try:
            self._signed_in(key_id, secret)
        except CustomerRefused as refused:
            return "suspended" if refused.code == "AccountSuspended" else "dead"
        return "alive"

    @operation
    def health(self) -> None:
        """Always well, unless told to fail."""

    # what customers and tests do

    def store(self, key_id: str, secret: Secret, bucket: str, name: str, size_bytes: int) -> None:
        """Puts an object as the customer would. CustomerRefused: see there."""
        with self._lock:
            account = self._signed_in(key_id, secret)
            if bucket not in account.buckets:
                foreign = any(bucket in other.buckets for other in self._state.values())
                raise CustomerRefused("AccessDenied" if foreign else "NoSuchBucket")
            if not account.writable:
                raise CustomerRefused("AccessDenied")
            grows_to_bytes = account.used_bytes + size_bytes - account.buckets[bucket].get(name, 0)
            immediate = self.capabilities.hard_quota == "immediate"
            if immediate and account.quota_bytes is not None and grows_to_bytes > account.quota_bytes:
                raise CustomerRefused("QuotaExceeded")
            account.buckets[bucket][name] = size_bytes

    def set_use(
        self, uid: str, used_bytes: int, objects: int = 1, unfinished_bytes: int = 0, noncurrent_bytes: int = 0
    ) -> None:
        """Makes the account hold exactly this, whatever it held and whatever its quota. StorageAbsent."""
        with self._lock:
            account = self._account(uid)
            for stored in account.buckets.values():
                stored.clear()
            account.bulk_bytes, account.bulk_objects = used_bytes, objects
            account.unfinished_bytes, account.noncurrent_bytes = unfinished_bytes, noncurrent_bytes

    def set_traffic(self, uid: str, hour_at: datetime, traffic: Traffic) -> None:
        """Makes this what went to and from the account in that hour, with capability `traffic`. StorageAbsent."""
        with self._lock:
            self._account(uid).traffic[hour_at] = traffic

    def lock_until(self, uid: str, at: datetime | None) -> None:
        """Retention that forbids deletion before `at`; None lifts it. StorageAbsent."""
        with self._lock:
            self._account(uid).locked_until = at

    def _account(self, uid: str) -> Account:
        if uid not in self._state:
            raise StorageAbsent(f"no account {uid}")
        return self._state[uid]

    def _signed_in(self, key_id: str, secret: Secret) -> Account:
        for account, key in self._keys(key_id):
            if not key.active or key.secret != secret:
                break
            if account.suspended:
                raise CustomerRefused("AccountSuspended")
            return account
        raise CustomerRefused("InvalidAccessKeyId")

    def _keys(self, key_id: str) -> Iterator[tuple[Account, Key]]:
        return ((account, account.keys[key_id]) for account in self._state.values() if key_id in account.keys)
