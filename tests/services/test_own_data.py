"""What a partner takes along is what the database has, row by row; what a person gets is their own."""

import csv
import hashlib
import io
import json
import tracemalloc
import zipfile
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from models.audit import AuditEvent
from models.base import write_tx
from models.closure import Closure
from models.flow_down import FlowDownLink
from models.outbox import Mail
from models.partner import Member, Partner
from models.sub_account import AccessKey, Customer, SubAccount
from models.terms import Acceptance, TermsVersion
from models.usage import UsageDay
from models.verification import Measure
from services import erasure, erasure_paths, own_data, own_data_lists, own_data_person, sessions
from services.audit import record
from services.csv_export import BYTE_ORDER_MARK, harmless
from services.record_classes import class_of
from tests.cast import act_of
from tests.models import rows
from tests.services import leaving

SECRET = "CANARY-sealed-secret-of-a-key"


@pytest.fixture
def full(cast, settings, clock):
    sessions.begin(act_of(cast.alice, clock.now()), cast.alice, settings)
    sessions.begin(act_of(cast.olga, clock.now(), user_agent="x"), cast.olga, settings)
    leaving.fill(cast.northwind, cast.alice, clock.now())
    with write_tx():
        record(act_of(cast.olga, clock.now()), "contract.created", cast.contract, partner=cast.northwind)
    AccessKey.update(secret_ct=SECRET, retained_ct=SECRET).execute()
    return cast


def exported(partner, settings, at) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(b"".join(own_data.export(partner, settings, at))))


def as_json(value):
    """A value of the database as JSON has it."""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else str(value) if isinstance(value, Decimal) else value


def test_every_list_has_the_rows_of_the_database_one_by_one(full, settings, clock):
    archive = exported(full.northwind, settings, clock.now())
    for name, table_name in own_data_lists.LISTS.items():
        table = erasure_paths.tables()[table_name]
        query = table.select().where(own_data_lists.condition_of(table, full.northwind.id))
        stored = sorted(query, key=lambda row: row._pk)
        assert stored, f"the test has no row of {table_name}"
        lines = [json.loads(line) for line in archive.read(f"{name}.jsonl").decode().splitlines()]
        assert len(lines) == len(stored), name
        for line, row in zip(lines, stored, strict=True):
            for column, value in line.items():
                field = table._meta.columns.get(column)  # none of what stands beside the trail
                kept = row.__data__[field.name] if field else getattr(row, column)
                if (row.__data__.get("actor_kind"), column) not in (("operator", "actor_name"), ("operator", "ip")):
                    assert value == as_json(kept), f"{name}.{column}"


def test_every_column_is_there_or_left_out_by_name(full, settings, clock):
    archive = exported(full.northwind, settings, clock.now())
    for name, table in own_data_lists.LISTS.items():
        (header,) = list(csv.reader(io.StringIO(archive.read(f"{name}.csv").decode().removeprefix(BYTE_ORDER_MARK))))[
            :1
        ]
        columns = {field.column_name for field in erasure_paths.tables()[table]._meta.sorted_fields}
        columns |= {"actor_name", "ip", "request_id", "before", "after"} if name == "trail" else set()
        left_out = {column for of, column in own_data_lists.COLUMNS_LEFT_OUT if of == table}
        secret = {column for column in columns if class_of(table, column) == "secret"}
        assert set(header) == columns - left_out - secret, name
        assert left_out <= columns, name


def test_a_table_of_partners_is_in_a_list_or_left_out_with_a_reason(db):
    owned = {name for name, table in erasure_paths.tables().items() if erasure_paths.is_owned(table)}
    listed = set(own_data_lists.LISTS.values())
    assert listed & set(own_data_lists.LEFT_OUT) == set()
    missing = owned - listed - set(own_data_lists.LEFT_OUT)
    assert missing == set(), "put these into LISTS of services/own_data_lists.py, or into LEFT_OUT with a reason"
    assert (listed | set(own_data_lists.LEFT_OUT)) <= owned
    assert all(len(reason) > 10 for reason in own_data_lists.LEFT_OUT.values())


