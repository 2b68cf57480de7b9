"""The cast that is written again is the one that was made: row by row, and in what comes after it."""

import secrets
import shutil
from datetime import timedelta

import pytest

from models.base import database, open_database
from models.operator import Operator
from models.partner import Partner
from services import promises
from tests import kept_cast, postgres
from tests.cast import make_cast
from tests.kept_cast import KeptCasts


@pytest.fixture
def begin_anew(db, engine, request, tmp_path):
    """Another empty database, or the same one emptied."""

    def anew() -> None:
        if engine == "postgres":
            return postgres.empty(db)
        path = tmp_path / f"{secrets.token_hex(4)}.db"
        shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
        database.obj.close_all()
        return open_database(f"sqlite:///{path}")

    yield anew
    database.obj.close_all()


class Makers:
    """Makes casts, and counts how many."""

    def __init__(self) -> None:
        self.made = 0

    def __call__(self, settings, at):
        self.made += 1
        return make_cast(settings, at)


def test_the_same_rows_counters_and_people_without_making_them_again(begin_anew, settings, clock):
    kept, maker = KeptCasts(), Makers()
    first = kept.make(settings, clock.now(), maker)
    rows, counters = kept_cast._rows(), kept_cast._counters()
    begin_anew()
    second = kept.make(settings, clock.now(), maker)
    assert maker.made == 1 and second == first
    assert second.alice.__data__ == first.alice.__data__ and second.alice.partner is second.northwind
    assert (kept_cast._rows(), kept_cast._counters()) == (rows, counters)
    assert len(rows) > 8 and list(promises.check(clock.now())) == []
    added = {name: getattr(first.oscar, name) for name in ("name", "right", "password_hash", "created_at")}
    assert Operator.create(email="o@p.example.com", email_key="o@p.example.com", **added).id == first.oscar.id + 1


def test_what_one_test_does_to_a_person_meets_no_other(begin_anew, settings, clock):
    kept = KeptCasts()
    for _ in range(3):
        cast = kept.make(settings, clock.now())
        assert cast.alice.role == "admin"
        cast.alice.role = "viewer"
        cast.alice.save()
        begin_anew()


def test_another_time_and_a_database_with_rows_get_a_cast_of_their_own(begin_anew, settings, clock):
    kept, maker = KeptCasts(), Makers()
    kept.make(settings, clock.now(), maker)
    begin_anew()
    clock.advance(days=1)
    later = kept.make(settings, clock.now(), maker)
    assert maker.made == 2 and later.northwind.created_at == clock.now() - timedelta(days=40)
    begin_anew()
    values = {**later.contoso.__data__, "public_id": "first", "id": None}
    Partner.create(**values)
    found = kept.make(settings, clock.now(), maker)
    assert maker.made == 3 and found.northwind.id == later.northwind.id + 1
