"""The migrations make what the models expect, on both databases, and can be taken back."""

import re

import pytest
from playhouse.migrations import Runner

from models.base import database, open_database
from models.schema import DIRECTORY, migrate, runner
from tests import postgres
from tests.models import rows

HISTORY = "schema_migration"
# What SQLite keeps of an index over runs of letters; the index itself has a test of its own.
OF_AN_INDEX = re.compile(r"(sub_account|customer)_search(_\w+)?")


@pytest.fixture
def empty_database(engine, request, tmp_path):
    """Opened, without a single table."""
    if engine == "sqlite":
        url = f"sqlite:///{tmp_path}/empty.db"
    else:
        name = "portal_migrations_" + getattr(request.config, "workerinput", {}).get("workerid", "main")
        url = postgres.fresh_database(request.getfixturevalue("postgres_server"), name)
    opened = open_database(url)
    yield opened
    opened.close_all()


def own_tables() -> list[str]:
    return [table for table in database.get_tables() if table not in (HISTORY, "sqlite_sequence")]


def schema() -> dict:
    """Tables with their columns, foreign keys and indexes, as the database itself describes them."""
    return {
        table: (
            sorted((column.name, column.data_type, column.null) for column in database.get_columns(table)),
            sorted((key.column, key.dest_table, key.dest_column) for key in database.get_foreign_keys(table)),
            sorted((index.name, tuple(index.columns), index.unique) for index in database.get_indexes(table)),
        )
        for table in own_tables()
    }


def test_up_makes_everything_and_a_second_time_nothing(empty_database):
    assert migrate() == sorted(path.stem for path in DIRECTORY.glob("[0-9]*.py"))
    assert migrate() == []


def test_down_takes_back_everything_and_up_makes_it_again(empty_database):
    migrate()
    made = schema()
    with database.connection_context():
        while applied := runner().applied():
            runner().down(max(applied))
        assert own_tables() == []
    migrate()
    assert schema() == made


def test_migrating_with_rows_in_the_tables_keeps_them(cast):
    assert migrate() == []
    assert type(cast.alice).get_by_id(cast.alice.id).name == "Alice Adler"


BROKEN = """
def up(migrator, db):
    db.execute_sql("CREATE TABLE half (id INTEGER)")
    raise RuntimeError("no")
"""


def test_a_migration_that_fails_leaves_nothing_behind(empty_database, tmp_path):
    (tmp_path / "0001_half.py").write_text(BROKEN)
    with pytest.raises(RuntimeError):
        Runner(empty_database, str(tmp_path)).up()
    assert "half" not in own_tables()


def test_migrations_are_numbered_without_gaps():
    numbers = sorted(path.name[:4] for path in DIRECTORY.glob("[0-9]*.py"))
    assert numbers == [f"{number:04}" for number in range(1, len(numbers) + 1)]


def test_every_table_has_a_model_and_every_model_a_table(db):
    modelled = {table._meta.table_name for table in rows.all_tables()}
    assert {table for table in own_tables() if not OF_AN_INDEX.fullmatch(table)} == modelled


def test_columns_and_their_nullability_are_those_of_the_models(db):
    for table in rows.all_tables():
        columns = database.get_columns(table._meta.table_name)
        live = {column.name: column.null for column in columns if not column.primary_key}
        modelled = {field.column_name: field.null for field in table._meta.sorted_fields if not field.primary_key}
        assert live == modelled, table._meta.table_name


def test_every_modelled_foreign_key_is_held_by_the_database(db):
    for table in rows.all_tables():
        live = {(key.column, key.dest_table) for key in database.get_foreign_keys(table._meta.table_name)}
        modelled = {(field.column_name, field.rel_model._meta.table_name) for field in table._meta.refs}
        assert modelled <= live, table._meta.table_name


def test_unique_fields_of_models_are_unique_in_the_database(db):
    for table in rows.all_tables():
        live = {tuple(index.columns) for index in database.get_indexes(table._meta.table_name) if index.unique}
        modelled = {(field.column_name,) for field in table._meta.sorted_fields if field.unique}
        assert modelled <= live, table._meta.table_name


def test_every_index_that_a_migration_names_exists(db):
    """On Postgres a name that is taken leaves an index out without a word."""
    text = "".join(path.read_text() for path in DIRECTORY.glob("[0-9]*.py"))
    named = re.findall(r"CREATE (?:UNIQUE )?INDEX (\w+)", text)
    live = [index.name for table in database.get_tables() for index in database.get_indexes(table)]
    assert len(named) == len(set(named)) > 20
    assert set(named) <= set(live)


def test_every_foreign_key_to_a_long_table_has_an_index(db):
    """Else each delete and each list of what belongs to a row reads the whole table. Short tables are named here."""
    without = set()
    for table in rows.all_tables():
        name = table._meta.table_name
        leading = {index.columns[0] for index in database.get_indexes(name) if index.columns}
        without |= {f"{name}.{field.column_name}" for field in table._meta.refs if field.column_name not in leading}
    assert without == SHORT_OR_SELDOM


# Either the table stays short, or nobody asks for its rows by this column.
SHORT_OR_SELDOM = {
    "terms_version.approver_operator_id",
    "terms_version.author_operator_id",
    "acceptance.version_id",
    "allocation_entry.child_contract_id",
    "contract.parent_id",
    "barred_key.partner_id",
    "partner_document.file_id",
    "customer_acceptance.version_id",
    "flow_down.acceptance_id",
    "flow_down.document_id",
    "flow_down.version_id",
    "notice.asked_under_id",
    "notice.corrects_id",
    "one_time_link.operator_id",
}


def test_numbers_are_wide_enough_for_bytes(db):
    """A counter of bytes in a 32-bit column would end at 2 GB."""
    for table in rows.all_tables():
        types = {column.name: column.data_type.lower() for column in database.get_columns(table._meta.table_name)}
        for name, kind in types.items():
            assert not name.endswith("_bytes") or kind == "bigint", f"{table._meta.table_name}.{name} is {kind}"


def test_sqlite_holds_foreign_keys_and_writes_durably(empty_database, engine):
    if engine == "sqlite":
        wanted = {"foreign_keys": 1, "journal_mode": "wal", "synchronous": 2, "busy_timeout": 5000}
        assert {name: database.pragma(name) for name in wanted} == wanted
    else:
        assert database.execute_sql("SHOW transaction_isolation").fetchone() == ("read committed",)
