"""What waits for an operator, since when, and how the storage services are doing."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from peewee import JOIN, SQL, fn

from models.audit import AuditEvent
from models.contract import Contract
from models.drift import Drift
from models.outbox import Mail
from models.partner import DetailQuery, Partner
from models.sub_account import SETTLED_PHASES, Customer, Region, SubAccount
from services.allocation_ledger import APPLY_WITHIN
from services.region_alarms import Alarm, alarms_of
from services.region_list import OfferedRegion, regions_offered
from services.verification import UNDECIDED

MOST_ROWS = 200
UNSETTLED = SubAccount.phase.not_in(SETTLED_PHASES) | (SubAccount.observed_generation != SubAccount.generation)
QUOTAS_OLD_AFTER = timedelta(seconds=60)
UNSENT = Mail.sent_at.is_null() & (Mail.last_error != "")


@dataclass(frozen=True)
class Application:
    """An undecided application. `mark`: new, answered (every question has its answer), waiting (for the partner)."""

    partner: Partner
    mark: str
    since_at: datetime
    open_questions: int


@dataclass(frozen=True)
class Stuck:
    """A sub-account that the storage service does not follow, and since when."""

    sub_account: SubAccount
    since_at: datetime


@dataclass(frozen=True)
class RegionFigures:
    """`pending`: changes that the service has not followed yet, without the stuck ones; `oldest_at`: when the oldest
    of them was made; `unheld_since_at`: see `quotas_unheld_since`. `findings`: what the comparison found and is not
    over, the oldest first. `rests`: the service failed several times running and is left alone until
    `region.retry_at`; `probes`: that time is over, and one call tries it. `allocated_bytes` is what the sub-accounts
    shall have, `quota_bytes` the sum of the hard quotas that the service holds."""

    region: Region
    pending: int
    oldest_at: datetime | None
    stuck: list[Stuck]
    unheld_since_at: datetime | None
    findings: list[Drift]
    rests: bool
    probes: bool
    accounts: int
    allocated_bytes: int
    quota_bytes: int
    alarms: list[Alarm]
    offered: OfferedRegion

    @property
    def abandoned(self) -> bool:
        return any(alarm.kind == "abandoned" for alarm in self.alarms)


@dataclass(frozen=True)
class PartnerFigures:
    """`measured_at`: the oldest of the measurements that `used_bytes` adds up; None before the first."""

    sub_accounts: int
    reserved_bytes: int
    allocated_bytes: int
    used_bytes: int
    measured_at: datetime | None


def applications() -> list[Application]:
    """Undecided applications, the longest waiting first; at most MOST_ROWS."""
    partners = list(
        Partner.select().where(Partner.state.in_(UNDECIDED)).order_by(Partner.applied_at, Partner.id).limit(MOST_ROWS)
    )
    asked = defaultdict(list)
    for row in DetailQuery.select().where(DetailQuery.partner.in_(partners)).order_by(DetailQuery.id):
        asked[row.partner_id].append(row)
    return sorted((_application(partner, asked[partner.id]) for partner in partners), key=lambda row: row.since_at)


def stuck(at: datetime, region: Region | None = None) -> list[Stuck]:
    """Sub-accounts that need people: the worker gave up on them, their time to be followed is over,
    or an operator has put them on hold."""
    overdue = UNSETTLED & (SubAccount.deadline_at < at)
    wanted = (SubAccount.phase == "attention") | overdue | (UNSETTLED & SubAccount.paused_at.is_null(False))
    rows = list(
        SubAccount.select(SubAccount, Partner, Customer, Region)
        .join(Partner)
        .switch(SubAccount)
        .join(Customer)
        .switch(SubAccount)
        .join(Region)
        .where(wanted if region is None else wanted & (SubAccount.region == region))
        .order_by(SubAccount.deadline_at, SubAccount.id)
        .limit(MOST_ROWS)
    )
    since = _stuck_since(row.number for row in rows)
    found = [Stuck(row, since.get(row.number) or row.deadline_at or row.created_at) for row in rows]
    return sorted(found, key=lambda row: row.since_at)


def unsent_mails() -> list[Mail]:
    """Mails that were tried and did not go out, the oldest first; without their text."""
    columns = (
        Mail.id,
        Mail.subject,
        Mail.recipient,
        Mail.created_at,
        Mail.attempts,
        Mail.last_error,
        Mail.next_attempt_at,
    )
    return list(Mail.select(*columns).where(UNSENT).order_by(Mail.created_at, Mail.id).limit(MOST_ROWS))


def strange() -> list[Drift]:
    """Accounts and keys on the storage services that nobody made here and no operator has looked at, the oldest first:
    somebody may be reading customers' data with them."""
    opened = Drift.select(Drift, Region, SubAccount).join(Region).switch(Drift).join(SubAccount, JOIN.LEFT_OUTER)
    wanted = Drift.kind.in_(("unknown_account", "unknown_key")) & Drift.resolved_at.is_null()
    return list(opened.where(wanted).order_by(Drift.first_seen_at, Drift.id).limit(MOST_ROWS))


