"""Ceph RGW. Accounts, keys, quotas and figures through its Admin Ops API; buckets and deletion through S3.

Each account is a user in a tenant of its own (`rgw_names`), so that customers name their buckets as they like. Buckets
are made by the portal's user inside the tenant and then handed to the account: that needs no key of the customer's,
works while the account is suspended, and both steps may be repeated. The service holds the quota itself. The portal's
user has to be an `--admin` user with the capabilities that RIGHTS names.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from services.secret import Secret
from services.storage import rgw_figures
from services.storage.address import Address, Credentials
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
    StorageUnavailable,
    Traffic,
)
from services.storage.hours import check_hours
from services.storage.names import check_bucket_name
from services.storage.rgw_admin import AdminOps, Missing, Taken
from services.storage.rgw_names import carried, check_uid, read_carried, tenant_of, uid_of, user_of
from services.storage.rgw_s3 import RgwSide
from services.storage.versions import purge_buckets

RIGHTS = {"users": "*", "buckets": "*", "usage": "read"}
MOST_BUCKETS = 100  # an account's; so that one answer holds the figures of them all
_KEY_ID = re.compile(r"[A-Za-z0-9]{3,64}")
_ALL_MASKS, _NO_WRITING = "read,write,delete", "read,delete"


class RgwStorage(Storage):
    """One RGW, reached at `address` with the worker's `credentials`."""

    def __init__(self, address: Address, credentials: Credentials):
        self.capabilities, self.endpoint, self.region = address.capabilities, address.endpoint, address.region
        pair = (credentials.access_key_id, credentials.secret_access_key)
        self._admin = AdminOps(address.admin_url, address.region, *pair)
        self._s3 = RgwSide(address.s3_url, address.region, *pair)
        self._own_user_id: str | None = None

    def read_account(self, uid: str) -> RemoteAccount | None:
        user = self._user(uid)
        if user is None:
            return None
        display, marker = read_carried(user["display_name"])
        keys = tuple(RemoteKey(id, True) for id in sorted(key["access_key"] for key in user["keys"]))
        read_only = "write" not in user["op_mask"]
        buckets = tuple(self._admin.bucket_names(user_of(uid)))
        return RemoteAccount(
            uid, marker, display, _quota_bytes(user), bool(user["suspended"]), keys, buckets, read_only
        )  # fmt: skip

    def put_account(self, uid: str, marker: str, display: str, quota_bytes: int | None) -> None:
        check_uid(uid)
        name = carried(display, marker)
        user = self._user(uid) or self._create(uid, name)
        if read_carried(user["display_name"])[1] != marker:
            raise StorageConflict(f"account {uid} carries another marker")
        if user["display_name"] != name:
            self._admin.post("user", uid=user_of(uid), display_name=name)
        if _quota_bytes(user) != quota_bytes:
            self._put_quota(uid, quota_bytes)

    def put_quota(self, uid: str, quota_bytes: int | None) -> None:
        self._known(uid)
        self._put_quota(uid, quota_bytes)

    def put_suspended(self, uid: str, suspended: bool) -> None:
        self._known(uid)
        self._admin.post("user", uid=user_of(uid), suspended=int(suspended))

    def put_read_only(self, uid: str, read_only: bool) -> None:
        self._known(uid)
        self._admin.post("user", uid=user_of(uid), op_mask=_NO_WRITING if read_only else _ALL_MASKS)

    def put_bucket(self, uid: str, name: str) -> None:
        check_bucket_name(name)
        self._known(uid)
        owner = self._bucket_owner(uid, name)
        if owner == user_of(uid):
            return
        if owner is None:
            self._s3.make_bucket(f"{tenant_of(uid)}:{name}")
        elif owner != self._own_user():  # ours: made by a call that ended here
            raise StorageConflict(f"bucket {name} belongs to somebody else")
        self._admin.put("bucket", bucket=f"{tenant_of(uid)}/{name}", uid=user_of(uid))

    def put_key(self, uid: str, key_id: str, secret: Secret) -> None:
        if not _KEY_ID.fullmatch(key_id):
            raise StorageRefused("a key id has 3 to 64 letters and digits")
        self._known(uid)
        pair = {"access_key": key_id, "secret_key": secret.reveal(), "generate_key": False}
        try:
            self._admin.put("user", "key", uid=user_of(uid), **pair)
        except Taken:
            raise StorageConflict(f"key {key_id} belongs to another account") from None

    def new_key(self, uid: str) -> KeyPair:
        raise StorageRefused("this service takes the keys that it is given")

    def put_key_active(self, uid: str, key_id: str, active: bool) -> None:
        raise StorageRefused("this service cannot switch keys off: delete the key and put it again")

    def read_secret(self, uid: str, key_id: str) -> Secret:
        for key in (self._user(uid) or {"keys": []})["keys"]:
            if key["access_key"] == key_id:
                return Secret(key["secret_key"])
        raise StorageAbsent(f"account {uid} has no key {key_id}")

    def delete_key(self, uid: str, key_id: str) -> None:
        if key_id in {key["access_key"] for key in (self._user(uid) or {"keys": []})["keys"]}:
            with suppress(Missing):
                self._admin.delete("user", "key", uid=user_of(uid), access_key=key_id)

    def list_accounts(self, prefix: str) -> tuple[str, ...]:
        uids = (uid_of(user) for user in self._admin.users())
        return tuple(sorted(uid for uid in uids if uid is not None and uid.startswith(prefix)))

    def measure(self, uid: str, exact: bool = False) -> Measured:
        """By the service's bucket statistics, which are fresh; asking for the account's brings up to date what the
        service holds against the quota. Statistics do not tell old versions from present ones, counting does."""
        self._known(uid, stats=True, sync=True)
        if exact:
            return rgw_figures.by_counting(
                self._admin.bucket_names(user_of(uid)),
                lambda name: self._s3.count(_for_s3(uid, name)),
                lambda name: self._s3.unfinished(_for_s3(uid, name)),
            )
        buckets = rgw_figures.bucket_figures(self._admin.bucket_statistics(user_of(uid)))
        return rgw_figures.by_statistics(buckets, lambda name: self._s3.unfinished(_for_s3(uid, name)))

    def enforce(self, uid: str) -> Enforcement:
        return Enforcement(None, _quota_bytes(self._known(uid)), True)

    def purge(self, uid: str, cursor: str | None = None) -> Purged:
        user = self._user(uid)
        if user is None:
            return Purged(0, 0, None, True)
        if not read_carried(user["display_name"])[1]:
            raise StorageConflict(f"account {uid} is not the portal's")
        for key in user["keys"]:
            with suppress(Missing):
                self._admin.delete("user", "key", uid=user_of(uid), access_key=key["access_key"])
        buckets = [_for_s3(uid, name) for name in self._admin.bucket_names(user_of(uid))]
        page = purge_buckets(self._s3, buckets, cursor, self._remove_bucket)
        if page is None:
            with suppress(Missing):
                self._admin.delete("user", uid=user_of(uid))
        return page or Purged(0, 0, None, True)

    def probe_key(self, key_id: str, secret: Secret, bucket: str) -> KeyState:
        return self._s3.probe(key_id, secret, bucket)

    def traffic(self, from_at: datetime, to_at: datetime, uid: str | None = None) -> Mapping[str, Traffic]:
        check_hours(from_at, to_at)
        who = {} if uid is None else {"uid": user_of(uid)}
        times = {"start": rgw_figures.log_time(from_at), "end": rgw_figures.log_time(to_at)}
        return rgw_figures.traffic_by_uid(self._admin.usage(**who, **times), from_at, to_at)

    def health(self) -> None:
        user = self._admin.own_user()
        lacks = [f"{what}={right}" for what, right in RIGHTS.items() if not _has(user, what, right)]
        if user.get("admin") != "true":
            lacks.append("the mark --admin")
        if lacks:
            raise StorageUnavailable(f"the portal's user on the storage service lacks {', '.join(lacks)}")
        self._s3.check()

    def _create(self, uid: str, name: str) -> dict[str, Any]:
        """Without a key: the service would make one by itself, and a further one with each repetition."""
        try:
            values = {"display_name": name, "generate_key": False, "max_buckets": MOST_BUCKETS}
            return self._admin.make_user(user_of(uid), **values)
        except Taken:  # by a call at the same moment: which one decides its marker
            return self._admin.user(user_of(uid))

    def _put_quota(self, uid: str, quota_bytes: int | None) -> None:
        limit = (
            {"max_size": -1, "enabled": False} if quota_bytes is None else {"max_size": quota_bytes, "enabled": True}
        )
        self._admin.put("user", "quota", uid=user_of(uid), quota_type="user", **limit)

    def _user(self, uid: str, **figures: bool) -> dict[str, Any] | None:
        try:
            return self._admin.user(user_of(uid), **figures)
        except Missing:
            return None

    def _known(self, uid: str, **figures: bool) -> dict[str, Any]:
        user = self._user(uid, **figures)
        if user is None or not read_carried(user["display_name"])[1]:
            raise StorageAbsent(f"no account {uid}")
        return user

    def _own_user(self) -> str:
        if self._own_user_id is None:
            user = self._admin.own_user()
            self._own_user_id = f"{user['tenant']}${user['user_id']}" if user.get("tenant") else str(user["user_id"])
        return self._own_user_id

    def _bucket_owner(self, uid: str, name: str) -> str | None:
        try:
            return self._admin.bucket_owner(f"{tenant_of(uid)}/{name}")
        except Missing:
            return None

    def _remove_bucket(self, bucket: str) -> None:
        with suppress(Missing):
            self._admin.delete("bucket", bucket=bucket.replace(":", "/"))


def _for_s3(uid: str, name: str) -> str:
    return f"{tenant_of(uid)}:{name}"


def _quota_bytes(user: dict[str, Any]) -> int | None:
    quota = user["user_quota"]
    return int(quota["max_size"]) if quota["enabled"] else None


def _has(user: dict[str, Any], what: str, right: str) -> bool:
    held = {cap["type"]: cap["perm"] for cap in user.get("caps", [])}
    return held.get(what) in ("*", right)
