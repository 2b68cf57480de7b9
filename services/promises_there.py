"""The promises that only the storage service can answer: no orphan, nothing missing, deleted means gone."""

from collections.abc import Iterator

from models.sub_account import SETTLED_PHASES, AccessKey, Region, SubAccount
from services import remote_names
from services.promises import Violation
from services.storage.contract import RemoteAccount, Storage

PAGE = 500


def check_there(region: Region, storage: Storage) -> Iterator[Violation]:
    """Compares the region's sub-accounts with its storage service; reads only. Raises StorageError when the service
    does not answer: then nothing is concluded. Rows that change while they are compared are passed over."""
    there = storage.list_accounts(remote_names.PREFIX)  # before the rows: what has none now never had one
    for text in _orphans(storage, there):
        yield Violation("orphans", text)
    for row in _settled_rows(region):
        remote = storage.read_account(row.remote_uid)
        found = list(_differences(row, remote))
        if found and _unchanged(row):
            yield from (Violation("storage", f"{row.number} {text}") for text in found)


def _orphans(storage: Storage, there: tuple[str, ...]) -> Iterator[str]:
    """Accounts of other portals on the same service are none of ours. One that was deleted while the list was read is
    still in it: what is called deleted is asked for by itself."""
    own_prefix = remote_names.own_prefix()
    for first in range(0, len(there), PAGE):
        uids = there[first : first + PAGE]
        rows = SubAccount.select(SubAccount.remote_uid, SubAccount.phase).where(SubAccount.remote_uid.in_(uids))
        known = {row.remote_uid: row.phase for row in rows}
        for uid in uids:
            if uid not in known and uid.startswith(own_prefix):
                yield f"account {uid} stands on the service and belongs to nothing here"
            elif known.get(uid) == "deleted" and storage.read_account(uid) is not None:
                yield f"account {uid} stands on the service and was reported as deleted"


def _settled_rows(region: Region) -> Iterator[SubAccount]:
    """Page by page in order of id, so that a long comparison holds neither memory nor a cursor."""
    last = 0
    standing = SubAccount.phase.in_([phase for phase in SETTLED_PHASES if phase != "deleted"])
    settled = standing & (SubAccount.observed_generation == SubAccount.generation) & (SubAccount.region == region)
    while page := list(
        SubAccount.select().where(settled, SubAccount.id > last).order_by(SubAccount.id).limit(PAGE),
    ):
        yield from page
        last = page[-1].id


def _differences(row: SubAccount, remote: RemoteAccount | None) -> Iterator[str]:
    if remote is None:
        yield "is missing on the storage service"
        return
    if remote.marker != row.public_id:
        yield "stands under the name of another account"
        return
    if remote.quota_bytes != row.hard_quota_bytes:
        yield f"has the quota {remote.quota_bytes} there, {row.hard_quota_bytes} here"
    if remote.suspended != (row.wanted_state == "suspended"):
        yield "is barred on one side only"
    if row.main_bucket not in remote.buckets:
        yield "lacks its main bucket"
    yield from _key_differences(row, {key.id: key.active for key in remote.keys})


def _key_differences(row: SubAccount, there: dict[str, bool]) -> Iterator[str]:
    keys = AccessKey.select().where(AccessKey.sub_account == row, AccessKey.access_key_id.is_null(False))
    for key in keys:
        active = there.pop(str(key.access_key_id), None)
        if key.phase == "live" and not active:
            yield f"lacks its key {key.access_key_id}" if active is None else f"has key {key.access_key_id} off"
        elif key.phase == "inactive" and active:
            yield f"has key {key.access_key_id} on, which is switched off here"
        elif key.phase == "deleted" and active is not None:
            yield f"has key {key.access_key_id}, which is deleted here"
    for key_id, active in there.items():
        if active:
            yield f"has key {key_id}, which nobody made here"


def _unchanged(row: SubAccount) -> bool:
    now = SubAccount.get_by_id(row.id)
    return (now.generation, now.phase) == (row.generation, row.phase)
