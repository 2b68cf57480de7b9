"""What stands otherwise on the storage service: each finding, what the worker does about it, and what it never does."""

from dataclasses import replace
from datetime import timedelta

import pytest

from models.drift import Drift
from models.outbox import Mail
from models.sub_account import AccessKey, Region, SubAccount
from services import drift, worker
from services.provisioning import provision_next
from services.secret import Secret
from services.storage.contract import StorageRefused
from services.storage.memory_state import Key
from tests.services.ground import TB, converge, fresh, trail, work


@pytest.fixture
def account(site, row):
    """What the service holds for it: tests change it there by hand."""
    return site.storage._state[row.remote_uid]


@pytest.fixture
def scan(ground, site, settings):
    """Lets time come for the next comparison and carries it out."""

    def compare(**later) -> None:
        ground.clock.advance(**(later or {"minutes": 15}))
        while drift.look(site, settings):
            pass

    return compare


def key_of(row: SubAccount) -> AccessKey:
    return AccessKey.get(sub_account=row)


def found(**filters) -> list[tuple]:
    return [
        (finding.kind, finding.resolution, finding.seen_count, finding.complete_scans)
        for finding in Drift.select().filter(**filters).order_by(Drift.id)
    ]


def test_what_stands_as_wanted_leaves_nothing_but_the_time_of_the_look(ground, site, row, scan):
    scan()
    assert found() == []
    assert Region.get().scanned_at == ground.clock.now()
    assert Region.get().scan_error == ""


def test_it_comes_every_quarter_of_an_hour_whoever_works(ground, site, settings, row):
    other = ground.site(owner="worker-2")
    for minutes, lists in ((0, 1), (14, 1), (1, 2), (14, 2), (1, 3)):
        ground.clock.advance(minutes=minutes)
        for one in (site, other):
            while drift.look(one, settings):
                pass
        assert len(site.storage.called("list_accounts")) == lists


def test_a_quota_that_was_changed_by_hand_is_put_right(ground, site, row, account, scan):
    account.quota_bytes = 5 * TB
    scan()
    assert found() == [("quota", "", 1, 1)]
    finding = Drift.get()
    assert (finding.there_bytes, finding.wanted_bytes, finding.sub_account_id) == (5 * TB, 2 * TB, row.id)
    assert (fresh(row).phase, fresh(row).observed_quota_bytes) == ("updating", 5 * TB), "it counts until it is lowered"
    work(site)
    assert account.quota_bytes == 2 * TB
    assert fresh(row).settled
    scan()
    assert found() == [("quota", "repaired", 1, 1)]
    assert [event.action for event in trail("drift.found") + trail("drift.repair_begun") + trail("drift.resolved")] == [
        "drift.found",
        "drift.repair_begun",
        "drift.resolved",
    ]


@pytest.mark.parametrize("there_bytes", [TB, None])
def test_a_quota_that_was_lowered_or_lifted_by_hand_is_put_right(site, row, account, scan, there_bytes):
    account.quota_bytes = there_bytes
    scan()
    work(site)
    assert (account.quota_bytes, fresh(row).phase) == (2 * TB, "ready")


def test_a_suspension_by_hand_is_lifted(site, row, account, scan):
    account.suspended = True
    scan()
    work(site)
    assert not account.suspended
    scan()
    assert found() == [("suspension", "repaired", 1, 1)]


def test_a_key_that_was_switched_off_by_hand_is_switched_on(site, row, account, scan):
    account.keys[key_of(row).access_key_id].active = False
    scan()
    work(site)
    assert account.keys[key_of(row).access_key_id].active
    assert found() == [("key_state", "", 1, 1)]


def test_the_third_time_in_a_day_people_are_called_and_the_worker_lets_it_stand(ground, site, row, account, scan):
    for _ in range(2):
        account.quota_bytes = TB
        scan()
        work(site)
        assert account.quota_bytes == 2 * TB
        ground.clock.advance(minutes=2)
    account.quota_bytes = TB
    scan()
    seen = fresh(row)
    assert (seen.phase, seen.reason_code, seen.paused_at) == ("attention", "edited", ground.clock.now())
    ground.clock.advance(hours=5)
    assert work(site) == 0
    assert account.quota_bytes == TB
    assert [event.after["reason"] for event in trail("sub_account.stuck")] == ["edited"]
    SubAccount.update(paused_at=None).execute()
    converge(site)


def test_three_times_in_more_than_a_day_are_put_right_each_time(ground, site, row, account, scan):
    for _ in range(4):
        account.quota_bytes = TB
        scan(hours=13)
        work(site)
        assert fresh(row).phase == "ready"
        ground.clock.advance(minutes=2)


