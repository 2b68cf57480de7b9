"""What waits while the restored mode is on, one thing at a time; the drill walks all of it together."""

import pytest

from models.deletion import Deletion
from models.recovery import Home, Restoration
from models.sub_account import Region, SubAccount
from services import deletion_guard, restored, restored_desk
from services import sub_account_life as life
from services.purging import PROGRESS_WITHIN
from services.sweep import sweep
from tests.services.ground import TB, fresh, trail, work
from tests.services.test_key_rotation import Rotation


@pytest.fixture
def row(ground, site) -> SubAccount:
    row = ground.account("A", TB)
    work(site)
    return fresh(row)


@pytest.fixture
def end(ground):
    """The service was compared, and Olga ends the mode."""

    def finish() -> None:
        Region.update(scanned_at=ground.clock.now()).execute()
        restored_desk.end(ground.act(ground.cast.olga), "looked at")

    return finish


def ask_deletion(ground, site, row) -> None:
    life.delete(ground.act(), ground.settings, row.partner, row.number, row.name)
    work(site)
    ground.clock.advance(days=31)


def test_a_deletion_that_falls_due_meanwhile_begins_after_the_end(ground, site, row, end):
    restored.begin(ground.act())
    ask_deletion(ground, site, row)
    assert deletion_guard.begin_due(site, ground.settings) == 0
    assert (fresh(row).wanted_state, Deletion.get().held_at) == ("suspended", None)
    end()
    assert deletion_guard.begin_due(site, ground.settings) == 1
    work(site)
    assert fresh(row).phase == "deleted"


def test_a_deletion_that_has_begun_stands_still(ground, site, row, end):
    ask_deletion(ground, site, row)
    deletion_guard.begin_due(site, ground.settings)
    restored.begin(ground.act())
    work(site)
    assert row.remote_uid in site.storage._state
    assert (fresh(row).phase, fresh(row).reason_code) == ("attention", "restored")
    end()
    assert fresh(row).deadline_at == ground.clock.now() + PROGRESS_WITHIN
    work(site)
    assert fresh(row).phase == "deleted" and row.remote_uid not in site.storage._state


def test_one_that_is_gone_there_is_noted_as_gone(ground, site, row):
    """It was completed after the backup: nothing is removed by writing that down."""
    ask_deletion(ground, site, row)
    deletion_guard.begin_due(site, ground.settings)
    Deletion.update(seen_at=ground.clock.now()).execute()
    del site.storage._state[row.remote_uid]
    restored.begin(ground.act())
    work(site)
    assert fresh(row).phase == "deleted"


def test_a_deletion_that_was_released_before_has_to_be_released_again(ground, site, row):
    life.delete(ground.act(), ground.settings, row.partner, row.number, row.name)
    work(site)
    now = ground.clock.now()
    Deletion.update(held_at=now, released_at=now, released_by="operator:9", released_name="Olga").execute()
    restored.begin(ground.act())
    held = Deletion.get()
    assert (held.released_at, held.released_by, held.waits_for_second) == (None, "", True)
    assert held.held_reason == "restored"
    assert [event.after["reason"] for event in trail("sub_account.deletion_held")] == ["restored"]


def test_a_key_that_was_off_for_long_is_not_deleted(ground, end):
    rotation = Rotation(ground)
    rotation.replaced()
    rotation.off(rotation.first)
    work(rotation.site)
    restored.begin(ground.act())
    ground.clock.advance(days=20)
    sweep(ground.act(), ground.settings)
    assert rotation.of(rotation.first).wanted == "inactive"
    end()
    sweep(ground.act(), ground.settings)
    assert rotation.of(rotation.first).wanted == "deleted"
    work(rotation.site)


def test_a_key_that_was_switched_off_there_since_is_not_switched_on_by_another_change(ground, site, row):
    [key_id] = site.storage._state[row.remote_uid].keys
    site.storage._state[row.remote_uid].keys[key_id].active = False
    restored.begin(ground.act())
    ground.move((row, 2 * TB))
    work(site)
    assert not site.storage._state[row.remote_uid].keys[key_id].active
    assert (fresh(row).phase, fresh(row).reason_code) == ("attention", "restored")
    site.storage._state[row.remote_uid].keys[key_id].active = True


def test_one_that_was_barred_there_since_is_not_let_in_by_another_change(ground, site, row):
    site.storage._state[row.remote_uid].suspended = True
    restored.begin(ground.act())
    ground.move((row, 2 * TB))
    work(site)
    assert site.storage._state[row.remote_uid].suspended and fresh(row).reason_code == "restored"


def test_a_pause_and_its_end_that_are_wanted_now_are_followed(ground, site, row):
    restored.begin(ground.act())
    life.suspend(ground.act(), row.partner, row.number)
    work(site)
    assert site.storage._state[row.remote_uid].suspended
    life.resume(ground.act(), row.partner, row.number)
    work(site)
    assert not site.storage._state[row.remote_uid].suspended and fresh(row).settled


def test_before_anybody_has_looked_nothing_is_done_at_all(ground, site, row):
    """A worker that was running while the database below it was restored."""
    Restoration.create(began_at=ground.clock.now(), cause="backup")
    ground.move((row, 2 * TB))
    work(site)
    assert site.storage._state[row.remote_uid].quota_bytes == TB


@pytest.mark.postgres_only
def test_postgres_is_told_apart_while_a_worker_runs(ground, site, row):
    Home.insert(id=1, mark="7/16384/16385").execute()
    ground.move((row, 2 * TB))
    work(site)
    assert not Restoration.select().exists()
    assert site.storage._state[row.remote_uid].quota_bytes == TB


def test_a_pause_is_not_held_up_by_a_key_that_was_switched_off_there(ground, site, row):
    """It only bars access; what it would let in waits as before."""
    [key_id] = site.storage._state[row.remote_uid].keys
    site.storage._state[row.remote_uid].keys[key_id].active = False
    restored.begin(ground.act())
    life.suspend(ground.act(), row.partner, row.number)
    work(site)
    assert site.storage._state[row.remote_uid].suspended
    assert not site.storage._state[row.remote_uid].keys[key_id].active
    site.storage._state[row.remote_uid].keys[key_id].active = True


def test_what_stands_is_not_put_on_hold(ground, site, row):
    restored.begin(ground.act())
    assert (fresh(row).phase, fresh(row).paused_at) == ("ready", None)
    assert trail("sub_account.paused") == []


def test_beginning_twice_changes_nothing(ground, acting):
    assert restored.begin(acting())
    ground.clock.advance(hours=1)
    assert not restored.begin(acting())
    assert Restoration.select().count() == len(trail("database.restored")) == 1


def test_the_command_begins_and_ends_it(app, cast):
    run = app.test_cli_runner().invoke
    assert "is on" in run(args=["restored"]).output and restored.on()
    assert "was on already" in run(args=["restored"]).output
    assert run(args=["restored", "--end", "a drill"]).exit_code == 0
    assert not restored.on()
    again = run(args=["restored", "--end", "a drill"])
    assert again.exit_code == 1 and "not on" in again.output


def test_a_service_that_is_gone_for_good_does_not_keep_the_mode_on(ground, app, row):
    restored.begin(ground.act())
    run = app.test_cli_runner().invoke
    refused = run(args=["restored", "--end", "it burnt down"])
    assert refused.exit_code == 1 and "not completely compared" in refused.output
    assert run(args=["restored", "--end", "it burnt down", "--anyway"]).exit_code == 0
    assert trail("database.restored_ended")[0].after["not_compared"] == [ground.cast.region.name]
