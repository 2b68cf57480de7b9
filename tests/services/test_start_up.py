"""What a process looks at before it works: durability, data keys, and where the database came from."""

from dataclasses import replace

import pytest
from cryptography.fernet import Fernet

from models.base import database
from models.recovery import Home, Restoration
from services import restored, start_up
from services.secret import Vault
from services.start_up import CannotStart

NEW = Fernet.generate_key().decode()


def test_a_database_that_loses_commits_is_named(db, settings, clock):
    """The databases of tests do not wait for the disk."""
    found = start_up.durability()
    assert "synchronous" in found[0]
    assert set(found) <= set(start_up.prepare(settings, clock)), "in development it is said, and everything starts"


def test_in_production_it_does_not_start_on_one(db, settings, clock):
    with pytest.raises(CannotStart, match=r"synchronous.*docs/operations\.md"):
        start_up.prepare(replace(settings, production=True), clock)
    assert not Home.select().where(Home.probe_ct.is_null(False)).exists()


@pytest.mark.sqlite_only
@pytest.mark.parametrize("level", ["full", "extra"])
def test_sqlite_that_waits_for_the_disk_is_durable(db, level):
    db.pragma("synchronous", level)
    assert start_up.durability() == []


@pytest.mark.postgres_only
def test_postgres_is_asked_for_each_setting_that_a_power_cut_needs(db):
    """The server of the tests runs without fsync, which no session can change."""
    db.execute_sql("SET synchronous_commit = on")
    assert [line.split(" = ")[0].split()[-1] for line in start_up.durability()] == ["fsync", "full_page_writes"]


def test_the_settings_of_the_product_are_durable(settings):
    from models.base import SQLITE_PRAGMAS

    assert SQLITE_PRAGMAS["synchronous"] in ("full", "extra")


def test_the_first_start_writes_down_what_only_its_keys_open(db, settings, clock):
    start_up.prepare(settings, clock)
    sealed = Home.get().probe_ct
    assert Vault(settings.data_keys).open(sealed).reveal() == start_up.PROBE
    start_up.prepare(settings, clock)
    assert Home.get().probe_ct == sealed


def test_another_key_does_not_start_on_it_and_changes_nothing(db, settings, clock):
    start_up.prepare(settings, clock)
    sealed = Home.get().probe_ct
    with pytest.raises(CannotStart, match="PORTAL_DATA_KEYS"):
        start_up.prepare(replace(settings, data_keys=(NEW,)), clock)
    assert Home.get().probe_ct == sealed
    start_up.prepare(replace(settings, data_keys=(NEW, *settings.data_keys)), clock)


def test_the_refusal_names_no_key(db, settings, clock):
    start_up.prepare(settings, clock)
    with pytest.raises(CannotStart) as refused:
        start_up.prepare(replace(settings, data_keys=(NEW,)), clock)
    assert NEW not in str(refused.value) and settings.data_keys[0] not in str(refused.value)


def test_a_database_that_stays_where_it_is_was_not_restored(db, settings, clock):
    for _start in range(3):
        start_up.prepare(settings, clock)
    assert not restored.on() and not Restoration.select().exists()


@pytest.mark.postgres_only
def test_one_that_stands_elsewhere_was(db, settings, clock):
    """A file of SQLite says nothing of where it lies: its backup is marked instead."""
    start_up.prepare(settings, clock)
    Home.update(mark="7/16384/16385").execute()
    assert restored.on(), "also for a process that was running meanwhile"
    start_up.prepare(settings, clock)
    assert (restored.current().cause, Home.get().mark != "7/16384/16385") == ("moved", True)


@pytest.mark.postgres_only
def test_every_role_may_ask_where_postgres_stands(db, settings, clock):
    database.execute_sql("DROP ROLE IF EXISTS portal_plain")
    database.execute_sql("CREATE ROLE portal_plain")
    try:
        with database.atomic() as transaction:
            database.execute_sql("SET LOCAL ROLE portal_plain")
            assert database.execute_sql("SELECT system_identifier FROM pg_control_system()").fetchone()[0] > 0
            transaction.rollback()
    finally:
        database.execute_sql("DROP ROLE portal_plain")
