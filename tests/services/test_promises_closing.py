"""`check` finds a contract's end that is not followed, one that removes too early, and books in the wrong place; two
workers at once do no harm."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest

from models.base import database, write_tx
from models.closure import Closure, ClosureAccount
from models.contract import AllocationEntry, Contract
from models.deletion import Deletion
from models.outbox import Mail
from models.sub_account import SubAccount
from services import mail_sending, promises
from services.sweep import sweep
from tests.cast import act_of
from tests.services.ground import TB, trail, work

END = date(2026, 3, 31)


class _Back(Exception):
    """Takes back what was spoiled."""


@pytest.fixture
def row(ground, site) -> SubAccount:
    row = ground.account("Adler AG", 2 * TB)
    work(site)
    Contract.update(ends_on=END).where(Contract.id == ground.contract.id).execute()
    return row


def comes(ground, day: date) -> None:
    at = datetime(day.year, day.month, day.day, 1, tzinfo=UTC)
    ground.clock.advance(seconds=(at - ground.clock.now()).total_seconds())
    sweep(act_of(None, at), ground.settings)
    mail_sending.send_due(ground.settings, at, 100)


def found_after(ground, promise: str, table, where, *, later: timedelta = timedelta(0), **values) -> list[str]:
    """What is found after these rows were spoiled; then they are as they were."""
    found: list[str] = []
    try:
        with write_tx():
            assert table.update(**values).where(where).execute()
            at = ground.clock.now() + later
            found += [each.text for each in promises.check(at) if each.promise == promise]
            raise _Back
    except _Back:
        return found


def test_what_works_without_a_contract_is_found(ground, site, row):
    (text,) = found_after(ground, "closure", Contract, Contract.id == row.contract_id, state="expired", later=TWO_HOURS)
    assert "works, and its contract is over" in text
    comes(ground, date(2026, 4, 1))
    work(site)
    (text,) = found_after(ground, "closure", Contract, Contract.id == row.contract_id, state="active", later=TWO_HOURS)
    assert "is barred, and its contract runs" in text


def test_a_step_that_is_overdue_is_found(ground, site, row):
    comes(ground, date(2026, 4, 1))
    work(site)
    past = ground.clock.now() - timedelta(minutes=30)
    spoiled = {"notice_until_at": past, "transition_until_at": past, "asked_at": past}
    assert found_after(ground, "closure", Closure, Closure.id > 0, **spoiled) == []
    (text,) = found_after(ground, "closure", Closure, Closure.id > 0, later=TWO_HOURS, **spoiled)
    assert "should be past its transition" in text


def test_what_is_to_be_removed_before_its_time_is_found(ground, site, row):
    comes(ground, date(2026, 4, 1))
    work(site)
    closure = Closure.get()
    ClosureAccount.create(closure=closure, sub_account=row, number=row.number, remote_uid="x", region="r")
    (text,) = [each.text for each in promises.check(ground.clock.now()) if each.promise == "closure"]
    assert "which does not remove" in text
    ClosureAccount.delete().execute()


def test_a_line_in_another_contract_is_found(ground, site, row):
    other = Contract.get_by_id(ground.cast.other_contract.id)
    lines = AllocationEntry.sub_account_id == row.id
    (text,) = found_after(ground, "moves", AllocationEntry, lines, contract=other.id)
    assert "belongs to another contract" in text
    assert found_after(ground, "isolation", AllocationEntry, lines, contract=other.id)


@pytest.mark.parametrize("days", [(1,), (1, 32), (1, 32, 63)])
def test_two_workers_at_once_take_each_step_once(ground, site, row, days):
    for number in days[:-1]:
        comes(ground, date(2026, 3, 31) + timedelta(days=number))
    work(site)
    at = datetime(2026, 3, 31, 1, tzinfo=UTC) + timedelta(days=days[-1])
    ground.clock.advance(seconds=(at - ground.clock.now()).total_seconds())
    told = Mail.select().where(Mail.template == "closure").count()
    barrier = threading.Barrier(2)

    def one(_index: int) -> None:
        with database.connection_context():
            barrier.wait(30)
            sweep(act_of(None, at), ground.settings)

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(one, range(2)))
    assert Closure.select().count() == 1
    assert Closure.get().state == ("transition", "retrieval", "purging")[len(days) - 1]
    assert Mail.select().where(Mail.template == "closure").count() == told + 1
    assert len(trail("sub_account.barred")) == 1
    assert Deletion.select().count() == (1 if len(days) == 3 else 0)
    mail_sending.send_due(ground.settings, at, 100)
    work(site)


TWO_HOURS = timedelta(hours=2)
