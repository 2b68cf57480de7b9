"""The chain of evidence: gapless, never forked, append-only; an erased row says so, a changed one is found."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from peewee import DatabaseError

from models.base import database, write_tx
from models.evidence import Evidence, EvidenceHead, EvidencePersonal
from models.terms import Acceptance
from services import consent_records, evidence, evidence_faults
from services.evidence_check import GENESIS
from tests.evidence_ground import unguarded


@pytest.fixture
def add(clock):
    def adding(name: str = "Alice", **record):
        with write_tx():
            return evidence.chain(
                clock.now(), "customer_acceptance", None, record=record or {"outcome": "accepted"}, personal={"n": name}
            )

    return adding


def faults():
    return list(evidence_faults.faults())


def test_each_row_names_the_hash_of_the_one_before(db, add):
    assert evidence.head() == evidence.Link(0, "", GENESIS)
    links = [add(f"person {number}") for number in range(3)]
    assert [link.number for link in links] == [1, 2, 3]
    assert [link.prev_hash for link in links] == [GENESIS, links[0].hash, links[1].hash]
    assert evidence.head() == evidence.Link(3, "", links[2].hash)
    assert evidence.at_number(2) == links[1] and evidence.at_number(4) is None
    assert faults() == []


def test_outside_a_transaction_nothing_is_added(db, clock):
    with pytest.raises(RuntimeError):
        evidence.chain(clock.now(), "viewed", None, record={}, personal={})
    assert not Evidence.select().exists()


def test_the_same_personal_values_have_another_digest_each_time(db, add):
    assert len({add("Alice").hash for _time in range(2)}) == 2
    assert len({row.personal_digest for row in Evidence.select()}) == 2


def test_what_a_refused_change_added_is_not_in_the_chain(db, add, clock):
    add()

    def refused():
        with write_tx():
            evidence.chain(clock.now(), "viewed", None, record={}, personal={})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        refused()
    assert add().number == 2 and faults() == []


def test_a_lost_head_is_found_again_from_the_last_row(db, add):
    last = add()
    EvidenceHead.delete().execute()
    assert add().prev_hash == last.hash


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE evidence SET record = '{}'",
        "UPDATE evidence SET prev_hash = 'x'",
        "DELETE FROM evidence",
        "UPDATE evidence_personal SET body = '{}'",
        "DELETE FROM evidence_personal",
        "DELETE FROM acceptance",
        "UPDATE acceptance SET accepted_at = '2020-01-01 00:00:00'",
        "UPDATE acceptance SET member_name = 'Somebody Else'",
        "UPDATE acceptance SET declared_authority = FALSE",
        "UPDATE acceptance SET sha256 = ''",
        """UPDATE acceptance SET shown = '{"boxes": {}}'""",
        "UPDATE acceptance SET hash = ''",
        "UPDATE consent_event SET kind = 'viewed'",
        "DELETE FROM consent_event",
    ],
)
def test_the_database_refuses_to_change_or_delete_evidence(cast, acting, statement):
    with write_tx():
        version = Acceptance.get(Acceptance.member == cast.alice).version
        consent_records.happened(acting(cast.alice), "declined", cast.alice, version)
    with pytest.raises(DatabaseError, match="evidence is never changed"), database.atomic():
        database.execute_sql(statement)
    assert faults() == []


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE evidence SET record = replace(record, 'true', 'false') WHERE number = 2", "evidence 2 was changed"),
        ("UPDATE evidence SET record = record || ' ' WHERE number = 2", "evidence 2 was changed"),
        ("UPDATE evidence SET at = '2020-01-01 00:00:00.000000' WHERE number = 2", "evidence 2 was changed"),
        ("UPDATE evidence SET hash = 'x' WHERE number = 2", "evidence 3 does not follow"),
        ("DELETE FROM evidence_personal WHERE number = 2", "evidence 2 has lost its personal part"),
        ("UPDATE evidence_personal SET body = replace(body, 'Alice', 'Alina')", "its personal part was changed"),
        ("UPDATE evidence_personal SET salt = 'x' WHERE number = 2", "evidence 2: its personal part was changed"),
        ("UPDATE evidence_head SET number = number - 1", "the chain of evidence ends at number"),
        ("UPDATE evidence_head SET hash = 'x'", "the chain of evidence ends at number"),
        ("UPDATE acceptance SET member_name = 'Alina' WHERE id = 2", "acceptance 2 differs from evidence 2"),
        ("UPDATE acceptance SET accepted_at = '2020-01-01 00:00:00.000000' WHERE id = 2", "acceptance 2 differs"),
        ("UPDATE acceptance SET declared_authority = NOT declared_authority WHERE id = 2", "acceptance 2 differs"),
        ("UPDATE acceptance SET hash = '' WHERE id = 2", "acceptance 2 is not in the chain"),
        ("UPDATE terms_version SET body = body || 'x' WHERE kind = 'portal_terms'", "the text portal_terms"),
    ],
)
def test_a_change_past_the_guards_is_found_and_named(cast, statement, said):
    assert faults() == []
    with unguarded():
        database.execute_sql(statement)
    assert any(said in fault for fault in faults()), faults()


def test_a_row_taken_out_leaves_a_gap_that_is_found(cast, add):
    with unguarded():
        EvidencePersonal.delete().where(EvidencePersonal.number == 2).execute()
        Evidence.delete().where(Evidence.number == 2).execute()
    assert "evidence has a gap before number 3" in faults()


def test_an_erased_row_verifies_and_says_so(cast, clock):
    row = Acceptance.get(Acceptance.member == cast.alice)
    with write_tx():
        assert consent_records.erase(clock.now(), [row], "retention ended") == 1
        assert consent_records.erase(clock.now(), [row], "again") == 0
    kept = Acceptance.get_by_id(row.id)
    assert (kept.member_name, kept.member_email, kept.ip, kept.shown) == ("", "", "", {})
    assert (kept.sha256, kept.hash, kept.accepted_at) == (row.sha256, row.hash, row.accepted_at)
    number = Evidence.get(Evidence.hash == row.hash).number
    assert EvidencePersonal.get_or_none(EvidencePersonal.number == number) is None
    said = Evidence.get(Evidence.kind == "erased")
    assert said.subject == number and "retention ended" in said.record
    assert faults() == []


def test_an_erased_row_whose_values_came_back_is_found(cast, clock):
    row = Acceptance.get(Acceptance.member == cast.alice)
    with write_tx():
        consent_records.erase(clock.now(), [row], "retention ended")
    with unguarded():
        Acceptance.update(member_name="Alice Adler").where(Acceptance.id == row.id).execute()
    assert [fault for fault in faults() if f"acceptance {row.id} differs" in fault]


def test_many_at_once_make_one_chain(db, clock):
    begin = threading.Barrier(8)

    def adding(person: int):
        with database.connection_context():
            begin.wait(20)
            for turn in range(5):
                with write_tx():
                    record = {"turn": turn}
                    evidence.chain(clock.now(), "viewed", None, record=record, personal={"person": person})

    with ThreadPoolExecutor(8) as threads:
        for done in [threads.submit(adding, person) for person in range(8)]:
            done.result(60)
    assert evidence.head().number == 40
    assert [row.number for row, _personal in evidence.rows()] == list(range(1, 41))
    assert faults() == []


def test_the_whole_chain_is_read_in_pieces(db, add, monkeypatch, count_queries):
    monkeypatch.setattr(evidence, "BATCH", 2)
    for _row in range(4):
        add()
    assert [row.number for row, _personal in evidence.rows()] == [1, 2, 3, 4]
    assert [row.number for row, _personal in evidence.rows(after=1, upto=3)] == [2, 3]
    assert faults() == []
