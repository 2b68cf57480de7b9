"""The storage service follows the database (provisioning.md): take a row, read the remote, make one call, note it.

Nothing here trusts an earlier look: each step reads the service anew, and each call is absolute, so that a killed
worker or two workers at once do no harm.
"""

import logging
from datetime import timedelta

from peewee import InterfaceError, OperationalError, fn

from models.base import write_tx
from models.contract import Contract
from models.sub_account import SubAccount
from services import key_making, leases, purging, regions, restored
from services.audit import record
from services.needs_people import NeedsPeople
from services.secret import SealBroken
from services.site import Site
from services.storage.contract import StorageConflict, StorageRefused, StorageUnavailable

ATTENTION_RETRY = timedelta(hours=1)
CAPACITY_RETRY = timedelta(seconds=1)
LONGEST_DELAY_SECONDS = 300
NO_ROOM = "no_room"  # the reason code of sub-accounts that wait for capacity

log = logging.getLogger("portal.worker")


class NoRoomYet(Exception):
    """An increase waits until the service has let go of what another sub-account gives up (capacity rule 6)."""


def provision_next(site: Site) -> bool:
    """Takes one due sub-account of the region one step on. False: nothing was due or the region is resting."""
    if regions.resting(site.region, site.clock.now()):
        return False
    row = leases.take(site)
    if row is None:
        return False
    try:
        _go_on(site, row)
    except (OperationalError, InterfaceError):
        raise  # the database is away: that is no fault of this row
    except Exception as fault:
        # a row that ends the worker would end it again as soon as its lease is over, and hold up everybody else
        log.exception("sub-account %s cannot be brought further", row.number)
        _call_people(site, row, "fault", f"{type(fault).__name__}: the worker's log says where")
    return True


def _go_on(site: Site, row: SubAccount) -> None:
    """Makes the next step and notes how it went."""
    try:
        settled = _step(site, row)
    except StorageUnavailable as failure:
        regions.note_failure(site.region, site.clock.now(), str(failure))
        _later(site, row, regions.UNAVAILABLE, str(failure), failure.retry_after_seconds)
    except NoRoomYet:
        _wait_for_room(site, row)
    except purging.StillLocked as lock:
        regions.note_answer(site.region, site.clock.now())
        purging.wait_for_lock(site, row, lock)
    except leases.LeaseLost:
        leases.release(site, row)
    except NeedsPeople as need:
        _call_people(site, row, need.code, str(need))
    except SealBroken as broken:
        _call_people(site, row, "sealed", str(broken))
    except StorageConflict as conflict:
        _call_people(site, row, "conflict", str(conflict))
    except StorageRefused as refusal:
        _call_people(site, row, "refused", str(refusal))
    else:
        regions.note_answer(site.region, site.clock.now())
        _settle(site, row) if settled else leases.note(site, row, attempts=0, next_attempt_at=site.clock.now())


def _step(site: Site, row: SubAccount) -> bool:
    """Makes the next single call; True when the service already stands as wanted."""
    remote = site.storage.read_account(row.remote_uid)
    if restored.waits(row, remote):
        raise NeedsPeople(restored.CODE, "the database was restored from a backup, and nobody has looked at it yet")
    deleted = row.wanted_state == "deleted"
    if remote is None:
        purging.look_for_proof(row) if deleted else _create(site, row)
        return deleted
    if remote.marker != row.public_id:
        raise NeedsPeople("stranger", f"another account stands under {row.remote_uid}")
    if deleted:
        purging.remove_page(site, row, remote)
        return False
    suspended = row.wanted_state == "suspended"
    if remote.suspended != suspended:
        leases.hold(site, row)
        site.storage.put_suspended(row.remote_uid, suspended)
        return False
    if row.paused_at is not None:
        return _note_barred(site, row)
    # what was noted counts too: a read that is some seconds old must not pass for the last change
    if not remote.quota_bytes == row.observed_quota_bytes == row.hard_quota_bytes:
        _put_quota(site, row)
        return False
    if row.main_bucket not in remote.buckets:
        site.storage.put_bucket(row.remote_uid, row.main_bucket)
        return False
    return not key_making.make_next(site.storage, site.vault, site.act(), row, remote)


def _note_barred(site: Site, row: SubAccount) -> bool:
    """Access is barred although the row is on hold. Anything else waits until it is let go."""
    if not leases.note(site, row, keep_lease=True, phase="attention", observed_state="suspended"):
        raise leases.LeaseLost()
    return False


def _create(site: Site, row: SubAccount) -> None:
    if row.observed_state:
        raise NeedsPeople("missing", f"{row.remote_uid} was there before and is gone; its data may be lost")
    _reserve(site, row, row.hard_quota_bytes)
    site.storage.put_account(row.remote_uid, row.public_id, row.name, row.hard_quota_bytes)
    known = {"observed_state": "active", "in_force_bytes": row.allocated_bytes, "reason_code": ""}
    if not leases.note(site, row, keep_lease=True, phase="provisioning", **known):
        raise leases.LeaseLost()


