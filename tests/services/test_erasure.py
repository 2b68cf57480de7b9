"""Erasure: what told of persons is gone, what law keeps lies apart, and the chain of evidence holds."""

from datetime import date

import pytest
from peewee import fn

from models.archive import ArchiveRecord, Erasure
from models.audit import AuditEvent
from models.base import database
from models.evidence import Evidence, EvidencePersonal
from models.outbox import Mail
from models.partner import Member, Partner
from models.session import Session
from models.stored_file import StoredFile
from models.sub_account import SubAccount
from models.terms import Acceptance
from services import archive, deletion_guard, erasure, erasure_paths, evidence, promises, sessions
from services.evidence_check import link
from services.record_classes import CLASSES, TABLES
from tests.cast import act_of
from tests.services import leaving
from tests.services.deletions import asked
from tests.services.ground import Ground, work

ARCHIVE = ("archive_record",)


@pytest.fixture
def full(cast, settings, clock):
    """Northwind with a row in every table, all of its sub-accounts gone from the storage."""
    sessions.begin(act_of(cast.bob, clock.now()), cast.bob, settings)
    leaving.fill(cast.northwind, cast.alice, clock.now())
    SubAccount.update(phase="deleted", wanted_state="deleted", allocated_bytes=0).execute()
    return cast


def chain_holds() -> bool:
    reached = "0" * 64
    for row, _personal in evidence.rows():
        content = evidence.content_of(row)
        from services.evidence_check import content_digest

        if row.prev_hash != reached or link(reached, content_digest(content)) != row.hash:
            return False
        reached = row.hash
    return True


def test_the_ground_has_a_row_in_every_table_of_partners(full):
    empty = [
        table._meta.table_name
        for table in erasure_paths.in_order()
        if not table.select().where(erasure_paths.of_partner(table, full.northwind.id)).exists()
    ]
    assert empty == []


def test_nothing_personal_of_an_erased_partner_is_found_outside_the_archive(full, acting, settings):
    words = leaving.personal_words(full.northwind)
    assert {word for _place, word in leaving.places_of(words, ARCHIVE)} == set(words), "all of them were there"
    done = erasure.erase_partner(acting(), settings, full.northwind)
    assert done.finished_at is not None and done.erased_rows > 20 and done.archived_rows > 10
    assert leaving.places_of(words, ARCHIVE) == set()
    assert {word for _place, word in leaving.places_of(words)} >= {full.northwind.legal_name, full.alice.name}


def test_what_is_erased_of_one_partner_stays_of_the_other(full, acting, settings, clock):
    before = {
        table: table.select().where(erasure_paths.of_partner(table, full.contoso.id)).count()
        for table in erasure_paths.in_order()
    }
    erasure.erase_partner(acting(), settings, full.northwind)
    for table, number in before.items():
        assert table.select().where(erasure_paths.of_partner(table, full.contoso.id)).count() == number, table
    assert Member.get_by_id(full.charlie.id).name == "Charlie Chase"


def test_tombstones_say_what_they_were(full, acting, settings):
    erasure.erase_partner(acting(), settings, full.northwind)
    partner, alice = Partner.get_by_id(full.northwind.id), Member.get_by_id(full.alice.id)
    assert (partner.legal_name, partner.state) == (f"former partner #{partner.id}", "closed")
    assert (alice.name, alice.email, alice.active) == (f"former member #{alice.id}", "", False)
    own = AuditEvent.select().where(AuditEvent.partner == partner, AuditEvent.actor_kind == "member")
    assert own.count() and all(row.actor_name == f"former member #{row.actor_id}" and row.ip == "" for row in own)
    assert not Session.select().where(Session.member == alice).exists()


