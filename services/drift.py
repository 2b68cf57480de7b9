"""The regular comparison of a storage service with what the portal wants there (provisioning.md, drift).

The whole list of accounts is read first, or nothing at all; then each sub-account is read by itself, a few a round.
Whatever was changed by the portal itself a moment ago is passed over: a service may answer with what stood before.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from models.base import DATABASE_AWAY, write_tx
from models.sub_account import Region, SubAccount
from services import drift_accounts, drift_findings, regions, remote_names
from services.settings import Settings
from services.site import Site
from services.storage.contract import StorageError, StorageUnavailable

EVERY = timedelta(minutes=15)
AGAIN_AFTER_FAILURE = timedelta(minutes=1)
STILL = timedelta(minutes=1)  # how long a sub-account must have stood unchanged to be compared
BATCH = 20
MANY = 10

log = logging.getLogger("portal.worker")


@dataclass
class Comparison:
    """One that is under way. `there`: every uid on the service at `started_at` that this or another portal has made."""

    there: frozenset[str]
    started_at: datetime
    last_id: int = 0

    @property
    def still_since_at(self) -> datetime:
        return self.started_at - STILL


def look(site: Site, settings: Settings) -> bool:
    """Begins the comparison of the region when it is due, or goes a few sub-accounts on; True while there is more.

    Any failure ends it without a conclusion about what was not read, and it begins anew after a minute; after an answer
    that nobody foresaw, at its next time."""
    if regions.resting(site.region, site.clock.now()):
        return False
    try:
        if site.comparison is None:
            site.comparison = _begin(site)
        return site.comparison is not None and _go_on(site, settings, site.comparison)
    except StorageError as failure:
        if isinstance(failure, StorageUnavailable):
            regions.note_failure(site.region, site.clock.now(), str(failure))
        _give_up(site, str(failure))
        return False
    except DATABASE_AWAY:
        raise
    except Exception as fault:  # one account that ends the worker would end it again and again, for all regions
        log.exception("the comparison with %s cannot go on", site.region.name)
        _give_up(site, f"{type(fault).__name__}: the worker's log says where", EVERY)
        return False


def _begin(site: Site) -> Comparison | None:
    """The whole list, if it is this worker's turn: several may look after one region."""
    now = site.clock.now()
    due = Region.scan_next_at.is_null() | (Region.scan_next_at <= now)
    with write_tx():
        if not Region.update(scan_next_at=now + EVERY).where(Region.id == site.region.id, due).execute():
            return None
    found = Comparison(frozenset(site.storage.list_accounts(remote_names.PREFIX)), now)
    regions.note_answer(site.region, site.clock.now())
    if _is_another_service(site, found):
        _give_up(site, "the service lacks more than half of the accounts: see whether it is the right one")
        return None
    return found


def _is_another_service(site: Site, comparison: Comparison) -> bool:
    """So many accounts do not go by themselves: the address may be wrong, or the service may just be starting."""
    ours = SubAccount.select(SubAccount.remote_uid).where(drift_accounts.still(site.region, comparison.still_since_at))
    total = missing = 0
    for row in ours.iterator():
        total += 1
        missing += row.remote_uid not in comparison.there
    return missing >= MANY and missing * 2 > total


def _go_on(site: Site, settings: Settings, comparison: Comparison) -> bool:
    standing = drift_accounts.still(site.region, comparison.still_since_at)
    rows = list(
        SubAccount.select().where(standing, SubAccount.id > comparison.last_id).order_by(SubAccount.id).limit(BATCH)
    )
    for row in rows:
        drift_accounts.compare(site, settings, row, row.remote_uid in comparison.there)
        comparison.last_id = row.id
    if len(rows) == BATCH:
        return True
    _complete(site, comparison)
    return False


def _complete(site: Site, comparison: Comparison) -> None:
    """Only now is anything said about accounts that belong to nothing: the list was whole and all else was read."""
    site.comparison = None
    drift_accounts.quarantine(site, comparison.there, comparison.started_at)
    drift_findings.count_scan(site.region, comparison.started_at)
    region = site.region
    region.scanned_at, region.scan_error = comparison.started_at, ""
    with write_tx():
        region.save(only=["scanned_at", "scan_error"])


def _give_up(site: Site, text: str, rest: timedelta = AGAIN_AFTER_FAILURE) -> None:
    site.comparison = None
    log.warning("the comparison with %s is not complete: %s", site.region.name, text)
    site.region.scan_error, site.region.scan_next_at = text[:500], site.clock.now() + rest
    with write_tx():
        site.region.save(only=["scan_error", "scan_next_at"])
