"""Statements that are built once answer like those that are built each time."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from models.base import database
from models.partner import Member, Partner
from models.prepared import Blank, ask, ask_one


def _members():
    return Member.select(Member, Partner).join(Partner).where(Member.email_key == Blank("email"))


def _older(descending: bool):
    members = Member.select().where(Member.created_at < Blank("at"), Member.partner == Blank("partner"))
    return members.order_by(Member.id.desc() if descending else Member.id)


def _names():
    return Member.select(Member.name, Member.created_at).order_by(Member.id).namedtuples()


def test_an_empty_answer_first_and_rows_later(cast):
    assert ask(_members, email="nobody") == []
    for _ in range(3):
        found = ask_one(_members, email=cast.alice.email_key)
        assert (found.id, found.partner.legal_name) == (cast.alice.id, cast.northwind.legal_name)
        assert not found.dirty_fields
    assert ask_one(_members, email="nobody") is None


def test_values_are_written_as_their_columns_write_them(cast, clock):
    """A time becomes text on SQLite, a row its number."""
    ids = [member.id for member in ask(_older, False, at=clock.now(), partner=cast.northwind)]
    assert ids == [cast.alice.id, cast.bob.id, cast.vera.id]
    assert [member.id for member in ask(_older, True, at=clock.now(), partner=cast.northwind.id)] == ids[::-1]
    assert ask(_older, False, at=clock.now() - timedelta(days=365), partner=cast.northwind) == []


def test_rows_are_read_as_their_columns_read_them(cast):
    for _ in range(2):
        first = ask(_names)[0]
        assert (first.name, first.created_at) == (cast.alice.name, cast.alice.created_at)


def test_each_answer_is_its_own(cast):
    one, other = ask(_names), ask(_names)
    one.clear()
    assert len(other) == len(ask(_names)) == 4


def test_a_hostile_value_is_a_value(cast):
    assert ask(_members, email="' OR 1=1 --") == []


def test_a_blank_without_a_value_is_an_error(cast):
    with pytest.raises(KeyError):
        ask(_members)


def test_threads_share_the_statement_and_not_the_rows(cast):
    emails = [person.email_key for person in (cast.alice, cast.bob, cast.vera, cast.charlie)] * 10

    def asked(email: str) -> str:
        with database.connection_context():
            return ask_one(_members, email=email).email_key

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(asked, emails)) == emails