def test_rows_whose_class_is_kept_by_law_are_in_the_archive_and_no_others(full, acting, settings):
    erasure.erase_partner(acting(), settings, full.northwind)
    kept = {row.source_table for row in ArchiveRecord.select()}
    by_law = {
        table._meta.table_name
        for table in erasure_paths.in_order()
        if CLASSES[TABLES[table._meta.table_name].record_class].archived
    }
    assert kept == by_law
    for row in ArchiveRecord.select():
        assert row.record_class == TABLES[row.source_table].record_class
        assert row.rows == len(row.payload)


def test_secrets_and_customers_people_never_get_into_the_archive(full, acting, settings):
    erasure.erase_partner(acting(), settings, full.northwind)
    for row in ArchiveRecord.select():
        classed = TABLES[row.source_table]
        left = {name for name, of in classed.columns.items() if of in ("person", "secret", "operational")}
        assert not left & {name for line in row.payload for name in line}, row.source_table


def test_papers_go_to_the_archive_with_their_content_and_nowhere_else(full, acting, settings):
    erasure.erase_partner(acting(), settings, full.northwind)
    assert not StoredFile.select().where(StoredFile.name.contains("Alice")).exists()
    (paper,) = [row for row in ArchiveRecord.select() if row.source_table == "partner_document"]
    assert paper.payload[0]["file_file"]["content_base64"] == "Y29udGVudA=="


def test_the_chain_of_evidence_holds_and_says_that_its_personal_parts_are_gone(full, acting, settings):
    assert chain_holds()
    erasure.erase_partner(acting(), settings, full.northwind)
    assert chain_holds()
    own = Evidence.select(Evidence.number).where(Evidence.partner == full.northwind, Evidence.kind != "erased")
    assert own.count() >= 4
    assert not EvidencePersonal.select().where(EvidencePersonal.number.in_(own)).exists()
    kept = [line for row in ArchiveRecord.select() if row.source_table == "evidence_personal" for line in row.payload]
    assert any(full.alice.name in line["body"] for line in kept)


def test_nothing_goes_while_a_sub_account_is_on_the_storage(full, acting, settings):
    SubAccount.update(phase="deleting").execute()
    waiting = erasure.erase_partner(acting(), settings, full.northwind)
    assert (waiting.waits_for, waiting.finished_at) == ("sub_accounts", None)
    assert Member.get_by_id(full.alice.id).name == "Alice Adler"
    SubAccount.update(phase="deleted").execute()
    assert erasure.erase_partner(acting(), settings, full.northwind).finished_at is not None


def test_an_erasure_that_was_broken_off_goes_on_where_it_was(full, acting, settings, monkeypatch):
    words = leaving.personal_words(full.northwind)
    monkeypatch.setattr(erasure, "BATCH_ROWS", 1)
    begun = Erasure.create(kind="partner", subject_id=full.northwind.id, public_id="northwind", asked_at=acting().at)
    steps = 0
    while not erasure.carry_on(acting(), settings, Erasure.get_by_id(begun.id), most_batches=1):
        steps += 1
    assert steps > 40
    assert leaving.places_of(words, ARCHIVE) == set()
    for row in ArchiveRecord.select():
        keys = [line.get("id", line.get("number")) for line in row.payload]
        assert len(keys) == len(set(keys)) == 1
    twice = ArchiveRecord.select(fn.COUNT(ArchiveRecord.id)).group_by(ArchiveRecord.source_table, ArchiveRecord.payload)
    assert {number for (number,) in twice.tuples()} == {1}


def test_a_second_time_changes_nothing(full, acting, settings, clock):
    first = erasure.erase_partner(acting(), settings, full.northwind)
    clock.advance(days=3)
    again = erasure.erase_partner(acting(), settings, full.northwind)
    assert (again.id, again.finished_at, again.archived_rows) == (first.id, first.finished_at, first.archived_rows)


def test_periods_run_to_the_end_of_a_calendar_year(full, acting, settings):
    erasure.erase_partner(acting(), settings, full.northwind)
    ends = {row.source_table: row.delete_after_on for row in ArchiveRecord.select()}
    assert ends["contract"] == date(2034, 12, 31), "8 years after 2026, when the account was erased"
    assert ends["acceptance"] == date(2032, 12, 31)
    kept = {one.record_class: one.until_on for one in archive.kept(full.northwind.id)}
    assert kept == {
        "commercial_letter": date(2032, 12, 31), "evidence": date(2032, 12, 31), "voucher": date(2034, 12, 31),
    }  # fmt: skip


