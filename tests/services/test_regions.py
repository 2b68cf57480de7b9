"""Several regions in one worker: which there are, one that is dead beside one that works, one that is removed."""

import signal
import threading
from collections import Counter
from dataclasses import replace

import pytest

from models.outbox import Mail
from models.sub_account import Region, SubAccount
from services import regions, sub_accounts, worker, worker_sites
from services.storage import StorageUnavailable
from services.storage.address import Backend, parse_address
from services.storage.contract import Storage
from services.storage.memory import MemoryStorage
from services.storage.region_file import RegionsBroken
from services.sub_accounts import SubAccountRefused
from tests.services.ground import GB, TB, fresh
from tests.services.test_worker import LONGEST_SECONDS, queue_mail, running, wait_for

FILE = """
[[region]]
name = "embedded"
url = "memory:"
display_name = "Hamburg"
endpoint = "https://s3.hamburg.example.com"

[[region]]
name = "south"
url = "memory:"
place = "Norway"
endpoint = "https://s3.south.example.com"
"""


@pytest.fixture
def several(settings, tmp_path):
    """Settings with two regions, of which the first is that of the cast."""
    (tmp_path / "regions.toml").write_text(FILE)
    Region.update(tended_at=None).execute()
    return replace(settings, storage_file=tmp_path / "regions.toml")


@pytest.fixture
def storages(monkeypatch) -> dict[str, MemoryStorage]:
    """By endpoint; the same for each worker that opens it."""
    found: dict[str, MemoryStorage] = {}

    def opened(address, _credentials) -> Storage:
        delayed = {"hard_quota": "delayed", "quota_delay_seconds": 2}
        return found.setdefault(address.endpoint, MemoryStorage(endpoint=address.endpoint, **delayed))

    monkeypatch.setattr(worker_sites, "open_storage", opened)
    return found


def in_region(row: SubAccount, name: str) -> SubAccount:
    SubAccount.update(region=Region.get(name=name)).where(SubAccount.id == row.id).execute()
    return row


def test_the_rows_follow_the_file(ground, several, storages, clock):
    hamburg, south = worker.open_sites(several, clock)
    assert (hamburg.region.id, hamburg.region.title, hamburg.region.place) == (ground.cast.region.id, "Hamburg", "")
    assert (south.region.title, south.region.endpoint) == ("south", "https://s3.south.example.com")
    assert (south.region.hard_quota, south.region.capabilities["key_import"]) == ("delayed", True)
    several.storage_file.write_text(FILE.replace('place = "Norway"', "closed = true"))
    worker.open_sites(several, clock)
    seen = Region.get_by_id(south.region.id)
    assert (seen.closed, seen.place, seen.removed_at) == (True, "", None)


def test_only_some_regions_are_looked_after_when_that_is_wanted(ground, several, storages, clock):
    (site,) = worker.open_sites(several, clock, ["south"])
    assert site.region.name == "south" and list(storages) == ["https://s3.south.example.com"]
    assert Region.get(name="embedded").removed_at is None
    with pytest.raises(RegionsBroken, match="no region is called 'moon'; there are: embedded, south"):
        worker.open_sites(several, clock, ["south", "moon"])


def test_a_worker_that_cannot_open_a_region_does_not_start(ground, several, clock):
    rgw = '"rgw://127.0.0.1:9"\ncredentials_file = "nothing.json"'
    several.storage_file.write_text(FILE.replace('"memory:"\nplace', rgw + "\nplace"))
    with pytest.raises(RegionsBroken, match=r"region 'south': cannot read the storage credentials in .*nothing\.json"):
        worker.open_sites(several, clock)
    assert Region.select().count() == 1


def test_more_regions_than_one_worker_has_threads_for_are_refused(ground, several, storages, clock):
    tables = [f'[[region]]\nname = "r{number}"\nurl = "memory:"\n' for number in range(17)]
    several.storage_file.write_text("".join(tables))
    with pytest.raises(RegionsBroken, match="16 regions at most, not 17"):
        worker.open_sites(several, clock)
    assert len(worker.open_sites(several, clock, ["r3", "r16"])) == 2


def test_all_regions_are_worked_off_and_each_on_its_own_service(ground, several, storages, clock):
    worker.open_sites(several, clock)
    here, there = ground.account("A", TB), in_region(ground.account("B", GB), "south")
    worker.run(several, clock, once=True)
    assert {fresh(row).phase for row in (here, there)} == {"ready"}
    held = {endpoint: storage.list_accounts("") for endpoint, storage in storages.items()}
    assert held == {
        "https://s3.hamburg.example.com": (here.remote_uid,), "https://s3.south.example.com": (there.remote_uid,),
    }  # fmt: skip
    assert all(region.tended_at == clock.now() for region in Region.select())


