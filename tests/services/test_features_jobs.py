"""Jobs keep to the switches (T5): they pass over partners for whom an area is off, and lose nothing of what is due."""

from models.sub_account import AccessKey
from services import deletion_guard, feature_switching, features, key_rotation, sub_account_life
from services.provisioning import provision_next
from tests.cast import act_of
from tests.notices import switched_off
from tests.services.deletions import asked
from tests.services.ground import GB, fresh, work


def switched_on(ground, row) -> None:
    feature_switching.switch_on(act_of(ground.cast.olga, ground.clock.now()), row.id)


def test_every_job_that_can_be_off_is_tested_here():
    assert set(features.JOBS.values()) == {"provisioning", "sub_account_deletion", "keys"}


def test_work_on_the_storage_waits_for_the_one_and_goes_on_for_others(ground, site):
    mine = ground.account("Mine", GB)
    other = ground.account("Other", GB, person=ground.cast.charlie, contract=ground.cast.other_contract)
    row = switched_off(ground.cast, ground.clock.now(), "provisioning", ground.cast.northwind)
    while provision_next(site):
        pass
    assert (fresh(mine).phase, fresh(other).phase) == ("pending", "ready")
    switched_on(ground, row)
    work(site)
    assert fresh(mine).phase == "ready"


def test_work_on_the_storage_waits_for_all(ground, site):
    mine = ground.account("Mine", GB)
    switched_off(ground.cast, ground.clock.now(), "provisioning")
    assert not provision_next(site)
    assert fresh(mine).phase == "pending"


def test_barring_of_access_does_not_wait(ground, site):
    mine = ground.account("Mine", GB)
    work(site)
    switched_off(ground.cast, ground.clock.now(), "provisioning")
    sub_account_life.suspend(ground.act(), mine.partner, mine.number)
    while provision_next(site):
        pass
    assert fresh(mine).observed_state == "suspended"


def test_deletions_do_not_begin_and_stay_due(ground, site):
    mine = ground.account("Mine", GB)
    work(site)
    asked(ground, site, mine)
    row = switched_off(ground.cast, ground.clock.now(), "sub_account_deletion", ground.cast.northwind)
    ground.clock.advance(days=ground.settings.deletion_days)
    assert deletion_guard.begin_due(site, ground.settings) == 0
    assert fresh(mine).wanted_state == "suspended"
    switched_on(ground, row)
    assert deletion_guard.begin_due(site, ground.settings) == 1
    assert fresh(mine).wanted_state == "deleted"


def test_old_keys_are_not_deleted_and_stay_due(ground, site):
    mine = ground.account("Mine", GB)
    work(site)
    key = AccessKey.get(AccessKey.sub_account == mine)
    now = ground.clock.now()
    AccessKey.update(wanted="inactive", phase="inactive", delete_after_at=now).where(AccessKey.id == key.id).execute()
    site.storage.put_key_active(mine.remote_uid, key.access_key_id, False)
    row = switched_off(ground.cast, now, "keys", ground.cast.northwind)
    assert key_rotation.delete_due(site.act()) == 0
    switched_on(ground, row)
    assert key_rotation.delete_due(site.act()) == 1
    work(site)
