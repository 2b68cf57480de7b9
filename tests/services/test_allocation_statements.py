"""Saving many changes at once: as many statements as for one, and a line of ledger and trail for each all the same."""

import pytest

from models.audit import AuditEvent
from models.contract import AllocationEntry
from models.sub_account import SubAccount
from services import audit
from services.allocation import Change
from tests.accounts import many
from tests.services.ground import GB, fresh


@pytest.fixture
def rows(ground) -> list[SubAccount]:
    return [ground.account(f"A{number}", GB) for number in range(12)]


def test_the_statements_do_not_grow_with_the_changes(ground, rows, count_queries):
    with count_queries() as one:
        ground.rebalance(Change(rows[0].number, 2 * GB))
    with count_queries() as all_of_them:
        ground.rebalance(*(Change(row.number, 3 * GB) for row in rows))
    assert all_of_them.count == one.count


def test_each_change_leaves_its_own_lines_in_order(ground, rows, monkeypatch):
    monkeypatch.setattr(audit, "MOST_AT_ONCE", 5)
    monkeypatch.setattr("services.allocation_ledger.MOST_AT_ONCE", 5)
    batch = ground.rebalance(*(Change(row.number, (number + 2) * GB) for number, row in enumerate(rows)))
    lines = AllocationEntry.select().where(AllocationEntry.batch == batch).order_by(AllocationEntry.id)
    wanted = [(row.id, GB, (number + 2) * GB) for number, row in enumerate(rows)]
    assert [(line.sub_account_id, line.before_bytes, line.after_bytes) for line in lines] == wanted
    events = AuditEvent.select().where(AuditEvent.action == "allocation.changed").order_by(AuditEvent.id)
    assert [(event.thing_id, event.before, event.after) for event in events] == [
        (row.number, {"allocated_bytes": GB}, {"allocated_bytes": (number + 2) * GB, "batch": batch})
        for number, row in enumerate(rows)
    ]
    assert {(event.partner_id, event.actor_id) for event in events} == {
        (ground.cast.northwind.id, str(ground.cast.alice.id))
    }


def test_each_row_gets_its_own_amount_and_phase(ground, rows):
    first, second, third = rows[:3]
    SubAccount.update(phase="ready", observed_state="active").where(SubAccount.id == first.id).execute()
    SubAccount.update(phase="provisioning").where(SubAccount.id == second.id).execute()
    generation = fresh(first).generation
    ground.rebalance(Change(first.number, 2 * GB), Change(second.number, 3 * GB), Change(third.number, 4 * GB))
    assert [(fresh(row).allocated_bytes, fresh(row).phase) for row in rows[:4]] == [
        (2 * GB, "updating"),
        (3 * GB, "provisioning"),
        (4 * GB, "pending"),
        (GB, "pending"),
    ]
    assert (fresh(first).generation, fresh(rows[3]).generation) == (generation + 1, generation)


def test_more_changes_than_one_statement_holds(ground, clock):
    numbers = many(ground.cast, clock.now(), 1200, allocated_bytes=0, used_bytes=0)
    ground.rebalance(*(Change(number, GB) for number in numbers))
    assert SubAccount.select().where(SubAccount.allocated_bytes == GB, SubAccount.generation == 2).count() == 1200
    assert AuditEvent.select().where(AuditEvent.action == "allocation.changed").count() == 1200
