"""What operators decide about a sub-account that the storage service does not follow."""

import pytest

from models.contract import AllocationEntry
from models.drift import Drift
from models.outbox import Mail
from models.sub_account import AccessKey, SubAccount
from services import drift
from services import provisioning_desk as desk
from services.allocation import AllocationRefused
from services.provisioning_desk import DeskRefused, DeskStale, NothingToTry
from services.refusal import NotFound
from services.storage.contract import StorageRefused
from tests.services.ground import GB, TB, converge, fresh, trail, work


@pytest.fixture
def stuck(ground, site) -> SubAccount:
    """Set up with 2 TB; a raise to 3 TB was refused by the storage service."""
    row = ground.account("A", 2 * TB)
    work(site)
    ground.move((row, 3 * TB))
    site.storage.fail("put_quota", error=StorageRefused("not that much"))
    work(site)
    row = fresh(row)
    assert (row.phase, row.in_force_bytes) == ("attention", 2 * TB)
    return row


@pytest.fixture
def edited(ground, site, settings) -> SubAccount:
    """Set up with 2 TB; somebody sets 5 TB on the service again and again, so that the worker lets it stand."""
    row = ground.account("A", 2 * TB)
    work(site)
    for _ in range(3):
        site.storage._state[row.remote_uid].quota_bytes = 5 * TB
        ground.clock.advance(minutes=15)
        while drift.look(site, settings):
            pass
        work(site)
    row = fresh(row)
    assert (row.phase, row.reason_code) == ("attention", "edited")
    return row


@pytest.fixture
def decide(ground, cast):
    """`decide(desk.pause, row)`: olga does it, having seen the present state."""

    def carry_out(way, row, reason="because"):
        return way(ground.act(cast.olga), row.number, desk.fingerprint(fresh(row)), reason)

    return carry_out


def test_what_is_on_hold_is_not_touched_until_it_goes_on(ground, site, stuck, decide, cast):
    decide(desk.pause, stuck)
    ground.clock.advance(hours=5)
    assert work(site) == 0
    with pytest.raises(DeskRefused):
        desk.try_again(ground.act(cast.oscar), stuck.number)
    decide(desk.resume, stuck)
    work(site)
    assert (fresh(stuck).phase, fresh(stuck).in_force_bytes) == ("ready", 3 * TB)
    assert [event.after for event in trail("sub_account.paused")] == [{"reason": "because"}]
    (event,) = trail("sub_account.resumed")
    assert (event.actor_name, event.after) == ("Olga Olsen", {"phase": "updating", "reason": "because"})


def test_a_new_wish_of_the_member_does_not_end_the_hold(ground, site, stuck, decide):
    decide(desk.pause, stuck)
    ground.move((stuck, TB))
    assert work(site) == 0
    decide(desk.resume, stuck)
    converge(site)
    assert fresh(stuck).in_force_bytes == TB


def test_cancelling_goes_back_to_the_amount_in_force(ground, site, stuck, decide):
    decide(desk.cancel, stuck, "the service has no room")
    assert fresh(stuck).allocated_bytes == 2 * TB
    assert ground.contract.allocated_bytes == 2 * TB
    line = AllocationEntry.select().order_by(AllocationEntry.id.desc()).get()
    assert (line.before_bytes, line.after_bytes, line.reason) == (3 * TB, 2 * TB, "the service has no room")
    work(site)
    assert (fresh(stuck).phase, fresh(stuck).in_force_bytes) == ("ready", 2 * TB)
    assert len(trail("sub_account.change_cancelled")) == 1


def test_a_change_can_be_cancelled_while_it_is_on_hold_and_goes_on(site, stuck, decide):
    decide(desk.pause, stuck)
    decide(desk.cancel, stuck)
    work(site)
    assert fresh(stuck).phase == "ready"


def test_cancelling_keeps_to_the_rules_of_capacity(ground, site, stuck, decide):
    ground.move((stuck, TB))
    site.storage.fail("put_quota", error=StorageRefused("no"))
    work(site)
    ground.account("B", 9 * TB)
    with pytest.raises(AllocationRefused):
        decide(desk.cancel, stuck)
    assert fresh(stuck).allocated_bytes == TB
    converge(site)


def test_what_was_never_set_up_has_nothing_to_go_back_to(ground, site, decide):
    row = ground.account("A", TB)
    site.storage.fail("put_account", error=StorageRefused("no"))
    work(site)
    with pytest.raises(DeskRefused):
        decide(desk.cancel, row)


def test_what_is_not_an_amount_cannot_be_cancelled(ground, site, decide):
    row = ground.account("A", TB)
    site.storage.fail("put_bucket", error=StorageRefused("no"))
    work(site)
    with pytest.raises(DeskRefused):
        decide(desk.cancel, row)


