"""What the worker asks twice a second stays cheap, however many sub-accounts have settled."""

import json

import pytest

from models.sub_account import PHASES, SETTLED_PHASES, SubAccount
from services import leases
from tests.accounts import many
from tests.services.ground import GB, TB, fresh, work

SETTLED = 3000


@pytest.fixture
def settled(cast, clock, db) -> None:
    many(cast, clock.now(), SETTLED, allocated_bytes=GB)
    db.execute_sql("ANALYZE")


def plan(db, engine: str, statement: str, values: list) -> str:
    if engine == "sqlite":
        rows = db.execute_sql("EXPLAIN QUERY PLAN " + statement, values).fetchall()
        return "\n".join(row[3] for row in rows)
    ((found,),) = db.execute_sql("EXPLAIN (FORMAT JSON) " + statement, values).fetchall()
    return found if isinstance(found, str) else json.dumps(found)


def read_whole(found: str) -> str:
    """The tables that a plan reads from end to end; feature_switch, which never has more than a few rows, may be."""
    if not found.startswith("["):
        return "\n".join(line for line in found.splitlines() if "SCAN" in line)

    def scans(node: dict) -> list[str]:
        inner = [name for child in node.get("Plans", []) for name in scans(child)]
        return inner + ([f"SCAN {node['Relation Name']}"] if node["Node Type"] == "Seq Scan" else [])

    return "\n".join(line for line in scans(json.loads(found)[0]["Plan"]) if "feature_switch" not in line)


def test_what_is_due_is_found_by_the_index_of_open_rows(ground, site, settled, db, engine, monkeypatch):
    asked = []
    execute = db.execute_sql

    def listening(statement, *values):
        asked.append((statement, *values))
        return execute(statement, *values)

    monkeypatch.setattr(db, "execute_sql", listening)
    assert leases.take(site) is None
    monkeypatch.undo()
    (question,) = [call for call in asked if call[0].startswith("SELECT")]
    found = plan(db, engine, question[0], question[1])
    assert "sub_account_due_idx" in found
    assert "SCAN" not in read_whole(found) and "TEMP B-TREE" not in found
    SubAccount.delete().execute()


def test_every_open_row_is_found_and_no_settled_one(ground, site):
    """The condition stands as text beside the models: it must mean what they say."""
    row = ground.account("A", TB)
    for phase in PHASES:
        for observed in (0, 1):
            SubAccount.update(phase=phase, observed_generation=observed, lease_until_at=None).execute()
            taken = leases.take(site)
            assert (taken is None) == (phase in SETTLED_PHASES and observed == 1) == fresh(row).settled
    SubAccount.update(phase="pending", observed_generation=0, lease_until_at=None, lease_owner="").execute()
    work(site)
