"""AWS-style IAM: an account is a user, its rights are an inline policy, its tags are what the portal remembers.

The service makes the keys and holds no quota: the portal measures, warns and bills. Buckets belong to the provider;
each is tagged with its account. Before a bucket is made its name is noted at the user, so that a call that ended
between making and tagging finds its bucket again, and a bucket of the provider's own is never taken for it.
"""

import re
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from services.secret import Secret
from services.storage import aws_policy
from services.storage.address import Address, Credentials
from services.storage.aws_iam import Iam, Missing, Taken
from services.storage.aws_s3 import AwsSide
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
from services.storage.seaweedfs_s3 import NoBucket
from services.storage.versions import Counted, purge_buckets

_UID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{2,62}")
_MARKER = re.compile(r"[A-Za-z0-9._-]{1,100}")


class AwsStorage(Storage):
    """One AWS-style service, reached at `address` with the worker's `credentials`."""

    def __init__(self, address: Address, credentials: Credentials):
        self.capabilities, self.endpoint, self.region = address.capabilities, address.endpoint, address.region
        pair = (credentials.access_key_id, credentials.secret_access_key)
        self._iam = Iam(address.admin_url, address.region, *pair)
        self._s3 = AwsSide(address.s3_url, address.region, *pair)

    def read_account(self, uid: str) -> RemoteAccount | None:
        tags = self._tags(uid)
        if tags is None:
            return None
        try:
            keys = tuple(RemoteKey(key["AccessKeyId"], key["Status"] == "Active") for key in self._keys(uid))
            suspended, buckets = aws_policy.SUSPENDED in self._policies(uid), self._buckets(uid)
        except Missing:  # deleted between two questions
            return None
        marker, quota_bytes = tags.get(aws_policy.MARKER, ""), aws_policy.quota_of(tags)
        return RemoteAccount(uid, marker, aws_policy.display_of(tags), quota_bytes, suspended, keys, buckets)

    def put_account(self, uid: str, marker: str, display: str, quota_bytes: int | None) -> None:
        if not _UID.fullmatch(uid) or not _MARKER.fullmatch(marker):
            raise StorageRefused(f"not a name or a marker for an account: {uid!r}, {marker!r}")
        wanted = aws_policy.state(marker, display, quota_bytes)
        found = self._tags(uid)
        if found is None:
            found = self._create(uid, wanted)
        if found.get(aws_policy.MARKER) != marker:
            raise StorageConflict(f"account {uid} carries another marker")
        if wanted.items() - found.items():
            self._tag(uid, wanted)

    def put_quota(self, uid: str, quota_bytes: int | None) -> None:
        """Remembered only: the service holds no quota."""
        self._known(uid)
        self._tag(uid, {aws_policy.QUOTA: aws_policy.quota_text(quota_bytes)})

    def put_suspended(self, uid: str, suspended: bool) -> None:
        self._known(uid)
        name = {"UserName": uid, "PolicyName": aws_policy.SUSPENDED}
        if suspended:
            self._iam.ask("put_user_policy", **name, PolicyDocument=aws_policy.suspension())
        else:
            with suppress(Missing):
                self._iam.ask("delete_user_policy", **name)

    def put_bucket(self, uid: str, name: str) -> None:
        check_bucket_name(name)
        tags, owner = self._known(uid), self._s3.bucket_owner(name)
        if owner is None:
            self._tag(uid, {aws_policy.MAKING: name})
            self._s3.make_bucket(name)
            self._s3.give_bucket(name, uid)
        elif owner == "" and tags.get(aws_policy.MAKING) == name:
            self._s3.give_bucket(name, uid)
        elif owner != uid:
            raise StorageConflict(f"bucket {name} belongs to somebody else")
        held = self._buckets(uid)
        if name not in held:
            document = aws_policy.access((*held, name))
            self._iam.ask("put_user_policy", UserName=uid, PolicyName=aws_policy.ACCESS, PolicyDocument=document)

    def put_key(self, uid: str, key_id: str, secret: Secret) -> None:
        raise StorageRefused("this service makes its own keys")

    def new_key(self, uid: str) -> KeyPair:
        self._known(uid)
        made = self._iam.ask("create_access_key", UserName=uid)["AccessKey"]
        return KeyPair(made["AccessKeyId"], Secret(made["SecretAccessKey"]))

    def put_key_active(self, uid: str, key_id: str, active: bool) -> None:
        if key_id not in {key["AccessKeyId"] for key in self._keys_or_none(uid)}:
            raise StorageAbsent(f"account {uid} has no key {key_id}")
        status = "Active" if active else "Inactive"
        self._iam.ask("update_access_key", UserName=uid, AccessKeyId=key_id, Status=status)

    def delete_key(self, uid: str, key_id: str) -> None:
        if key_id in {key["AccessKeyId"] for key in self._keys_or_none(uid)}:
            with suppress(Missing):
                self._iam.ask("delete_access_key", UserName=uid, AccessKeyId=key_id)

    def last_used(self, uid: str, key_id: str) -> datetime | None:
        if key_id not in {key["AccessKeyId"] for key in self._keys_or_none(uid)}:
            raise StorageAbsent(f"account {uid} has no key {key_id}")
        found = self._iam.ask("get_access_key_last_used", AccessKeyId=key_id).get("AccessKeyLastUsed", {})
        at = found.get("LastUsedDate")
        return at.astimezone(UTC) if isinstance(at, datetime) else None

    def list_accounts(self, prefix: str) -> tuple[str, ...]:
        users = self._iam.pages("list_users", "Users", PathPrefix=aws_policy.PATH)
        return tuple(sorted(user["UserName"] for user in users if user["UserName"].startswith(prefix)))

    def measure(self, uid: str, exact: bool = False) -> Measured:
        """Always counts: the service's own figures come once a day."""
        self._known(uid)
        uses = []
        for name in self._buckets(uid):
            try:
                counted, parts_bytes = self._s3.count(name), self._s3.unfinished(name)[0]
            except NoBucket:  # named in the policy, deleted by hand
                counted, parts_bytes = Counted(0, 0, 0), 0
            uses.append(BucketUse(name, counted.used_bytes, counted.objects, counted.noncurrent_bytes, parts_bytes))
        return added_up(uses, exact=True)

    def enforce(self, uid: str) -> Enforcement:
        return Enforcement(None, aws_policy.quota_of(self._known(uid)), True)

    def purge(self, uid: str, cursor: str | None = None) -> Purged:
        tags = self._tags(uid)
        if tags is None:
            return Purged(0, 0, None, True)
        if not tags.get(aws_policy.MARKER):
            raise StorageConflict(f"account {uid} is not the portal's")
        for key in self._keys_or_none(uid):
            self.delete_key(uid, key["AccessKeyId"])
        page = purge_buckets(self._s3, self._own_buckets(uid, tags), cursor, self._s3.remove_bucket)
        if page is not None:
            return page
        with suppress(Missing):
            for name in self._policies(uid):
                self._iam.ask("delete_user_policy", UserName=uid, PolicyName=name)
            self._iam.ask("delete_user", UserName=uid)
        return Purged(0, 0, None, True)

    def probe_key(self, key_id: str, secret: Secret, bucket: str) -> KeyState:
        return self._s3.probe(key_id, secret, bucket)

    def health(self) -> None:
        self._iam.ask("list_users", PathPrefix=aws_policy.PATH, MaxItems=1)
        self._s3.check()

    def _create(self, uid: str, wanted: dict[str, str]) -> dict[str, str]:
        """Marker and all are set in the very call that creates the user. Returns the tags of whoever stands there."""
        try:
            self._iam.ask("create_user", UserName=uid, Path=aws_policy.PATH, Tags=aws_policy.tags(wanted))
        except Taken:  # by a call at the same moment: which one decides its marker
            return self._tags(uid) or {}
        return wanted

    def _tag(self, uid: str, values: dict[str, str]) -> None:
        self._iam.ask("tag_user", UserName=uid, Tags=aws_policy.tags(values))

    def _tags(self, uid: str) -> dict[str, str] | None:
        try:
            user = self._iam.ask("get_user", UserName=uid)["User"]
        except Missing:
            return None
        return {tag["Key"]: tag["Value"] for tag in user.get("Tags", [])}

    def _known(self, uid: str) -> dict[str, str]:
        tags = self._tags(uid)
        if tags is None or not tags.get(aws_policy.MARKER):
            raise StorageAbsent(f"no account {uid}")
        return tags

    def _keys(self, uid: str) -> list[dict[str, Any]]:
        found = self._iam.pages("list_access_keys", "AccessKeyMetadata", UserName=uid)
        return sorted(found, key=lambda key: str(key["AccessKeyId"]))

    def _keys_or_none(self, uid: str) -> list[dict[str, Any]]:
        try:
            return self._keys(uid)
        except Missing:
            return []

    def _policies(self, uid: str) -> list[str]:
        return self._iam.pages("list_user_policies", "PolicyNames", UserName=uid)

    def _buckets(self, uid: str) -> tuple[str, ...]:
        try:
            found = self._iam.ask("get_user_policy", UserName=uid, PolicyName=aws_policy.ACCESS)
        except Missing:
            return ()
        return aws_policy.buckets_of(found["PolicyDocument"])

    def _own_buckets(self, uid: str, tags: dict[str, str]) -> list[str]:
        """What may be deleted: buckets whose tag says so, whatever a policy edited by hand names; and the one that a
        call made and had no time to tag."""
        making = tags.get(aws_policy.MAKING, "")
        names = {*self._buckets(uid), *([making] if making else [])}
        owners = {name: self._s3.bucket_owner(name) for name in names}
        return [name for name, owner in owners.items() if owner == uid or (owner == "" and name == making)]
