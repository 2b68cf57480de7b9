"""Holds quotas where the storage service does not do it at once: counts accounts near their limit and switches writing.

How often an account is counted follows from how soon it could be full: nobody is taken to write faster than
FASTEST_BYTES_PER_SECOND, so an account with 60 GB of room is looked at once a minute and a full one each second.
"""

import logging
from datetime import datetime, timedelta

from models.base import write_tx
from models.sub_account import SubAccount
from services import regions, usage_keeping
from services.audit import record
from services.site import Site
from services.storage.contract import Enforcement, StorageAbsent, StorageError, StorageUnavailable

FASTEST_BYTES_PER_SECOND = 10**9
SHORTEST = timedelta(seconds=1)
LONGEST = timedelta(minutes=5)
REFUSED = timedelta(seconds=30)
BATCH = 200

log = logging.getLogger("portal.worker")


def enforce_due(site: Site) -> int:
    """One round over the accounts whose count is due; returns how many were counted."""
    now = site.clock.now()
    if site.storage.capabilities.hard_quota != "delayed" or regions.resting(site.region, now):
        return 0
    due = SubAccount.enforce_next_at <= now
    query = (
        SubAccount.select()
        .where(SubAccount.region == site.region, due)
        .order_by(SubAccount.enforce_next_at, SubAccount.id)
        .limit(BATCH)
    )
    counted, changed = 0, set()
    for row in query:
        try:
            found = site.storage.enforce(row.remote_uid)
        except StorageUnavailable as failure:
            regions.note_failure(site.region, site.clock.now(), str(failure))
            _plan(row, site.clock.now() + SHORTEST)
            if regions.resting(site.region, now):
                return counted
        except StorageAbsent:
            _plan(row, site.clock.now() + LONGEST)
        except StorageError as failure:
            log.warning("the quota of %s is not held: %s", row.remote_uid, failure)
            _plan(row, site.clock.now() + REFUSED)
        else:
            regions.note_answer(site.region, site.clock.now())
            if _keep(site, row, found):
                changed.add(row.contract_id)
            counted += 1
    for contract_id in changed:
        usage_keeping.sum_up(contract_id)
    regions.note_enforced(site.region, now)
    return counted


def _keep(site: Site, row: SubAccount, found: Enforcement) -> bool:
    """Notes the count; True when the use is another than before."""
    now = site.clock.now()
    values: dict = {"enforced_at": now, "writable": found.writable}
    if found.used_bytes is not None:
        values |= {"used_bytes": found.used_bytes, "measured_at": now}
    with write_tx():
        there = SubAccount.observed_state != "deleted"  # meanwhile
        if not SubAccount.update(**values).where(SubAccount.id == row.id, there).execute():
            return False
        _plan(row, next_round(found, now))
        if found.writable != row.writable:
            after = {"writable": found.writable, "used_bytes": found.used_bytes, "quota_bytes": found.quota_bytes}
            record(site.act(), "sub_account.writing_switched", row, partner=row.partner_id, after=after)
    return found.used_bytes not in (None, row.used_bytes)


def next_round(found: Enforcement, now: datetime) -> datetime | None:
    """When the account must be counted again; None where it has no hard quota."""
    if found.quota_bytes is None:
        return None
    room_bytes = max(0, found.quota_bytes - (found.used_bytes or 0))
    seconds = room_bytes // FASTEST_BYTES_PER_SECOND
    return now + min(LONGEST, max(SHORTEST, timedelta(seconds=seconds)))


def _plan(row: SubAccount, at: datetime | None) -> None:
    """Unless a quota was changed while this one was counted: then the account is due at once and stays so."""
    with write_tx():
        as_read = SubAccount.enforce_next_at == row.enforce_next_at
        SubAccount.update(enforce_next_at=at).where(SubAccount.id == row.id, as_read).execute()
