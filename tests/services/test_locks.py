"""Locks that hold between workers and pages: each test lets two meet where only the lock keeps them apart."""

import threading
from datetime import timedelta

import services.allocation_ledger as ledger
from models.base import database
from models.sub_account import SubAccount
from models.usage import UsageDay
from services import leases, sub_accounts, usage_keeping
from services.provisioning import provision_next
from services.storage.contract import Measured
from services.sub_accounts import SubAccountRefused
from tests.services.ground import GB, TB, converge, fresh, work
from tests.services.test_allocation_races import together

MEETING_SECONDS = 1


class Meeting:
    """Those who come wait a moment for the others; `met` says of each whether they came."""

    def __init__(self, number: int):
        self.barrier, self.met = threading.Barrier(number), []

    def wait(self) -> None:
        try:
            self.barrier.wait(MEETING_SECONDS)
        except threading.BrokenBarrierError:
            self.met.append(False)
        else:
            self.met.append(True)


def measurement(used_bytes: int) -> Measured:
    return Measured(used_bytes, 1, (), None, None, exact=False)


def observed_bytes() -> int:
    return sum(row.observed_quota_bytes or 0 for row in SubAccount.select())


def test_of_three_workers_that_raise_at_once_only_one_finds_the_room(ground, monkeypatch):
    """7 TB are held, 10 TB may be: there is room for one raise by 2 TB until the fourth sub-account has shrunk."""
    sites = [ground.site(owner=f"worker-{number}") for number in range(3)]
    big, *small = (ground.account("Big", 4 * TB), *(ground.account(f"A{number}", TB) for number in range(3)))
    work(sites[0])
    ground.move((big, TB), *((row, 3 * TB) for row in small))
    later = ground.clock.now() + timedelta(seconds=30)
    SubAccount.update(next_attempt_at=later).where(SubAccount.id == big.id).execute()
    meeting, hold = Meeting(3), leases.hold

    def holding(site, row, **values):
        meeting.wait()
        hold(site, row, **values)

    monkeypatch.setattr(leases, "hold", holding)
    together(3, lambda index: provision_next(sites[index]))
    monkeypatch.undo()
    assert True not in meeting.met
    assert observed_bytes() == 9 * TB
    converge(sites[0])
    assert sites[0].storage.most_bytes <= 10 * TB


def test_a_worker_that_asks_for_another_look_during_a_change_gets_it(ground, monkeypatch):
    """Its call came late and may have undone something: the change must not take back the raised generation."""
    row, site = ground.account("A", TB), ground.site()
    work(site)
    late, count, looks = ground.site(owner="late"), ledger.count, []
    read = fresh(row)

    def note_late() -> None:
        with database.connection_context():
            leases.note(late, read, observed_quota_bytes=TB)

    def counting(*arguments):
        looks.append(threading.Thread(target=note_late))
        looks[0].start()
        looks[0].join(MEETING_SECONDS)
        count(*arguments)

    monkeypatch.setattr(ledger, "count", counting)
    ground.move((row, 2 * TB))
    looks[0].join(30)
    assert fresh(row).generation == read.generation + 2
    work(site)


def test_the_day_of_a_measurement_gets_the_allocation_that_is_saved_at_that_moment(ground, site, monkeypatch):
    """Read before the lock, it would be the one that the change is about to replace."""
    row = ground.account("A", TB)
    work(site)
    write, measuring = ledger.write, []

    def measure() -> None:
        with database.connection_context():
            usage_keeping.keep(row.id, measurement(GB), ground.clock.now())

    def writing(*arguments):
        measuring.append(threading.Thread(target=measure))
        measuring[0].start()
        measuring[0].join(MEETING_SECONDS)
        write(*arguments)

    monkeypatch.setattr(ledger, "write", writing)
    ground.move((row, 2 * TB))
    measuring[0].join(30)
    assert (UsageDay.get().allocated_bytes, fresh(row).used_bytes) == (2 * TB, GB)
    work(site)


def test_of_two_measurements_at_once_none_is_lost(ground, site, monkeypatch):
    row = ground.account("A", TB)
    work(site)
    usage_keeping.keep(row.id, measurement(GB), ground.clock.now())
    meeting, find = Meeting(2), usage_keeping._hours

    def finding(answers):
        hours = find(answers)
        meeting.wait()
        return hours

    monkeypatch.setattr(usage_keeping, "_hours", finding)
    together(2, lambda index: usage_keeping.keep(row.id, measurement((index + 2) * GB), ground.clock.now()))
    assert True not in meeting.met
    day = UsageDay.get()
    assert (day.samples, day.average_bytes, day.peak_bytes) == (3, 2 * GB, 3 * GB)


def test_of_two_that_give_the_same_name_at_once_one_is_refused_in_words(ground, site, monkeypatch):
    rows = [ground.account(name, TB) for name in ("A", "B")]
    work(site)
    meeting, refuse = Meeting(2), sub_accounts._refuse_taken

    def refusing(*arguments):
        refuse(*arguments)
        meeting.wait()

    def rename(index: int) -> str:
        try:
            sub_accounts.describe(ground.act(), rows[index], "The same", "Kim", "kim@customer.example.com")
        except SubAccountRefused:
            return "refused"
        return "renamed"

    monkeypatch.setattr(sub_accounts, "_refuse_taken", refusing)
    assert sorted(together(2, rename)) == ["refused", "renamed"]
    assert True not in meeting.met
