"""Every promise has a question, and every question notices when its promise is broken."""

from datetime import timedelta

import pytest
from cryptography.fernet import Fernet

from models.audit import AuditEvent, AuditHead, AuditPersonal
from models.base import database, write_tx
from models.contract import AllocationEntry
from models.outbox import Mail
from models.partner import Member
from models.session import Session
from models.sub_account import AccessKey, HandOver, SubAccount
from models.terms import Acceptance, TermsVersion
from services import consent_records, promises
from services.promises_there import check_there
from services.secret import Secret, Vault
from services.storage.contract import StorageUnavailable
from tests.evidence_ground import unguarded
from tests.services.ground import TB, work

SEALED = Vault((Fernet.generate_key().decode(),)).seal(Secret("any"))


@pytest.fixture
def standing(ground, site):
    """Sub-accounts A and B, set up, and a change in their ledger."""
    rows = ground.account("A", 2 * TB), ground.account("B", TB)
    work(site)
    ground.move((rows[0], 3 * TB))
    work(site)
    return rows


def broken(ground) -> list[str]:
    return sorted({violation.promise for violation in promises.check(ground.clock.now())})


@pytest.fixture
def spoiled():
    """`spoiled(row, column=value)`: past every rule, and mended at the end."""
    mend = []

    def spoil(row, **values):
        before = {name: getattr(row, name) for name in values}
        table = type(row)
        key = table._meta.primary_key
        with unguarded(), write_tx():
            table.update(**values).where(key == row._pk).execute()
        mend.append((table, row._pk, before))

    yield spoil
    with unguarded(), write_tx():
        for table, id, before in reversed(mend):
            table.update(**before).where(table._meta.primary_key == id).execute()


def test_after_common_work_every_promise_holds(ground, standing):
    assert list(promises.check(ground.clock.now())) == []


def test_a_violation_says_which_promise_and_where(ground, standing, spoiled):
    spoiled(ground.contract, allocated_bytes=5 * TB)
    (found,) = promises.check(ground.clock.now())
    assert str(found) == f"books: RCP-1001 counts {5 * TB} bytes, its ledger {4 * TB}"


def test_a_package_that_the_service_may_exceed_is_found(ground, standing, spoiled):
    spoiled(SubAccount.get(name="A"), observed_quota_bytes=10 * TB)
    assert broken(ground) == ["capacity"]


def test_with_overdraft_allowed_more_may_stand(ground, standing, spoiled):
    spoiled(SubAccount.get(name="A"), observed_quota_bytes=10 * TB)
    spoiled(ground.contract, allow_overdraft=True)
    assert broken(ground) == []


def test_moving_what_a_full_package_holds_in_one_act_breaks_nothing(ground, site):
    a, b = ground.account("A", 6 * TB), ground.account("B", 4 * TB)
    work(site)
    ground.move((a, 3 * TB), (b, 7 * TB))
    assert broken(ground) == []
    work(site)
    assert broken(ground) == []


def test_more_set_aside_than_held_is_found(ground, standing, spoiled):
    spoiled(SubAccount.get(name="A"), allocated_bytes=10 * TB)
    assert broken(ground) == ["books", "capacity"]


def test_a_ledger_line_that_begins_elsewhere_is_found(ground, standing, spoiled):
    line = AllocationEntry.select().order_by(AllocationEntry.id.desc()).get()
    spoiled(line, before_bytes=TB, after_bytes=2 * TB)
    assert broken(ground) == ["books", "trail"]


@pytest.mark.parametrize("spoil", [{"thing_id": "0"}, {"after": {"batch": "x", "allocated_bytes": 3 * TB}}])
def test_a_change_without_its_audit_row_is_found(ground, standing, spoiled, spoil):
    event = AuditEvent.get(action="allocation.changed")
    spoiled(AuditPersonal.get_by_id(event.number) if "after" in spoil else event, **spoil)
    found = list(promises.check(ground.clock.now()))
    texts = [violation.text for violation in found if violation.promise == "trail"]
    assert len(texts) == 2 and "chain" in broken(ground)
    assert any(text.endswith("has 0 audit rows") for text in texts)
    assert any(text.endswith("has no ledger line") for text in texts)


def test_a_second_audit_row_for_one_change_is_found(ground, standing):
    event = AuditEvent.get(action="allocation.changed")
    number = AuditHead.get().number + 1
    twin = AuditEvent.create(**dict(event.__data__) | {"id": None, "number": number, "prev_hash": "x", "hash": "y"})
    beside = dict(AuditPersonal.get_by_id(event.number).__data__)
    AuditPersonal.create(**beside | {"number": number})
    assert broken(ground) == ["chain", "trail"]
    with unguarded():
        AuditPersonal.delete().where(AuditPersonal.number == number).execute()
        twin.delete_instance()


