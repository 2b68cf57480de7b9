"""Who works on a sub-account: at most one worker at a time, and only the one who does writes what it saw.

A worker that was stopped for longer than its lease (a frozen machine, a paused container) comes back with an old wish
in its hand. It finds out before it calls the storage service (`hold`) and before it writes (`note`).
"""

from datetime import datetime, timedelta
from typing import Any

from peewee import SQL, chunked

from models.base import locked, skip_locked, write_tx
from models.sub_account import SubAccount
from services import features
from services.allocation_ledger import APPLY_WITHIN
from services.site import Site

# As literals and word for word as in the index sub_account_due_idx, else no engine finds the few open rows by it.
OPEN_WORK = SQL("(phase NOT IN ('ready', 'suspended', 'deleted') OR observed_generation <> generation)")
LEASE = timedelta(seconds=120)
BATCH = 1000


class LeaseLost(Exception):
    """Another worker has the row now, or its wish changed: what was read is old, and nothing may be done by it."""


def take(site: Site) -> SubAccount | None:
    """Leases the sub-account of the region that has been due for longest; None when nothing is due.

    What is on hold is not due until it is let go, nor is what belongs to a partner for whom this work is switched off
    (T5); only that its access is barred, and that its data can be fetched after the end of its contract (T19), do not
    wait for that."""
    now = site.clock.now()
    free = SubAccount.lease_until_at.is_null() | (SubAccount.lease_until_at < now)
    to_be_barred = (SubAccount.wanted_state == "suspended") & (SubAccount.observed_state == "active")
    to_be_read = SubAccount.read_only & (SubAccount.wanted_state == "active") & (SubAccount.observed_state != "")
    switched_on = features.open_to("provisioning", SubAccount.partner, now)
    goes_on = SubAccount.paused_at.is_null() & (switched_on | to_be_read)
    waits = (goes_on | to_be_barred) & (SubAccount.next_attempt_at <= now)
    due = OPEN_WORK & free & waits & (SubAccount.region == site.region)
    with write_tx():
        row = skip_locked(
            SubAccount.select().where(due).order_by(SubAccount.next_attempt_at, SubAccount.id).limit(1)
        ).first()
        if row is None:
            return None
        row.lease_owner, row.lease_until_at = site.owner, now + LEASE
        row.save(only=["lease_owner", "lease_until_at"])
    return row


def hold(site: Site, row: SubAccount, **values: object) -> None:
    """Renews the lease, right before a call that an old wish would make wrong, and writes `values` with it.

    Raises LeaseLost when another worker took the row or the wish is another one.
    """
    until_at = site.clock.now() + LEASE
    with write_tx():
        update = SubAccount.update(lease_until_at=until_at, **values)
        if not update.where(*_mine(site, row), _unchanged(row)).execute():
            raise LeaseLost()


def note(site: Site, row: SubAccount, *, keep_lease: bool = False, **values: object) -> bool:
    """Writes an observation if this worker still holds the lease and nobody changed the wish meanwhile.

    With a newer wish the row is only released: the next step starts from what the service then says. If another worker
    has taken the row, this one's call came late and may have undone something: then the row is looked at once more.
    """
    now = site.clock.now()
    free = {} if keep_lease else {"lease_owner": "", "lease_until_at": None}
    with write_tx():
        update = SubAccount.update(observed_at=now, **values, **free)
        if update.where(*_mine(site, row), _unchanged(row)).execute():
            return True
        if not release(site, row):
            _look_again(row, now)
    return False


def _look_again(row: SubAccount, now: datetime) -> None:
    """Due at once, and by a time of its own where the row had settled: without one nobody would notice if it were never
    done."""
    own = SubAccount.id == row.id
    SubAccount.update(generation=SubAccount.generation + 1, next_attempt_at=now).where(own).execute()
    SubAccount.update(deadline_at=now + APPLY_WITHIN).where(own, SubAccount.deadline_at.is_null()).execute()


def release(site: Site, row: SubAccount) -> bool:
    """Gives the row back, due at once, if it is still this worker's."""
    with write_tx():
        update = SubAccount.update(lease_owner="", lease_until_at=None, next_attempt_at=site.clock.now())
        return bool(update.where(*_mine(site, row)).execute())


def _mine(site: Site, row: SubAccount) -> tuple:
    return SubAccount.id == row.id, SubAccount.lease_owner == site.owner


def _unchanged(row: SubAccount):
    return SubAccount.generation == row.generation


def make_due(which, at: datetime) -> None:
    """What matches and would be tried later only is due at once. The rows are locked in the order of their ids, as
    everybody locks several sub-accounts: an update of many by itself locks them in any order."""
    query: Any = SubAccount.select(SubAccount.id).where(which, SubAccount.next_attempt_at > at).order_by(SubAccount.id)
    with write_tx():
        ids = [row_id for (row_id,) in locked(query).tuples()]
        for some in chunked(ids, BATCH):
            SubAccount.update(next_attempt_at=at).where(SubAccount.id.in_(some)).execute()
