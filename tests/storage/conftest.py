"""The backends that the contract is held against: in memory (quota at once, or late; keys taken or made) and, as real
services on this machine, SeaweedFS, Ceph RGW and an AWS-style one."""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from services.secret import Secret
from services.storage.contract import Storage
from services.storage.embedded import EmbeddedSeaweed, embedded_url
from services.storage.memory import MemoryStorage
from tests.ceph.node import CephFailed, CephNode
from tests.crash.far_storage import FarStorage, storage_service
from tests.storage.customers import Customer, MemoryCustomer, S3Customer, free_base_port
from tests.storage.matrix import print_table
from tests.storage.proxy import Drops, Proxy
from tests.storage.services_here import AwsService, aws_service, ceph_node, open_rgw

CEPH = (pytest.mark.ceph, pytest.mark.xdist_group("ceph"))
AWS = (pytest.mark.xdist_group("aws"),)
REAL = ("seaweedfs", pytest.param("rgw", marks=CEPH), pytest.param("aws", marks=AWS))


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "ceph: talks to a real Ceph gateway, which is started for it")


@pytest.fixture(scope="session", autouse=True)
def matrix(request: pytest.FixtureRequest) -> Iterator[None]:
    """What was seen is shown as a table at the end."""
    yield
    print_table(request.config)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedSeaweed]:
    """A real SeaweedFS for the whole session."""
    running = EmbeddedSeaweed(tmp_path_factory.mktemp("storage"), free_base_port())
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def ceph(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CephNode]:
    """A real Ceph gateway for the whole session."""
    try:
        with ceph_node(tmp_path_factory.mktemp("ceph")) as node:
            yield node
    except CephFailed as failed:
        pytest.fail(str(failed), pytrace=False)


@pytest.fixture(scope="session")
def aws_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AwsService]:
    """moto, in a process of its own, for the whole session."""
    with aws_service(tmp_path_factory.mktemp("aws")) as running:
        yield running


@pytest.fixture(scope="session")
def seaweed(server: EmbeddedSeaweed) -> Storage:
    return server.open()


@pytest.fixture(scope="session")
def rgw(ceph: CephNode) -> Storage:
    return open_rgw(ceph)


@pytest.fixture(scope="session")
def aws(aws_server: AwsService) -> Storage:
    return aws_server.open()


@pytest.fixture(scope="session")
def memory_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FarStorage]:
    """The storage in memory, in a process of its own: what the tests that kill stand on."""
    with storage_service(tmp_path_factory.mktemp("memory")) as far:
        yield far


@pytest.fixture(params=["memory", "memory-delayed", "memory-makes-keys", "memory-service", *REAL])
def storage(request: pytest.FixtureRequest) -> Storage:
    """Each backend in turn."""
    if request.param == "memory":
        return MemoryStorage()
    if request.param == "memory-delayed":
        return MemoryStorage(hard_quota="delayed", quota_delay_seconds=3)
    if request.param == "memory-makes-keys":
        return MemoryStorage(key_import=False, key_inactive=False)
    if request.param == "memory-service":
        return request.getfixturevalue("memory_service")
    return request.getfixturevalue("seaweed" if request.param == "seaweedfs" else request.param)


@dataclass
class Lossy:
    """A gateway whose answers can be lost, and the same service reached directly."""

    storage: Storage
    direct: Storage
    drops: Drops
    proxies: list[Proxy] = field(default_factory=list)


class MemoryDrops(Drops):
    """The storage in memory has one exchange a call, and loses its answer itself."""

    def __init__(self, storage: MemoryStorage):
        super().__init__()
        self._storage = storage

    def arm(self, number: int) -> None:
        self._storage.recover()
        if number == 1:
            self._storage.drop_answer("*")


@pytest.fixture(params=["memory", "memory-makes-keys", *REAL])
def lossy(request: pytest.FixtureRequest) -> Iterator[Lossy]:
    """Each backend in turn, the real ones behind proxies that lose answers when told to."""
    from services.storage import open_storage, read_credentials

    drops = Drops()
    if request.param.startswith("memory"):
        own = {"key_import": request.param == "memory"}
        storage, direct = MemoryStorage(**own), MemoryStorage(**own)
        direct._state = storage._state
        found = Lossy(storage, direct, MemoryDrops(storage))
    elif request.param == "seaweedfs":
        server: EmbeddedSeaweed = request.getfixturevalue("server")
        s3, admin = Proxy(server.base_port, drops), Proxy(server.base_port + 1, drops)
        url = embedded_url(server.base_port).replace(f"127.0.0.1:{server.base_port}?", s3.url[7:] + "?")
        url = url.replace(f"http://127.0.0.1:{server.base_port + 1}", admin.url)
        storage = open_storage(url, read_credentials(server.credentials_file))
        found = Lossy(storage, server.open(), drops, [s3, admin])
    elif request.param == "rgw":
        node: CephNode = request.getfixturevalue("ceph")
        proxy = Proxy(node.port, drops)
        found = Lossy(open_rgw(node, proxy.url), open_rgw(node), drops, [proxy])
    else:
        service: AwsService = request.getfixturevalue("aws_server")
        proxy = Proxy(int(service.url.rpartition(":")[2]), drops)
        found = Lossy(service.open(proxy.url), service.open(), drops, [proxy])
    yield found
    for proxy in found.proxies:
        proxy.close()


@pytest.fixture
def uid() -> str:
    return f"pp-test-{secrets.token_hex(6)}"


@pytest.fixture
def customer(storage: Storage) -> Callable[[str, Secret], Customer]:
    """What the customer's program does with a key pair, on whatever backend."""
    if isinstance(storage, MemoryStorage | FarStorage):
        return lambda key_id, secret: MemoryCustomer(storage, key_id, secret)
    return lambda key_id, secret: S3Customer(storage.endpoint, key_id, secret)
