"""What is wrong with a region as a whole, since when: for the operators' queue and their storage page."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from peewee import SQL, fn

from models.sub_account import Region, SubAccount
from services.allocation_ledger import APPLY_WITHIN
from services.leases import OPEN_WORK

ABANDONED_AFTER = timedelta(minutes=2)
PENDING_LONG_AFTER = timedelta(minutes=5)
SCAN_OLD_AFTER = timedelta(hours=1)
LIVING = SQL("(phase <> 'deleted')")  # word for word as in the index sub_account_region_idx


@dataclass(frozen=True)
class Alarm:
    """`kind`: abandoned (no worker looks after the region), pending (the oldest change waits for long), unscanned (the
    comparison with the service is old)."""

    region: Region
    kind: Literal["abandoned", "pending", "unscanned"]
    since_at: datetime


def alarms(at: datetime) -> list[Alarm]:
    """Of all regions; each may have several."""
    return [alarm for region in Region.select().order_by(Region.name) for alarm in alarms_of(region, at)]


def alarms_of(region: Region, at: datetime) -> list[Alarm]:
    """A region that nobody looks after has this alarm alone: the others follow from it."""
    first_at = _lived_in_since(region)
    if region.removed_at is not None and first_at is None:
        return []
    tended_at = region.tended_at or region.removed_at or region.last_ok_at or first_at
    if tended_at is not None and at - tended_at > ABANDONED_AFTER:
        return [Alarm(region, "abandoned", tended_at)]
    found = []
    oldest_at = _pending_since(region, at)
    if oldest_at is not None and at - oldest_at > PENDING_LONG_AFTER:
        found.append(Alarm(region, "pending", oldest_at))
    scanned_at = region.scanned_at or first_at
    if scanned_at is not None and at - scanned_at > SCAN_OLD_AFTER:
        found.append(Alarm(region, "unscanned", scanned_at))
    return found


def _lived_in_since(region: Region) -> datetime | None:
    here = SubAccount.select(fn.MIN(SubAccount.created_at))
    return here.where(SubAccount.region == region, LIVING).scalar()


def _pending_since(region: Region, at: datetime) -> datetime | None:
    """When the oldest change was made that is still the worker's: what is overdue, stuck or on hold stands in the queue
    by itself, and deletions take their time."""
    by_itself = SubAccount.phase.in_(("attention", "deleting", "deleted"))
    mine = OPEN_WORK & ~by_itself & SubAccount.paused_at.is_null() & (SubAccount.deadline_at >= at)
    deadline_at = SubAccount.select(fn.MIN(SubAccount.deadline_at)).where(SubAccount.region == region, mine).scalar()
    return deadline_at and deadline_at - APPLY_WITHIN
