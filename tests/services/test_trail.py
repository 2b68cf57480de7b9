"""Every question that the pages ask the trail is answered by an index, however long the trail is."""

from datetime import timedelta

import pytest

from models.audit import AuditEvent
from models.base import write_tx
from services import trail
from services.audit import Change, Thing, record_many
from services.trail import Wanted
from tests.cast import act_of
from tests.services.test_leases import plan, read_whole

MANY = 4000


@pytest.fixture
def long(cast, clock, db) -> None:
    """Rows of two partners by several people about many things, over time."""
    at = clock.now()
    for step in range(20):
        people = (cast.alice, cast.bob, cast.olga, None) if step % 2 else (cast.charlie,)
        partner = cast.northwind if step % 2 else cast.contoso
        with write_tx():
            for number, person in enumerate(people):
                act = act_of(person, at + timedelta(hours=step, minutes=number))
                share = MANY // 20 // len(people)
                things = [Thing(kind, f"{step}-{n}") for n in range(share // 2) for kind in ("contract", "sub_account")]
                record_many(act, "contract.changed", [Change(thing) for thing in things], partner=partner)
    db.execute_sql("ANALYZE")


def asked_of(wanted: Wanted, partner, staff: bool, before):
    conditions = trail._conditions(wanted, partner, staff)
    return trail._ordered(conditions, trail._row(before)).limit(51)


def test_no_question_reads_the_whole_trail(cast, clock, long, db, engine):
    some = AuditEvent.select().where(AuditEvent.thing_id == "9-3").first()
    day = clock.now() + timedelta(hours=3)
    questions = [
        Wanted(),
        Wanted(kind="contract"),
        Wanted(kind="contract", thing="9-3"),
        Wanted(person=f"member:{cast.bob.id}"),
        Wanted(person="operator"),
        Wanted(source="web"),
        Wanted(from_at=day, until_at=day + timedelta(hours=2)),
        Wanted(kind="sub_account", person=f"member:{cast.alice.id}", from_at=day),
    ]
    for wanted in questions:
        for partner, staff in ((cast.northwind, False), (cast.northwind, True), (None, True)):
            for before in (None, some.id):
                found = plan(db, engine, *asked_of(wanted, partner, staff, before).sql())
                scans = [line for line in read_whole(found).splitlines() if "t1" in line or "audit_event" in line]
                if partner is None:  # of all partners in their order, by the index of times
                    scans = [line for line in scans if "USING INDEX audit_event_at_idx" not in line]
                assert scans == [], (wanted, staff, found)


def test_the_newest_rows_are_read_in_their_order_without_sorting(cast, long, db, engine):
    for partner, staff in ((cast.northwind, False), (cast.northwind, True), (None, True)):
        found = plan(db, engine, *asked_of(Wanted(), partner, staff, None).sql())
        assert "TEMP B-TREE" not in found and '"Sort"' not in found, found


def test_the_history_of_things_is_read_by_their_index(cast, long, db, engine):
    found = []
    execute = db.execute_sql
    db.execute_sql = lambda statement, *values: (found.append((statement, *values)), execute(statement, *values))[1]
    try:
        rows = trail.of_things(cast.northwind, [("contract", ["9-3"]), ("sub_account", ["9-3", "9-4"])])
    finally:
        del db.execute_sql
    assert len(rows) == 12
    question = plan(db, engine, *found[-1])
    assert "audit_event_thing_idx" in question, question
