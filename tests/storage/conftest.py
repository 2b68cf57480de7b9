"""The backends that the contract is held against: in memory (quota at once, or late) and one real SeaweedFS."""

import secrets
from collections.abc import Callable, Iterator

import pytest

from services.secret import Secret
from services.storage.contract import Storage
from services.storage.embedded import EmbeddedSeaweed
from services.storage.memory import MemoryStorage
from tests.storage.customers import Customer, MemoryCustomer, S3Customer, free_base_port


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedSeaweed]:
    """A real SeaweedFS for the whole session."""
    running = EmbeddedSeaweed(tmp_path_factory.mktemp("storage"), free_base_port())
    running.start()
    yield running
    running.stop()


@pytest.fixture(params=["memory", "memory-delayed", "seaweedfs"])
def storage(request: pytest.FixtureRequest) -> Storage:
    """Each backend in turn."""
    if request.param == "memory":
        return MemoryStorage()
    if request.param == "memory-delayed":
        return MemoryStorage(hard_quota="delayed", quota_delay_seconds=3)
    return request.getfixturevalue("seaweed")


@pytest.fixture(scope="session")
def seaweed(server: EmbeddedSeaweed) -> Storage:
    return server.open()


@pytest.fixture
def uid() -> str:
    return f"pp-test-{secrets.token_hex(6)}"


@pytest.fixture
def customer(storage: Storage) -> Callable[[str, Secret], Customer]:
    """What the customer's program does with a key pair, on whatever backend."""
    if isinstance(storage, MemoryStorage):
        return lambda key_id, secret: MemoryCustomer(storage, key_id, secret)
    return lambda key_id, secret: S3Customer(storage.endpoint, key_id, secret)
