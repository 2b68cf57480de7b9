"""Search by the index finds what reading every name finds, in the same order, and follows every change."""

import logging
from dataclasses import replace

import psycopg
import pytest

from models import lists, prepared, search
from models.base import database, open_database, write_tx
from models.lists import Asked
from models.partner import Partner
from models.schema import migrate
from models.sub_account import Customer, SubAccount
from services import names
from tests import postgres
from tests.accounts import many, opened

TEXTS = (
    "100% Cloud_Line \\ Co", 'say "NEAR" AND * OR name_key:x', "Robert'); DROP TABLE sub_account;--",
    "Łódź Süd 東京都庁", "aaa", "aaaa", "ab", "Nord AG", "nord ag zwei", "NORDEN",
)  # fmt: skip
ASKED = (
    "nord", "aaa", "ab", "% c", "100%", "_line", "\\ co", '"near"', "and *", "name_key:", "'); drop", "-- ", "東京都",
    "łód", "500000", "50000000000", "zzz", "bulk", "^nord", "nord*", "{nord}", "(nord)", "nord + ag", "a\\_",
    "%%%", "___",
)  # fmt: skip


@pytest.fixture
def walking(monkeypatch):
    """`walking()`: from now on every name is read, as before there was an index."""

    def switch() -> None:
        monkeypatch.setattr(search, "SHORTEST_RUN", 1000)
        prepared._ready.cache_clear()

    prepared._ready.cache_clear()
    yield switch
    monkeypatch.undo()
    prepared._ready.cache_clear()


def found(cast, at, text: str, **more) -> list[str]:
    return [row.number for row in lists.page(cast.northwind, Asked(text=names.key(text), **more), at).rows]


@pytest.fixture
def named(cast, settings, clock):
    for text in TEXTS:
        opened(cast, settings, clock.now(), text, customer=f"Kunde {text}", allocated_bytes=10**9)
    many(cast, clock.now(), 20)


@pytest.mark.parametrize("few", [search.FEW, 2])
def test_the_index_finds_the_same_rows_in_the_same_order(cast, named, clock, walking, monkeypatch, few):
    """Few hits are sorted, many are met on the way through the list: both against reading every name."""
    monkeypatch.setattr(search, "FEW", few)
    asked = [(text, sort) for text in ASKED for sort in lists.SORTS]
    by_index = [found(cast, clock.now(), text, sort=sort) for text, sort in asked]
    walking()
    assert by_index == [found(cast, clock.now(), text, sort=sort) for text, sort in asked]
    assert sum(map(bool, by_index)) > 20


def test_pages_of_a_search_follow_each_other(cast, clock, walking):
    numbers, asked = many(cast, clock.now(), 120), Asked(text="customer")
    first = lists.page(cast.northwind, asked, clock.now())
    later = lists.page(cast.northwind, asked, clock.now(), after=first.later)
    back = lists.page(cast.northwind, asked, clock.now(), before=later.rows[0].number)
    assert [row.number for row in (*first.rows, *later.rows)] == numbers[:100]
    assert back.rows == first.rows
    file = lists.everything(cast.northwind, replace(asked, sort="newest"), clock.now())
    assert [row.number for row in file] == numbers[::-1]


def test_the_index_follows_new_changed_and_deleted_names(cast, settings, clock):
    account = opened(cast, settings, clock.now(), "Adler", customer="Horst")
    at = clock.now()
    with write_tx():
        SubAccount.update(name_key="bussard").where(SubAccount.id == account.id).execute()
        Customer.update(name_key="nest").where(Customer.id == account.customer_id).execute()
    assert [found(cast, at, text) for text in ("adler", "horst")] == [[], []]
    assert [found(cast, at, text) for text in ("bussard", "nest")] == [[account.number]] * 2
    database.execute_sql("DELETE FROM access_key")
    database.execute_sql("DELETE FROM flow_down")
    with write_tx():
        SubAccount.delete().where(SubAccount.id == account.id).execute()
    assert found(cast, at, "bussard") == []


def test_the_index_is_whole(cast, named, engine):
    """SQLite compares it with the tables and raises when they differ."""
    if engine == "postgres":
        live = {index.name for table in ("sub_account", "customer") for index in database.get_indexes(table)}
        assert {"sub_account_search_idx", "customer_search_idx"} <= live
        return
    for index in ("sub_account_search", "customer_search"):
        database.execute_sql(f"INSERT INTO {index} ({index}, rank) VALUES ('integrity-check', 1)")  # noqa: S608 - own names


def test_another_partner_s_names_are_not_found(cast, settings, clock):
    opened(cast, settings, clock.now(), "Falke", who=cast.charlie)
    assert found(cast, clock.now(), "falke") == []


def test_a_database_that_refuses_the_extension_is_searched_without_an_index(postgres_server, request, caplog, clock):
    """Its owner may not extend it, as at some hosters: the tables are made all the same; the log says what to do."""
    name = "portal_no_extension_" + getattr(request.config, "workerinput", {}).get("workerid", "main")
    url = postgres.fresh_database(postgres_server, name)
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute(f"DROP ROLE IF EXISTS {name}")
        owner.execute(f"CREATE ROLE {name} LOGIN")
        owner.execute(f"GRANT CREATE ON SCHEMA public TO {name}")
    opened_database = open_database(url.replace(f"{postgres.USER}@", f"{name}@"))
    try:
        with caplog.at_level(logging.WARNING, "portal.schema"):
            assert "0002_search" in migrate()
        assert "CREATE EXTENSION pg_trgm" in caplog.text
        with database.connection_context():
            assert database.execute_sql("SELECT 1 FROM pg_extension WHERE extname = 'pg_trgm'").fetchall() == []
            assert lists.page(Partner(id=1), Asked(text="abc"), clock.now()).rows == []
    finally:
        opened_database.close_all()