def test_the_two_forms_of_a_list_say_the_same(full, settings, clock):
    SubAccount.update(name="=HYPERLINK(1)").execute()
    archive = exported(full.northwind, settings, clock.now())
    for name in own_data_lists.LISTS:
        lines = [json.loads(line) for line in archive.read(f"{name}.jsonl").decode().splitlines()]
        text = archive.read(f"{name}.csv").decode()
        assert text.startswith(BYTE_ORDER_MARK) and text.count("\r\n") >= len(lines) + 1
        table = list(csv.DictReader(io.StringIO(text.removeprefix(BYTE_ORDER_MARK), newline="")))
        assert len(table) == len(lines)
        for cells, line in zip(table, lines, strict=True):
            for column, value in line.items():
                if isinstance(value, str) and not column.endswith("_at") and column != "at":
                    assert cells[column] == harmless(value)
    (account,) = csv.DictReader(io.StringIO(archive.read("sub_accounts.csv").decode().removeprefix(BYTE_ORDER_MARK)))
    assert account["name"] == "'=HYPERLINK(1)"


def test_the_manifest_tells_rows_and_digest_of_each_file(full, settings, clock):
    archive = exported(full.northwind, settings, clock.now())
    manifest = json.loads(archive.read("manifest.json"))
    assert archive.namelist()[-1] == "manifest.json"
    assert set(manifest["files"]) == set(archive.namelist()) - {"manifest.json"}
    for name, told in manifest["files"].items():
        content = archive.read(name)
        assert told["sha256"] == hashlib.sha256(content).hexdigest()
        if name.endswith(".jsonl"):
            assert told["rows"] == len(content.decode().splitlines())
    assert archive.testzip() is None
    readme = archive.read("README.txt").decode()
    assert "ENGLISH" in readme and "DEUTSCH" in readme and "Northwind" in readme and "$" not in readme


def test_documents_that_were_agreed_to_and_papers_come_along(full, settings, clock):
    archive = exported(full.northwind, settings, clock.now())
    texts = [name for name in archive.namelist() if name.startswith("texts/")]
    agreed = TermsVersion.select().join(Acceptance).where(Acceptance.partner == full.northwind).distinct()
    assert {hashlib.sha256(archive.read(name)).hexdigest() for name in texts} == {row.sha256 for row in agreed}
    assert texts
    assert [archive.read(name) for name in archive.namelist() if name.startswith("files/")].count(b"content") >= 2


def test_no_secret_and_nothing_of_others_is_in_it(full, settings, clock):
    archive = exported(full.northwind, settings, clock.now())
    everything = b"".join(archive.read(name) for name in archive.namelist()).decode()
    hashes = [row.password_hash for row in Member.select()] + [SECRET]
    for word in [*hashes, "Contoso", "Charlie", "Olga Olsen", "olga@"]:
        assert word not in everything, word


def test_memory_stays_flat_however_long_a_list_is(full, settings, clock):
    account = SubAccount.get(SubAccount.partner == full.northwind)

    def more_days(year: int) -> None:
        days = [date.fromordinal(date(year, 1, 1).toordinal() + number) for number in range(3000)]
        values = {
            field.name: 5 for field in UsageDay._meta.sorted_fields if field.name not in ("id", "sub_account", "day_on")
        }
        values |= {"measured_at": datetime(2026, 1, 1, tzinfo=UTC), "sub_account": account}
        for start in range(0, len(days), 500):
            UsageDay.insert_many([{**values, "day_on": day_on} for day_on in days[start : start + 500]]).execute()

    def peak_bytes() -> int:
        tracemalloc.start()
        for _piece in own_data.export(full.northwind, settings, clock.now()):
            pass
        _now, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return peak

    more_days(1900)
    more_days(1910)
    peak_bytes()
    one = peak_bytes()
    for year in range(1920, 1980, 10):
        more_days(year)
    assert peak_bytes() < one * 1.5


def test_only_so_many_files_an_hour(cast, acting, clock):
    for _time in range(own_data.MOST_AN_HOUR):
        own_data.begin(acting(cast.alice), cast.northwind)
    with pytest.raises(own_data.ExportRefused):
        own_data.begin(acting(cast.alice), cast.northwind)
    own_data.begin(acting(cast.charlie), cast.contoso)
    clock.advance(hours=1)
    own_data.begin(acting(cast.alice), cast.northwind)
    assert AuditEvent.select().where(AuditEvent.action == own_data.EXPORTED).count() == own_data.MOST_AN_HOUR + 2


