"""The nightly purge: what is due goes, what is not stays, and a second run finds nothing."""

import json
from datetime import date, timedelta

import pytest

from models.archive import ArchiveRecord, Erasure, PurgeReport
from models.audit import AuditEvent
from models.base import write_tx
from models.outbox import Mail, MailAttachment
from models.partner import Member, Partner
from models.session import OneTimeLink, Session
from models.sub_account import SubAccount
from services import archive, erasure, erasure_list, housekeeping, policy
from services.audit import record
from services.refusal import NotFound
from services.sweep import sweep
from tests.cast import act_of
from tests.models import rows
from tests.services import leaving


@pytest.fixture
def gone(cast, settings, clock):
    leaving.fill(cast.northwind, cast.alice, clock.now())
    SubAccount.update(phase="deleted", wanted_state="deleted", allocated_bytes=0).execute()
    return cast


def removed(report: PurgeReport) -> dict:
    return {name: number for name, number in report.removed.items() if number}


def test_one_run_a_day_and_each_leaves_a_report(cast, acting, settings, clock):
    assert housekeeping.due(acting())
    housekeeping.purge(acting(), settings)
    assert not housekeeping.due(acting())
    clock.advance(hours=23, minutes=59)
    assert housekeeping.nightly(acting(), settings) == []
    assert PurgeReport.select().count() == 1
    clock.advance(minutes=1)
    housekeeping.nightly(acting(), settings)
    assert PurgeReport.select().count() == 2


def test_the_sweep_of_the_worker_makes_the_nightly_run(cast, acting, settings, clock):
    sweep(acting(), settings)
    sweep(acting(), settings)
    assert PurgeReport.select().count() == 1


def test_what_is_due_in_the_archive_goes_on_its_day(gone, acting, settings, clock):
    erasure.erase_partner(acting(), settings, gone.northwind)
    ends = sorted({row.delete_after_on for row in ArchiveRecord.select()})
    clock.advance(days=(ends[0] - clock.now().date()).days)
    assert "archived_rows" not in removed(housekeeping.purge(acting(), settings)), "the last day is still kept"
    clock.advance(days=1)
    before = sum(row.rows for row in ArchiveRecord.select().where(ArchiveRecord.delete_after_on == ends[0]))
    assert removed(housekeeping.purge(acting(), settings))["archived_rows"] == before
    assert min(row.delete_after_on for row in ArchiveRecord.select()) == ends[1]
    assert "archived_rows" not in removed(housekeeping.purge(acting(), settings))


def test_what_has_no_end_yet_is_kept(gone, acting, settings, clock):
    Member.update(role="admin").where(Member.id == gone.bob.id).execute()
    erasure.erase_member(acting(), settings, gone.alice)
    number = ArchiveRecord.select().count()
    clock.advance(days=366 * 50)
    housekeeping.purge(acting(), settings)
    assert ArchiveRecord.select().count() == number > 0


def test_texts_and_attachments_of_sent_mails_go_and_the_line_stays(cast, acting, settings, clock):
    days = policy.current().mail_text_days
    for subject, age in (("old", days), ("young", days - 1)):
        mail = rows.make(Mail, subject=subject, text="words", html="words", sent_at=clock.now() - timedelta(days=age))
        rows.make(MailAttachment, mail=mail)
    assert removed(housekeeping.purge(acting(), settings)) == {"mail_texts": 1}
    old, young = Mail.select().order_by(Mail.id)
    assert (old.subject, old.text, old.html) == ("old", housekeeping.CLEARED, "")
    assert young.html == "words"
    assert [row.mail_id for row in MailAttachment.select()] == [young.id]


def test_the_rules_say_how_long(cast, acting, settings, clock):
    rows.make(Mail, html="words", sent_at=clock.now() - timedelta(days=10))
    policy.change(acting(cast.olga), {"mail_text_days": 9})
    assert removed(housekeeping.purge(acting(), settings)) == {"mail_texts": 1}


def test_names_go_from_old_lines_about_log_ins_and_stay_in_those_about_contracts(cast, acting, settings, clock):
    with write_tx():
        for action in ("session.begun", "password.changed", "contract.created"):
            record(acting(cast.alice), action, cast.contract, partner=cast.northwind)
            record(acting(cast.olga), action, cast.contract, partner=cast.northwind)
    clock.advance(days=policy.current().security_log_days - 1)
    assert "names_in_the_security_log" not in removed(housekeeping.purge(acting(), settings))
    clock.advance(days=1)
    assert removed(housekeeping.purge(acting(), settings))["names_in_the_security_log"] == 4
    names = {(row.action, row.actor_name) for row in AuditEvent.select() if row.action != "trail.erased"}
    assert names == {
        ("session.begun", f"member #{cast.alice.id}"), ("session.begun", f"operator #{cast.olga.id}"),
        ("password.changed", f"member #{cast.alice.id}"), ("password.changed", f"operator #{cast.olga.id}"),
        ("contract.created", "Alice Adler"), ("contract.created", "Olga Olsen"),
    }  # fmt: skip
    assert "names_in_the_security_log" not in removed(housekeeping.purge(acting(), settings))


