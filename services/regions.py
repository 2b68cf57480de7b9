"""How each storage service is doing, as its worker saw it. Pages read these rows and never the service."""

import logging
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta

from models.base import write_tx
from models.sub_account import Region, SubAccount
from services import leases
from services.storage.address import Backend
from services.storage.contract import Capabilities, Storage

BREAK_AFTER_FAILURES = 5
REST = timedelta(seconds=30)
HEARTBEAT = timedelta(seconds=10)
TENDED = timedelta(seconds=30)
UNAVAILABLE = "unavailable"  # the reason code of sub-accounts that wait for the service itself

log = logging.getLogger("portal.worker")


def enrol(backends: Sequence[Backend], at: datetime) -> list[str]:
    """Brings the rows to what is configured and says, in one line each, which are new, back or gone. One that is gone
    keeps its row and its sub-accounts: nobody looks after them until it is back. A region is never renamed."""
    lines = []
    with write_tx():
        for backend in backends:
            region, made = Region.get_or_create(name=backend.name)
            if made or region.removed_at is not None:
                lines.append(f"region {backend.name} at {backend.address.endpoint}")
            region.removed_at, region.closed = None, backend.closed
            region.display_name, region.place = backend.display_name, backend.place
            region.iam_url, region.sts_url = backend.iam_url, backend.sts_url
            names = ("removed_at", "closed", "display_name", "place", "iam_url", "sts_url")
            address = backend.address
            _save(region, *names, *_told(region, address.endpoint, address.region, address.capabilities))
        gone = Region.name.not_in([backend.name for backend in backends])
        for region in Region.select().where(gone, Region.removed_at.is_null()).order_by(Region.name):
            region.removed_at = at
            _save(region, "removed_at")
            lines.append(f"region {region.name} is configured no more")
    return lines


def describe(name: str, storage: Storage) -> Region:
    """The region's row, brought to what the storage says of itself."""
    with write_tx():
        region, _made = Region.get_or_create(name=name)
        _save(region, *_told(region, storage.endpoint, storage.region, storage.capabilities))
    return region


def _told(region: Region, endpoint: str, s3_region: str, can: Capabilities) -> tuple[str, ...]:
    """Puts these into the row; returns the names of the columns."""
    region.endpoint, region.s3_region = endpoint, s3_region
    region.hard_quota, region.quota_delay_seconds = can.hard_quota, can.quota_delay_seconds
    region.keys_return = can.key_inactive or (can.key_import and can.key_secret)
    region.tells_last_use = can.last_used
    region.capabilities = asdict(can)
    own = ("endpoint", "s3_region", "hard_quota", "quota_delay_seconds", "keys_return", "tells_last_use")
    return (*own, "capabilities")


def resting(region: Region, now: datetime) -> bool:
    """The circuit breaker is open: the service failed several times running and is left alone for a while."""
    return region.retry_at is not None and region.retry_at > now


def note_answer(region: Region, now: datetime) -> None:
    """The service answered. After a failure of some length, what waits for it is due at once instead of at its own
    time, which may be an hour away."""
    if region.failures == 0 and region.last_ok_at is not None and now - region.last_ok_at < HEARTBEAT:
        return
    was_away = region.failures >= BREAK_AFTER_FAILURES
    if region.failures:
        log.info("storage %s answers again", region.name)
    region.failures, region.failing_since_at, region.retry_at, region.last_ok_at = 0, None, None, now
    with write_tx():
        _save(region, "failures", "failing_since_at", "retry_at", "last_ok_at")
        if was_away:
            leases.make_due((SubAccount.region == region) & (SubAccount.reason_code == UNAVAILABLE), now)


def note_failure(region: Region, now: datetime, text: str) -> None:
    """The service did not answer. After BREAK_AFTER_FAILURES running it is left alone for REST, then probed once."""
    region.failures += 1
    region.failing_since_at = region.failing_since_at or now
    region.last_error = text[:500]
    if region.failures >= BREAK_AFTER_FAILURES:
        region.retry_at = now + REST
    log.warning("storage %s: %s", region.name, text)
    _save(region, "failures", "failing_since_at", "last_error", "retry_at")


def note_enforced(region: Region, now: datetime) -> None:
    """The loop that holds quotas went round; when this time grows old, there is no quota (storage.md)."""
    if region.enforced_at is None or now - region.enforced_at >= timedelta(seconds=5):
        region.enforced_at = now
        _save(region, "enforced_at")


def note_tended(region: Region, now: datetime) -> None:
    """A worker looks after it; when this time grows old, nobody does."""
    if region.tended_at is None or now - region.tended_at >= TENDED:
        region.tended_at = now
        _save(region, "tended_at")


def _save(region: Region, *names: str) -> None:
    with write_tx():
        region.save(only=list(names))
