"""Holds quotas where the storage service does not do it at once: counts accounts near their limit and switches writing.

How often an account is counted follows from how soon it could be full: nobody is taken to write faster than
FASTEST_BYTES_PER_SECOND, so an account with 60 GB of room is looked at once a minute and a full one each second.
"""

from datetime import datetime, timedelta

from models.base import write_tx
from models.sub_account import SubAccount
from services import regions, usage
from services.audit import record
from services.provisioning import Site
from services.storage.contract import Enforcement, StorageAbsent, StorageError

FASTEST_BYTES_PER_SECOND = 10**9
SHORTEST = timedelta(seconds=1)
LONGEST = timedelta(minutes=5)
BATCH = 200


def enforce_due(site: Site) -> int:
    """One round over the accounts whose count is due; returns how many were counted."""
    now = site.clock.now()
    if site.storage.capabilities.hard_quota != "delayed" or regions.resting(site.region, now):
        return 0
    due = SubAccount.enforce_next_at <= now
    query = (
        SubAccount.select()
        .where(SubAccount.region == site.region, due)
        .order_by(SubAccount.enforce_next_at)
        .limit(BATCH)
    )
    counted, changed = 0, set()
    for row in query:
        try:
            if _keep(site, row, site.storage.enforce(row.remote_uid)):
                changed.add(row.contract_id)
            counted += 1
        except StorageAbsent:
            _plan(row, site.clock.now() + LONGEST)
        except StorageError as failure:
            regions.note_failure(site.region, site.clock.now(), str(failure))
            return counted
    for contract_id in changed:
        usage.sum_up(contract_id)
    regions.note_enforced(site.region, now)
    return counted


def _keep(site: Site, row: SubAccount, found: Enforcement) -> bool:
    """Notes the count; True when the use is another than before."""
    now = site.clock.now()
    values: dict = {"enforced_at": now, "enforce_next_at": next_round(found, now), "writable": found.writable}
    if found.used_bytes is not None:
        values |= {"used_bytes": found.used_bytes, "measured_at": now}
    with write_tx():
        SubAccount.update(**values).where(SubAccount.id == row.id).execute()
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


def _plan(row: SubAccount, at: datetime) -> None:
    with write_tx():
        SubAccount.update(enforce_next_at=at).where(SubAccount.id == row.id).execute()