def of_person(person, at) -> dict:
    return json.loads(b"".join(own_data_person.as_json(person, at)))


def test_a_person_gets_profile_log_ins_mails_and_own_acts(full, clock):
    found = of_person(full.alice, clock.now())
    assert found["profile"][0]["email"] == full.alice.email
    assert len(found["log_ins"]) >= 1 and found["mails"][0]["subject"] == "To Alice Adler"
    assert found["consents"] and any(act["action"] == "session.begun" for act in found["acts"])


def test_a_person_gets_no_secret_and_nothing_of_others(full, clock, settings):
    for member, others in ((full.alice, ("Bob", "bob@", "Contoso")), (full.bob, ("Alice", "alice@", "Contoso"))):
        text = json.dumps(of_person(member, clock.now()), ensure_ascii=False)
        for word in (*others, leaving.CUSTOMERS_MAIL, member.password_hash, "token_hash", "before"):
            assert f'"{word}"' not in text and (word in ("before", "token_hash") or word not in text), (
                member.name,
                word,
            )


def test_an_operator_gets_the_same(full, clock):
    found = of_person(full.olga, clock.now())
    assert found["profile"][0]["name"] == "Olga Olsen" and len(found["log_ins"]) == 1
    assert "Northwind" not in json.dumps(found)


def test_every_table_that_refers_to_a_member_is_in_the_persons_file(full, clock):
    found = of_person(full.alice, clock.now())
    names = {table: name for name, table in own_data_lists.LISTS.items()} | {
        "session": "log_ins",
        "one_time_link": "links",
    }
    for name, table in erasure_paths.tables().items():
        condition = erasure_paths.of_member(table, full.alice.id)
        if condition is not None:
            assert len(found[names.get(name, name)]) == table.select().where(condition).count(), name


def test_the_text_can_be_read_in_the_persons_language(full, clock, settings):
    Member.update(locale="de").where(Member.id == full.alice.id).execute()
    member = Member.get_by_id(full.alice.id)
    text = b"".join(own_data_person.as_text(member, settings, clock.now())).decode()
    assert "email: alice@northwind.example.com" in text and "== log_ins ==" in text
    assert full.alice.password_hash not in text


def test_the_command_writes_both_forms_once(full, app, tmp_path):
    file = tmp_path / "alice.zip"
    done = app.test_cli_runner().invoke(args=["subject-export", "ALICE@northwind.example.com", str(file)])
    assert done.exit_code == 0, done.output
    assert file.stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(file) as archive:
        assert set(archive.namelist()) == {"person.json", "person.txt"}
        assert json.loads(archive.read("person.json"))["profile"][0]["name"] == "Alice Adler"
    again = app.test_cli_runner().invoke(args=["subject-export", full.alice.email, str(file)])
    assert again.exit_code == 1 and "is there already" in again.output
    unknown = app.test_cli_runner().invoke(args=["subject-export", "nobody@example.com", str(tmp_path / "x.zip")])
    assert unknown.exit_code == 1 and "nobody has this mail address" in unknown.output
    assert AuditEvent.select().where(AuditEvent.action == "own_data.given").count() == 1


def test_the_command_erases_a_person_after_a_question(full, app):
    Member.update(role="admin").where(Member.id == full.bob.id).execute()
    asked = app.test_cli_runner().invoke(args=["erase-member", full.alice.email], input="n\n")
    assert asked.exit_code == 1 and Member.get_by_id(full.alice.id).active
    done = app.test_cli_runner().invoke(args=["erase-member", full.alice.email, "--yes"])
    assert done.exit_code == 0, done.output
    assert Member.get_by_id(full.alice.id).name == f"former member #{full.alice.id}"
    again = app.test_cli_runner().invoke(args=["erase-member", full.alice.email, "--yes"])
    assert again.exit_code == 1


def test_evidence_keeps_the_words_of_its_time_when_details_are_corrected(full, acting):
    """Art. 16: the new name stands in the profile, the old one in what was agreed to under it."""
    before = list(Acceptance.select().where(Acceptance.member == full.alice).order_by(Acceptance.id).dicts())
    Member.update(name="Alice Anders", email="anders@example.com").where(Member.id == full.alice.id).execute()
    type(full.northwind).update(legal_name="Northwind SE", city="Bonn").execute()
    after = list(Acceptance.select().where(Acceptance.member == full.alice).order_by(Acceptance.id).dicts())
    assert after == before and any(row["member_name"] == "Alice Adler" for row in after)