def _put_quota(site: Site, row: SubAccount) -> None:
    """Decreases first: a raise needs room among the observed quotas and is noted before the call, a decrease after.

    What is a raise follows from what was noted, which is never below what the service holds."""
    wanted_bytes, noted_bytes = row.hard_quota_bytes, row.observed_quota_bytes
    raised = wanted_bytes is not None and noted_bytes is not None and wanted_bytes > noted_bytes
    _reserve(site, row, wanted_bytes) if raised else leases.hold(site, row)
    site.storage.put_quota(row.remote_uid, wanted_bytes)
    known = {"in_force_bytes": row.allocated_bytes, "enforce_next_at": site.clock.now(), "reason_code": ""}
    if not leases.note(site, row, keep_lease=True, observed_quota_bytes=wanted_bytes, **known):
        raise leases.LeaseLost()
    if not raised:
        _room_was_made(site, row)


def _room_was_made(site: Site, row: SubAccount) -> None:
    """What waits for capacity of the same contract is due at once."""
    waits = (SubAccount.phase == "waiting_capacity") | (SubAccount.reason_code == NO_ROOM)
    leases.make_due((SubAccount.contract == row.contract_id) & waits, site.clock.now())


def _reserve(site: Site, row: SubAccount, wanted_bytes: int | None) -> None:
    """Notes the quota that the service is about to hold, under the contract's lock; until it has answered, the greater
    of the old and the new one counts. Raises NoRoomYet when the observed quotas of the contract do not leave that much,
    LeaseLost as `leases.hold` does."""
    if wanted_bytes is None:
        leases.hold(site, row)
        return
    held_bytes = max(wanted_bytes, row.observed_quota_bytes or 0)
    with write_tx():
        contract = Contract.locked(row.contract_id)
        others = SubAccount.select(fn.COALESCE(fn.SUM(SubAccount.observed_quota_bytes), 0)).where(
            SubAccount.contract == contract, SubAccount.id != row.id
        )
        bounded = contract.kind == "reserved" and not contract.allow_overdraft
        if bounded and int(others.scalar()) + held_bytes > contract.reserved_bytes:
            raise NoRoomYet()
        leases.hold(site, row, observed_quota_bytes=held_bytes, enforce_next_at=site.clock.now())


def _settle(site: Site, row: SubAccount) -> None:
    if row.wanted_state == "deleted":
        purging.bury(site, row)
        _room_was_made(site, row)
        return
    phase = "suspended" if row.wanted_state == "suspended" else "ready"
    with write_tx():
        noted = leases.note(
            site,
            row,
            phase=phase,
            observed_state=row.wanted_state,
            observed_generation=row.generation,
            observed_quota_bytes=row.hard_quota_bytes,
            in_force_bytes=row.allocated_bytes,
            attempts=0,
            reason_code="",
            last_error="",
            deadline_at=None,
        )
        if noted and row.phase != phase:
            after = {"phase": phase, "allocated_bytes": row.allocated_bytes}
            record(
                site.act(), "sub_account.applied", row, partner=row.partner_id, before={"phase": row.phase}, after=after
            )


def _later(site: Site, row: SubAccount, code: str, text: str, retry_after_seconds: int | None) -> None:
    """Full jitter, so that a thousand waiting rows do not come back together."""
    if _overdue(site, row):
        _call_people(site, row, code, text)
        return
    attempts = row.attempts + 1
    longest = min(LONGEST_DELAY_SECONDS, 2 * 2 ** min(attempts, 10))
    delay = timedelta(seconds=retry_after_seconds or site.jitter(0, longest))
    retry_at = site.clock.now() + delay
    leases.note(site, row, reason_code=code, last_error=text[:500], attempts=attempts, next_attempt_at=retry_at)


def _wait_for_room(site: Site, row: SubAccount) -> None:
    """What was never set up stays in the phase that says so: only its reason tells that it waits."""
    if _overdue(site, row):
        _call_people(site, row, NO_ROOM, "the service has not let go of what other sub-accounts give up")
        return
    retry_at = site.clock.now() + CAPACITY_RETRY
    phase = "provisioning" if row.phase == "provisioning" else "waiting_capacity" if row.observed_state else "pending"
    leases.note(site, row, phase=phase, reason_code=NO_ROOM, next_attempt_at=retry_at)


def _overdue(site: Site, row: SubAccount) -> bool:
    return row.deadline_at is not None and site.clock.now() > row.deadline_at


def _call_people(site: Site, row: SubAccount, code: str, text: str) -> None:
    retry_at = site.clock.now() + ATTENTION_RETRY
    with write_tx():
        noted = leases.note(
            site,
            row,
            phase="attention",
            reason_code=code,
            last_error=text[:500],
            attempts=row.attempts + 1,
            next_attempt_at=retry_at,
        )
        if noted and row.phase != "attention":
            after = {"phase": "attention", "reason": code}
            record(
                site.act(), "sub_account.stuck", row, partner=row.partner_id, before={"phase": row.phase}, after=after
            )