def test_addresses_lose_their_end_after_their_time(cast, acting, settings, clock):
    for ip in ("192.0.2.77", "2001:db8:1234:5678::9", "", "unix"):
        rows.make(Session, member=cast.alice, ip=ip, created_at=clock.now(), expires_at=clock.now())
    clock.advance(days=policy.current().access_ip_days)
    assert removed(housekeeping.purge(acting(), settings))["addresses"] == 3
    assert {row.ip for row in Session.select()} == {"192.0.2.0/24", "2001:db8:1234::/48", ""}
    assert "addresses" not in removed(housekeeping.purge(acting(), settings))


def test_old_log_ins_and_links_go(cast, acting, settings, clock):
    rows.make(Session, member=cast.alice, expires_at=clock.now() - timedelta(days=366), ip="")
    rows.make(OneTimeLink, member=cast.alice, expires_at=clock.now() - timedelta(days=30))
    rows.make(OneTimeLink, member=cast.alice, expires_at=clock.now() - timedelta(days=29))
    assert removed(housekeeping.purge(acting(), settings)) == {"log_ins": 1, "links": 1}


def signed_up(state: str, clock, days: int) -> Partner:
    at = clock.now() - timedelta(days=days)
    partner = rows.make(Partner, state=state, legal_name=f"Fabrikam {state} {days}", created_at=at, decided_at=at)
    rows.make(Member, partner=partner, name=f"Frida {state} {days}", email=f"frida-{state}-{days}@example.com")
    return partner


def test_sign_ups_from_which_nothing_came_go_after_their_time(cast, acting, settings, clock):
    old = [signed_up("draft", clock, settings.sign_up_draft_days), signed_up("refused", clock, 90)]
    young = [signed_up("draft", clock, settings.sign_up_draft_days - 1), signed_up("refused", clock, 89)]
    others = [signed_up(state, clock, 900) for state in ("applied", "query", "barred", "suspended")]
    report = housekeeping.purge(acting(), settings)
    assert removed(report) == {"unfinished_sign_ups": 1, "refused_sign_ups": 1}
    words = [partner.legal_name for partner in old] + ["Frida draft 30", "frida-refused-90"]
    assert leaving.places_of(words) == set(), "nothing is kept, in the archive neither"
    for partner in young + others:
        assert Partner.get_by_id(partner.id).legal_name == partner.legal_name
    assert removed(housekeeping.purge(acting(), settings)) == {}


def test_an_erasure_that_waits_is_taken_up_each_night(gone, acting, settings, clock):
    SubAccount.update(phase="deleting").execute()
    erasure.erase_partner(acting(), settings, gone.northwind)
    assert housekeeping.purge(acting(), settings).waiting == 1
    SubAccount.update(phase="deleted").execute()
    assert housekeeping.purge(acting(), settings).waiting == 0
    assert Partner.get_by_id(gone.northwind.id).state == "closed"


def test_a_restored_backup_is_told_who_was_erased_since(gone, acting, settings, clock):
    """The list of erasures lies beside the database. A database without them, as a backup has it, gets them again."""
    erasure.erase_partner(acting(), settings, gone.northwind)
    housekeeping.purge(acting(), settings)
    (line,) = [json.loads(line) for line in erasure_list.path(settings).read_text().splitlines()]
    assert (line["kind"], line["public_id"]) == ("partner", "northwind")
    assert "Northwind" not in erasure_list.path(settings).read_text()
    _back(gone)
    housekeeping.purge(acting(), settings)
    assert Partner.get_by_id(gone.northwind.id).legal_name == f"former partner #{gone.northwind.id}"
    assert erasure_list.repeat(acting(), settings) == 0


def _back(gone) -> None:
    ArchiveRecord.delete().execute()
    Erasure.delete().execute()
    Partner.update(legal_name="Northwind Traders GmbH", state="active").where(Partner.id == gone.northwind.id).execute()


def test_another_row_under_the_same_number_is_left_alone(gone, acting, settings, clock):
    erasure.erase_partner(acting(), settings, gone.northwind)
    housekeeping.purge(acting(), settings)
    _back(gone)
    Partner.update(public_id="somebody-else").where(Partner.id == gone.northwind.id).execute()
    housekeeping.purge(acting(), settings)
    assert Partner.get_by_id(gone.northwind.id).legal_name == "Northwind Traders GmbH"


