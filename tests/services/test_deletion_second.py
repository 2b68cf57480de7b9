"""Many deletions need two: a second administrator, or an operator where there is none; many releases two operators."""

from dataclasses import replace
from datetime import timedelta

import pytest

from models.deletion import Deletion
from models.operator import Operator
from models.outbox import Mail
from models.partner import Member
from models.sub_account import SubAccount
from services import deletion_guard, deletion_release, deletion_second, policy
from services.deletion_release import ReleaseRefused
from services.deletion_second import SecondRefused
from services.refusal import NotFound
from tests.services.deletions import delete
from tests.services.ground import GB, trail, work


@pytest.fixture
def rows(ground, site) -> list[SubAccount]:
    """Four sub-accounts of a partner of whom two a day may be deleted by one administrator alone."""
    policy.change(ground.act(ground.cast.olga), {"deletions_alone": 2})
    ground.settings = replace(ground.settings, deletions_per_hour=10)
    rows = [ground.account(name, GB) for name in "ABCD"]
    work(site)
    return rows


@pytest.fixture
def bob(ground) -> Member:
    """A second administrator."""
    Member.update(role="admin").where(Member.id == ground.cast.bob.id).execute()
    return Member.get_by_id(ground.cast.bob.id)


def standing(rows) -> str:
    """b: begun, h: held back, s: waits for a second administrator, w: waits for its time."""
    found = {deletion.sub_account_id: deletion for deletion in Deletion.select()}
    return "".join(
        "b" if row.started_at else "h" if row.waits_for_second else "s" if row.lacks_second else "w"
        for row in (found[one.id] for one in rows)
    )


def due(ground, site) -> None:
    work(site)
    ground.clock.advance(days=30)
    deletion_guard.begin_due(site, ground.settings)


def agree(ground, person, chosen=None) -> int:
    ids = [row.id for row in deletion_second.waiting(ground.cast.northwind)] if chosen is None else chosen
    return deletion_second.agree(ground.act(person), ground.settings, person, ids)


def release(ground, site, person) -> int:
    ids = [row.id for row in deletion_guard.held(site.region)]
    return deletion_release.release(ground.act(person), ground.settings, site.region.id, ids, "spoke with Alice")


def test_those_beyond_the_number_of_a_day_wait_for_a_second_administrator(ground, site, rows, bob):
    for row in rows:
        delete(ground, row)
    assert standing(rows) == "wwss"
    assert [m.recipient for m in Mail.select().where(Mail.template == "deletion_second")] == [bob.email]
    assert agree(ground, bob) == 2
    assert standing(rows) == "wwww"
    due(ground, site)
    assert standing(rows) == "bbbb"
    assert len(trail("sub_account.deletion_seconded")) == 2


def test_two_who_ask_are_counted_together_and_nobody_agrees_to_the_own(ground, site, rows, bob):
    for row, person in zip(rows, (None, bob, bob, None), strict=True):
        delete(ground, row, person=person)
    assert standing(rows) == "wwss"
    with pytest.raises(SecondRefused, match="yourself"):
        agree(ground, bob)
    with pytest.raises(SecondRefused) as refused:
        agree(ground, bob, [])
    assert refused.value.field == "chosen"
    theirs = Deletion.get(Deletion.sub_account == rows[3]).id
    assert agree(ground, bob, [theirs]) == 1
    with pytest.raises(SecondRefused, match="Other deletions"):
        agree(ground, bob, [theirs])
    for stranger in (ground.cast.charlie, ground.cast.vera):
        with pytest.raises((SecondRefused, NotFound)):
            agree(ground, stranger, [Deletion.get(Deletion.sub_account == rows[2]).id])
    assert standing(rows) == "wwsw"


def test_a_day_later_it_counts_anew(ground, site, rows):
    for row in rows[:2]:
        delete(ground, row)
    ground.clock.advance(hours=25)
    for row in rows[2:]:
        delete(ground, row)
    assert standing(rows) == "wwww"


