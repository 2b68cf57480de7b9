"""The storage service follows the database, one call at a time and in the right order."""

from datetime import timedelta

import pytest

from models.audit import AuditEvent
from models.sub_account import AccessKey, Region, SubAccount
from services.provisioning import ATTENTION_RETRY, provision_next
from tests.services.ground import KEY_IMPORT, TB, WatchedStorage, converge, fresh, moved, trail, work


@KEY_IMPORT
def test_a_new_sub_account_gets_account_quota_bucket_and_first_key(ground, key_import):
    site = ground.site(WatchedStorage(key_import=key_import))
    row = ground.account("Müller", 2 * TB)
    assert (row.phase, row.observed_state) == ("pending", "")
    work(site)
    row = fresh(row)
    assert (row.phase, row.settled, row.in_force_bytes, row.deadline_at) == ("ready", True, 2 * TB, None)
    remote = site.storage.read_account(row.remote_uid)
    assert (remote.marker, remote.display, remote.quota_bytes) == (row.public_id, "Müller", 2 * TB)
    assert remote.buckets == (f"{row.number}-main",)
    key = AccessKey.get(sub_account=row)
    secret = site.vault.open(key.retained_ct)
    assert (key.phase, key.origin, key.secret_ct) == ("live", "initial", None)
    assert site.storage.probe_key(key.access_key_id, secret, row.main_bucket) == "alive"
    assert secret.reveal() not in str(list(AccessKey.select().dicts())) + str(list(AuditEvent.select().dicts()))


def test_each_step_makes_at_most_one_changing_call(ground, site):
    ground.account("A", TB)
    reading = ("read_account",)
    while True:
        before = len(site.storage.calls)
        if not provision_next(site):
            break
        changing = [call for call in site.storage.calls[before:] if call.operation not in reading]
        assert len(changing) <= 1
    assert not provision_next(site)


def test_what_stands_as_wanted_is_left_alone(ground, site):
    ground.account("A", TB)
    work(site)
    calls = len(site.storage.calls)
    ground.clock.advance(days=1)
    assert work(site) == 0
    assert len(site.storage.calls) == calls


def test_setting_up_and_following_a_change_leave_one_trail_row_each(ground, site):
    row = ground.account("A", TB)
    work(site)
    ground.move((row, 2 * TB))
    work(site)
    applied = [(event.thing_id, event.before["phase"], event.after) for event in trail("sub_account.applied")]
    assert applied == [
        (row.number, "provisioning", {"phase": "ready", "allocated_bytes": TB}),
        (row.number, "updating", {"phase": "ready", "allocated_bytes": 2 * TB}),
    ]
    assert len(trail("access_key.made")) == 1


@pytest.mark.parametrize("how", [{"billing": "pay_per_use"}, {"allow_overdraft": True}])
def test_where_more_may_be_used_there_is_no_hard_quota(ground, site, how):
    row = ground.account("A", 0 if "billing" in how else TB, **how)
    work(site)
    assert site.storage.read_account(row.remote_uid).quota_bytes is None
    assert fresh(row).phase == "ready"


def test_decreases_come_first_even_when_the_increase_is_due_first(ground, site):
    a, b = moved(ground)
    provision_next(site)
    assert fresh(b).phase == "waiting_capacity"
    assert fresh(b).in_force_bytes == 4 * TB
    ground.clock.advance(seconds=1)
    converge(site)
    assert (fresh(a).in_force_bytes, fresh(b).in_force_bytes) == (3 * TB, 7 * TB)
    assert site.storage.most_bytes == 10 * TB


def test_an_increase_waits_as_long_as_the_decrease_does_not_come_through(ground, site):
    a, b = moved(ground)
    SubAccount.update(next_attempt_at=ground.clock.now() + timedelta(minutes=5)).where(SubAccount.id == a.id).execute()
    for _ in range(30):
        work(site)
        ground.clock.advance(seconds=1)
    assert (fresh(b).phase, fresh(b).in_force_bytes) == ("waiting_capacity", 4 * TB)
    converge(site)
    assert site.storage.most_bytes == 10 * TB


