"""One worker with a real service and one in memory, as a file says."""

from dataclasses import replace

import pytest

from models.sub_account import AccessKey, Region, SubAccount
from services import worker, worker_sites
from services.access_keys import reveal
from services.clock import FakeClock
from services.settings import Settings
from services.storage import open_storage
from services.storage.embedded import EmbeddedSeaweed
from services.storage.memory import MemoryStorage
from tests.cast import act_of
from tests.services.ground import GB, Ground, fresh
from tests.storage.customers import S3Customer

FILE = """
[[region]]
name = "embedded"
url = "{url}"
credentials_file = "{credentials_file}"

[[region]]
name = "south"
url = "memory:"
endpoint = "https://s3.south.example.com"
"""


@pytest.fixture
def several(settings: Settings, server: EmbeddedSeaweed, tmp_path) -> Settings:
    values = {"url": server.url, "credentials_file": server.credentials_file}
    (tmp_path / "regions.toml").write_text(FILE.format(**values))
    return replace(settings, storage_file=tmp_path / "regions.toml")


def test_each_sub_account_stands_on_the_service_of_its_region(several, cast, clock: FakeClock, server, monkeypatch):
    memory = MemoryStorage(endpoint="https://s3.south.example.com")
    by_kind = {"memory": lambda *_: memory, "seaweedfs": open_storage}
    monkeypatch.setattr(worker_sites, "open_storage", lambda address, *more: by_kind[address.kind](address, *more))
    worker.open_sites(several, clock)
    ground = Ground(cast, several, clock)
    here, there = ground.account("Here", GB), ground.account("There", GB)
    SubAccount.update(region=Region.get(name="south")).where(SubAccount.id == there.id).execute()
    worker.run(several, clock, once=True)
    assert (fresh(here).phase, fresh(there).phase) == ("ready", "ready")
    real = server.open()
    assert real.read_account(here.remote_uid).quota_bytes == memory.read_account(there.remote_uid).quota_bytes == GB
    assert real.read_account(there.remote_uid) is None and memory.read_account(here.remote_uid) is None
    act = act_of(cast.alice, clock.now(), session_hash="session-a")
    id_and_secret = reveal(act, several, AccessKey.get(sub_account=here).id)
    customer = S3Customer(Region.get(name="embedded").endpoint, *id_and_secret)
    customer.store(here.main_bucket, "a.txt", 10)
    assert real.measure(here.remote_uid).used_bytes == 10
    while not real.purge(here.remote_uid).done:
        pass
