"""Measuring use: accounts an hour of one worker, on a service in memory that takes its time and on a real SeaweedFS.

Sub-accounts of one contract, which is the most that a total has to be summed up over. Half of the day's hours are there
already. Rates of fewer than MANY accounts are extrapolated, and their rows say so.
"""

import tempfile
import time
from datetime import timedelta
from pathlib import Path

from bench.ground import Ground
from models.base import database, write_tx
from models.sub_account import AT_ONCE, Region, SubAccount
from models.usage import UsageHour
from services import usage
from services.secret import Vault
from services.site import Site
from services.storage.contract import BucketUse, Measured, Storage, added_up
from services.storage.embedded import EmbeddedSeaweed
from services.storage.memory import MemoryStorage
from services.usage_asking import SLOW_SECONDS
from services.usage_keeping import full_hour
from tests import accounts
from tests.storage.customers import S3Customer, free_base_port, open_account

MANY, SOME, REAL, OBJECTS = 10_000, 1_000, 100, 10
EVERY = timedelta(hours=1)
HOURS_THERE = 12
CALL_SECONDS = 0.02  # a service in the same building
FAR_CALL_SECONDS = 0.2  # one that is far away, or busy
SEAWEED_PORT = 21200


class Steady(MemoryStorage):
    """Takes so long for every account, and for one of them very much longer."""

    def __init__(self, seconds: float, huge: str = "") -> None:
        super().__init__()
        self.seconds, self.huge = seconds, huge

    def measure(self, uid: str, exact: bool = False) -> Measured:
        time.sleep(SLOW_SECONDS * 3 if uid == self.huge else self.seconds)
        return added_up([BucketUse(f"{name}-{uid}", 10**9, 1000, 0, 0) for name in ("main", "backup")], exact=exact)


def measure(ground: Ground) -> list[dict]:
    with database.connection_context():
        numbers = accounts.many(ground.cast, ground.at, MANY, observed_state="active")
        fill_hours(ground)
        uid = f"pp-bulk-{len(numbers) - MANY}"
        rows = [
            in_memory(ground, "in memory", MANY, CALL_SECONDS),
            in_memory(ground, "in memory", SOME, FAR_CALL_SECONDS),
            in_memory(ground, "one huge among the others", SOME, FAR_CALL_SECONDS, huge=uid),
        ]
    return [*rows, on_seaweedfs(ground)]


def fill_hours(ground: Ground) -> None:
    present = full_hour(ground.at)
    hours = [present.replace(hour=number) for number in range(24) if number != present.hour][:HOURS_THERE]
    fixed = {"samples": 1, "rest_bytes": 0, "average_bytes": 1, "peak_bytes": 1, "last_bytes": 1}
    ids = [row[0] for row in SubAccount.select(SubAccount.id).tuples()]
    for hour_at in hours:
        rows = [{"sub_account": id, "hour_at": hour_at, "measured_at": hour_at, **fixed} for id in ids]
        with write_tx():
            for first in range(0, len(rows), 2000):
                UsageHour.insert_many(rows[first : first + 2000]).execute()
    ground.settle()


def in_memory(ground: Ground, name: str, how_many: int, seconds: float, huge: str = "") -> dict:
    chosen = SubAccount.select(SubAccount.id).order_by(SubAccount.id).limit(how_many)
    make_due(chosen)
    title = f"{name}, {seconds * 1000:.0f} ms a call"
    alone_seconds = seconds * how_many / 4
    return row(title, how_many, run(ground, Steady(seconds, huge), how_many - bool(huge)), alone_seconds)


def make_due(chosen) -> None:
    later_at = AT_ONCE.replace(year=2100)
    with write_tx():
        SubAccount.update(measure_next_at=later_at).execute()
        SubAccount.update(measure_next_at=AT_ONCE).where(SubAccount.id.in_(chosen)).execute()


def run(ground: Ground, storage: Storage, how_many: int) -> float:
    """Seconds until so many were measured. Whoever is not waited for goes on by itself."""
    clock = ground.app.clock
    site = Site(Region.get_by_id(ground.cast.region.id), storage, Vault(ground.settings.data_keys), clock, "bench")
    begin_at, begin = clock.now(), time.perf_counter()
    left = how_many
    while left > 0:
        usage.measure_due(site, EVERY)
        left = how_many - SubAccount.select().where(SubAccount.measured_at >= begin_at).count()
    return time.perf_counter() - begin


def row(title: str, how_many: int, seconds: float, alone_seconds: float | None = None) -> dict:
    extrapolated = "" if how_many >= MANY else "yes"
    found = {"what": title, "accounts": how_many, "seconds": seconds, "an hour": int(how_many / seconds * 3600)}
    ratio = {} if alone_seconds is None else {"ratio": seconds / alone_seconds}
    return found | ratio | {"extrapolated": extrapolated}


def on_seaweedfs(ground: Ground) -> dict:
    """REAL accounts with a bucket of OBJECTS small objects each."""
    with tempfile.TemporaryDirectory(prefix="portal-bench-storage-") as folder:
        server = EmbeddedSeaweed(Path(folder), free_base_port(SEAWEED_PORT))
        server.start()
        try:
            with database.connection_context():
                return seaweed_row(ground, server.open())
        finally:
            server.stop()


def seaweed_row(ground: Ground, storage: Storage) -> dict:
    chosen = list(SubAccount.select().order_by(SubAccount.id).limit(REAL))
    for account in chosen:
        customer = S3Customer(storage.endpoint, *open_account(storage, account.remote_uid))
        for number in range(OBJECTS):
            customer.store(f"{account.remote_uid}-main", f"file-{number}", 1000)
    make_due([account.id for account in chosen])
    return row(f"SeaweedFS, {OBJECTS} objects in each", REAL, run(ground, storage, REAL))
