"""The storage service follows the database (provisioning.md): lease a row, read the remote state, make one call, note it.

Nothing here trusts an earlier look: each step reads the service anew, and each call is absolute, so that a killed worker
or two workers at once do no harm.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from peewee import fn

from models.base import skip_locked, write_tx
from models.contract import Contract
from models.sub_account import SETTLED_PHASES, Region, SubAccount
from services import key_making, regions
from services.audit import Act, record
from services.clock import Clock
from services.secret import Vault
from services.storage.contract import RemoteAccount, Storage, StorageConflict, StorageRefused, StorageUnavailable

LEASE = timedelta(seconds=120)
ATTENTION_RETRY = timedelta(hours=1)
CAPACITY_RETRY = timedelta(seconds=1)
LONGEST_DELAY_SECONDS = 300


@dataclass
class Site:
    """One region as the worker sees it: its row, its storage, and what the worker needs beside."""

    region: Region
    storage: Storage
    vault: Vault
    clock: Clock
    owner: str
    jitter: Callable[[float, float], float] = field(default=random.SystemRandom().uniform)

    def act(self) -> Act:
        return Act(at=self.clock.now(), actor_name="worker", source="worker")


class NeedsPeople(Exception):
    """The worker must not go on by itself; `code` says why (the queue of the operators shows it)."""

    def __init__(self, code: str, text: str):
        super().__init__(text)
        self.code = code


class NoRoomYet(Exception):
    """An increase waits until the service has let go of what another sub-account gives up (capacity rule 6)."""


def provision_next(site: Site) -> bool:
    """Takes one due sub-account of the region one step on. False: nothing was due or the region is resting."""
    if regions.resting(site.region, site.clock.now()):
        return False
    row = _lease(site)
    if row is None:
        return False
    try:
        settled = _step(site, row)
    except StorageUnavailable as failure:
        regions.note_failure(site.region, site.clock.now(), str(failure))
        _later(site, row, "unavailable", str(failure), failure.retry_after_seconds)
    except NoRoomYet:
        _note(site, row, phase="waiting_capacity", next_attempt_at=site.clock.now() + CAPACITY_RETRY)
    except NeedsPeople as need:
        _call_people(site, row, need.code, str(need))
    except StorageConflict as conflict:
        _call_people(site, row, "conflict", str(conflict))
    except StorageRefused as refusal:
        _call_people(site, row, "refused", str(refusal))
    else:
        regions.note_answer(site.region, site.clock.now())
        _settle(site, row) if settled else _note(site, row, attempts=0, next_attempt_at=site.clock.now())
    return True


def _lease(site: Site) -> SubAccount | None:
    now = site.clock.now()
    open_work = SubAccount.phase.not_in(SETTLED_PHASES) | (SubAccount.observed_generation != SubAccount.generation)
    free = SubAccount.lease_until_at.is_null() | (SubAccount.lease_until_at < now)
    due = open_work & free & (SubAccount.next_attempt_at <= now) & (SubAccount.region == site.region)
    with write_tx():
        row = skip_locked(
            SubAccount.select().where(due).order_by(SubAccount.next_attempt_at, SubAccount.id).limit(1)
        ).first()
        if row is None:
            return None
        row.lease_owner, row.lease_until_at = site.owner, now + LEASE
        row.save(only=["lease_owner", "lease_until_at"])
    return row


def _step(site: Site, row: SubAccount) -> bool:
    """Makes the next single call; True when the service already stands as wanted."""
    remote = site.storage.read_account(row.remote_uid)
    if remote is None:
        _create(site, row)
        return False
    if remote.marker != row.public_id:
        raise NeedsPeople("stranger", f"another account stands under {row.remote_uid}")
    suspended = row.wanted_state == "suspended"
    if remote.suspended != suspended:
        site.storage.put_suspended(row.remote_uid, suspended)
        return False
    if remote.quota_bytes != row.hard_quota_bytes:
        _put_quota(site, row, remote)
        return False
    if row.main_bucket not in remote.buckets:
        site.storage.put_bucket(row.remote_uid, row.main_bucket)
        return False
    return not key_making.make_next(site.storage, site.vault, site.act(), row, remote)


def _create(site: Site, row: SubAccount) -> None:
    if row.observed_state:
        raise NeedsPeople("missing", f"{row.remote_uid} was there before and is gone; its data may be lost")
    _reserve(site, row, row.hard_quota_bytes)
    site.storage.put_account(row.remote_uid, row.public_id, row.name, row.hard_quota_bytes)
    _note(site, row, keep_lease=True, phase="provisioning", observed_state="active", in_force_bytes=row.allocated_bytes)


def _put_quota(site: Site, row: SubAccount, remote: RemoteAccount) -> None:
    """Decreases first: a raise needs room among the observed quotas and is noted before the call, a decrease after it."""
    wanted_bytes = row.hard_quota_bytes
    raised = wanted_bytes is not None and remote.quota_bytes is not None and wanted_bytes > remote.quota_bytes
    if raised:
        _reserve(site, row, wanted_bytes)
    site.storage.put_quota(row.remote_uid, wanted_bytes)
    now = site.clock.now()
    _note(
        site,
        row,
        keep_lease=True,
        observed_quota_bytes=wanted_bytes,
        in_force_bytes=row.allocated_bytes,
        enforce_next_at=now,
    )


def _reserve(site: Site, row: SubAccount, wanted_bytes: int | None) -> None:
    """Notes the quota that the service is about to hold, under the contract's lock. Raises NoRoomYet when the observed
    quotas of the contract do not leave that much."""
    if wanted_bytes is None:
        return
    with write_tx():
        contract = Contract.locked(row.contract_id)
        others = SubAccount.select(fn.COALESCE(fn.SUM(SubAccount.observed_quota_bytes), 0)).where(
            SubAccount.contract == contract, SubAccount.id != row.id
        )
        bounded = contract.kind == "reserved" and not contract.allow_overdraft
        if bounded and int(others.scalar()) + wanted_bytes > contract.reserved_bytes:
            raise NoRoomYet()
        SubAccount.update(observed_quota_bytes=wanted_bytes, enforce_next_at=site.clock.now()).where(
            SubAccount.id == row.id
        ).execute()


def _note(site: Site, row: SubAccount, *, keep_lease: bool = False, **values: object) -> bool:
    """Writes an observation if this worker still holds the lease and nobody changed the wish meanwhile. With a newer wish
    the row is only released: the next step starts from what the service then says."""
    now = site.clock.now()
    release = {} if keep_lease else {"lease_owner": "", "lease_until_at": None}
    mine = (SubAccount.id == row.id) & (SubAccount.lease_owner == site.owner)
    with write_tx():
        same = mine & (SubAccount.generation == row.generation)
        if SubAccount.update(observed_at=now, **values, **release).where(same).execute():
            return True
        SubAccount.update(lease_owner="", lease_until_at=None, next_attempt_at=now).where(mine).execute()
    return False


def _settle(site: Site, row: SubAccount) -> None:
    phase = "suspended" if row.wanted_state == "suspended" else "ready"
    with write_tx():
        noted = _note(
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
    now, attempts = site.clock.now(), row.attempts + 1
    overdue = row.deadline_at is not None and now > row.deadline_at
    longest = min(LONGEST_DELAY_SECONDS, 2 * 2 ** min(attempts, 10))
    delay = timedelta(seconds=retry_after_seconds or site.jitter(0, longest))
    _note(
        site,
        row,
        phase="attention" if overdue else row.phase,
        reason_code=code,
        last_error=text[:500],
        attempts=attempts,
        next_attempt_at=now + delay,
    )


def _call_people(site: Site, row: SubAccount, code: str, text: str) -> None:
    retry_at = site.clock.now() + ATTENTION_RETRY
    with write_tx():
        noted = _note(
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
