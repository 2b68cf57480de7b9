"""Traffic by the hour, where the storage service tells it.

An hour is asked for when it has been over for a while, and some more times after that: gateways write down late. What
comes is the hour's whole figure, never an addition, and a smaller one replaces none (the service tidies its log):
asking twice, by two workers or after a crash, changes nothing. Hours that were missed are made up for.
"""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any

from peewee import EXCLUDED, Case

from models.base import DATABASE_AWAY, write_tx
from models.sub_account import Region, SubAccount
from models.usage import TrafficDay, TrafficHour, TrafficTold
from services import regions
from services.site import Site
from services.storage.contract import StorageError, StorageUnavailable, Traffic
from services.usage_keeping import HOURS_KEPT, full_hour

HOUR = timedelta(hours=1)
LATE = timedelta(minutes=10)  # so long an hour has to be over before it is asked for
ASKED_AGAIN = 3 * HOUR
FIRST_LOOK_BACK = 24 * HOUR
HOURS_A_ROUND = 6  # beside those that are asked for again
AFTER_A_FAILURE = timedelta(minutes=5)
AFTER_A_FAULT = timedelta(hours=1)
BATCH = 500
FIGURES = ("received_bytes", "sent_bytes", "requests")

log = logging.getLogger("portal.worker")


def collect(site: Site) -> int:
    """Asks for the hours that are over, one call each for all sub-accounts; returns how many. A bounded number."""
    now, region = site.clock.now(), site.region
    early = site.traffic_next_at is not None and now < site.traffic_next_at
    if early or not site.storage.capabilities.traffic or regions.resting(region, now):
        return 0
    asked = 0
    for hour_at in _hours(region.traffic_until_at, now):
        try:
            found = site.storage.traffic(hour_at, hour_at + HOUR)
        except StorageError as failure:
            if isinstance(failure, StorageUnavailable):
                regions.note_failure(region, site.clock.now(), str(failure))
            else:
                log.warning("the traffic of storage %s is not known: %s", region.name, failure)
            site.traffic_next_at = now + AFTER_A_FAILURE
            return asked
        except DATABASE_AWAY:
            raise
        except Exception:  # an answer that nobody foresaw ends neither the worker nor the other regions
            log.exception("the traffic of storage %s cannot be read", region.name)
            site.traffic_next_at = now + AFTER_A_FAULT
            return asked
        regions.note_answer(region, site.clock.now())
        keep(region, hour_at, found)
        asked += 1
    return asked


def _hours(until_at: datetime | None, now: datetime) -> list[datetime]:
    """Which hours to ask for now, by their beginnings; none while no further one is over."""
    end_at = full_hour(now - LATE)
    if until_at is not None and until_at >= end_at:
        return []
    start_at = end_at - FIRST_LOOK_BACK if until_at is None else until_at - ASKED_AGAIN
    start_at = max(start_at, full_hour(now - HOURS_KEPT) + HOUR)  # older ones would be let go at once
    most = HOURS_A_ROUND + ASKED_AGAIN // HOUR
    return [start_at + number * HOUR for number in range(min(most, (end_at - start_at) // HOUR))]


def keep(region: Region, hour_at: datetime, found: Mapping[str, Traffic]) -> None:
    """Writes the figures of one hour, sums up its day anew, and moves the time until which traffic is known."""
    with write_tx():
        uids = sorted(found)
        for first in range(0, len(uids), BATCH):
            known: Any = SubAccount.select(SubAccount.id, SubAccount.remote_uid).where(
                SubAccount.region == region, SubAccount.remote_uid.in_(uids[first : first + BATCH])
            )
            traffic = {account_id: found[uid] for account_id, uid in known.tuples()}
            if traffic:
                _keep_hour(hour_at, traffic)
                _keep_day(hour_at, list(traffic))
        _told(region, hour_at)


def _keep_hour(hour_at: datetime, traffic: Mapping[int, Traffic]) -> None:
    rows = [
        {
            "sub_account": account_id,
            "hour_at": hour_at,
            "received_bytes": one.received_bytes,
            "sent_bytes": one.sent_bytes,
            "requests": one.requests,
        }
        for account_id, one in sorted(traffic.items())
    ]
    greater = {name: _greater(getattr(TrafficHour, name), name) for name in FIGURES}
    query = TrafficHour.insert_many(rows)
    query.on_conflict(conflict_target=[TrafficHour.sub_account, TrafficHour.hour_at], update=greater).execute()


def _keep_day(hour_at: datetime, account_ids: list[int]) -> None:
    """Sums of the hours that are known. Python's numbers: a day of exabytes must not run over."""
    first_at = datetime.combine(hour_at.date(), time(), UTC)
    hours: Any = TrafficHour.select(TrafficHour.sub_account, *(getattr(TrafficHour, name) for name in FIGURES)).where(
        TrafficHour.sub_account.in_(account_ids),
        TrafficHour.hour_at >= first_at,
        TrafficHour.hour_at < first_at + 24 * HOUR,
    )
    sums: dict[int, dict[str, Any]] = {}
    for account_id, *figures in hours.tuples():
        day = sums.setdefault(account_id, dict.fromkeys(FIGURES, 0))
        for name, value in zip(FIGURES, figures, strict=True):
            day[name] += value
    rows = [{"sub_account": account_id, "day_on": hour_at.date(), **day} for account_id, day in sorted(sums.items())]
    target = [TrafficDay.sub_account, TrafficDay.day_on]
    TrafficDay.insert_many(rows).on_conflict(conflict_target=target, preserve=list(FIGURES)).execute()


def _greater(column: Any, name: str) -> Any:
    told = getattr(EXCLUDED, name)
    return Case(None, [(told > column, told)], column)


def _told(region: Region, hour_at: datetime) -> None:
    """Another worker may have come further meanwhile: the time never goes back."""
    TrafficTold.insert(region=region.id, hour_at=hour_at).on_conflict_ignore().execute()
    until_at = hour_at + HOUR
    behind = Region.traffic_until_at.is_null() | (Region.traffic_until_at < until_at)
    Region.update(traffic_until_at=until_at).where(Region.id == region.id, behind).execute()
    if region.traffic_until_at is None or region.traffic_until_at < until_at:
        region.traffic_until_at = until_at
