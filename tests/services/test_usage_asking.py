"""Many accounts, a few calls at once: whoever is slow, huge or odd holds up nobody."""

import threading
from datetime import timedelta

import pytest

from models.base import DATABASE_AWAY
from models.sub_account import AT_ONCE, SubAccount
from models.usage import UsageHour
from services import usage, usage_asking
from services.storage.contract import StorageRefused
from services.storage.memory import MemoryStorage
from services.usage import measure_due
from tests.services.ground import GB, fresh, work

EVERY = timedelta(minutes=5)


class Held(MemoryStorage):
    """Does not answer for accounts in `held` until it is let go; remembers how many calls ran at once."""

    def __init__(self) -> None:
        super().__init__()
        self.held, self.go, self.most, self.running = set(), threading.Event(), 0, 0
        self._count = threading.Lock()
        self.begun = threading.Semaphore(0)

    def measure(self, uid, exact=False):
        with self._count:
            self.running += 1
            self.most = max(self.most, self.running)
        self.begun.release()
        try:
            if uid in self.held:
                assert self.go.wait(60)
            return super().measure(uid, exact)
        finally:
            with self._count:
                self.running -= 1


@pytest.fixture
def held(ground, monkeypatch):
    monkeypatch.setattr(usage, "ROUND_SECONDS", 0.2)
    site = ground.site(Held())
    yield site
    site.storage.go.set()


def accounts(ground, site, number: int) -> list[SubAccount]:
    made = [ground.account(f"A{index:02}", GB) for index in range(number)]
    work(site)
    return made


def measured(rows) -> int:
    return sum(fresh(row).measured_at is not None for row in rows)


def until(site, rows, number: int) -> None:
    """Rounds until so many are measured; the tests' own limit of time ends it otherwise."""
    for _ in range(100):
        measure_due(site, EVERY)
        if measured(rows) == number:
            return
    raise AssertionError(f"{measured(rows)} of {number} were measured")


def test_a_huge_account_holds_up_nobody_and_is_kept_when_it_is_through(ground, held):
    rows = accounts(ground, held, 12)
    held.storage.held = {rows[0].remote_uid}
    until(held, rows, 11)
    assert fresh(rows[0]).measured_at is None
    ground.clock.advance(minutes=5)
    until(held, rows, 11)
    held.storage.go.set()
    until(held, rows, 12)
    assert len([call for call in held.storage.called("measure") if call.arguments[0] == rows[0].remote_uid]) == 1


def test_even_as_many_huge_accounts_as_are_asked_at_once_hold_up_nobody(ground, held, monkeypatch):
    rows = accounts(ground, held, 12)
    held.storage.held = {row.remote_uid for row in rows[: usage_asking.AT_ONCE]}
    measure_due(held, EVERY)
    assert measured(rows) == 0
    monkeypatch.setattr(usage_asking, "SLOW_SECONDS", 0)
    until(held, rows, 12 - usage_asking.AT_ONCE)
    held.storage.go.set()
    until(held, rows, 12)


def test_no_more_than_a_few_calls_run_at_once(ground, held):
    rows = accounts(ground, held, 12)
    held.storage.held = {row.remote_uid for row in rows}
    measure_due(held, EVERY)
    assert held.storage.most == usage_asking.AT_ONCE
    assert sum(fresh(row).measure_next_at > ground.clock.now() for row in rows) == usage_asking.AT_ONCE


def test_whoever_got_no_turn_is_due_at_once_also_for_another_worker(ground, held):
    rows = accounts(ground, held, usage_asking.AT_ONCE + 1)
    held.storage.held = {row.remote_uid for row in rows[: usage_asking.AT_ONCE]}
    measure_due(held, EVERY)
    other = ground.site(held.storage, owner="worker-2")
    until(other, rows, 1)


def test_whoever_is_being_measured_for_long_is_not_asked_for_by_another_worker(ground, held):
    (row,) = accounts(ground, held, 1)
    held.storage.held = {row.remote_uid}
    measure_due(held, EVERY)
    other = ground.site(held.storage, owner="worker-2")
    for _ in range(5):
        ground.clock.advance(minutes=2, seconds=30)
        measure_due(held, EVERY)
        assert measure_due(other, EVERY) == 0


def test_what_took_long_is_asked_for_less_often_and_at_least_every_hour(ground, site, monkeypatch):
    (row,) = accounts(ground, site, 1)
    asked = usage_asking.Asked(row, ground.clock.now(), 60.0, site.storage.measure(row.remote_uid))
    usage._keep([asked], EVERY)
    assert fresh(row).measure_next_at == ground.clock.now() + timedelta(minutes=10)
    usage._keep([usage_asking.Asked(row, ground.clock.now(), 3600.0, asked.measured)], EVERY)
    assert fresh(row).measure_next_at == ground.clock.now() + usage.LONGEST_REST
    usage._keep([usage_asking.Asked(row, ground.clock.now(), 0.1, asked.measured)], EVERY)
    assert fresh(row).measure_next_at == ground.clock.now() + EVERY


def test_an_answer_that_nobody_foresaw_ends_nothing_and_the_one_is_asked_again_in_an_hour(ground, site, caplog):
    first, *others = rows = accounts(ground, site, 3)
    SubAccount.update(measure_next_at=AT_ONCE).execute()
    site.storage.fail("measure", error=KeyError("size_actual"))
    measure_due(site, EVERY)
    assert measured(others) == 2 and measured(rows) == 2 and fresh(first).measured_at is None
    (line,) = [record for record in caplog.records if first.remote_uid in record.getMessage()]
    assert line.levelname == "ERROR" and "KeyError" in line.exc_text
    ground.clock.advance(minutes=59)
    measure_due(site, EVERY)
    assert fresh(first).measured_at is None
    ground.clock.advance(minutes=1)
    measure_due(site, EVERY)
    assert fresh(first).measured_at == ground.clock.now()


@pytest.mark.parametrize("error", DATABASE_AWAY)
def test_a_database_that_is_away_is_no_fault_of_the_answer(ground, site, error):
    accounts(ground, site, 1)
    site.storage.fail("measure", error=error("server closed the connection"))
    with pytest.raises(error):
        measure_due(site, EVERY)


def test_those_that_are_refused_wait_their_time_and_take_no_turn_of_others(ground, site, monkeypatch):
    monkeypatch.setattr(usage, "BATCH", 4)
    rows = accounts(ground, site, 8)
    SubAccount.update(measure_next_at=AT_ONCE).execute()
    site.storage.fail("measure", times=4, error=StorageRefused("no right to look"))
    measure_due(site, EVERY)
    measure_due(site, EVERY)
    assert measured(rows) == 4
    assert UsageHour.select().count() == 4
    assert measure_due(site, EVERY) == 0


def test_who_is_due_is_found_by_its_index(ground, site, engine):
    if engine != "sqlite":
        return
    sql, values = (
        SubAccount.select(SubAccount.id)
        .where(SubAccount.region == site.region, usage.STANDS_THERE, SubAccount.measure_next_at <= ground.clock.now())
        .order_by(SubAccount.measure_next_at, SubAccount.id)
        .limit(4)
        .sql()
    )
    plan = " ".join(row[3] for row in SubAccount._meta.database.execute_sql(f"EXPLAIN QUERY PLAN {sql}", values))
    assert "sub_account_measure_idx" in plan and "TEMP B-TREE" not in plan
