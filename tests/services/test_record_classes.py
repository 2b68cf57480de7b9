"""Every column of every table belongs to one class, and the documentation says the same as the code."""

import re
from datetime import date
from pathlib import Path

import pytest

from models.base import database
from models.partner import Member, Partner
from models.stored_file import StoredFile
from services import erasure_paths
from services.record_classes import CLASSES, TABLES, class_of, delete_after
from tests.models.test_migrations import HISTORY, OF_AN_INDEX

RETENTION = Path(__file__).resolve().parents[2] / "docs" / "retention.md"


def live_tables() -> list[str]:
    return [
        name
        for name in database.get_tables()
        if name not in (HISTORY, "sqlite_sequence") and not OF_AN_INDEX.fullmatch(name)
    ]


def test_every_column_belongs_to_one_class(db):
    for table in live_tables():
        for column in database.get_columns(table):
            assert class_of(table, column.name) in CLASSES, f"{table}.{column.name}"


def test_a_table_without_a_class_is_told_where_to_go():
    with pytest.raises(KeyError, match=r"no record class: add it to TABLES in services/record_classes_tables\.py"):
        class_of("diary", "secret_thoughts")


def test_every_column_that_is_named_exists(db):
    for table, classed in TABLES.items():
        live = {column.name for column in database.get_columns(table)}
        named = {*classed.columns, *classed.blank} | ({classed.since} if classed.since else set())
        assert named <= live, f"{table}: {sorted(named - live)} are named in TABLES and not in the database"


def test_columns_that_sound_like_persons_or_secrets_do_not_slip_through(db):
    """A column of such a name is of the class person or secret, or its table's rows are kept by law."""
    telling = re.compile(r"(e?mail|phone|password|token|secret|user_agent|(^|_)ip$|contact_name|street)")
    slipped = [
        f"{table}.{column.name}"
        for table in live_tables()
        for column in database.get_columns(table)
        if telling.search(column.name)
        and class_of(table, column.name) not in ("person", "secret")
        and not CLASSES[TABLES[table].record_class].archived
        and not column.name.endswith(("_at", "_id"))
    ]
    assert slipped == [], "name these in `columns` of their table in services/record_classes_tables.py"


def test_a_table_that_leads_to_a_partner_has_a_fate_and_one_that_does_not_has_none(db):
    for name, table in erasure_paths.tables().items():
        owned = erasure_paths.is_owned(table)
        assert (TABLES[name].fate != "none") == owned, (
            f"{name}: say in TABLES what happens to rows of an erased partner"
        )


def test_nothing_that_stays_refers_to_what_goes(db):
    for name, table in erasure_paths.tables().items():
        if TABLES[name].fate == "remove":
            continue
        for field in table._meta.refs:
            target = field.rel_model._meta.table_name
            assert field.null or TABLES[target].fate != "remove", f"{name}.{field.column_name} refers to {target}"


def test_what_stays_loses_persons_and_secrets(db):
    for name in (name for name, classed in TABLES.items() if classed.fate == "stay"):
        for field in erasure_paths.tables()[name]._meta.refs:
            if field.rel_model is StoredFile:
                assert field.column_name in TABLES[name].blank, f"{name}.{field.column_name} would keep the file"


def test_the_way_to_the_owner_is_found(db):
    named = erasure_paths.tables()
    assert [field.name for field in erasure_paths.path_to(named["access_key"], Partner)] == ["sub_account", "partner"]
    assert erasure_paths.path_to(Partner, Partner) == ()
    assert erasure_paths.path_to(named["region"], Partner) is None
    assert erasure_paths.path_to(named["session"], Member)[0].name == "member"
    order = [table._meta.table_name for table in erasure_paths.in_order()]
    assert order.index("mail_attachment") < order.index("mail") < order.index("member")
    assert order.index("access_key") < order.index("sub_account") < order.index("customer")
    assert order[-1] == "partner"


def test_periods_begin_at_the_end_of_the_calendar_year():
    assert delete_after("voucher", date(2026, 1, 1)) == date(2034, 12, 31)
    assert delete_after("commercial_letter", date(2026, 12, 31)) == date(2032, 12, 31)


def test_the_documentation_names_every_class_with_basis_and_period():
    """The first table of docs/retention.md, row by row."""
    rows = re.findall(r"^\| `(\w+)` \| ([^`]+) \| (.+) \| (.+) \|$", RETENTION.read_text(), re.MULTILINE)
    told = {name: (meaning, years, basis) for name, meaning, years, basis in rows if name in CLASSES}
    assert told == {
        name: (rule.meaning, f"{rule.years} years" if rule.years else "none", rule.basis)
        for name, rule in CLASSES.items()
    }


def test_the_documentation_names_every_table_with_its_class_and_fate():
    rows = re.findall(r"^\| `(\w+)` \| `(\w+)` \| (\w+) \| (.*) \|$", RETENTION.read_text(), re.MULTILINE)
    assert {name: (record_class, fate, others) for name, record_class, fate, others in rows} == {
        name: (classed.record_class, classed.fate, others_of(classed)) for name, classed in TABLES.items()
    }


def others_of(classed) -> str:
    """The columns of other classes, as the documentation writes them."""
    by_class: dict[str, list[str]] = {}
    for column, record_class in classed.columns.items():
        by_class.setdefault(record_class, []).append(column)
    return "; ".join(f"{name}: {', '.join(sorted(columns))}" for name, columns in sorted(by_class.items())) or "–"


def test_nothing_but_archive_and_erasure_reads_the_archive():
    """No normal page or job comes across what law alone keeps."""
    root = RETENTION.parents[1]
    found = {
        path.relative_to(root).as_posix()
        for folder in ("services", "blueprints", "models")
        for path in (root / folder).rglob("*.py")
        if re.search(r"\bArchiveRecord\b", path.read_text())
    }
    assert found == {
        "models/archive.py", "services/archive.py", "services/erasure.py", "services/erasure_rows.py",
        "blueprints/admin/archive.py",
    }  # fmt: skip
