"""The trail is one chain: gapless, never forked, added to alone; what was changed, deleted, swapped or cut is named."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from peewee import DatabaseError

from models.audit import AuditEvent, AuditHead, AuditPersonal
from models.base import at_the_end, database, write_tx
from models.sub_account import SubAccount
from services import audit_check, audit_erasing, audit_heads, audit_purging, chain, erasure, policy
from services.audit import Change, Thing, record, record_many
from services.command_line import NotDone
from services.evidence_check import GENESIS
from tests.cast import act_of
from tests.evidence_ground import unguarded
from tests.services import leaving

LONG_AGO = timedelta(days=400)


@pytest.fixture
def write(cast, clock):
    def writing(action="contract.changed", person=cast.alice, count=1, **values):
        act = act_of(person, clock.now(), request_id="request 1")
        with write_tx():
            for number in range(count):
                record(act, action, cast.contract, partner=cast.northwind, after={"number": number, **values})

    return writing


def faults(*heads):
    return list(audit_check.faults(heads))


def test_each_row_names_the_hash_of_the_one_before(cast, write):
    assert chain.head(AuditHead).hash == GENESIS
    write(count=3)
    write()
    rows = list(AuditEvent.select().order_by(AuditEvent.number))
    assert [row.number for row in rows] == [1, 2, 3, 4]
    assert [row.prev_hash for row in rows] == [GENESIS, *(row.hash for row in rows[:3])]
    assert (rows[0].actor_name, rows[0].ip, rows[0].request_id) == ("Alice Adler", "192.0.2.7", "request 1")
    assert rows[2].after == {"number": 2} and rows[2].before is None
    assert chain.head(AuditHead) == chain.Link(4, "", rows[3].hash)
    assert faults() == list(audit_check.tail()) == []


def test_outside_a_transaction_nothing_is_recorded(cast, acting):
    with pytest.raises(RuntimeError, match=r"contract\.changed was recorded outside the transaction"):
        record(acting(cast.alice), "contract.changed", cast.contract)
    with pytest.raises(RuntimeError):
        at_the_end(print, 1)
    assert not AuditEvent.select().exists()


def test_what_a_refused_change_recorded_is_not_in_the_chain(cast, write, acting):
    write()

    def refused():
        with write_tx():
            record(acting(cast.alice), "contract.changed", cast.contract)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        refused()
    write()
    assert [row.number for row in AuditEvent.select().order_by(AuditEvent.id)] == [1, 2] and faults() == []


def test_values_are_those_of_the_moment_of_recording(cast, acting):
    after = {"state": "active"}
    with write_tx():
        record_many(acting(cast.alice), "contract.changed", [Change(Thing("contract", "7"), None, after)])
        after["state"] = "changed later"
    row = AuditEvent.get()
    assert (row.thing_kind, row.thing_id, row.after) == ("contract", "7", {"state": "active"}) and faults() == []


def test_writers_at_once_leave_one_chain(cast, write):
    start = threading.Barrier(4)

    def writer():
        with database.connection_context():
            start.wait(10)
            for _time in range(5):
                write(count=2)

    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(writer) for _number in range(4)]:
            done.result(60)
    numbers = [number for (number,) in AuditEvent.select(AuditEvent.number).order_by(AuditEvent.id).tuples()]
    assert numbers == list(range(1, 41)) and faults() == []


REFUSED = (
    "UPDATE audit_event SET action = 'contract.created'",
    "UPDATE audit_event SET hash = 'x'",
    "DELETE FROM audit_event",
    "DELETE FROM audit_personal",
    "UPDATE audit_personal SET number = 7 WHERE number = 2",
    "UPDATE audit_personal SET after = '{}'",
    "UPDATE audit_personal SET actor_name = 'Somebody Else'",
    "UPDATE audit_personal SET ip = ''",
    "UPDATE audit_personal SET network = ''",
    "UPDATE audit_personal SET request_id = 'x'",
    "DELETE FROM audit_head",
    "UPDATE audit_head SET number = number - 1",
    "UPDATE audit_head SET hash = 'x'",
)


@pytest.mark.parametrize("statement", REFUSED)
def test_the_database_refuses_to_change_or_delete_rows(write, statement):
    write(count=3)
    with pytest.raises(DatabaseError, match="the trail is never changed"), database.atomic():
        database.execute_sql(statement)
    assert faults() == []


BROKEN = (
    ("UPDATE audit_event SET action = 'contract.chanGed' WHERE number = 2", "audit row 2 was changed: its hash"),
    ("UPDATE audit_event SET thing_id = '9' WHERE number = 2", "audit row 2 was changed: its hash"),
    ("UPDATE audit_event SET at = '2020-01-01 00:00:00.000000' WHERE number = 2", "audit row 2 was changed: its hash"),
    ("UPDATE audit_event SET partner_id = NULL WHERE number = 2", "audit row 2 was changed: its hash"),
    ("UPDATE audit_event SET parts = ' ' || parts WHERE number = 2", "audit row 2 was changed: its hash"),
    ("UPDATE audit_event SET parts = 'words' WHERE number = 2", "audit row 2 was changed: its hash"),
    ("UPDATE audit_event SET parts = '[]' WHERE number = 2", "audit row 2 was changed: its hash"),
    ("DELETE FROM audit_event WHERE number = 2", "audit has a gap before number 3"),
    ("DELETE FROM audit_personal WHERE number = 2", "audit row 2 has lost its personal parts"),
    ("UPDATE audit_personal SET after = replace(after, '1', '2') WHERE number = 2", "audit row 2 was changed: values"),
    ("UPDATE audit_personal SET after = after || ' ' WHERE number = 2", "audit row 2 was changed: values"),
    ("UPDATE audit_personal SET actor_name = 'Alina Adler' WHERE number = 2", "audit row 2 was changed: name"),
    ("UPDATE audit_personal SET ip = '192.0.2.8' WHERE number = 2", "audit row 2 was changed: ip"),
    ("UPDATE audit_personal SET request_id = 'x' WHERE number = 2", "audit row 2 was changed: place"),
    ("UPDATE audit_personal SET ip = '', ip_salt = '' WHERE number = 2", "audit row 2 has lost ip, and no row says"),
    ("UPDATE audit_personal SET name_salt = '' WHERE number = 2", "audit row 2 was changed: name was put in"),
    ("UPDATE audit_head SET number = number - 1", "audit ends at number 2; its head says 2"),
)


@pytest.mark.parametrize(("statement", "said"), BROKEN)
def test_the_first_broken_row_is_named(write, statement, said):
    write(count=3)
    with unguarded():
        database.execute_sql(statement)
    found = faults()
    assert said.replace("audit ends at number 2", "the chain of audit ends at number 2") in found[0]
    assert list(audit_check.tail()) != []


def test_rows_that_changed_places_are_named(write):
    write(count=4)
    with unguarded():
        for old, new in ((2, 99), (3, 2), (99, 3)):
            database.execute_sql(f"UPDATE audit_event SET number = {new} WHERE number = {old}")  # noqa: S608 - own names
    assert faults()[0] == "audit row 2 does not follow on the row before it"


def test_a_tail_that_was_cut_is_seen_only_with_a_head_from_outside(write, acting, settings, tmp_path):
    write(count=5)
    head = chain.head(AuditHead)
    with unguarded():
        for table in ("audit_personal", "audit_event"):
            database.execute_sql(f"DELETE FROM {table} WHERE number > 3")  # noqa: S608 - own names
        database.execute_sql("UPDATE audit_head SET number = 3, hash = (SELECT hash FROM audit_event WHERE number = 3)")
    assert faults() == []
    assert faults(head) == [
        "the trail ends at number 3, and a head that was kept outside says 5: rows were cut off at its end"
    ]
    write(count=2)  # and written anew up to the same number
    assert faults(head) == ["audit row 5 is not the one of which a head was kept outside"]


def test_the_tail_is_looked_at_alone(write, monkeypatch):
    monkeypatch.setattr(audit_check, "TAIL", 2)
    write(count=5)
    with unguarded():
        database.execute_sql("UPDATE audit_event SET thing_id = '9' WHERE number = 2")
    assert list(audit_check.tail()) == [] and len(faults()) == 1
    with unguarded():
        database.execute_sql("UPDATE audit_event SET thing_id = '9' WHERE number = 5")
    assert list(audit_check.tail()) == ["audit row 5 was changed: its hash does not fit its content"]


def test_names_and_addresses_whose_time_is_over_go_and_the_chain_holds(cast, write, clock):
    write("session.begun", count=3)
    write()
    write("session.ended", person=cast.olga)
    before = clock.now() + timedelta(seconds=1)
    assert audit_purging.old_addresses(clock.now() + LONG_AGO, before) == 5
    assert {row.ip for row in AuditEvent.select().where(AuditEvent.thing_kind == "contract")} == {"192.0.2.0/24"}
    assert audit_purging.old_names(clock.now() + LONG_AGO, before) == 4
    named = [(row.actor_name, row.ip) for row in AuditEvent.select().order_by(AuditEvent.id).limit(5)]
    gone = (f"member #{cast.alice.id}", "")
    assert named == [gone] * 3 + [("Alice Adler", "192.0.2.0/24"), (f"operator #{cast.olga.id}", "")]
    assert faults() == []
    assert audit_purging.old_addresses(clock.now(), before) == audit_purging.old_names(clock.now(), before) == 0
    (_ips, vouched) = AuditEvent.select().where(AuditEvent.action == audit_erasing.ERASED).order_by(AuditEvent.id)
    assert vouched.after == {"parts": ["ip", "name", "place"], "reason": "security_log_days", "rows": "1-3,5"}


def test_an_erasure_that_no_row_vouches_for_is_a_fault(cast, write, clock, monkeypatch):
    write(count=2)
    monkeypatch.setattr(audit_erasing, "_vouch", lambda *given: None)
    with write_tx():
        audit_erasing.erase(clock.now(), [2], audit_erasing.ALL, "erasure")
    assert [fault.split(",")[0] for fault in faults()] == [f"audit row 2 has lost {part}" for part in audit_erasing.ALL]


def test_texts_written_anew_can_not_be_changed_unseen(write, clock):
    write(words="Alice Adler")
    with write_tx():
        audit_erasing.rewrite(clock.now(), {1: {"after": '{"words": "former member #1"}'}}, "erasure")
    assert AuditEvent.get(AuditEvent.number == 1).after == {"words": "former member #1"} and faults() == []
    with unguarded():
        AuditPersonal.update(after={"words": "former member #2"}).where(AuditPersonal.number == 1).execute()
    assert faults() == ["audit row 1 was changed: values does not fit its digest"]


@pytest.mark.parametrize("whole", [False, True])
def test_the_chain_holds_after_an_erasure(cast, acting, settings, clock, whole):
    leaving.fill(cast.northwind, cast.bob, clock.now())
    if whole:
        SubAccount.update(phase="deleted").execute()
        assert erasure.erase_partner(acting(), settings, cast.northwind).finished_at is not None
        assert not AuditPersonal.select().where(AuditPersonal.actor_name == cast.bob.name).exists()
    else:
        erasure.erase_member(acting(), settings, cast.bob)
        row = AuditEvent.get(AuditEvent.action == "contract.changed")
        called = f"former member #{cast.bob.id}"
        assert (row.actor_name, row.after) == (called, {"words": f"as {called} said"})
    assert faults() == []
    assert policy.current().security_log_days


def test_the_head_goes_out_once_a_day(cast, write, acting, settings, clock, tmp_path):
    from dataclasses import replace

    from models.outbox import Mail

    assert audit_heads.tell(acting(), settings) == 0
    outward = replace(settings, audit_head_mail="heads@auditor.example.com", audit_head_dir=tmp_path / "heads")
    write(count=2)
    assert [audit_heads.tell(acting(), outward) for _time in range(2)] == [1, 0]
    clock.advance(hours=24)
    assert audit_heads.tell(acting(), outward) == 1
    file = tmp_path / "heads" / audit_heads.FILE
    heads = audit_heads.read(file)
    assert [head.number for head in heads] == [2, 3] and faults(*heads) == []
    mails = list(Mail.select().where(Mail.recipient == "heads@auditor.example.com").order_by(Mail.id))
    letter = tmp_path / "mail.txt"
    letter.write_text(mails[0].text)
    assert audit_heads.read(letter) == heads[:1]
    (tmp_path / "empty").write_text("no head")
    with pytest.raises(NotDone, match="holds no head of the trail"):
        audit_heads.read(tmp_path / "empty")
