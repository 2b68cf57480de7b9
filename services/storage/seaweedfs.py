"""SeaweedFS. Identities, keys and policies through its admin service, counting and deleting through S3.

IAM is read-only on the S3 side (a customer's key could otherwise make itself further keys). What an account may do and
what the portal remembers of it stands in one managed policy, see `seaweedfs_policy`. There is no quota per account on
the service: `enforce` counts and takes the right to write away or gives it back.
"""

import re
import threading
from contextlib import suppress
from dataclasses import replace
from typing import Any

from services.secret import Secret
from services.storage.address import Address, Credentials
from services.storage.contract import (
    BucketUse,
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
    added_up,
)
from services.storage.names import check_bucket_name
from services.storage.seaweedfs_admin import AdminService, Missing, Taken
from services.storage.seaweedfs_policy import Grant, document, read_grant
from services.storage.seaweedfs_s3 import NoBucket, S3Side

_UID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{2,62}")
_POLICIES = ("object-store", "policies")


class SeaweedStorage(Storage):
    """One SeaweedFS, reached at `address` with the worker's `credentials`."""

    def __init__(self, address: Address, credentials: Credentials):
        self.capabilities, self.endpoint, self.region = address.capabilities, address.endpoint, address.region
        self._admin = AdminService(address.admin_url, credentials.admin_user, credentials.admin_password)
        self._s3 = S3Side(address.s3_url, address.region, credentials.access_key_id, credentials.secret_access_key)
        self._root_key_id = credentials.access_key_id
        self._lock = threading.RLock()  # policies and users are read, changed and written back as a whole

    def read_account(self, uid: str) -> RemoteAccount | None:
        user, grant = self._user(uid), self._grant(uid)
        if user is None:
            return None
        keys = tuple(
            sorted(
                (RemoteKey(key["access_key"], key["status"] == "Active") for key in user["access_keys"] or []),
                key=lambda key: key.id,
            )
        )
        if grant is None:
            return RemoteAccount(uid, "", "", None, False, keys, ())
        suspended = grant.suspended
        return RemoteAccount(uid, grant.marker, grant.display, grant.quota_bytes, suspended, keys, grant.buckets)

    def put_account(self, uid: str, marker: str, display: str, quota_bytes: int | None) -> None:
        if not _UID.fullmatch(uid) or uid == "anonymous":
            raise StorageRefused(f"not a name for an account: {uid!r}")
        with self._lock:
            user, grant = self._user(uid), self._grant(uid)
            if (grant is None and (user is not None or self._has_policy(uid))) or (grant and grant.marker != marker):
                raise StorageConflict(f"account {uid} carries another marker")
            wanted = replace(grant or Grant(marker, display, None), display=display, quota_bytes=quota_bytes)
            self._write(uid, grant, wanted)
            if user is None:
                self._admin.post("users", body={"username": uid, "policy_names": [uid]})
            elif uid not in (user["policy_names"] or []):
                self._admin.put("users", uid, body={"policy_names": [uid]})

    def put_quota(self, uid: str, quota_bytes: int | None) -> None:
        with self._lock:
            grant = self._known(uid)
            writable = grant.writable or quota_bytes is None
            self._write(uid, grant, replace(grant, quota_bytes=quota_bytes, writable=writable))

    def put_suspended(self, uid: str, suspended: bool) -> None:
        with self._lock:
            grant = self._known(uid)
            self._write(uid, grant, replace(grant, suspended=suspended))

    def put_bucket(self, uid: str, name: str) -> None:
        check_bucket_name(name)
        with self._lock:
            grant = self._known(uid)
            try:
                self._admin.post("s3", "buckets", body={"name": name, "owner": uid})
            except Taken:
                if self._admin.get("s3", "buckets", name)["bucket"]["owner"] != uid:
                    raise StorageConflict(f"bucket {name} belongs to another account") from None
            self._write(uid, grant, replace(grant, buckets=tuple(sorted({*grant.buckets, name}))))

    def put_key(self, uid: str, key_id: str, secret: Secret) -> None:
        if key_id == self._root_key_id:
            raise StorageConflict("this key id is the service's own")
        with self._lock:
            self._known(uid)
            pair = {"access_key": key_id, "secret_key": secret.reveal()}
            try:
                self._admin.post("users", uid, "access-keys", body=pair)
            except Taken:
                self._replace_key(uid, key_id, pair)
            except Missing:
                raise StorageAbsent(f"no account {uid}") from None

    def new_key(self, uid: str) -> KeyPair:
        raise StorageRefused("this service takes the keys that it is given")

    def put_key_active(self, uid: str, key_id: str, active: bool) -> None:
        with self._lock:
            try:
                status = {"status": "Active" if active else "Inactive"}
                self._admin.put("users", uid, "access-keys", key_id, "status", body=status)
            except Missing:
                raise StorageAbsent(f"account {uid} has no key {key_id}") from None

    def delete_key(self, uid: str, key_id: str) -> None:
        with self._lock, suppress(Missing):
            self._admin.delete("users", uid, "access-keys", key_id)

    def list_accounts(self, prefix: str) -> tuple[str, ...]:
        names = (user["username"] for user in self._admin.get("users")["users"] or [])
        return tuple(sorted(name for name in names if name.startswith(prefix)))

    def measure(self, uid: str, exact: bool = False) -> Measured:
        """Always counts: the service's own figures are of compressed data, up to a minute old, and count chunks."""
        buckets = []
        for name in self._known(uid).buckets:
            try:
                counted, unfinished_bytes = self._s3.objects(name), self._s3.unfinished_bytes(name)
            except NoBucket:  # named in the policy, deleted by hand
                counted, unfinished_bytes = (0, 0), 0
            buckets.append(BucketUse(name, *counted, unfinished_bytes=unfinished_bytes))
        return added_up(buckets, exact=True)

    def enforce(self, uid: str) -> Enforcement:
        if self._known(uid).quota_bytes is None:
            return Enforcement(None, None, True)
        used_bytes = self.measure(uid, exact=True).used_bytes
        with self._lock:  # counting took its time: what is wanted is read afresh
            grant = self._known(uid)
            writable = grant.quota_bytes is None or used_bytes < grant.quota_bytes
            self._write(uid, grant, replace(grant, writable=writable))
        return Enforcement(used_bytes, grant.quota_bytes, writable)

    def purge(self, uid: str, cursor: str | None = None) -> Purged:
        with self._lock:
            user, grant = self._user(uid), self._grant(uid)
            if user is not None and grant is None:
                raise StorageConflict(f"account {uid} is not the portal's")
            for key in (user or {}).get("access_keys") or []:
                self.delete_key(uid, key["access_key"])
        for name in self._owned_buckets(uid, grant):
            removed_objects, removed_bytes = self._purge_bucket(name)
            if removed_objects:
                return Purged(removed_objects, removed_bytes, name, False)
        with self._lock:  # the user first: a policy without a user is a remainder of ours, the reverse is a stranger
            for path in (("users", uid), (*_POLICIES, uid)):
                with suppress(Missing):
                    self._admin.delete(*path)
        return Purged(0, 0, None, True)

    def probe_key(self, key_id: str, secret: Secret, bucket: str) -> KeyState:
        return self._s3.probe(key_id, secret, bucket)

    def health(self) -> None:
        with suppress(Missing):
            self._admin.get(*_POLICIES, "portal-health")
        self._s3.check()

    def _purge_bucket(self, name: str) -> tuple[int, int]:
        try:
            self._s3.abort_uploads(name)
            removed = self._s3.delete_page(name)
        except NoBucket:
            return 0, 0
        if removed[0] == 0:
            self._s3.delete_bucket(name)
        return removed

    def _owned_buckets(self, uid: str, grant: Grant | None) -> list[str]:
        found = self._admin.get("s3", "buckets")["buckets"] or []
        return sorted({*(one["name"] for one in found if one["owner"] == uid), *(grant.buckets if grant else ())})

    def _replace_key(self, uid: str, key_id: str, pair: dict[str, Any]) -> None:
        own = {key["access_key"]: key for key in (self._user(uid) or {}).get("access_keys") or []}
        if key_id not in own:
            raise StorageConflict(f"key {key_id} belongs to another account")
        if own[key_id]["secret_key"] == pair["secret_key"]:
            return
        self._admin.delete("users", uid, "access-keys", key_id)
        self._admin.post("users", uid, "access-keys", body=pair)
        if own[key_id]["status"] != "Active":
            self.put_key_active(uid, key_id, False)

    def _user(self, uid: str) -> dict[str, Any] | None:
        try:
            return self._admin.get("users", uid)
        except Missing:
            return None

    def _grant(self, uid: str) -> Grant | None:
        try:
            return read_grant(self._admin.get(*_POLICIES, uid)["document"])
        except Missing:
            return None

    def _has_policy(self, uid: str) -> bool:
        try:
            return bool(self._admin.get(*_POLICIES, uid))
        except Missing:
            return False

    def _known(self, uid: str) -> Grant:
        grant = self._grant(uid)
        if grant is None:
            raise StorageAbsent(f"no account {uid}")
        return grant

    def _write(self, uid: str, present: Grant | None, wanted: Grant) -> None:
        if present is None:
            self._admin.post(*_POLICIES, body={"name": uid, "document": document(wanted)})
        elif present != wanted:
            self._admin.put(*_POLICIES, uid, body={"document": document(wanted)})