def test_room_that_is_made_late_is_taken_at_once(ground, site):
    """Even by an increase that has reached people and would be tried again in an hour only."""
    a, b = moved(ground)
    SubAccount.update(next_attempt_at=ground.clock.now() + timedelta(minutes=20)).where(SubAccount.id == a.id).execute()
    ground.clock.advance(minutes=16)
    work(site)
    assert fresh(b).phase == "attention"
    ground.clock.advance(minutes=4)
    work(site)
    assert (fresh(a).phase, fresh(b).phase, fresh(b).in_force_bytes) == ("ready", "ready", 7 * TB)


def test_an_increase_that_never_finds_room_reaches_people(ground, site):
    a, b = moved(ground)
    SubAccount.update(next_attempt_at=ground.clock.now() + timedelta(days=1)).where(SubAccount.id == a.id).execute()
    ground.clock.advance(minutes=15, seconds=1)
    work(site)
    assert (fresh(b).phase, fresh(b).reason_code) == ("attention", "no_room")
    assert fresh(b).next_attempt_at == ground.clock.now() + ATTENTION_RETRY
    converge(site, seconds=86400)


def test_a_new_sub_account_waits_for_room_that_is_being_given_up(ground, site):
    a = ground.account("A", 10 * TB)
    work(site)
    ground.move((a, 6 * TB))
    c = ground.account("C", 4 * TB)
    SubAccount.update(next_attempt_at=ground.clock.now() + timedelta(seconds=2)).where(SubAccount.id == a.id).execute()
    work(site)
    assert (fresh(c).phase, fresh(c).reason_code) == ("pending", "no_room")
    assert site.storage.read_account(c.remote_uid) is None
    ground.clock.advance(seconds=2)
    converge(site)
    assert (fresh(c).phase, fresh(c).reason_code) == ("ready", "")
    assert site.storage.most_bytes == 10 * TB


def test_what_is_being_set_up_and_grows_meanwhile_is_not_called_active_while_it_waits(ground, site):
    """It has an account, but no bucket and no key yet."""
    a = ground.account("A", 9 * TB)
    work(site)
    c = ground.account("C", TB)
    provision_next(site)
    assert fresh(c).phase == "provisioning"
    ground.move((a, 6 * TB), (c, 4 * TB))
    SubAccount.update(next_attempt_at=ground.clock.now() + timedelta(seconds=2)).where(SubAccount.id == a.id).execute()
    work(site)
    assert (fresh(c).phase, fresh(c).reason_code) == ("provisioning", "no_room")
    ground.clock.advance(seconds=2)
    converge(site)
    assert (fresh(c).phase, fresh(c).in_force_bytes) == ("ready", 4 * TB)


def test_suspending_refuses_the_keys_and_resuming_lets_them_work_again(ground, site):
    row = ground.account("A", TB)
    work(site)
    key = AccessKey.get(sub_account=row)
    secret = site.vault.open(key.retained_ct)
    for wanted, phase, state in (("suspended", "suspended", "suspended"), ("active", "ready", "alive")):
        SubAccount.update(wanted_state=wanted, generation=SubAccount.generation + 1).where(
            SubAccount.id == row.id
        ).execute()
        work(site)
        assert fresh(row).phase == phase
        assert site.storage.probe_key(key.access_key_id, secret, row.main_bucket) == state


def test_regions_are_looked_after_apart(ground, site):
    row = ground.account("A", TB)
    elsewhere = Region.create(name="elsewhere")
    SubAccount.update(region=elsewhere).where(SubAccount.id == row.id).execute()
    assert not provision_next(site)
    SubAccount.update(region=site.region).where(SubAccount.id == row.id).execute()
    work(site)
