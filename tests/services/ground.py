"""What the tests of the rules stand on: sub-accounts of Northwind, a storage in memory, a worker."""

import itertools
from dataclasses import dataclass, field
from datetime import date

import pytest

from models.audit import AuditEvent
from models.contract import AllocationEntry, Contract
from models.sub_account import Region, SubAccount
from services import allocation, sub_accounts
from services.allocation import Change
from services.clock import FakeClock
from services.provisioning import NO_ROOM, provision_next
from services.secret import Vault
from services.settings import Settings
from services.site import Site
from services.storage.contract import Storage
from services.storage.memory import MemoryStorage
from tests.cast import Cast, act_of

GB = 10**9
TB = 10**12
MOST_STEPS = 500
KEY_IMPORT = pytest.mark.parametrize("key_import", [True, False], ids=["chosen keys", "given keys"])


class WatchedStorage(MemoryStorage):
    """Remembers the greatest sum of quotas that ever stood on it."""

    most_bytes = 0

    def put_account(self, *args, **kwargs) -> None:
        try:
            super().put_account(*args, **kwargs)
        finally:
            self._look()

    def put_quota(self, *args, **kwargs) -> None:
        try:
            super().put_quota(*args, **kwargs)
        finally:
            self._look()

    def _look(self) -> None:
        self.most_bytes = max(self.most_bytes, sum(account.quota_bytes or 0 for account in self._state.values()))


@dataclass
class Ground:
    cast: Cast
    settings: Settings
    clock: FakeClock
    counter: itertools.count = field(default_factory=itertools.count)
    sites: list[Site] = field(default_factory=list)

    @property
    def contract(self) -> Contract:
        """Northwind's contract of 10 TB, as it stands now."""
        return Contract.get_by_id(self.cast.contract.id)

    def fair_use(self, decreases: int | None = None, percent: int | None = None, days: int | None = None) -> None:
        """Northwind's own rules of fair use; what is not given is as for everybody."""
        rules = {"fair_use_window_days": days, "fair_use_decreases": decreases, "fair_use_percent": percent}
        Contract.update(**rules).where(Contract.id == self.cast.contract.id).execute()

    def act(self, person=None):
        return act_of(person or self.cast.alice, self.clock.now())

    def account(self, name: str, allocated_bytes: int, *, person=None, contract=None, **more) -> SubAccount:
        person = person or self.cast.alice
        wish = sub_accounts.SubAccountWish(
            contract_number=contract.number if contract else self.contract.number,
            region=self.cast.region.name,
            customer=name,
            name=name,
            contact_name="Kim Kunde",
            contact_email="kim@customer.example.com",
            billing=more.get("billing", "reserved"),
            allocated_bytes=allocated_bytes,
            allow_overdraft=more.get("allow_overdraft", False),
            flow_down_reference="MSA-1",
            flow_down_agreed_on=date(2026, 2, 1),
        )
        once_key = f"account-{next(self.counter)}"
        return sub_accounts.create(self.act(person), self.settings, person.partner, wish, once_key)

    def rebalance(self, *changes: Change, **more) -> str:
        more.setdefault("seen_version", self.contract.version)
        more.setdefault("once_key", f"form-{next(self.counter)}")
        person = more.pop("person", None)
        return allocation.rebalance(self.act(person), self.contract, changes, **more)

    def move(self, *pairs: tuple[SubAccount, int], **more) -> str:
        """`move((a, TB), (b, 2 * TB))`: these allocations in one act, use or no use."""
        return self.rebalance(*(Change(row.number, after_bytes, True) for row, after_bytes in pairs), **more)

    def site(self, storage: MemoryStorage | None = None, owner: str = "worker-1") -> Site:
        """A worker's view; without chance, so that a delay is the longest that it could be."""
        region = Region.get_by_id(self.cast.region.id)
        if storage is None:
            storage = self.sites[0].storage if self.sites else WatchedStorage()
        vault = Vault(self.settings.data_keys)
        site = Site(region, storage, vault, self.clock, owner, jitter=lambda _least, most: most)
        self.sites.append(site)
        return site


def fresh(row: SubAccount) -> SubAccount:
    return SubAccount.get_by_id(row.id)


def work(site: Site) -> int:
    """Lets the worker do what is due at this moment; returns the number of steps."""
    for steps in range(MOST_STEPS):
        if not provision_next(site):
            return steps
    raise AssertionError(f"the worker was not done after {MOST_STEPS} steps")


def converge(site: Site, seconds: float = 3600, at_most: int = 50) -> None:
    """Works and lets time pass until every sub-account has settled."""
    for _ in range(at_most):
        work(site)
        open_rows = [row for row in SubAccount.select() if not row.settled]
        if not open_rows:
            return
        waiting = [row for row in open_rows if row.phase == "attention" or row.reason_code != NO_ROOM] or open_rows
        wait_until = min(max(row.next_attempt_at, row.lease_until_at or row.next_attempt_at) for row in waiting)
        pause = max(1, min(seconds, (wait_until - site.clock.now()).total_seconds() + 0.001))
        site.clock.advance(seconds=pause)
    raise AssertionError(f"still open: {[(row.name, row.phase, row.reason_code, row.last_error) for row in open_rows]}")


def full_package(ground: Ground) -> tuple[SubAccount, SubAccount]:
    """Sub-accounts A and B that fill the package of 10 TB."""
    return ground.account("A", 6 * TB), ground.account("B", 4 * TB)


def stands(*rows: SubAccount) -> list[int]:
    """What is set aside for each, in GB."""
    return [fresh(row).allocated_bytes // GB for row in rows]


def everything() -> tuple:
    """All that an allocation change may touch, to compare before and after a refusal."""
    tables = (Contract, SubAccount, AllocationEntry)
    return tuple(list(table.select().order_by(table.id).dicts()) for table in tables)


def moved(ground):
    """A full package of which 3 TB are to move from A to B, B due first."""
    b, a = ground.account("B", 4 * TB), ground.account("A", 6 * TB)
    work(ground.sites[0])
    ground.move((a, 3 * TB), (b, 7 * TB))
    return a, b


def trail(action: str) -> list[AuditEvent]:
    return list(AuditEvent.select().where(AuditEvent.action == action).order_by(AuditEvent.id))


class Interrupted(WatchedStorage):
    """Does something else in the middle of its next call, before or after the effect."""

    def __init__(self, **capabilities):
        super().__init__(**capabilities)
        self.meanwhile = {}

    def during(self, operation: str, when: str, act) -> None:
        self.meanwhile[operation, when] = act

    def _pass(self, operation: str, when: str) -> None:
        self.meanwhile.pop((operation, when), lambda: None)()


def _interrupted(name: str):
    def call(self, *args, **kwargs):
        self._pass(name, "before")
        result = getattr(WatchedStorage, name)(self, *args, **kwargs)
        self._pass(name, "after")
        return result

    return call


for _name in Storage.OPERATIONS:
    setattr(Interrupted, _name, _interrupted(_name))
