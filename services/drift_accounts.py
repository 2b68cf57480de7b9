"""What the comparison finds at one account, and what the worker does about it by itself (provisioning.md, drift)."""

from datetime import datetime, timedelta

from models.base import locked, write_tx
from models.deletion import Deletion
from models.drift import Drift
from models.sub_account import AccessKey, Region, SubAccount
from services import drift_findings as findings
from services import key_switching, remote_names, restored
from services.allocation_ledger import APPLY_WITHIN
from services.audit import record
from services.drift_findings import BY_HAND, Difference
from services.provisioning_desk import phase_of_wish
from services.settings import Settings
from services.site import Site
from services.storage.contract import RemoteAccount, StorageAbsent

QUARANTINE = timedelta(hours=24)
QUARANTINE_SCANS = 2
PAGE = 500


def still(region: Region, since_at: datetime):
    """Sub-accounts of the region that stand as wanted, and did before `since_at`: those can be compared."""
    settled = SubAccount.phase.in_(("ready", "suspended")) & (SubAccount.observed_generation == SubAccount.generation)
    return settled & (SubAccount.region == region) & (SubAccount.observed_at <= since_at)


def compare(site: Site, settings: Settings, row: SubAccount, listed: bool) -> None:
    """Reads one account and draws the conclusions. Raises StorageError when the service does not answer.

    An account is missing only when both the whole list and its own answer say so."""
    remote = site.storage.read_account(row.remote_uid)
    if remote is None and listed:
        return
    with write_tx():
        now = locked(SubAccount.select().where(SubAccount.id == row.id)).get()
        if not now.settled or (now.generation, now.observed_at) != (row.generation, row.observed_at):
            return
        found = _differences(now, remote)
        findings.resolve_absent(site, now, found)
        noted = [(difference, findings.note(site, now.remote_uid, now, difference)) for difference in found]
        seen = [(difference, finding) for difference, finding in noted if finding is not None]
        _act(site, settings, now, seen)
    if remote is not None:
        _switch_off(site, now, remote)


def _differences(row: SubAccount, remote: RemoteAccount | None) -> list[Difference]:
    if remote is None:
        return [Difference("missing")]
    if remote.marker != row.public_id:
        return [Difference("stranger")]
    found = []
    if remote.quota_bytes != row.hard_quota_bytes:
        found.append(Difference("quota", "", remote.quota_bytes, row.hard_quota_bytes))
    if remote.suspended != (row.wanted_state == "suspended"):
        found.append(Difference("suspension"))
    there = {key.id: key.active for key in remote.keys}
    for key in AccessKey.select().where(AccessKey.sub_account == row, AccessKey.access_key_id.is_null(False)):
        if key.phase == "deleted":
            continue  # what stands there under its id is nobody's
        active = there.pop(str(key.access_key_id), None)
        if active is None and key.wanted == "active":
            found.append(Difference("key_missing", str(key.access_key_id)))
        elif active is not None and key.phase in ("live", "inactive") and active != (key.wanted == "active"):
            found.append(Difference("key_state", str(key.access_key_id)))
    unknown = [Difference("unknown_key", key_id, harmless=not active) for key_id, active in sorted(there.items())]
    return found + unknown


def _act(site: Site, settings: Settings, row: SubAccount, seen: list[tuple[Difference, Drift]]) -> None:
    kinds = {difference.kind for difference, _finding in seen}
    if people := kinds & {"missing", "stranger"}:
        _call_people(site, row, people.pop(), pause=False)
        return
    if restored.on():
        if restored.differs_by_decision(row, kinds):
            _call_people(site, row, restored.CODE, pause=True)
            return
    else:
        _mark_keys(site, settings, row, {difference.key_id: at for difference, at in seen if at.kind == "key_missing"})
    by_hand = [(difference, finding) for difference, finding in seen if difference.kind in BY_HAND]
    if not by_hand:
        return
    if findings.too_often(row, site.clock.now()):
        _call_people(site, row, "edited", pause=True)
        return
    _put_right(site, row, by_hand)


def _call_people(site: Site, row: SubAccount, code: str, *, pause: bool) -> None:
    """The operators' list. With `pause` the worker does not put it right by itself in an hour either."""
    before, now = row.phase, site.clock.now()
    row.phase, row.reason_code, row.attempts, row.next_attempt_at = "attention", code, 0, now + APPLY_WITHIN
    row.paused_at = now if pause else row.paused_at
    row.last_error = ""
    row.save(only=["phase", "reason_code", "attempts", "next_attempt_at", "paused_at", "last_error"])
    after = {"phase": "attention", "reason": code}
    record(site.act(), "sub_account.stuck", row, partner=row.partner_id, before={"phase": before}, after=after)


