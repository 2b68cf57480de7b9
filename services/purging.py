"""A deletion that has begun (provisioning.md, delete): page after page, each saved at once, then the evidence.

Every call may be made again after a kill: what is gone is gone, and the cursor says where to go on. What the rows say
is not enough to remove anything: whoever wrote them past the portal would be believed (threats.md 27).
"""

from datetime import datetime, timedelta

from models.base import locked, write_tx
from models.contract import Contract
from models.deletion import Deletion
from models.sub_account import AccessKey, Region, SubAccount
from models.usage import AccountUse
from services import allocation_ledger as ledger
from services import hand_over_links, leases, usage_keeping
from services.audit import Act, record
from services.needs_people import NeedsPeople
from services.site import Site
from services.storage.contract import Purged, RemoteAccount, StorageRefused

PROGRESS_WITHIN = timedelta(hours=24)
LOCKED_RETRY = timedelta(days=1)
# Of the hour that the guard counts: what it let begin is looked at some seconds later, sooner or later than before.
COUNTED = timedelta(minutes=55)
LOCKED = "locked"  # the reason code of deletions that wait for the end of a retention
NO_SUCH_USER = "NoSuchUser"  # what the storage service answers when it is asked for a deleted account


class StillLocked(Exception):
    """Retention forbids the rest until `until_at`: nobody tries again before `retry_at`."""

    def __init__(self, until_at: datetime, retry_at: datetime):
        super().__init__(f"objects are locked until {until_at:%Y-%m-%d %H:%M} UTC")
        self.until_at, self.retry_at = until_at, retry_at


def deadline(row: SubAccount, at: datetime) -> datetime:
    """By when the worker must have brought a change of this sub-account about, begun `at`; of a deletion: the next
    progress."""
    return at + (PROGRESS_WITHIN if row.wanted_state == "deleted" else ledger.APPLY_WITHIN)


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
    LeaseLost, StorageError, and NeedsPeople for what nobody began or too many began."""
    deletion = _begun(row)
    if deletion.seen_at is None and deletion.ended_at is None:
        _note_first_look(site, row, deletion)
    leases.hold(site, row)
    if not remote.suspended:
        site.storage.put_suspended(row.remote_uid, True)
        return
    try:
        page = site.storage.purge(row.remote_uid, deletion.cursor)
    except StorageRefused:
        _save(site, row, deletion, cursor=None)  # the next try looks at everything again
        raise
    moved = page.removed_objects > 0 or page.cursor != deletion.cursor
    _save_page(site, row, deletion, page, moved)
    if page.locked_until is not None:
        raise StillLocked(page.locked_until, min(page.locked_until, site.clock.now() + LOCKED_RETRY))


def look_for_proof(row: SubAccount) -> None:
    """Call before `bury`. Raises NeedsPeople when the account was gone before this deletion had seen it: then it may
    stand on another service than the one that answers, with all its data."""
    deletion = _begun(row)
    seen = deletion.seen_at is not None or deletion.ended_at is not None
    if row.observed_state and not seen and not deletion.gone_name:
        raise NeedsPeople("gone", f"{row.remote_uid} was gone before anything was removed")


def _begun(row: SubAccount) -> Deletion:
    deletion = Deletion.get_or_none(Deletion.sub_account == row)
    if deletion is None or deletion.started_at is None:
        raise NeedsPeople("not_begun", f"{row.remote_uid} is to be deleted, and nobody began that")
    return deletion


def _note_first_look(site: Site, row: SubAccount, deletion: Deletion) -> None:
    """That the account stands there, before anything is removed, and how much lies in it, so that pages can say how far
    it is: as measured since access was barred. To count it here could take minutes."""
    now, barred_at = site.clock.now(), row.suspended_at or deletion.asked_at
    values: dict = {"seen_at": now}
    if row.measured_at is not None and row.measured_at > barred_at:
        values |= {"found_bytes": row.used_bytes, "found_objects": row.object_count}
    with write_tx():
        locked(Region.select().where(Region.id == site.region.id)).get()  # several workers count one after the other
        looked = Deletion.select().where(
            Deletion.region == site.region, Deletion.seen_at > now - COUNTED, Deletion.released_at.is_null()
        )
        if deletion.released_at is None and looked.count() >= site.deletions_per_hour:
            raise NeedsPeople("too_many", "more deletions have begun within an hour than may by themselves")
        leases.hold(site, row)
        _update(deletion, **values)


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
        "seen_at": deletion.seen_at,
        "verified": verified(deletion),
    }


def verified(deletion: Deletion) -> str:
    """What proves that the account is gone, of a deletion that has ended."""
    if deletion.seen_at or not deletion.gone_name:
        return NO_SUCH_USER
    return f"was gone before the purge, confirmed by {deletion.gone_name}"


def _end_keys(act: Act, row: SubAccount) -> None:
    for key in locked(AccessKey.select().where(AccessKey.sub_account == row, AccessKey.phase != "deleted")):
        before = key.phase
        if key.wanted != "deleted" or key.secret_ct or key.retained_ct or key.parked_ct:
            destroy_key(act, row, key)
        key.phase = "deleted"
        key.save(only=["phase"])
        change = {"before": {"phase": before}, "after": {"phase": "deleted"}}
        record(act, "access_key.applied", key, partner=row.partner_id, **change)
