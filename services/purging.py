"""A deletion that has begun (provisioning.md, delete): page after page, each saved at once, then the evidence.

Every call may be made again after a kill: what is gone is gone, and the cursor says where to go on.
"""

from datetime import datetime, timedelta

from models.base import locked, write_tx
from models.contract import Contract
from models.deletion import Deletion
from models.sub_account import AccessKey, SubAccount
from models.usage import AccountUse
from services import allocation_ledger as ledger
from services import hand_over_links, leases, usage_keeping
from services.audit import Act, record
from services.site import Site
from services.storage.contract import Purged, RemoteAccount, StorageAbsent, StorageRefused

PROGRESS_WITHIN = timedelta(hours=24)
LOCKED_RETRY = timedelta(days=1)
LOCKED = "locked"  # the reason code of deletions that wait for the end of a retention
NO_SUCH_USER = "NoSuchUser"  # what the storage service answers when it is asked for a deleted account


class StillLocked(Exception):
    """Retention forbids the rest until `until_at`: nobody tries again before `retry_at`."""

    def __init__(self, until_at: datetime, retry_at: datetime):
        super().__init__(f"objects are locked until {until_at:%Y-%m-%d %H:%M} UTC")
        self.until_at, self.retry_at = until_at, retry_at


def destroy_key(act: Act, row: SubAccount, key: AccessKey) -> None:
    """Every sealed copy of the secret goes, the provider's too, and whatever a link would have shown."""
    had_copy = key.retained_ct is not None
    key.wanted, key.delete_after_at = "deleted", None
    key.secret_ct = key.retained_ct = key.parked_ct = None
    key.save(only=["wanted", "delete_after_at", "secret_ct", "retained_ct", "parked_ct"])
    hand_over_links.withdraw(act, key)
    after = {"access_key_id": key.access_key_id, "provider_copy_destroyed": had_copy}
    record(act, "access_key.deleted", key, partner=row.partner_id, after=after)


def remove_page(site: Site, row: SubAccount, remote: RemoteAccount) -> None:
    """Makes the next call of a deletion that has begun; what it removed is saved at once. Raises StillLocked,
    LeaseLost and StorageError."""
    if not remote.suspended:
        leases.hold(site, row)
        site.storage.put_suspended(row.remote_uid, True)
        return
    deletion = Deletion.get(Deletion.sub_account == row)
    if deletion.found_bytes is None and deletion.ended_at is None:
        _note_found(site, row, deletion)
        return
    leases.hold(site, row)
    try:
        page = site.storage.purge(row.remote_uid, deletion.cursor)
    except StorageRefused:
        _save(site, row, deletion, cursor=None)  # the next try looks at everything again
        raise
    moved = page.removed_objects > 0 or page.cursor != deletion.cursor
    _save_page(site, row, deletion, page, moved)
    if page.locked_until is not None:
        raise StillLocked(page.locked_until, min(page.locked_until, site.clock.now() + LOCKED_RETRY))


def _note_found(site: Site, row: SubAccount, deletion: Deletion) -> None:
    """How much lies there before the first page, so that pages can say how far it is."""
    try:
        found = site.storage.measure(row.remote_uid)
    except StorageAbsent:
        return  # gone since it was read: the next look finds it so
    _save(site, row, deletion, found_bytes=found.used_bytes, found_objects=found.objects)


def _save_page(site: Site, row: SubAccount, deletion: Deletion, page: Purged, moved: bool) -> None:
    known: dict = {"reason_code": "", "last_error": ""}
    if deletion.ended_at is None:  # else a call that came late has brought it back, and this takes it away again
        known["phase"] = "deleting"
    if moved:
        known["deadline_at"] = site.clock.now() + PROGRESS_WITHIN
    with write_tx():
        if not leases.note(site, row, keep_lease=True, **known):
            raise leases.LeaseLost()
        _update(
            deletion,
            cursor=None if page.locked_until or page.done else page.cursor,
            removed_bytes=Deletion.removed_bytes + page.removed_bytes,
            removed_objects=Deletion.removed_objects + page.removed_objects,
            locked_until_at=page.locked_until,
        )


def _save(site: Site, row: SubAccount, deletion: Deletion, **values: object) -> None:
    with write_tx():
        leases.hold(site, row)
        _update(deletion, **values)


def _update(deletion: Deletion, **values: object) -> None:
    Deletion.update(**values).where(Deletion.id == deletion.id, Deletion.ended_at.is_null()).execute()


def wait_for_lock(site: Site, row: SubAccount, lock: StillLocked) -> None:
    """Locked objects are no fault: the row waits, in the operators' list of deletions, and is not overdue."""
    leases.note(
        site,
        row,
        phase="deleting",
        reason_code=LOCKED,
        last_error=str(lock),
        attempts=0,
        next_attempt_at=lock.retry_at,
        deadline_at=lock.retry_at + PROGRESS_WITHIN,
    )


def bury(site: Site, row: SubAccount) -> None:
    """The storage service knows the account no more: what remains is the tombstone. The capacity is given back, the
    keys end, and the trail says what was removed, when, and how that was verified, all in one transaction."""
    act = site.act()
    with write_tx():
        contract = Contract.locked(row.contract_id)
        stood = locked(SubAccount.select().where(SubAccount.id == row.id)).get()
        gone: dict = {
            "phase": "deleted", "observed_state": "deleted", "observed_generation": row.generation,
            "observed_quota_bytes": None, "allocated_bytes": 0, "in_force_bytes": 0, "used_bytes": 0,
            "object_count": 0, "measured_at": None, "writable": True, "enforce_next_at": None, "attempts": 0,
            "reason_code": "", "last_error": "", "deadline_at": None,
        }  # fmt: skip
        deletion = Deletion.get(Deletion.sub_account == row)
        if not leases.note(site, row, **gone) or deletion.ended_at is not None:
            return
        if stood.allocated_bytes:
            ledger.count(contract, -stood.allocated_bytes)
            step = ledger.Step(stood, stood.allocated_bytes, 0)
            ledger.write(act, contract, [step], ledger.new_batch(), "closed", "")
        _end_keys(act, stood)
        AccountUse.delete().where(AccountUse.sub_account == stood).execute()
        record(act, "sub_account.deleted", stood, partner=stood.partner_id, after=_end(act, stood, deletion))
        usage_keeping.sum_up(stood.contract_id)


def _end(act: Act, row: SubAccount, deletion: Deletion) -> dict:
    """Ends the deletion's row; returns the evidence."""
    deletion.ended_at, deletion.cursor, deletion.locked_until_at = act.at, None, None
    deletion.save(only=["ended_at", "cursor", "locked_until_at"])
    return {
        "phase": "deleted",
        "remote_uid": row.remote_uid,
        "asked_at": deletion.asked_at,
        "asked_by": deletion.asked_name,
        "begun_at": deletion.started_at,
        "found_bytes": deletion.found_bytes,
        "found_objects": deletion.found_objects,
        "removed_bytes": deletion.removed_bytes,
        "removed_objects": deletion.removed_objects,
        "verified": NO_SUCH_USER,
    }


def _end_keys(act: Act, row: SubAccount) -> None:
    for key in locked(AccessKey.select().where(AccessKey.sub_account == row, AccessKey.phase != "deleted")):
        before = key.phase
        if key.wanted != "deleted" or key.secret_ct or key.retained_ct or key.parked_ct:
            destroy_key(act, row, key)
        key.phase = "deleted"
        key.save(only=["phase"])
        change = {"before": {"phase": before}, "after": {"phase": "deleted"}}
        record(act, "access_key.applied", key, partner=row.partner_id, **change)