def regions(at: datetime) -> list[RegionFigures]:
    """All that are configured, and those that are no more but where sub-accounts live."""
    rows = {region.name: region for region in Region.select()}
    found = [_region(rows[offered.name], offered, at) for offered in regions_offered(removed=True)]
    return [row for row in found if row.region.removed_at is None or row.accounts]


def quotas_unheld(at: datetime) -> list[tuple[Region, datetime]]:
    """Regions whose quotas nobody holds, and since when."""
    found = ((region, quotas_unheld_since(region, at)) for region in Region.select().order_by(Region.name))
    return [(region, since_at) for region, since_at in found if since_at is not None]


def quotas_unheld_since(region: Region, at: datetime) -> datetime | None:
    """Where the worker holds the quotas: when it last did, if that is more than a minute ago, or when the first
    sub-account was made, if it never did. None while quotas are held, and where the worker does not hold them."""
    if region.hard_quota != "delayed":
        return None
    if region.enforced_at is None:
        made = SubAccount.select(fn.MIN(SubAccount.created_at)).where(
            SubAccount.region == region, SubAccount.phase != "deleted"
        )
        return made.scalar()
    return region.enforced_at if at - region.enforced_at > QUOTAS_OLD_AFTER else None


def of_partner(partner: Partner) -> PartnerFigures:
    """Sums over the partner's active contracts and standing sub-accounts, in bytes."""
    reserved_bytes = (
        Contract.select(fn.COALESCE(fn.SUM(Contract.reserved_bytes), 0))
        .where(Contract.partner == partner, Contract.state == "active")
        .scalar()
    )
    sums: Any = SubAccount.select(
        fn.COUNT(SubAccount.id),
        fn.COALESCE(fn.SUM(SubAccount.allocated_bytes), 0),
        fn.COALESCE(fn.SUM(SubAccount.used_bytes), 0),
        fn.MIN(SubAccount.measured_at),
    ).where(SubAccount.partner == partner, SubAccount.phase != "deleted")
    count, allocated_bytes, used_bytes, measured_at = sums.tuples().get()
    return PartnerFigures(count, int(reserved_bytes), int(allocated_bytes), int(used_bytes), measured_at)


def _application(partner: Partner, asked: list[DetailQuery]) -> Application:
    waiting = [row.asked_at for row in asked if row.answered_at is None]
    applied_at = partner.applied_at or partner.created_at
    if waiting:
        return Application(partner, "waiting", min(waiting), len(waiting))
    answered = [row.answered_at for row in asked]
    return Application(partner, "answered" if answered else "new", max(answered, default=applied_at), 0)


def _stuck_since(numbers: Iterable[str]) -> dict[str, datetime]:
    """When the worker last called for people, by the trail."""
    events = AuditEvent.select(AuditEvent.thing_id, AuditEvent.at).where(
        AuditEvent.thing_kind == SubAccount._meta.table_name,
        AuditEvent.thing_id.in_(list(numbers)),
        AuditEvent.action == "sub_account.stuck",
    )
    return {event.thing_id: event.at for event in events.order_by(AuditEvent.id)}


def _region(region: Region, offered: OfferedRegion, at: datetime) -> RegionFigures:
    waiting = UNSETTLED & (SubAccount.phase != "attention") & (SubAccount.region == region)
    waiting &= SubAccount.wanted_state != "deleted"  # deletions take their time and have a list of their own
    pending = SubAccount.select().where(waiting).count()
    oldest = SubAccount.select().where(waiting).order_by(SubAccount.deadline_at, SubAccount.id).first()
    made_at = oldest and (oldest.deadline_at - APPLY_WITHIN if oldest.deadline_at else oldest.created_at)
    unheld_at = quotas_unheld_since(region, at)
    rests = region.retry_at is not None and region.retry_at > at
    return RegionFigures(
        region=region,
        pending=pending,
        oldest_at=made_at,
        stuck=stuck(at, region),
        unheld_since_at=unheld_at,
        findings=_findings(region),
        rests=rests,
        probes=region.retry_at is not None and not rests,
        alarms=alarms_of(region, at),
        offered=offered,
        **_sums(region),
    )


def _sums(region: Region) -> dict[str, int]:
    sums: Any = SubAccount.select(
        fn.COUNT(SubAccount.id),
        fn.COALESCE(fn.SUM(SubAccount.allocated_bytes), 0),
        fn.COALESCE(fn.SUM(SubAccount.observed_quota_bytes), 0),
    ).where(SubAccount.region == region, SQL("phase <> 'deleted'"))
    names = ("accounts", "allocated_bytes", "quota_bytes")
    return dict(zip(names, map(int, sums.tuples().get()), strict=True))


def _findings(region: Region) -> list[Drift]:
    opened = Drift.select(Drift, SubAccount).join(SubAccount, JOIN.LEFT_OUTER)
    opened = opened.where(Drift.region == region, Drift.resolved_at.is_null())
    return list(opened.order_by(Drift.first_seen_at, Drift.id).limit(MOST_ROWS))