def _put_right(site: Site, row: SubAccount, by_hand: list[tuple[Difference, Drift]]) -> None:
    """By a new round of the ordinary work: decreases first, and only by whoever holds the lease. What the service was
    found to hold counts from now on, so that nothing else is raised into the same room."""
    now = site.clock.now()
    for difference, finding in by_hand:
        if difference.there_bytes is not None and row.observed_quota_bytes is not None:
            row.observed_quota_bytes = max(row.observed_quota_bytes, difference.there_bytes)
        findings.acted(site, finding, "drift.repair_begun", row.partner_id)
    row.generation += 1
    row.phase = phase_of_wish(row)
    row.attempts, row.next_attempt_at, row.deadline_at = 0, now, now + APPLY_WITHIN
    row.save(
        only=["observed_quota_bytes", "generation", "phase", "attempts", "next_attempt_at", "deadline_at"],
    )


def _mark_keys(site: Site, settings: Settings, row: SubAccount, lost: dict[str, Drift]) -> None:
    """A key that is gone there cannot be made again: the partner is told to replace it. It is not sent anew even where
    a copy is kept, for whoever removed it may have had a reason. One that is back is live again."""
    for key in AccessKey.select().where(AccessKey.sub_account == row, AccessKey.access_key_id.is_null(False)):
        before, finding = key.phase, lost.get(str(key.access_key_id))
        if finding is not None and key.phase == "live":
            key_switching.note_gone(site.act(), settings, row, key)
            findings.acted(site, finding, "drift.key_marked", row.partner_id)
        elif finding is None and key.phase == "attention" and key.wanted == "active":
            key.phase = "live"
            key.save(only=["phase"])
            after = {"phase": "live"}
            record(site.act(), "access_key.applied", key, partner=row.partner_id, before={"phase": before}, after=after)


def _switch_off(site: Site, row: SubAccount, remote: RemoteAccount) -> None:
    """Keys on our account that nobody made here, at once: somebody may be reading the customer's data with them. Read
    from what is written down, so that a worker that died in between goes on here."""
    if restored.on():
        return  # it may have been made after the backup, and a customer works with it
    active = {key.id for key in remote.keys if key.active}
    opened = Drift.select().where(Drift.sub_account == row, Drift.kind == "unknown_key", Drift.resolved_at.is_null())
    for finding in opened:
        if finding.key_id not in active:
            continue
        if site.storage.capabilities.key_inactive:
            site.storage.put_key_active(row.remote_uid, finding.key_id, False)
        else:
            site.storage.delete_key(row.remote_uid, finding.key_id)
        with write_tx():
            findings.acted(site, finding, "drift.key_switched_off", row.partner_id)


def quarantine(site: Site, there: frozenset[str], started_at: datetime) -> None:
    """Accounts with this portal's own prefix that belong to nothing here: listed, and barred when two complete
    comparisons and a day have passed. Nothing is deleted. What another portal has made on the same service is its own
    business. Raises StorageError."""
    unknown = _unknown(there, started_at)
    with write_tx():
        for uid in unknown:
            findings.note(site, uid, None, Difference("unknown_account", harmless=True))
        opened = list(
            Drift.select().where(
                Drift.region == site.region, Drift.kind == "unknown_account", Drift.resolved_at.is_null()
            )
        )
        for finding in opened:
            if finding.remote_uid not in unknown:
                findings.resolve(site.act(), finding, "gone")
    ripe_at = started_at - QUARANTINE
    for finding in opened:
        # the present comparison is complete too, and is counted when it ends
        through = finding.complete_scans + 1 >= QUARANTINE_SCANS and finding.first_seen_at < ripe_at
        if through and finding.resolved_at is None and finding.acted_at is None and not restored.on():
            _bar(site, finding)


def _bar(site: Site, finding: Drift) -> None:
    try:
        site.storage.put_suspended(finding.remote_uid, True)
    except StorageAbsent:
        return
    with write_tx():
        findings.acted(site, finding, "drift.account_barred")


def _unknown(there: frozenset[str], started_at: datetime) -> set[str]:
    """One that was deleted while the list was read is still in it."""
    gone_since = Deletion.select(Deletion.sub_account).where(Deletion.ended_at >= started_at)
    own_prefix, unknown = remote_names.own_prefix(), set()
    uids = sorted(uid for uid in there if uid.startswith(own_prefix))
    for first in range(0, len(uids), PAGE):
        page = uids[first : first + PAGE]
        rows = SubAccount.select(SubAccount.remote_uid).where(SubAccount.remote_uid.in_(page))
        known = {row.remote_uid for row in rows.where((SubAccount.phase != "deleted") | SubAccount.id.in_(gone_since))}
        unknown |= set(page) - known
    return unknown
