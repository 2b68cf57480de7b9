"""Acceptances from before the chain come into it, in the order in which they were given."""

import importlib.util

import pytest
from playhouse.migrate import PostgresqlMigrator, SqliteMigrator

from models.base import database
from models.evidence import Evidence, EvidencePersonal
from models.schema import DIRECTORY
from models.terms import Acceptance
from services import evidence, evidence_faults


@pytest.fixture
def migration(engine):
    spec = importlib.util.spec_from_file_location("evidence_migration", DIRECTORY / "0013_evidence.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    migrator = (SqliteMigrator if engine == "sqlite" else PostgresqlMigrator)(database.obj)
    return lambda way: getattr(module, way)(migrator, database)


def test_an_older_database_is_chained_and_everything_verifies(cast, clock, migration):
    older = [(row.id, row.member_name, row.accepted_at) for row in Acceptance.select().order_by(Acceptance.id)]
    with database.atomic():
        migration("down")
        assert not database.execute_sql("SELECT 1 FROM acceptance WHERE hash <> '' OR prev_hash <> ''").fetchall()
        migration("up")
    assert [(row.id, row.member_name, row.accepted_at) for row in Acceptance.select().order_by(Acceptance.id)] == older
    assert list(evidence_faults.faults()) == []
    assert evidence.head().number == Evidence.select().count() == EvidencePersonal.select().count() == len(older) > 3
    chained = [row.hash for row in Evidence.select().order_by(Evidence.number)]
    assert chained == [row.hash for row in Acceptance.select().order_by(Acceptance.id)]