def test_accepting_the_remote_value_makes_it_the_allocation_in_books_and_service(ground, site, edited, decide):
    decide(desk.accept_remote, edited, "agreed by telephone")
    row = fresh(edited)
    assert (row.allocated_bytes, row.paused_at, row.reason_code) == (5 * TB, None, "")
    assert ground.contract.allocated_bytes == 5 * TB
    work(site)
    assert (fresh(row).phase, fresh(row).in_force_bytes) == ("ready", 5 * TB)
    assert site.storage.read_account(row.remote_uid).quota_bytes == 5 * TB
    assert not Drift.select().where(Drift.resolved_at.is_null()).exists()
    assert [event.after for event in trail("sub_account.remote_accepted")] == [{"reason": "agreed by telephone"}]


def test_a_remote_value_that_the_contract_does_not_hold_is_refused(ground, site, edited, decide):
    ground.account("B", 6 * TB)
    with pytest.raises(AllocationRefused):
        decide(desk.accept_remote, edited)
    assert fresh(edited).allocated_bytes == 2 * TB
    decide(desk.resume, edited)
    converge(site)
    assert site.storage.read_account(edited.remote_uid).quota_bytes == 2 * TB


def test_a_remote_value_that_is_not_whole_gigabytes_is_refused(ground, site, edited, decide):
    Drift.update(there_bytes=5 * TB + GB // 2).where(Drift.resolved_at.is_null()).execute()
    with pytest.raises(AllocationRefused):
        decide(desk.accept_remote, edited)
    decide(desk.resume, edited)
    converge(site)


def test_without_another_value_there_there_is_nothing_to_accept(site, stuck, decide):
    with pytest.raises(DeskRefused):
        decide(desk.accept_remote, stuck)


@pytest.mark.parametrize("way", [desk.pause, desk.resume, desk.accept_remote, desk.cancel])
def test_a_decision_about_something_else_than_was_seen_is_refused(ground, site, stuck, way, cast):
    seen = desk.fingerprint(stuck)
    ground.move((stuck, TB))
    with pytest.raises(DeskStale):
        way(ground.act(cast.olga), stuck.number, seen, "because")
    work(site)
    with pytest.raises(NothingToTry):
        way(ground.act(cast.olga), stuck.number, seen, "because")
    with pytest.raises(NotFound):
        way(ground.act(cast.olga), "999999999999", seen, "because")


def test_a_finding_that_was_settled_is_over(ground, site, settings, cast):
    site.storage.put_account("pp-cast00-unknown", "x", "X", None)
    while drift.look(site, settings):
        pass
    finding = Drift.get()
    desk.settle(ground.act(cast.olga), finding.id, "an old test")
    finding = Drift.get_by_id(finding.id)
    assert (finding.resolution, finding.resolved_by) == ("settled", "Olga Olsen")
    assert trail("drift.resolved")[0].after == {"resolution": "settled", "reason": "an old test"}
    with pytest.raises(NotFound):
        desk.settle(ground.act(cast.olga), finding.id, "again")


@pytest.fixture
def gone(ground, site, settings) -> SubAccount:
    """Set up with 2 TB and then gone from the service, as the comparison found."""
    row = ground.account("A", 2 * TB)
    work(site)
    del site.storage._state[row.remote_uid]
    ground.clock.advance(minutes=15)
    while drift.look(site, settings):
        pass
    assert fresh(row).reason_code == "missing"
    return row


@pytest.fixture
def anew(ground, cast, settings):
    def make(row, reason="because"):
        seen = desk.fingerprint(fresh(row))
        return desk.make_anew(ground.act(cast.olga), settings, row.number, seen, reason)

    return make


def test_what_is_gone_is_made_anew_empty_when_an_operator_says_so(ground, site, settings, gone, anew):
    anew(gone, "the disk is lost, the partner knows")
    work(site)
    remote = site.storage.read_account(gone.remote_uid)
    assert (remote.quota_bytes, remote.keys, remote.buckets) == (2 * TB, (), (gone.main_bucket,))
    assert (fresh(gone).phase, Drift.get().resolution) == ("ready", "settled")
    (event,) = trail("sub_account.made_anew")
    assert event.after["reason"] == "the disk is lost, the partner knows"
    ground.clock.advance(minutes=16)
    while drift.look(site, settings):
        pass
    assert AccessKey.get().phase == "attention"
    assert Drift.select().where(Drift.kind == "key_missing").count() == 1
    assert Mail.select().where(Mail.template == "key_missing").count() == 1


def test_what_is_paused_is_made_anew_paused(ground, site, gone, anew):
    SubAccount.update(wanted_state="suspended").execute()
    anew(gone)
    work(site)
    assert site.storage.read_account(gone.remote_uid).suspended
    assert fresh(gone).phase == "suspended"


def test_what_is_not_gone_or_shall_be_deleted_is_not_made_anew(site, stuck, anew):
    with pytest.raises(DeskRefused):
        anew(stuck)
    SubAccount.update(reason_code="missing", wanted_state="deleted").execute()
    with pytest.raises(DeskRefused):
        anew(stuck)
    SubAccount.update(reason_code="refused", wanted_state="active").execute()
    converge(site)