def test_what_is_over_already_is_not_kept_once_more(full, acting, settings):
    database.execute_sql("UPDATE usage_day SET day_on = '2015-01-01'")
    erasure.erase_partner(acting(), settings, full.northwind)
    assert not ArchiveRecord.select().where(ArchiveRecord.source_table == "usage_day").exists()


def test_of_a_sign_up_from_which_nothing_came_nothing_is_kept(full, acting, settings):
    words = leaving.personal_words(full.northwind)
    erasure.erase_partner(acting(), settings, full.northwind, keeps=False)
    assert ArchiveRecord.select().count() == 0
    assert leaving.places_of(words) == set()


def test_a_person_goes_and_the_company_stays(full, acting, settings, clock):
    Member.update(role="admin").where(Member.id == full.bob.id).execute()
    words = [full.alice.name, full.alice.email]
    erasure.erase_member(acting(), settings, full.alice)
    assert leaving.places_of(words, ARCHIVE) == set()
    assert Partner.get_by_id(full.northwind.id).legal_name == "Northwind Traders GmbH"
    assert Member.get_by_id(full.bob.id).name == "Bob Brandt"
    account = SubAccount.get(SubAccount.partner == full.northwind)
    assert account.contact_name == leaving.CUSTOMER
    assert chain_holds()


def test_what_a_person_agreed_to_is_kept_until_the_company_has_left(full, acting, settings, clock):
    Member.update(role="admin").where(Member.id == full.bob.id).execute()
    erasure.erase_member(acting(), settings, full.alice)
    kept = list(ArchiveRecord.select())
    assert {row.source_table for row in kept} >= {"acceptance", "consent_receipt", "evidence_personal"}
    assert all(row.delete_after_on is None for row in kept)
    assert all(row.member_name == "" for row in Acceptance.select().where(Acceptance.member == full.alice))
    clock.advance(days=800)
    erasure.erase_partner(acting(), settings, full.northwind)
    ends = {row.delete_after_on for row in ArchiveRecord.select().where(ArchiveRecord.id.in_([row.id for row in kept]))}
    assert ends == {date(2034, 12, 31)}


def test_mails_to_an_erased_person_keep_their_line_alone(full, acting, settings):
    Member.update(role="admin").where(Member.id == full.bob.id).execute()
    before = Mail.select().count()
    erasure.erase_member(acting(), settings, full.alice)
    assert Mail.select().count() == before
    own = Mail.get(Mail.recipient == f"former member #{full.alice.id}")
    assert (own.subject, own.text, own.html) == (f"To former member #{full.alice.id}", "", "")


def test_the_only_administrator_is_not_erased(full, acting, settings):
    with pytest.raises(erasure.ErasureRefused, match="only administrator"):
        erasure.erase_member(acting(), settings, full.alice)
    assert Member.get_by_id(full.alice.id).name == "Alice Adler"
    assert Erasure.select().count() == 0


def test_the_promises_hold_after_an_erasure(cast, acting, settings, clock):
    """Tombstones break no promise that `check` asks about."""
    ground = Ground(cast, settings, clock)
    site = ground.site()
    row = ground.account("A", 10**12)
    work(site)
    asked(ground, site, row)
    clock.advance(days=settings.deletion_days)
    deletion_guard.begin_due(site, settings)
    for _round in range(20):
        work(site)
        clock.advance(minutes=5)
    assert SubAccount.get_by_id(row.id).phase == "deleted"
    assert erasure.erase_partner(acting(), settings, cast.northwind).finished_at is not None
    assert SubAccount.get_by_id(row.id).name == ""
    assert [str(found) for found in promises.check(clock.now())] == []