def test_an_account_that_is_gone_reaches_people_and_is_never_made_anew(ground, site, row, account, scan):
    del site.storage._state[row.remote_uid]
    scan()
    assert (fresh(row).phase, fresh(row).reason_code) == ("attention", "missing")
    for _ in range(3):
        ground.clock.advance(hours=1)
        work(site)
        scan()
    assert site.storage.read_account(row.remote_uid) is None
    assert (fresh(row).phase, found()) == ("attention", [("missing", "", 1, 1)])
    site.storage._state[row.remote_uid] = account
    ground.clock.advance(hours=1)
    work(site)
    assert fresh(row).phase == "ready", "it was brought back there"
    scan()
    assert found() == [("missing", "gone", 1, 1)]


def test_an_account_that_only_an_old_list_lacks_is_not_missing(ground, site, row, account, scan):
    del site.storage._state[row.remote_uid]
    site.storage.answer_old()
    site.storage._state[row.remote_uid] = account
    scan()
    assert (fresh(row).phase, found()) == ("ready", [])


def test_an_account_that_only_an_old_answer_lacks_is_not_missing(ground, site, row, account, scan, monkeypatch):
    monkeypatch.setattr(site.storage, "read_account", lambda uid: None)
    scan()
    monkeypatch.undo()
    assert (fresh(row).phase, found()) == ("ready", [])


def test_what_the_portal_changed_a_moment_ago_is_not_judged_by_an_old_answer(ground, site, settings, row):
    ground.move((row, 3 * TB))
    work(site)
    site.storage.answer_old(2)
    site.storage._faults.old_state[row.remote_uid].quota_bytes = 2 * TB
    assert not drift.look(site, settings)
    assert (found(), fresh(row).phase) == ([], "ready")


def test_a_row_that_changes_while_it_is_read_is_passed_over(ground, site, row, account, scan):
    account.quota_bytes = TB
    read = site.storage.read_account

    def meanwhile(uid):
        remote = read(uid)
        ground.move((row, 4 * TB))
        return remote

    site.storage.read_account = meanwhile
    scan()
    del site.storage.read_account
    assert found() == []
    work(site)
    assert account.quota_bytes == 4 * TB


def test_a_stranger_under_our_name_reaches_people(site, row, account, scan):
    account.marker = "somebody else"
    scan()
    assert (fresh(row).phase, fresh(row).reason_code) == ("attention", "stranger")
    account.marker = row.public_id


def test_an_incomplete_list_concludes_nothing(ground, site, row, account, scan):
    site.storage.put_account("pp-cast00-unknown", "x", "X", None)
    del site.storage._state[row.remote_uid]
    site.storage.fail("list_accounts", times=3)
    scan()
    scan()
    assert found() == []
    assert Region.get().scanned_at is None
    assert "does not answer" in Region.get().scan_error
    site.storage._state[row.remote_uid] = account
    site.storage.recover()
    scan(minutes=1)
    assert found() == [("unknown_account", "", 1, 1)]


def test_an_account_that_cannot_be_read_makes_the_look_incomplete(ground, site, row, account, scan):
    site.storage.put_account("pp-cast00-unknown", "x", "X", None)
    site.storage.fail("read_account", error=StorageRefused("no such right"))
    scan()
    assert (found(), Region.get().scan_error) == ([], "no such right")
    scan(minutes=1)
    assert (found(), Region.get().scan_error) == ([("unknown_account", "", 1, 1)], "")


def test_a_service_that_lacks_most_accounts_is_taken_for_another_one(ground, site, scan, settings):
    rows = [ground.account(f"A{number}", 0) for number in range(12)]
    work(site)
    ground.clock.advance(minutes=2)
    kept = dict(site.storage._state)
    site.storage._state.clear()
    scan()
    assert found() == []
    assert "right one" in Region.get().scan_error
    site.storage._state.update(kept)
    for uid in [row.remote_uid for row in rows][:2]:
        del site.storage._state[uid]
    scan()
    assert found() == [("missing", "", 1, 1)] * 2
    site.storage._state.update(kept)
    ground.clock.advance(hours=1)
    work(site)


def test_an_unknown_account_is_listed_and_barred_after_a_day_and_never_deleted(ground, site, row, scan):
    site.storage.put_account("pp-cast00-unknown", "x", "X", None)
    site.storage.put_account("other-company", "x", "X", None)
    scan()
    assert found() == [("unknown_account", "", 1, 1)]
    scan(hours=23)
    assert not site.storage.read_account("pp-cast00-unknown").suspended
    scan(hours=2)
    assert site.storage.read_account("pp-cast00-unknown").suspended
    assert not site.storage.read_account("other-company").suspended
    assert found() == [("unknown_account", "", 3, 3)]
    scan(hours=1000)
    assert site.storage.called("purge") == []
    assert len(trail("drift.account_barred")) == 1


def test_one_complete_look_is_not_enough_to_bar_an_unknown_account(ground, site, row, scan):
    site.storage.put_account("pp-cast00-unknown", "x", "X", None)
    scan()
    Drift.update(complete_scans=0, first_seen_at=ground.clock.now() - timedelta(days=3)).execute()
    scan()
    assert not site.storage.read_account("pp-cast00-unknown").suspended
    scan()
    assert site.storage.read_account("pp-cast00-unknown").suspended