def test_what_nobody_agreed_to_does_not_begin_and_no_operator_steps_in(ground, site, rows, bob):
    for row in rows:
        delete(ground, row)
    due(ground, site)
    assert standing(rows) == "bbhh"
    assert {row.held_reason for row in deletion_guard.held(site.region)} == {"second"}
    with pytest.raises(ReleaseRefused, match="second administrator"):
        release(ground, site, ground.cast.olga)
    assert agree(ground, bob) == 2
    deletion_guard.begin_due(site, ground.settings)
    assert standing(rows) == "bbbb"


def test_where_there_is_one_administrator_an_operator_agrees(ground, site, rows):
    for row in rows:
        delete(ground, row)
    assert not Mail.select().where(Mail.template == "deletion_second").exists()
    due(ground, site)
    assert standing(rows) == "bbhh"
    assert release(ground, site, ground.cast.olga) == 2
    deletion_guard.begin_due(site, ground.settings)
    assert standing(rows) == "bbbb"
    assert {row.second_by for row in Deletion.select()} == {"", f"operator:{ground.cast.olga.id}"}


def test_a_second_administrator_does_not_get_round_the_number_an_hour(ground, site, rows, bob):
    ground.settings = replace(ground.settings, deletions_per_hour=2)
    for row in rows:
        delete(ground, row)
    due(ground, site)
    agree(ground, bob)
    deletion_guard.begin_due(site, ground.settings)
    assert standing(rows) == "bbhh"
    assert {row.held_reason for row in deletion_guard.held(site.region)} == {"many"}


def test_a_release_for_another_reason_is_no_agreement(ground, site, rows, bob):
    for row in rows:
        delete(ground, row)
    deletion_guard.hold_back(ground.act(ground.cast.olga), rows[3].number, "call me first")
    with pytest.raises(ReleaseRefused, match="second administrator"):
        release(ground, site, ground.cast.olga)
    assert standing(rows) == "wwsh"


def test_many_releases_of_one_operator_need_another(ground, site, rows):
    policy.change(ground.act(ground.cast.olga), {"deletions_alone": 100, "releases_alone": 3})
    ground.settings = replace(ground.settings, deletions_per_hour=0)
    for row in rows:
        delete(ground, row)
    due(ground, site)
    assert standing(rows) == "hhhh"
    olga, oscar = ground.cast.olga, ground.cast.oscar
    Operator.update(right="manager").where(Operator.id == oscar.id).execute()
    assert release(ground, site, olga) == 0
    assert release(ground, site, olga) == 0  # twice is not two
    assert standing(rows) == "hhhh" and len(trail("sub_account.deletion_release_asked")) == 4
    assert release(ground, site, oscar) == 4
    deletion_guard.begin_due(site, ground.settings)
    assert standing(rows) == "bbbb"


def test_releases_of_one_day_add_up(ground, site, rows):
    policy.change(ground.act(ground.cast.olga), {"deletions_alone": 100, "releases_alone": 3})
    ground.settings = replace(ground.settings, deletions_per_hour=0)
    Operator.update(right="manager").where(Operator.id == ground.cast.oscar.id).execute()
    for row in rows:
        delete(ground, row)
    due(ground, site)
    ids = [row.id for row in deletion_guard.held(site.region)]
    act = ground.act(ground.cast.olga)
    assert deletion_release.release(act, ground.settings, site.region.id, ids[:3], "as agreed") == 3
    assert deletion_release.release(act, ground.settings, site.region.id, ids[3:], "as agreed") == 0
    ground.clock.advance(hours=24)
    act = replace(act, at=act.at + timedelta(hours=24))
    assert deletion_release.release(act, ground.settings, site.region.id, ids[3:], "as agreed") == 1
    ground.clock.advance(minutes=1)
    deletion_guard.begin_due(site, ground.settings)
    assert standing(rows) == "bbbb"
