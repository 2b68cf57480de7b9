"""The second process: makes the storage follow, holds quotas, measures, sends mails, keeps time.

Three loops, because the first two must not wait: a quota follows within seconds also while a service that lists a
million objects is measured or a mail server does not answer.
"""

import logging
import os
import signal
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from peewee import InterfaceError, OperationalError

from models.base import database
from services import access_keys, drift, enforcement, hand_over_links, key_use, mail_sending, regions, sweep, usage
from services.clock import Clock
from services.provisioning import provision_next
from services.secret import Vault
from services.settings import Settings
from services.site import Site
from services.storage import Storage, open_storage, read_credentials

log = logging.getLogger("portal.worker")

IDLE_SECONDS = 0.5
ENFORCE_EVERY_SECONDS = 1.0
STEPS_A_ROUND = 50
MAILS_A_ROUND = 10


def open_site(settings: Settings, clock: Clock, storage: Storage | None = None) -> Site:
    """The region that this worker looks after. Only the worker reads the storage credentials."""
    if storage is None:
        credentials = read_credentials(settings.storage_credentials) if settings.storage_credentials else None
        storage = open_storage(settings.storage_url, credentials)
    with database.connection_context():
        region = regions.describe(settings.storage_region, storage)
    return Site(region, storage, Vault(settings.data_keys), clock, owner=f"{socket.gethostname()}:{os.getpid()}")


def follow(site: Site) -> bool:
    """Takes what is due one step on, a bounded number of times; True when there may be more."""
    steps = 0
    while steps < STEPS_A_ROUND and provision_next(site):
        steps += 1
    return steps == STEPS_A_ROUND


def take_care(site: Site, settings: Settings) -> bool:
    """Mails, measurements and what time brings, a bounded amount of each; True when there may be more."""
    mails = mail_sending.send_due(settings, site.clock.now(), MAILS_A_ROUND)
    _sweep(site, settings)
    access_keys.destroy_expired(site.act())
    hand_over_links.end_expired(site.act())
    key_use.look(site)
    compared = drift.look(site, settings)
    measured = usage.measure_due(site, timedelta(minutes=settings.measure_minutes))
    return mails == MAILS_A_ROUND or measured == usage.BATCH or compared


def round_of_work(site: Site, settings: Settings) -> bool:
    """Does what is due in one go: where nothing runs beside it, nobody has to wait. True when there may be more."""
    more = follow(site)
    return take_care(site, settings) or more


def _sweep(site: Site, settings: Settings) -> None:
    """At the start, then every few minutes: time ends contracts, not somebody's memory."""
    act = site.act()
    if site.sweep_next_at is None or site.sweep_next_at <= act.at:
        for line in sweep.sweep(act, settings):
            log.info(line)
        site.sweep_next_at = act.at + sweep.EVERY


def run(settings: Settings, clock: Clock, *, once: bool = False) -> None:
    """Works until SIGTERM or SIGINT; `once`: until nothing is due. A step under way is finished first."""
    site, stop = open_site(settings, clock), threading.Event()
    if once:
        _until_idle(site, settings)
        return
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    # each loop has a site of its own, so that no two share a region row
    guard, caretaker = (open_site(settings, clock, site.storage) for _ in range(2))
    with ThreadPoolExecutor(2, "beside") as threads:
        beside = [
            threads.submit(_loop, lambda: bool(enforcement.enforce_due(guard)), stop, ENFORCE_EVERY_SECONDS),
            threads.submit(_loop, lambda: take_care(caretaker, settings), stop, IDLE_SECONDS),
        ]
        log.info("worker for region %s started", site.region.name)
        _loop(lambda: follow(site), stop, IDLE_SECONDS)
        for loop in beside:
            loop.result()
    log.info("worker stopped")


def _until_idle(site: Site, settings: Settings) -> None:
    with database.connection_context():
        while round_of_work(site, settings):
            pass
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