@pytest.mark.parametrize("column", ["secret_ct", "retained_ct", "parked_ct"])
def test_a_secret_in_plain_text_is_found(ground, standing, spoiled, column):
    spoiled(AccessKey.select().first(), **{column: "CANARY in plain text"})
    found = list(promises.check(ground.clock.now()))
    assert {violation.promise for violation in found} == {"secrets"}
    assert "CANARY" not in "".join(map(str, found))


def test_a_secret_that_is_kept_past_its_time_is_found(ground, standing, spoiled):
    key = AccessKey.select().first()
    spoiled(key, secret_ct=SEALED, revealed_at=ground.clock.now())
    assert broken(ground) == []
    spoiled(key, revealed_at=ground.clock.now() - timedelta(minutes=26))
    assert broken(ground) == ["secrets"]
    spoiled(key, revealed_at=None, stored_at=ground.clock.now())
    assert broken(ground) == ["secrets"]


def test_a_secret_that_nobody_fetched_in_time_is_found(ground, standing, spoiled):
    """A key that was asked for, and whose page was closed."""
    key = AccessKey.select().first()
    spoiled(key, secret_ct=SEALED, reveal_until_at=ground.clock.now())
    assert broken(ground) == []
    ground.clock.advance(minutes=16)
    assert broken(ground) == ["secrets"]


@pytest.mark.parametrize(("sealed", "hours"), [("in the open", 0), (SEALED, 49)], ids=["open", "late"])
def test_a_hand_over_link_that_keeps_what_it_must_not_is_found(ground, standing, sealed, hours):
    key, now = AccessKey.select().first(), ground.clock.now()
    link = HandOver.create(
        access_key=key,
        token_hash="h",
        sealed=sealed,
        created_at=now,
        created_by="x",
        expires_at=now + timedelta(days=2),
    )
    ground.clock.advance(hours=hours)
    assert "secrets" in broken(ground)
    link.delete_instance()


def test_a_row_of_two_partners_is_found(ground, standing, spoiled, cast):
    event = AuditEvent.get(action="allocation.changed")
    spoiled(event, partner=cast.contoso.id)
    assert broken(ground) == ["chain", "isolation"]
    spoiled(event, partner=cast.northwind.id)
    spoiled(AllocationEntry.select().first(), sub_account_id=99_999)
    assert "isolation" in broken(ground)


def test_a_member_who_acts_without_consent_is_found(ground, standing, cast):
    newer = TermsVersion.get(kind="portal_terms", language="en")
    at = ground.clock.now()
    with write_tx():
        values = dict(newer.__data__) | {"id": None, "label": "2.0", "effective_at": at, "published_at": at}
        added = TermsVersion.create(**values)
    assert broken(ground) == []
    ground.clock.advance(minutes=2)
    ground.move((standing[0], TB), person=cast.bob)
    texts = [str(found) for found in promises.check(ground.clock.now())]
    assert len(texts) == 1
    assert texts[0].startswith("consent: ledger line")
    assert texts[0].endswith("was written before portal_terms 2.0 was accepted")
    earlier_at = Acceptance.get(partner=cast.northwind, version=newer).accepted_at
    earlier = Acceptance.get(partner=cast.northwind, version=newer)
    with write_tx():
        consent_records.keep(Acceptance(**dict(earlier.__data__) | {"id": None, "version": added}))
    assert broken(ground) == []
    with unguarded():
        Acceptance.update(accepted_at=ground.clock.now()).where(Acceptance.version << [newer, added]).execute()
    assert broken(ground) == ["consent", "evidence"], "an acceptance that comes after the act does not cover it"
    with unguarded():
        Acceptance.update(accepted_at=earlier_at).where(Acceptance.version << [newer, added]).execute()


def test_a_session_of_somebody_who_was_switched_off_is_found(ground, standing, cast):
    at = ground.clock.now()
    for column, person in (("member", cast.bob), ("operator", cast.oscar)):
        row = Session.create(
            token_hash=f"hash of {column}", created_at=at, last_seen_at=at, expires_at=at + timedelta(hours=1),
            **{column: person},
        )  # fmt: skip
        assert broken(ground) == []
        type(person).update(active=False).where(type(person).id == person.id).execute()
        assert broken(ground) == ["sessions"]
        assert list(promises.check(at + timedelta(hours=2))) == [], "its time is over by itself"
        row.delete_instance()
    Member.update(active=True).execute()


def test_work_that_nobody_finishes_is_found(ground, site):
    row = ground.account("A", TB)
    assert broken(ground) == []
    ground.clock.advance(minutes=29)
    assert broken(ground) == []
    ground.clock.advance(minutes=2)
    assert broken(ground) == ["jobs"]
    SubAccount.update(phase="attention").where(SubAccount.id == row.id).execute()
    assert broken(ground) == []


def test_a_key_that_stands_otherwise_than_wanted_while_nothing_is_under_way_is_found(ground, standing, spoiled):
    spoiled(AccessKey.select().first(), wanted="inactive")
    assert broken(ground) == ["jobs"]


