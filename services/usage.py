"""Used capacity: asked of the storage service, sub-account by sub-account, those first that have waited longest."""

import logging
import time
from collections import defaultdict
from datetime import datetime, timedelta

from peewee import SQL

from models.base import skip_locked, write_tx
from models.sub_account import SubAccount
from services import regions, usage_traffic
from services.site import Site
from services.storage.contract import StorageAbsent, StorageError, StorageUnavailable
from services.usage_asking import Asked, Asking
from services.usage_keeping import Answer, keep_all

BATCH = 40
ROUND_SECONDS = 5  # longer than this one call of `measure_due` does not wait for answers,
LAST_SECONDS = 1  # and not so long for the last ones, while others may be due
REST_FACTOR = 10  # what took a minute is measured again after ten at the earliest
LONGEST_REST = timedelta(minutes=50)  # so that each hour has a sample
AFTER_A_FAULT = timedelta(hours=1)
# literally as in the index that finds them
STANDS_THERE = SQL("(observed_state <> '' AND observed_state <> 'deleted')")

log = logging.getLogger("portal.worker")


def measure_due(site: Site, every: timedelta) -> int:
    """Measures the sub-accounts that have not been asked for since `every`, oldest first, a few at once; returns how
    many were asked for. Also asks for the traffic of hours that are over.

    One that cannot be measured keeps its old figure and its old time: a gap stays a gap. Whoever is taken is due again
    after `every`, whatever comes of it: nobody stands in the way of the others, and two workers ask once.
    """
    now = site.clock.now()
    if regions.resting(site.region, now):
        return 0
    asking: Asking = site.measuring or Asking()
    site.measuring = asking
    _stay(asking, now, now + every)
    taken = _take(site, asking, now, now + every)
    left, came = _ask(site, asking, taken)
    _plan([row.id for row in left], now)
    _keep(came, every)
    usage_traffic.collect(site)
    return len(taken) - len(left)


def _stay(asking: Asking, now: datetime, until_at: datetime) -> None:
    """Whoever is being measured for long stays taken, also for other workers."""
    if asking.under_way and (asking.stay_next_at is None or asking.stay_next_at <= now):
        asking.stay_next_at = now + (until_at - now) / 2
        _plan(asking.under_way, until_at)


def _take(site: Site, asking: Asking, now: datetime, until_at: datetime) -> list[SubAccount]:
    """Takes who is due, so that no other worker does. Nothing is written while nobody is."""
    due = (
        SubAccount.select(SubAccount.id, SubAccount.remote_uid, SubAccount.contract)
        .where(
            SubAccount.region == site.region,
            STANDS_THERE,
            SubAccount.measure_next_at <= now,
            SubAccount.id.not_in(asking.passed_over()),
        )
        .order_by(SubAccount.measure_next_at, SubAccount.id)
    )
    if due.first() is None:
        return []
    with write_tx():
        rows = list(skip_locked(due.clone().limit(BATCH)))
        _plan([row.id for row in rows], until_at)
    return rows


def _ask(site: Site, asking: Asking, taken: list[SubAccount]) -> tuple[list[SubAccount], list[Asked]]:
    """Asks for them, a few at once; returns those for whom there was no turn, and what came, whoever asked for it."""
    ends, waiting, came = time.monotonic() + ROUND_SECONDS, list(taken), []
    while not regions.resting(site.region, site.clock.now()):
        row = next((row for row in waiting if asking.takes(row)), None)
        if row is not None:
            waiting.remove(row)
            asking.start(site.storage, site.clock, row)
            continue
        patience = ends - time.monotonic() if waiting else min(LAST_SECONDS, ends - time.monotonic())
        answer = asking.next(patience if asking.quick() else 0)
        if answer is None:
            break
        _note(site, answer)
        came.append(answer)
    return waiting, came


def _note(site: Site, asked: Asked) -> None:
    if asked.failure is None:
        regions.note_answer(site.region, asked.at)
    elif isinstance(asked.failure, StorageUnavailable):
        regions.note_failure(site.region, asked.at, str(asked.failure))
    elif not isinstance(asked.failure, StorageError):
        # one that ended the worker would end it again and again, and hold up all regions
        _plan([asked.row.id], asked.at + AFTER_A_FAULT)
    elif not isinstance(asked.failure, StorageAbsent):  # gone or not there yet: provisioning finds out why
        log.warning("%s was not measured: %s", asked.row.remote_uid, asked.failure)


def _keep(came: list[Asked], every: timedelta) -> None:
    by_contract = defaultdict(list)
    for asked in came:
        if asked.measured is not None:
            rest = min(LONGEST_REST, timedelta(seconds=asked.seconds * REST_FACTOR))
            answer = Answer(asked.row.id, asked.measured, asked.at, asked.at + max(every, rest))
            by_contract[asked.row.contract_id].append(answer)
    for contract_id, answers in by_contract.items():
        keep_all(contract_id, answers)


def _plan(ids: list[int], next_at: datetime) -> None:
    if ids:
        with write_tx():
            SubAccount.update(measure_next_at=next_at).where(SubAccount.id.in_(ids)).execute()
