"""Rows of the trail from before the chain come into it, in the order in which they were written, and back."""

import importlib.util

import pytest
from playhouse.migrate import PostgresqlMigrator, SqliteMigrator

from models.audit import AuditEvent, AuditPersonal
from models.base import database, write_tx
from models.schema import DIRECTORY
from services import audit_check
from services.audit import Thing, record
from tests.cast import act_of


@pytest.fixture
def migration(engine):
    spec = importlib.util.spec_from_file_location("audit_migration", DIRECTORY / "0028_audit_chain.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    migrator = (SqliteMigrator if engine == "sqlite" else PostgresqlMigrator)(database.obj)
    return lambda way: getattr(module, way)(migrator, database)


def all_rows() -> list[tuple]:
    names = (
        "id",
        "at",
        "actor_kind",
        "actor_name",
        "partner_id",
        "action",
        "thing_id",
        "before",
        "after",
        "ip",
        "source",
    )
    return [tuple(getattr(row, name) for name in names) for row in AuditEvent.select().order_by(AuditEvent.id)]


def test_an_older_trail_is_chained_and_everything_verifies(cast, clock, migration):
    with write_tx():
        for number, person in enumerate((cast.alice, cast.olga, None)):
            values = {"before": {"city": "Köln"}, "after": {"city": "Bonn"}} if number else {}
            record(act_of(person, clock.now()), "contract.changed", Thing("contract", str(number)), **values)
    older = all_rows()
    with database.atomic():
        migration("down")
        for where in ("id = 1", "id = 3"):  # shortened by a night before, and no address at all
            database.execute_sql(f"UPDATE audit_event SET ip = '192.0.2.0/24' WHERE {where}")  # noqa: S608 - own words
        database.execute_sql("DELETE FROM audit_event WHERE id = 2")  # ids had gaps
        migration("up")
    kept = all_rows()
    assert [row[:9] for row in kept] == [older[0][:9], older[2][:9]]
    assert [row[9] for row in kept] == ["192.0.2.0/24", "192.0.2.0/24"]
    assert [row.number for row in AuditEvent.select().order_by(AuditEvent.id)] == [1, 2]
    assert list(audit_check.faults()) == [] and AuditPersonal.select().count() == 2
    with write_tx():
        record(act_of(cast.bob, clock.now()), "contract.changed", Thing("contract", "9"))
    assert AuditEvent.select().order_by(AuditEvent.id.desc()).first().number == 3
    assert list(audit_check.faults()) == []
