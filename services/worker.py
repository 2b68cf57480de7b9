"""The second process: makes the storage follow, holds quotas, measures, sends mails, keeps time.

Each region has loops of its own, so that a service that is dead, slow or large holds up nobody else's: one makes the
storage follow, one holds quotas where that is the worker's business, one measures and compares. What is not about a
region (mails, time) has one loop for all. A quota follows within seconds also while a service that lists a million
objects is measured or a mail server does not answer.
"""

import logging
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from peewee import InterfaceError, OperationalError

from models.base import database
from services import (
    access_keys,
    attention_mails,
    audit_heads,
    closing_retrieval,
    consent_overdue,
    deletion_guard,
    document_notices,
    drift,
    enforcement,
    flow_down_work,
    hand_over_links,
    kept_forms,
    key_use,
    mail_sending,
    measures,
    notice_mails,
    regions,
    sweep,
    usage,
)
from services.clock import Clock
from services.one_by_one import each, tried
from services.provisioning import provision_next
from services.settings import Settings
from services.site import House, Site
from services.worker_sites import open_site, open_sites

__all__ = ["follow", "keep_house", "open_site", "open_sites", "round_of_work", "run", "tend"]

log = logging.getLogger("portal.worker")

IDLE_SECONDS = 0.5
ENFORCE_EVERY_SECONDS = 1.0
STEPS_A_ROUND = 50
MAILS_A_ROUND = 10

Job = tuple[str, Callable[[], bool]]
Loop = tuple[Callable[[], bool], float]


def follow(site: Site) -> bool:
    """Takes what is due in the region one step on, a bounded number of times; True when there may be more."""
    steps = 0
    regions.note_tended(site.region, site.clock.now())
    while steps < STEPS_A_ROUND and provision_next(site):
        regions.note_tended(site.region, site.clock.now())
        steps += 1
    return steps == STEPS_A_ROUND


def tend(site: Site, settings: Settings) -> bool:
    """Measurements and comparisons of the region, a bounded amount of each; True when there may be more."""
    key_use.look(site)
    deletion_guard.begin_due(site, settings)
    compared = drift.look(site, settings)
    measured = usage.measure_due(site, timedelta(minutes=settings.measure_minutes))
    return measured == usage.BATCH or compared


def keep_house(house: House, settings: Settings) -> bool:
    """Mails and what time brings, for all regions together, each job on its own (services/one_by_one.py); True when
    there may be more."""
    jobs: list[Job] = [
        (
            "sending of mails",
            lambda: mail_sending.send_due(settings, house.clock.now(), MAILS_A_ROUND) == MAILS_A_ROUND,
        ),
        ("what time brings", lambda: _sweep(house, settings)),
        ("mails to operators", lambda: attention_mails.tell(house, settings)),
        ("secrets of access keys", lambda: bool(access_keys.destroy_expired(house.act()))),
        ("hand-over links", lambda: bool(hand_over_links.end_expired(house.act()))),
        ("forms that were sent too late", lambda: bool(kept_forms.tidy(house.clock.now()))),
        ("suspensions of partners", lambda: bool(measures.follow(house.act()))),
        ("terms for end customers", lambda: flow_down_work.tend(house, settings)),
        ("mails of notices", lambda: notice_mails.send_due(house.act(), settings)),
        ("mails about documents", lambda: document_notices.tell(house.act(), settings)),
    ]
    return any(each(house.act(), jobs, False))


def round_of_work(site: Site, settings: Settings, house: House | None = None) -> bool:
    """Does what is due in one go: where nothing runs beside it, nobody has to wait. True when there may be more."""
    more = follow(site)
    more = keep_house(house or House(site.clock), settings) or more
    return tend(site, settings) or more


def _sweep(house: House, settings: Settings) -> bool:
    """At the start, then every few minutes: time ends contracts, not somebody's memory. True when more is due at once:
    what thousands of sub-accounts need is done in rounds."""
    act = house.act()
    if house.sweep_next_at is not None and house.sweep_next_at > act.at:
        return False
    lines = sweep.sweep(act, settings)
    for line in lines:
        log.info(line)
    tried(act, "mails about overdue terms", lambda: consent_overdue.tell(act, settings), 0)
    tried(act, "head of the trail", lambda: audit_heads.tell(act, settings), 0)
    more = bool(lines) and closing_retrieval.wants_another_round()  # where nothing moves, not without a pause
    house.sweep_next_at = act.at if more else sweep.next_at(act.at, settings)
    return more


def run(settings: Settings, clock: Clock, *, once: bool = False, names: Sequence[str] = ()) -> None:
    """Works until SIGTERM or SIGINT; `once`: until nothing is due. A step under way is finished first. `names`: the
    regions to look after, default all. Raises RegionsBroken when they cannot be opened."""
    sites, house, stop = open_sites(settings, clock, names), House(clock), threading.Event()
    if once:
        _until_idle(sites, house, settings)
        return
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with database.connection_context():
        loops = [loop for site in sites for loop in _loops(site, settings)]
        _sweep(house, settings)  # first, so that it sees what the storage service has not followed while nothing ran
    with ThreadPoolExecutor(len(loops), "region") as threads:
        beside = [threads.submit(_loop, work, stop, pause_seconds) for work, pause_seconds in loops]
        log.info("worker started for %s", ", ".join(site.region.name for site in sites))
        _loop(lambda: keep_house(house, settings), stop, IDLE_SECONDS)
        for loop in beside:
            loop.result()
    log.info("worker stopped")


def _loops(site: Site, settings: Settings) -> list[Loop]:
    """Of one region; each with a site of its own, so that no two share a region row."""
    guard, caretaker = site.again(), site.again()
    loops: list[Loop] = [
        (lambda: follow(site), IDLE_SECONDS),
        (lambda: tend(caretaker, settings), IDLE_SECONDS),
    ]
    if site.storage.capabilities.hard_quota == "delayed":
        loops.append((lambda: bool(enforcement.enforce_due(guard)), ENFORCE_EVERY_SECONDS))
    return loops


def _until_idle(sites: Sequence[Site], house: House, settings: Settings) -> None:
    with database.connection_context():
        while sum(round_of_work(site, settings, house) for site in sites):
            pass  # each has its turn: `any` would not come to the second while the first has more
        for site in sites:
            enforcement.enforce_due(site)


def _loop(work: Callable[[], bool], stop: threading.Event, pause_seconds: float) -> None:
    """Calls `work` again and again; a database that is away is waited for. What nobody foresaw ends all loops: a
    worker of which only a part works would look alive to whoever watches the process."""
    try:
        while not stop.is_set():
            try:
                with database.connection_context():
                    more = work()
            except (OperationalError, InterfaceError) as failure:
                log.warning("database: %s", failure)
                more = False
            if not more:
                stop.wait(pause_seconds)
    finally:
        stop.set()