def words_of(partner, settings, at) -> str:
    archive = exported(partner, settings, at)
    return b"".join(archive.read(name) for name in archive.namelist()).decode()


def test_what_staff_keep_for_themselves_is_not_in_it(cast, settings, clock):
    at, seen, hidden = clock.now(), "told-to-the-partner", "kept-by-the-staff"
    Partner.update(decision_note=hidden).where(Partner.id == cast.northwind.id).execute()
    asked = {"partner": cast.northwind, "asked_by": "operator:1", "asked_name": "Olga Olsen", "reason": "breach"}
    rows.make(Measure, kind="termination", level="", note=hidden, ended_at=at, ended_name="Olga Olsen", **asked)
    confirmed = {"confirmed_by": "operator:2", "confirmed_name": "Oscar Olsen", "confirmed_at": at}
    rows.make(Measure, kind="termination", level="", note=seen, ended_at=at, **asked, **confirmed)
    rows.make(Measure, kind="suspension", note=seen, level="read", **asked)
    rows.make(
        Closure,
        partner=cast.northwind,
        contract=None,
        **leaving.SENSIBLE["closure"],
        asked_name="Olga Olsen",
        withdrawn_name="Oscar Olsen",
    )
    with write_tx():
        for action in ("partner.terminated", "sub_account.deletion_released"):
            after = {"reason": seen, "asked_by": "Olga Olsen"}
            record(act_of(cast.oscar, at), action, cast.northwind, partner=cast.northwind, after=after)
    rows.make(Measure, kind="termination", level="", note=hidden, **asked)
    text = words_of(cast.northwind, settings, at)
    assert text.count(seen) == 8, "two measures and two lines of the trail, each in two forms"
    for word in (hidden, "Olga Olsen", "Oscar Olsen"):
        assert word not in text, word


def test_a_refusal_by_itself_looks_like_that_of_a_person(cast, settings, clock):
    with write_tx():
        for act in (act_of(cast.olga, clock.now(), request_id="r1"), act_of(None, clock.now())):
            record(act, "partner.refused", cast.northwind, partner=cast.northwind, after={"state": "refused"})
    lines = exported(cast.northwind, settings, clock.now()).read("trail.jsonl").decode().splitlines()
    one, other = [{**json.loads(line), "id": 0} for line in lines if "partner.refused" in line]
    assert one == other


def test_mails_of_the_staff_stay_with_the_provider(cast, acting, settings, clock):
    """A partner names an operator's address as its customer's contact, and another partner's member."""
    customer = rows.make(Customer, partner=cast.northwind)
    own = {"partner": cast.northwind, "contract": cast.contract, "customer": customer}
    account = rows.make(SubAccount, contact_email=cast.olga.email, **own)
    rows.make(FlowDownLink, sub_account=account, email=cast.charlie.email, expires_at=rows.NOW + timedelta(days=9))
    of_staff = rows.make(Mail, recipient=cast.olga.email, subject="of-staff", template="needs_attention")
    rows.make(
        Mail, partner=cast.northwind, recipient=cast.olga.email, subject="of-staff", template="request_to_operator"
    )
    of_contoso = rows.make(Mail, partner=cast.contoso, recipient=cast.charlie.email, subject="of-contoso")
    rows.make(
        Mail, partner=cast.northwind, recipient=cast.olga.email, subject="to-a-customer", template="flow_down_link"
    )
    rows.make(Mail, partner=cast.northwind, recipient="a@example.com", subject="change", template="mail_change")
    found = exported(cast.northwind, settings, clock.now()).read("mails.jsonl").decode().splitlines()
    assert [json.loads(line)["subject"] for line in found] == ["to-a-customer"]
    SubAccount.update(phase="deleted").execute()
    assert erasure.erase_partner(acting(), settings, cast.northwind).finished_at is not None
    assert [row.id for row in Mail.select().order_by(Mail.id)] == [of_staff.id, of_contoso.id]
