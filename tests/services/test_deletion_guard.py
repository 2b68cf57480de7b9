"""How many deletions begin by themselves, who lets the others begin, and what two do at the same moment."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from models.base import database, write_tx
from models.deletion import Deletion
from models.partner import Partner
from models.sub_account import Region, SubAccount
from services import deletion_guard, deletion_release, sub_account_life
from services.deletion_guard import HoldRefused
from services.deletion_release import ReleaseRefused
from services.provisioning_desk import fingerprint, pause, resume
from services.refusal import NotFound
from services.sub_account_life import LifeRefused
from tests.services.deletions import delete, restore
from tests.services.ground import GB, fresh, trail, work
from tests.services.test_allocation_races import together


@pytest.fixture
def rows(ground, site) -> list[SubAccount]:
    """Five that are due at this moment, of which two an hour may begin."""
    ground.settings = replace(ground.settings, deletions_per_hour=2)
    rows = [ground.account(name, GB) for name in "ABCDE"]
    work(site)
    for row in rows:
        delete(ground, row)
    work(site)
    ground.clock.advance(days=30)
    return rows


def begin(ground, site) -> int:
    return deletion_guard.begin_due(site, ground.settings)


def standing(rows) -> str:
    """b: begun, h: held back, w: waits for its time."""
    found = {deletion.sub_account_id: deletion for deletion in Deletion.select()}
    letter = {row.id: "b" if found[row.id].started_at else "h" if found[row.id].held_at else "w" for row in rows}
    return "".join(letter[row.id] for row in rows)


def release(ground, region, person=None, reason="spoke with Alice", chosen=None) -> int:
    ids = [deletion.id for deletion in deletion_guard.held(region)] if chosen is None else chosen
    return deletion_release.release(ground.act(person or ground.cast.olga), ground.settings, region.id, ids, reason)


def hold_back(ground, row, reason="call me first") -> SubAccount:
    return deletion_guard.hold_back(ground.act(ground.cast.olga), row.number, reason)


def test_so_many_begin_by_themselves_and_the_others_are_held_back(ground, site, rows):
    assert begin(ground, site) == 5
    assert standing(rows) == "bbhhh"
    assert len(trail("sub_account.deletion_begun")) == 2
    assert len(trail("sub_account.deletion_held")) == 3
    work(site)
    assert [fresh(row).phase for row in rows] == ["deleted"] * 2 + ["suspended"] * 3


def test_what_is_held_back_waits_for_a_person_and_not_for_the_hour_to_end(ground, site, rows):
    begin(ground, site)
    ground.clock.advance(hours=5)
    assert begin(ground, site) == 0
    assert standing(rows) == "bbhhh"


def test_after_an_hour_the_next_begin_by_themselves(ground, site, rows):
    for row in rows[2:]:
        SubAccount.update(delete_after_at=ground.clock.now() + timedelta(minutes=60)).where(
            SubAccount.id == row.id
        ).execute()
    assert begin(ground, site) == 2
    ground.clock.advance(minutes=60)
    begin(ground, site)
    assert standing(rows) == "bbbbh"


def test_a_second_person_lets_them_begin(ground, site, rows):
    begin(ground, site)
    assert release(ground, site.region) == 3
    events = trail("sub_account.deletion_released")
    assert [event.after["reason"] for event in events] == ["spoke with Alice"] * 3
    assert {event.actor_name for event in events} == {"Olga Olsen"}
    assert begin(ground, site) == 3
    assert standing(rows) == "bbbbb"


def test_what_was_released_does_not_use_up_the_hour(ground, site, rows):
    begin(ground, site)
    ground.clock.advance(minutes=61)
    release(ground, site.region)
    begin(ground, site)
    late = ground.account("F", GB)
    delete(ground, late)
    SubAccount.update(delete_after_at=ground.clock.now()).where(SubAccount.id == late.id).execute()
    begin(ground, site)
    assert standing([late]) == "b"


def test_whoever_asked_does_not_release(ground, site, rows):
    begin(ground, site)
    own = f"operator:{ground.cast.olga.id}"
    Deletion.update(asked_by=own).where(Deletion.sub_account == rows[4]).execute()
    with pytest.raises(ReleaseRefused, match="Somebody else"):
        release(ground, site.region)
    assert standing(rows) == "bbhhh"
    others = [deletion.id for deletion in deletion_guard.held(site.region) if deletion.asked_by != own]
    assert release(ground, site.region, chosen=others) == 2
    assert release(ground, site.region, ground.cast.oscar) == 1


def test_only_what_was_looked_at_is_released(ground, site, rows):
    begin(ground, site)
    ids = [deletion.id for deletion in deletion_guard.held(site.region)]
    restore(ground, rows[4])
    with pytest.raises(ReleaseRefused, match="Other deletions wait"):
        release(ground, site.region, chosen=ids)
    with pytest.raises(ReleaseRefused, match="at least one"):
        release(ground, site.region, chosen=[])
    assert release(ground, site.region, chosen=ids[:1]) == 1
    begin(ground, site)
    assert standing(rows[:4]) == "bbbh"
    assert release(ground, site.region) == 1
    with pytest.raises(ReleaseRefused, match="No deletion waits"):
        release(ground, site.region)
    with pytest.raises(NotFound):
        deletion_release.release(ground.act(ground.cast.olga), ground.settings, 99, ids, "nowhere")


def test_what_is_held_back_can_be_restored_and_asked_for_anew(ground, site, rows):
    begin(ground, site)
    restore(ground, rows[4])
    work(site)
    assert fresh(rows[4]).phase == "ready"
    delete(ground, rows[4])
    assert Deletion.get(Deletion.sub_account == rows[4]).held_at is None


def test_each_region_counts_for_itself(ground, site, rows):
    elsewhere = Region.create(name="elsewhere")
    for table in (SubAccount, Deletion):
        table.update(region=elsewhere).where(
            (table.id if table is SubAccount else table.sub_account) == rows[2].id
        ).execute()
    other = replace(site, region=elsewhere)
    assert (begin(ground, site), begin(ground, other)) == (4, 1)
    assert standing(rows) == "bbbhh"


def test_none_an_hour_means_that_each_needs_a_second_person(ground, site, rows):
    ground.settings = replace(ground.settings, deletions_per_hour=0)
    begin(ground, site)
    assert standing(rows) == "hhhhh"


def test_one_that_an_operator_has_put_on_hold_does_not_begin(ground, site, rows):
    ground.move((rows[0], 2 * GB))
    operator = ground.act(ground.cast.olga)
    pause(operator, rows[0].number, fingerprint(fresh(rows[0])), "is it meant?")
    begin(ground, site)
    assert standing(rows) == "wbbhh"
    resume(operator, rows[0].number, fingerprint(fresh(rows[0])), "it is")
    work(site)
    begin(ground, site)
    assert standing(rows) == "hbbhh"


def test_an_operator_holds_one_back_before_it_begins(ground, site, rows):
    ground.clock.advance(days=-3)
    hold_back(ground, rows[0])
    ground.clock.advance(days=3)
    begin(ground, site)
    assert standing(rows) == "hbbhh"
    assert Deletion.get(Deletion.sub_account == rows[0]).held_reason == "operator"
    event = trail("sub_account.deletion_held")[0]
    assert (event.actor_name, event.after["reason"]) == ("Olga Olsen", "call me first")
    ground.clock.advance(hours=3)
    assert release(ground, site.region) == 3
    begin(ground, site)
    assert standing(rows) == "bbbbb"


def test_one_that_was_released_can_be_held_back_until_it_begins(ground, site, rows):
    begin(ground, site)
    release(ground, site.region)
    hold_back(ground, rows[4])
    begin(ground, site)
    assert standing(rows) == "bbbbh"
    with pytest.raises(HoldRefused, match="held back already"):
        hold_back(ground, rows[4])
    with pytest.raises(HoldRefused, match="has begun"):
        hold_back(ground, rows[0])
    restore(ground, rows[4])
    with pytest.raises(NotFound):
        hold_back(ground, rows[4])
    assert [found.sub_account_id for found in deletion_guard.pending(site.region)] == []


def test_what_was_asked_for_is_listed_until_it_begins_or_is_held_back(ground, site, rows):
    hold_back(ground, rows[3])
    assert [found.sub_account_id for found in deletion_guard.pending(site.region)] == [
        rows[place].id for place in (0, 1, 2, 4)
    ]


@pytest.mark.parametrize("state", ["suspended", "closed"])
def test_a_partner_that_is_not_active_loses_nothing_by_itself(ground, site, rows, state):
    Partner.update(state=state).where(Partner.id == ground.cast.northwind.id).execute()
    begin(ground, site)
    assert standing(rows) == "hhhhh"
    assert {found.held_reason for found in Deletion.select()} == {"partner"}
    assert release(ground, site.region) == 5
    assert begin(ground, site) == 5
    Partner.update(state="active").where(Partner.id == ground.cast.northwind.id).execute()
    work(site)


def test_holding_back_and_beginning_at_the_same_moment_never_do_both(ground, rows, site):
    ground.settings = replace(ground.settings, deletions_per_hour=9)

    def act(index: int) -> str:
        if index == 5:
            return str(begin(ground, site))
        try:
            hold_back(ground, rows[index])
        except HoldRefused:
            return "b"
        return "h"

    outcomes = together(6, act)[:5]
    assert standing(rows) == "".join(outcomes)
    work(site)


def test_workers_that_count_at_the_same_moment_do_not_begin_more(ground, rows, site):
    sites = [ground.site(site.storage, f"worker-{number}") for number in range(4)]
    together(4, lambda index: begin(ground, sites[index]))
    assert standing(rows) == "bbhhh"
    assert len(trail("sub_account.deletion_begun")) == 2
    assert len(trail("sub_account.deletion_held")) == 3


def test_restoring_and_beginning_at_the_same_moment_never_do_both(ground, rows, site):
    """Whoever is first wins, and the other finds out."""
    ground.settings = replace(ground.settings, deletions_per_hour=9)

    def act(index: int) -> str:
        if index == 5:
            return str(begin(ground, site))
        try:
            restore(ground, rows[index])
        except LifeRefused:
            return "refused"
        return "restored"

    outcomes = together(6, act)[:5]
    for row, outcome in zip(rows, outcomes, strict=True):
        now, deletion = fresh(row), Deletion.get_or_none(Deletion.sub_account == row)
        if outcome == "restored":
            assert (now.wanted_state, deletion) == ("active", None)
        else:
            assert now.wanted_state == "deleted" and deletion.started_at is not None
    work(site)
    assert [fresh(row).phase for row in rows] == ["ready" if it == "restored" else "deleted" for it in outcomes]


def test_a_worker_that_waits_for_the_row_looks_again(engine, ground, rows, site):
    """It had found the row due; until it got the lock, the row was restored."""
    locked, asked = threading.Event(), threading.Event()

    def slow_restore() -> None:
        with database.connection_context(), write_tx():
            sub_account_life.restore(ground.act(), ground.cast.northwind, rows[0].number)
            locked.set()
            asked.wait(10)
            while (
                engine == "postgres"
                and not database.execute_sql("SELECT 1 FROM pg_locks WHERE NOT granted LIMIT 1").fetchone()
            ):
                continue

    thread = threading.Thread(target=slow_restore)
    thread.start()
    assert locked.wait(10)
    asked.set()
    begin(ground, site)
    thread.join(10)
    assert (fresh(rows[0]).wanted_state, Deletion.get_or_none(Deletion.sub_account == rows[0])) == ("active", None)
    assert standing(rows[1:]) == "bbhh"