def test_a_mail_that_nobody_tries_is_found(ground, standing):
    at = ground.clock.now()
    Mail.create(template="any", recipient="a@b.example", subject="x", text="x", created_at=at, next_attempt_at=at)
    assert broken(ground) == []
    ground.clock.advance(minutes=61)
    assert broken(ground) == ["jobs"]


def test_a_reference_to_nothing_is_found(ground, standing, engine):
    if engine == "postgres":
        database.execute_sql("ALTER TABLE mail ADD CONSTRAINT never_checked CHECK (attempts >= 0) NOT VALID")
        assert broken(ground) == ["references"]
        database.execute_sql("ALTER TABLE mail DROP CONSTRAINT never_checked")
        return
    database.execute_sql("PRAGMA foreign_keys = 0")
    key = AccessKey.create(sub_account=99_999, created_at=ground.clock.now(), created_by="test")
    assert broken(ground) == ["references"]
    key.delete_instance()
    database.execute_sql("PRAGMA foreign_keys = 1")


def test_asking_takes_the_same_number_of_queries_however_many_rows_there_are(ground, site, count_queries):
    def asked() -> int:
        with count_queries() as queries:
            assert list(promises.check(ground.clock.now())) == []
        return queries.count

    ground.account("A", TB)
    work(site)
    few = asked()
    for number in range(5):
        ground.account(f"B{number}", TB)
    work(site)
    assert asked() == few


def there(site) -> list[str]:
    return [str(violation) for violation in check_there(site.region, site.storage)]


def test_what_stands_as_wanted_on_the_service_is_in_order(ground, site, standing):
    assert there(site) == []


def test_an_orphan_on_the_service_is_found(ground, site, standing):
    site.storage.put_account("pp-cast00-orphan", "nobody", "Nobody", 5)
    site.storage.put_account("other-company", "somebody", "Somebody", 5)
    assert there(site) == ["orphans: account pp-cast00-orphan stands on the service and belongs to nothing here"]


def test_what_is_ready_here_and_missing_there_is_found(ground, site, standing):
    held = site.storage._state.pop(standing[0].remote_uid)
    assert there(site) == [f"storage: {standing[0].number} is missing on the storage service"]
    site.storage._state[standing[0].remote_uid] = held


def test_what_stands_otherwise_there_is_found(ground, site, standing):
    row, key = SubAccount.get_by_id(standing[0].id), AccessKey.get(sub_account=standing[0])
    account = site.storage._state[row.remote_uid]
    account.quota_bytes, account.suspended, account.keys[key.access_key_id].active = TB, True, False
    account.keys["STRANGE"] = site.storage._state[standing[1].remote_uid].keys.copy().popitem()[1]
    found = [line.removeprefix(f"storage: {row.number} ") for line in there(site)]
    assert found == [
        f"has the quota {TB} there, {3 * TB} here",
        "is barred on one side only",
        f"has key {key.access_key_id} off",
        "has key STRANGE, which nobody made here",
    ]
    account.quota_bytes, account.suspended, account.keys[key.access_key_id].active = 3 * TB, False, True
    del account.keys["STRANGE"]


def test_an_answer_from_an_incomplete_service_is_no_answer(ground, site, standing):
    site.storage.fail("list_accounts")
    with pytest.raises(StorageUnavailable):
        there(site)


def test_what_changes_while_it_is_compared_is_passed_over(ground, site, standing):
    row = SubAccount.get_by_id(standing[0].id)
    site.storage.answer_old(4)
    ground.move((row, TB))
    assert there(site) == []
    site.storage.recover()
    work(site)


def test_the_command_ends_with_one_and_a_line_for_each(app, ground, spoiled):
    runner = app.test_cli_runner()
    well = runner.invoke(args=["check"])
    assert (well.exit_code, well.output) == (0, "every promise holds\n")
    spoiled(ground.contract, allocated_bytes=TB)
    ill = runner.invoke(args=["check"])
    assert (ill.exit_code, ill.output) == (1, f"books: RCP-1001 counts {TB} bytes, its ledger 0\n")


def test_the_command_asks_the_storage_only_when_it_is_told_to(make_app, ground, tmp_path):
    app = make_app(storage_url="rgw://127.0.0.1:9", storage_credentials=tmp_path / "nothing.json")
    assert app.test_cli_runner().invoke(args=["check"]).exit_code == 0
    asked = app.test_cli_runner().invoke(args=["check", "--storage"])
    assert asked.exit_code == 1
    assert "the storage service of embedded was not compared: cannot read the storage credentials" in asked.output


def test_the_command_compares_with_the_storage(app, ground):
    """The storage in memory is empty in a new process, and nothing is set up yet: both agree."""
    assert app.test_cli_runner().invoke(args=["check", "--storage"]).exit_code == 0