def test_an_unknown_account_that_goes_again_is_off_the_list(ground, site, row, scan):
    site.storage.put_account("pp-cast00-unknown", "x", "X", None)
    scan()
    site.storage.purge("pp-cast00-unknown")
    scan()
    assert found() == [("unknown_account", "gone", 1, 1)]


def test_an_account_that_is_being_set_up_is_not_unknown(ground, site, scan):
    ground.account("A", TB)
    site.storage.fail("put_bucket", times=5)
    for _ in range(2):
        provision_next(site)
    assert len(site.storage._state) == 1
    scan(minutes=0)
    assert found() == []
    site.storage.recover()
    converge(site)


@pytest.mark.parametrize("key_inactive", [True, False])
def test_a_key_that_nobody_made_here_is_switched_off_at_once(ground, settings, scan, site, row, account, key_inactive):
    site.storage.capabilities = replace(site.storage.capabilities, key_inactive=key_inactive)
    account.keys["STRANGE"] = Key(Secret("known to somebody"))
    scan()
    assert found() == [("unknown_key", "", 1, 1)]
    assert [event.partner_id for event in trail("drift.key_switched_off")] == [row.partner_id]
    if key_inactive:
        assert not account.keys["STRANGE"].active
        scan()
        assert found() == [("unknown_key", "", 2, 2)]
    assert account.keys.pop("STRANGE", None) is None or key_inactive
    scan()
    assert found()[0][:2] == ("unknown_key", "gone")
    assert fresh(row).phase == "ready"
    assert account.keys[key_of(row).access_key_id].active


def test_switching_off_an_unknown_key_is_done_later_when_the_service_fails_meanwhile(site, row, account, scan):
    account.keys["STRANGE"] = Key(Secret("known to somebody"))
    site.storage.fail("put_key_active")
    scan()
    assert account.keys["STRANGE"].active
    assert found() == [("unknown_key", "", 1, 0)]
    scan(minutes=1)
    assert not account.keys["STRANGE"].active
    assert found() == [("unknown_key", "", 2, 1)]
    del account.keys["STRANGE"]


def test_a_lost_answer_to_switching_off_is_repeated_without_harm(site, row, account, scan):
    account.keys["STRANGE"] = Key(Secret("known to somebody"))
    site.storage.drop_answer("put_key_active")
    scan()
    scan(minutes=1)
    assert not account.keys["STRANGE"].active
    del account.keys["STRANGE"]


def test_a_key_that_is_gone_there_is_marked_and_the_partner_is_told_to_replace_it(site, row, account, scan):
    key = key_of(row)
    pair = account.keys.pop(key.access_key_id)
    scan()
    assert key_of(row).phase == "attention"
    assert found() == [("key_missing", "", 1, 1)]
    (mail,) = Mail.select().where(Mail.template == "key_missing")
    assert mail.recipient == "alice@northwind.example.com"
    assert key.access_key_id in mail.text
    assert f"/sub-accounts/{row.number}" in mail.text
    scan()
    assert Mail.select().where(Mail.template == "key_missing").count() == 1
    assert key.access_key_id not in account.keys, "whoever removed it may have had a reason"
    account.keys[key.access_key_id] = pair
    scan()
    assert (key_of(row).phase, found()[0][1]) == ("live", "gone")


def test_what_an_operator_settled_is_left_alone(ground, site, row, account, scan):
    account.keys["STRANGE"] = Key(Secret("known to somebody"))
    site.storage.put_account("pp-cast00-unknown", "x", "X", None)
    scan()
    Drift.update(resolution="settled", resolved_at=ground.clock.now()).execute()
    scan(hours=40)
    scan(hours=1)
    assert Drift.select().where(Drift.resolved_at.is_null()).count() == 0
    assert not site.storage.read_account("pp-cast00-unknown").suspended
    account.keys["STRANGE"].active = True
    scan()
    assert not account.keys["STRANGE"].active, "a key that works again is a new finding"
    assert found(resolution="") == [("unknown_key", "", 1, 1)]
    del account.keys["STRANGE"]


def test_many_sub_accounts_are_compared_a_few_a_round(ground, site, settings, monkeypatch):
    monkeypatch.setattr(drift, "BATCH", 2)
    for number in range(5):
        ground.account(f"A{number}", TB)
    work(site)
    ground.clock.advance(minutes=2)
    rounds = []
    reads = len(site.storage.called("read_account"))
    while drift.look(site, settings):
        rounds.append(len(site.storage.called("read_account")) - reads)
    assert rounds == [2, 4]
    assert Region.get().scanned_at == ground.clock.now()


def test_the_worker_compares_by_itself(ground, site, settings, row, account):
    account.quota_bytes = TB
    while worker.round_of_work(site, settings):
        pass
    while worker.round_of_work(site, settings):
        pass
    assert account.quota_bytes == 2 * TB
    assert Region.get().scanned_at == ground.clock.now()
