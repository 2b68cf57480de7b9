"""What the worker must not settle by itself reaches people, and nobody else is held up by it."""

from datetime import timedelta

import pytest
from peewee import InterfaceError, OperationalError

from models.sub_account import AccessKey
from services.provisioning import ATTENTION_RETRY, provision_next
from services.storage.contract import StorageRefused, StorageUnavailable
from tests.services.ground import TB, converge, fresh, trail, work


def test_past_its_deadline_a_sub_account_reaches_people_and_is_tried_hourly(ground, site):
    row = ground.account("A", TB)
    site.storage.fail("*", times=1000)
    while fresh(row).phase != "attention":
        work(site)
        ground.clock.advance(seconds=30)
        assert ground.clock.now() < row.deadline_at + timedelta(minutes=6)
    assert ground.clock.now() > row.deadline_at
    assert fresh(row).next_attempt_at - fresh(row).observed_at == ATTENTION_RETRY
    assert [event.after["reason"] for event in trail("sub_account.stuck")] == ["unavailable"]
    tries = len(site.storage.calls)
    ground.clock.advance(minutes=58)
    assert work(site) == 0
    ground.clock.advance(minutes=2)
    assert work(site) == 1
    assert len(site.storage.calls) == tries + 1
    assert len(trail("sub_account.stuck")) == 1
    site.storage.recover()
    converge(site)


def test_a_stranger_under_the_uid_is_never_adopted(ground, site):
    row = ground.account("A", TB)
    site.storage.put_account(row.remote_uid, "somebody else", "Stranger", 5)
    work(site)
    row = fresh(row)
    assert (row.phase, row.reason_code) == ("attention", "stranger")
    assert row.next_attempt_at == ground.clock.now() + ATTENTION_RETRY
    stranger = site.storage.read_account(row.remote_uid)
    assert (stranger.display, stranger.quota_bytes, stranger.keys, stranger.buckets) == ("Stranger", 5, (), ())


def test_an_account_that_is_gone_is_not_made_anew_and_empty(ground, site):
    row = ground.account("A", TB)
    work(site)
    site.storage.purge(row.remote_uid)
    ground.move((row, 2 * TB))
    work(site)
    assert (fresh(row).phase, fresh(row).reason_code) == ("attention", "missing")
    assert site.storage.read_account(row.remote_uid) is None
    ground.clock.advance(hours=1)
    work(site)
    assert fresh(row).phase == "attention"
    assert [event.after for event in trail("sub_account.stuck")] == [{"phase": "attention", "reason": "missing"}]


def test_a_permanent_refusal_reaches_people_at_once_and_heals_when_it_is_tried_again(ground, site):
    row = ground.account("A", TB)
    site.storage.fail("put_bucket", error=StorageRefused("no such right"))
    work(site)
    row = fresh(row)
    assert (row.phase, row.reason_code, row.last_error) == ("attention", "refused", "no such right")
    assert row.next_attempt_at == ground.clock.now() + ATTENTION_RETRY
    ground.clock.advance(hours=1)
    work(site)
    assert (fresh(row).phase, fresh(row).reason_code, fresh(row).last_error) == ("ready", "", "")


def test_a_bucket_name_that_a_stranger_took_reaches_people(ground, site):
    row = ground.account("A", TB)
    site.storage.put_account("other", "other", "Other", None)
    site.storage.put_bucket("other", row.main_bucket)
    work(site)
    assert (fresh(row).phase, fresh(row).reason_code) == ("attention", "conflict")


def test_a_secret_that_no_key_opens_reaches_people_and_does_not_stop_the_worker(ground, site):
    broken, other = ground.account("A", TB), ground.account("B", TB)
    site.storage.fail("put_key", error=StorageUnavailable("later"))
    provision_next(site)
    while AccessKey.get(sub_account=broken).access_key_id is None:
        provision_next(site)
    AccessKey.update(retained_ct="sealed with a key that was thrown away").where(
        AccessKey.sub_account == broken
    ).execute()
    ground.clock.advance(minutes=1)
    work(site)
    assert (fresh(broken).phase, fresh(broken).reason_code) == ("attention", "sealed")
    assert fresh(other).phase == "ready"


def test_one_stuck_sub_account_does_not_hold_up_the_others(ground, site):
    stuck, other = ground.account("A", TB), ground.account("B", TB)
    site.storage.put_account(stuck.remote_uid, "somebody else", "Stranger", 5)
    work(site)
    assert (fresh(stuck).phase, fresh(other).phase) == ("attention", "ready")


def test_a_new_wish_of_the_member_frees_a_stuck_sub_account(ground, site):
    row = ground.account("A", TB)
    site.storage.fail("put_bucket", error=StorageRefused("no"))
    work(site)
    ground.move((row, 2 * TB))
    work(site)
    assert (fresh(row).phase, fresh(row).in_force_bytes) == ("ready", 2 * TB)


def test_a_changed_wish_does_not_make_active_what_was_never_set_up(ground, site):
    row = ground.account("A", TB)
    site.storage.fail("put_account", error=StorageRefused("no"))
    work(site)
    assert (fresh(row).phase, fresh(row).observed_state) == ("attention", "")
    ground.move((row, 2 * TB))
    assert fresh(row).phase == "pending"
    work(site)


def test_a_row_that_nobody_can_read_reaches_people_and_the_worker_goes_on(ground, site, caplog, monkeypatch):
    broken, other = ground.account("A", TB), ground.account("B", TB)
    read = site.storage.read_account

    def reading(uid: str):
        if uid == broken.remote_uid:
            raise KeyError("access_keys")
        return read(uid)

    monkeypatch.setattr(site.storage, "read_account", reading)
    work(site)
    seen = fresh(broken)
    assert (seen.phase, seen.reason_code, seen.attempts, seen.lease_owner) == ("attention", "fault", 1, "")
    assert seen.next_attempt_at == ground.clock.now() + ATTENTION_RETRY
    assert fresh(other).phase == "ready"
    (line,) = [record for record in caplog.records if broken.number in record.getMessage()]
    assert line.exc_info is not None and "KeyError" in seen.last_error
    monkeypatch.undo()
    ground.clock.advance(hours=1)
    converge(site)


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_a_database_that_is_away_is_no_fault_of_the_row(ground, site, monkeypatch, error):
    row = ground.account("A", TB)

    def reading(uid: str):
        raise error("server closed the connection")

    monkeypatch.setattr(site.storage, "read_account", reading)
    with pytest.raises(error):
        provision_next(site)
    assert (fresh(row).phase, fresh(row).reason_code) == ("pending", "")
    monkeypatch.undo()
    ground.clock.advance(seconds=121)
    converge(site)