def test_the_list_forgets_what_every_backup_has_forgotten(gone, acting, settings, clock):
    erasure.erase_partner(acting(), settings, gone.northwind)
    assert erasure_list.write(settings, clock.now()) == 1
    clock.advance(days=40)
    assert erasure_list.write(settings, clock.now()) == 0


def test_each_look_into_the_archive_is_written_down_with_its_reason(gone, acting, settings, clock):
    erasure.erase_partner(acting(), settings, gone.northwind)
    act = acting(gone.olga)
    found = archive.look(act, gone.northwind.id, "evidence", "Tax audit 2026-7")
    assert found and all(row.record_class == "evidence" for row in found)
    (line,) = AuditEvent.select().where(AuditEvent.action == "archive.read")
    assert line.actor_name == "Olga Olsen" and line.after["reason"] == "Tax audit 2026-7"
    with pytest.raises(archive.ReasonMissing):
        archive.look(act, gone.northwind.id, "evidence", "  ")
    with pytest.raises(NotFound):
        archive.look(act, 999, "evidence", "Tax audit")
    assert AuditEvent.select().where(AuditEvent.action == "archive.read").count() == 1


def test_shelves_tell_what_is_kept_without_a_look(gone, acting, settings, clock):
    erasure.erase_partner(acting(), settings, gone.northwind)
    shelves, following = archive.shelves()
    assert following is None and {shelf.record_class for shelf in shelves} == {
        "commercial_letter", "evidence", "voucher",
    }  # fmt: skip
    assert all(shelf.until_on >= shelf.from_on >= date(2032, 12, 31) for shelf in shelves)
    assert sum(shelf.rows for shelf in shelves) == sum(row.rows for row in ArchiveRecord.select())


def test_eleven_years_from_sign_up_to_the_last_row(gone, acting, settings, clock):
    """A partner leaves in its third year. Night after night the worker purges; at the end nothing tells of it."""
    words = leaving.personal_words(gone.northwind)
    begun, erased_on, left = clock.now(), None, {}
    while clock.now() < begun + timedelta(days=365 * 11 + 3):
        clock.advance(days=30)
        if erased_on is None and clock.now() > begun + timedelta(days=365 * 2):
            erasure.erase_partner(acting(), settings, gone.northwind)
            erased_on = clock.now().date()
            assert leaving.places_of(words, ("archive_record",)) == set()
        housekeeping.purge(acting(), settings)
        left[clock.now().year] = {row.record_class for row in ArchiveRecord.select()}
    assert erased_on.year == 2028
    assert left[2034] == {"evidence", "commercial_letter", "voucher"} and left[2035] == {"voucher"}
    assert left[2036] == {"voucher"} and left[2037] == set()
    assert leaving.places_of(words) == set()
    assert act_of(gone.charlie, clock.now()) and Member.get_by_id(gone.charlie.id).name == "Charlie Chase"


def test_no_rule_goes_beyond_what_the_privacy_notice_promises(cast, acting):
    """templates/legal/privacy_notice.en.md, section 8."""
    promised = {"access_ip_days": 30, "mail_text_days": 90, "refused_sign_up_days": 90, "security_log_days": 366}
    for name, most in promised.items():
        assert getattr(policy.Policy(), name) <= most == policy.BOUNDS[name][1]
        with pytest.raises(policy.PolicyRefused):
            policy.change(acting(cast.olga), {name: most + 1})


def test_one_night_comes_to_the_end_of_many_sign_ups(cast, acting, settings, clock):
    for days in range(60, 85):
        signed_up("draft", clock, days)
    assert removed(housekeeping.purge(acting(), settings))["unfinished_sign_ups"] == 25


def test_addresses_of_a_long_table_are_written_page_by_page(cast, acting, settings, clock, monkeypatch):
    monkeypatch.setattr(housekeeping, "PAGE_ROWS", 2)
    for last in range(7):
        rows.make(
            Session, member=cast.alice, ip=f"192.0.2.{last}", token_hash=f"t{last}",
            created_at=clock.now(), expires_at=clock.now() + timedelta(days=900),
        )  # fmt: skip
    clock.advance(days=policy.current().access_ip_days)
    monkeypatch.setattr(housekeeping, "PAGES", 2)
    assert removed(housekeeping.purge(acting(), settings))["addresses"] == 4
    assert removed(housekeeping.purge(acting(), settings))["addresses"] == 3
    assert {row.ip for row in Session.select()} == {"192.0.2.0/24"}