def test_a_region_that_does_not_answer_keeps_no_other_from_being_worked_off(ground, several, storages, clock):
    worker.open_sites(several, clock)
    here, there = ground.account("A", TB), in_region(ground.account("B", GB), "south")
    storages["https://s3.hamburg.example.com"].fail("*", times=500, error=StorageUnavailable("gone"))
    worker.run(several, clock, once=True)
    assert (fresh(here).phase, fresh(there).phase) == ("pending", "ready")
    dead, well = Region.get(name="embedded"), Region.get(name="south")
    assert dead.failing_since_at == clock.now() and well.failing_since_at is None
    assert dead.tended_at == clock.now()


def test_while_one_region_hangs_another_is_followed_and_mails_go_out(ground, several, clock, tmp_path):
    """In the worker's own process: each call to the first service waits until the end of the test."""
    regions.enrol(
        [Backend("south", parse_address("memory:")), Backend("embedded", parse_address("memory:"))], clock.now()
    )
    ground.account("A", TB)
    row = in_region(ground.account("B", GB), "south")
    queue_mail(ground)
    with running(several, "regions", tmp_path) as process:
        wait_for((tmp_path / "begun").exists, "a call to the service that hangs")
        wait_for(lambda: fresh(row).phase == "ready" and fresh(row).enforced_at and fresh(row).measured_at, "the other")
        wait_for(lambda: Region.get(name="south").scanned_at and Mail.get().sent_at, "comparison and mail")
        assert not (tmp_path / "go").exists()
        process.send_signal(signal.SIGTERM)
        (tmp_path / "go").touch()
        _, log = process.communicate(timeout=LONGEST_SECONDS)
    assert process.returncode == 0, log
    assert "worker started for embedded, south" in log and "worker stopped" in log


def test_two_workers_on_all_regions_do_everything_once(ground, several, storages, clock):
    sites = [site for _ in range(2) for site in worker.open_sites(several, clock)]
    for number, site in enumerate(sites):
        site.owner = f"worker-{number // 2}"
    rows = [ground.account(f"A{number}", GB) for number in range(8)]
    for row in rows[::2]:
        in_region(row, "south")
    stop = threading.Event()

    def work(site) -> None:
        worker._loop(lambda: worker.follow(site), stop, 0.01)

    threads = [threading.Thread(target=work, args=(site,)) for site in sites]
    for thread in threads:
        thread.start()
    try:
        wait_for(lambda: {fresh(row).phase for row in rows} == {"ready"}, "setting up")
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    made = Counter(call.arguments[0] for storage in storages.values() for call in storage.called("put_account"))
    assert made == {row.remote_uid: 1 for row in rows}


def test_a_region_that_is_removed_keeps_all_and_the_worker_says_who_lives_there(
    ground, several, storages, clock, caplog
):
    worker.open_sites(several, clock)
    row = in_region(ground.account("B", GB), "south")
    worker.run(several, clock, once=True)
    several.storage_file.write_text(FILE.partition('[[region]]\nname = "south"')[0])
    removed_at = clock.advance(hours=1)
    worker.open_sites(several, clock)
    assert "region south is not configured, but sub-accounts live there: 1" in caplog.text
    assert Region.get(name="south").removed_at == removed_at
    assert fresh(row).phase == "ready"
    wish = sub_accounts.SubAccountWish(
        "RCP-1001", "south", "C", "C", "K", "k@c.example.com", "reserved", GB, False, "MSA", clock.now().date()
    )
    with pytest.raises(SubAccountRefused, match="takes no new sub-accounts"):
        sub_accounts.create(ground.act(), several, ground.cast.northwind, wish, "once-c")
    several.storage_file.write_text(FILE)
    clock.advance(hours=1)
    worker.open_sites(several, clock)
    assert Region.get(name="south").removed_at is None
    Region.update(closed=True).where(Region.name == "south").execute()
    with pytest.raises(SubAccountRefused, match="takes no new sub-accounts"):
        sub_accounts.create(ground.act(), several, ground.cast.northwind, wish, "once-c")
    Region.update(closed=False).where(Region.name == "south").execute()
    sub_accounts.create(ground.act(), several, ground.cast.northwind, wish, "once-c")
    worker.run(several, clock, once=True)
