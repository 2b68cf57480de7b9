"""Findings of the comparison: opened, seen again, resolved. One is open per thing and kind."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from models.base import write_tx
from models.drift import Drift
from models.sub_account import Region, SubAccount
from services.audit import Act, record
from services.site import Site

BY_HAND = ("quota", "suspension", "key_state")  # what somebody changed on the service itself and the worker puts right
BY_HAND_WITHIN = timedelta(hours=24)
TOO_OFTEN = 3

log = logging.getLogger("portal.worker")


@dataclass(frozen=True)
class Difference:
    """What one look found. `there_bytes` is the service's quota (None: no limit). `harmless`: once an operator has said
    to leave it, it is left."""

    kind: str
    key_id: str = ""
    there_bytes: int | None = None
    wanted_bytes: int | None = None
    harmless: bool = False


def note(site: Site, uid: str, row: SubAccount | None, difference: Difference) -> Drift | None:
    """Opens a finding or notes that an open one was seen again. Call inside write_tx. None: an operator has settled
    this one, it is to be left alone."""
    now, kind, key_id = site.clock.now(), difference.kind, difference.key_id
    same = (Drift.region == site.region) & (Drift.remote_uid == uid) & (Drift.kind == kind) & (Drift.key_id == key_id)
    found = Drift.select().where(same).order_by(Drift.id.desc()).first()
    if found is not None and found.resolution == "settled" and difference.harmless:
        return None
    if found is not None and found.resolved_at is None:
        found.last_seen_at, found.seen_count = now, found.seen_count + 1
        found.save(only=["last_seen_at", "seen_count"])
        return found
    values = {"there_bytes": difference.there_bytes, "wanted_bytes": difference.wanted_bytes}
    found = Drift.create(
        region=site.region, remote_uid=uid, sub_account=row, kind=kind, key_id=key_id, first_seen_at=now,
        last_seen_at=now, **values,
    )  # fmt: skip
    log.error("drift on %s: %s %s %s", site.region.name, kind, uid, key_id)
    after = {"kind": kind, "remote_uid": uid, "key_id": key_id, **values}
    record(site.act(), "drift.found", found, partner=row.partner_id if row else None, after=after)
    return found


def acted(site: Site, finding: Drift, action: str, partner_id: int | None = None) -> None:
    """Notes, with its audit line, what the worker did about it by itself. Call inside write_tx."""
    finding.acted_at = site.clock.now()
    finding.save(only=["acted_at"])
    record(site.act(), action, finding, partner=partner_id, after={"remote_uid": finding.remote_uid})


def resolve(act: Act, finding: Drift, resolution: str, by: str = "worker", reason: str = "") -> None:
    """Ends an open finding; call inside write_tx. `resolution`: repaired, gone, settled."""
    finding.resolution, finding.resolved_by, finding.resolved_at = resolution, by, act.at
    finding.save(only=["resolution", "resolved_by", "resolved_at"])
    partner_id = finding.sub_account.partner_id if finding.sub_account else None
    record(act, "drift.resolved", finding, partner=partner_id, after={"resolution": resolution, "reason": reason})


def resolve_absent(site: Site, row: SubAccount, differences: Iterable[Difference]) -> None:
    """Ends what a fresh look at the sub-account no longer shows. A change by hand that the worker has put right since
    ends too: if it is seen again, it was made again. Call inside write_tx."""
    seen = {(difference.kind, difference.key_id) for difference in differences}
    for finding in Drift.select().where(Drift.sub_account == row, Drift.resolved_at.is_null()):
        put_right = finding.kind in BY_HAND and finding.acted_at is not None
        if put_right or (finding.kind, finding.key_id) not in seen:
            resolve(site.act(), finding, "repaired" if put_right else "gone")


def too_often(row: SubAccount, now: datetime) -> bool:
    """Somebody changes this sub-account by hand again and again: putting it right once more would be a fight."""
    recent = Drift.select().where(
        Drift.sub_account == row, Drift.kind.in_(BY_HAND), Drift.first_seen_at > now - BY_HAND_WITHIN
    )
    return recent.count() >= TOO_OFTEN


def count_scan(region: Region, started_at: datetime) -> None:
    """A comparison was complete: every open finding that it saw has stood through one more."""
    seen = (Drift.region == region) & Drift.resolved_at.is_null() & (Drift.last_seen_at >= started_at)
    with write_tx():
        Drift.update(complete_scans=Drift.complete_scans + 1).where(seen).execute()
