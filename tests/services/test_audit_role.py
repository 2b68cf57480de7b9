"""The database role for web and worker adds to the trail and the evidence, and can change or delete nothing there."""

import os
import re
from pathlib import Path
from urllib.parse import urlparse

import psycopg
import pytest

from models.audit import AuditEvent
from models.base import database, open_database, write_tx
from models.evidence import Evidence
from services import audit_check, audit_purging, audit_role, evidence
from services.audit import record

pytestmark = pytest.mark.postgres_only
SCRIPT = Path(__file__).resolve().parents[2] / "deploy" / "postgres-role.sql"
NO_RIGHT = (
    "UPDATE audit_event SET action = 'x'",
    "DELETE FROM audit_event",
    "TRUNCATE audit_event CASCADE",
    "DELETE FROM audit_personal",
    "DELETE FROM audit_head",
    "UPDATE evidence SET kind = 'x'",
    "DELETE FROM evidence",
    "UPDATE evidence_personal SET body = 'x'",
    "UPDATE consent_event SET kind = 'viewed'",
    "DELETE FROM schema_migration",
    "ALTER TABLE audit_event DISABLE TRIGGER ALL",
    "DROP TRIGGER audit_event_update_kept ON audit_event",
    "SET session_replication_role = replica",
)


@pytest.fixture
def role(db, cast, database_url):
    """The tests' database as a role of the script sees it."""
    name = f"portal_app_{os.getpid()}"
    statements = re.sub(r"^--.*$", "", SCRIPT.read_text(), flags=re.MULTILINE).replace(':"role"', f'"{name}"')
    assert audit_role.remark().startswith(
        "remark: the database role of this process may change audit_event and evidence"
    )
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute(f'CREATE ROLE "{name}" LOGIN')
        owner.execute(statements)
        database.obj.close_all()
        place = urlparse(database_url)
        opened = open_database(place._replace(netloc=f"{name}@{place.hostname}:{place.port}").geturl())
        yield opened
        opened.close_all()
        open_database(database_url)
        owner.execute(f'DROP OWNED BY "{name}"')
        owner.execute(f'DROP ROLE "{name}"')


def test_the_role_writes_and_erases_and_the_chain_holds(role, cast, acting, clock):
    assert audit_role.remark() == ""
    with write_tx():
        record(acting(cast.alice), "session.begun", cast.alice, partner=cast.northwind, after={"method": "password"})
        evidence.chain(clock.now(), "viewed", None, record={}, personal={"name": "Alice"})
    later = clock.now().replace(year=2028)
    assert audit_purging.old_names(later, later) == 1
    with write_tx():
        assert evidence.erase(later, [Evidence.get(Evidence.kind == "viewed").hash], "erasure") == 1
    assert AuditEvent.select().first().actor_name == f"member #{cast.alice.id}"
    assert list(audit_check.faults()) == []


@pytest.mark.parametrize("statement", NO_RIGHT)
def test_the_role_has_no_right_to_change_them(role, statement):
    with pytest.raises(Exception, match=r"permission denied|must be owner"), database.atomic():
        database.execute_sql(statement)
