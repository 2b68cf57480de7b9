"""Pause, resume, delete, restore: what each changes here and on the storage service, and what it refuses."""

from datetime import timedelta

import pytest

from models.audit import AuditEvent
from models.contract import AllocationEntry, Contract
from models.deletion import Deletion
from models.outbox import Mail
from models.partner import Member
from models.sub_account import AccessKey, SubAccount
from services import deletion_guard, provisioning_desk
from services import sub_account_life as life
from services.allocation import Change
from services.refusal import NotFound
from services.sub_account_life import LifeRefused
from services.sub_accounts import SubAccountRefused
from tests.services.deletions import begun, delete, restore
from tests.services.ground import TB, fresh, trail, work


@pytest.fixture
def row(ground, site) -> SubAccount:
    row = ground.account("A", 2 * TB)
    work(site)
    return row


@pytest.fixture
def partner(ground):
    return ground.cast.northwind


def probe(site, row) -> str:
    key = AccessKey.get(AccessKey.sub_account == row)
    return site.storage.probe_key(key.access_key_id, site.vault.open(key.retained_ct), row.main_bucket)


def test_pausing_refuses_the_keys_and_resuming_lets_them_work_again(ground, site, row, partner):
    life.suspend(ground.act(), partner, row.number)
    assert (fresh(row).phase, probe(site, row)) == ("suspending", "alive")
    work(site)
    paused = fresh(row)
    assert (paused.phase, probe(site, row)) == ("suspended", "suspended")
    assert (paused.suspended_at, paused.suspended_by) == (ground.clock.now(), "Alice Adler")
    assert paused.allocated_bytes == 2 * TB
    life.resume(ground.act(), partner, row.number)
    work(site)
    active = fresh(row)
    assert (active.phase, probe(site, row)) == ("ready", "alive")
    assert (active.suspended_at, active.suspended_by) == (None, "")


def on_hold(ground, row) -> None:
    """By an operator, while another change was under way."""
    ground.move((row, 3 * TB))
    seen = provisioning_desk.fingerprint(fresh(row))
    provisioning_desk.pause(ground.act(ground.cast.olga), row.number, seen, "is it meant?")


def test_pausing_bars_access_also_while_everything_else_is_on_hold(ground, site, row, partner):
    on_hold(ground, row)
    life.suspend(ground.act(), partner, row.number)
    work(site)
    held = fresh(row)
    assert (probe(site, row), held.observed_state, held.settled) == ("suspended", "suspended", False)
    assert (held.phase, held.paused_at is None) == ("attention", False)
    assert site.storage.read_account(row.remote_uid).quota_bytes == 2 * TB
    assert work(site) == 0
    provisioning_desk.resume(ground.act(ground.cast.olga), row.number, provisioning_desk.fingerprint(held), "it is")
    work(site)
    assert (fresh(row).phase, site.storage.read_account(row.remote_uid).quota_bytes) == ("suspended", 3 * TB)


def test_deleting_bars_access_also_while_on_hold_and_does_not_begin(ground, site, row):
    on_hold(ground, row)
    delete(ground, row)
    work(site)
    assert probe(site, row) == "suspended"
    ground.clock.advance(days=31)
    assert deletion_guard.begin_due(site, ground.settings) == 0
    restore(ground, row)
    work(site)
    assert (fresh(row).phase, probe(site, row)) == ("attention", "suspended")  # nothing is let in while on hold
    provisioning_desk.resume(
        ground.act(ground.cast.olga), row.number, provisioning_desk.fingerprint(fresh(row)), "it is"
    )
    work(site)
    assert (fresh(row).phase, probe(site, row)) == ("ready", "alive")


def test_one_on_hold_that_is_not_there_is_asked_for_once_an_hour(ground, site, row, partner):
    on_hold(ground, row)
    kept = site.storage._state.pop(row.remote_uid)
    life.suspend(ground.act(), partner, row.number)
    assert work(site) == 1
    assert (fresh(row).phase, fresh(row).reason_code) == ("attention", "missing")
    site.storage._state[row.remote_uid] = kept
    ground.clock.advance(hours=1)
    work(site)
    assert probe(site, row) == "suspended"


def test_one_on_hold_that_was_never_made_stays_with_the_people(ground, partner):
    row = ground.account("B", TB)
    now = fresh(row)
    provisioning_desk.pause(ground.act(ground.cast.olga), row.number, provisioning_desk.fingerprint(now), "wait")
    life.suspend(ground.act(), partner, row.number)
    assert fresh(row).phase == "attention" and work(ground.site()) == 0


def test_saying_it_twice_changes_nothing_and_leaves_one_trail_row(ground, site, row, partner):
    for act, action in (
        (life.suspend, "sub_account.suspended"),
        (life.resume, "sub_account.reactivated"),
        (lambda *given: delete(ground, row), "sub_account.deletion_asked"),
        (life.restore, "sub_account.restored"),
    ):
        act(ground.act(), partner, row.number)
        generation = fresh(row).generation
        ground.clock.advance(minutes=1)
        act(ground.act(), partner, row.number)
        assert fresh(row).generation == generation, action
        assert len(trail(action)) == 1
        work(site)


def test_deletion_refuses_the_keys_at_once_and_keeps_all_else_until_its_time(ground, site, row):
    delete(ground, row)
    work(site)
    waiting = fresh(row)
    assert (waiting.phase, waiting.wanted_state, probe(site, row)) == ("suspended", "suspended", "suspended")
    assert waiting.delete_after_at == ground.clock.now() + timedelta(days=30)
    assert (waiting.allocated_bytes, ground.contract.allocated_bytes) == (2 * TB, 2 * TB)
    with pytest.raises(SubAccountRefused):
        ground.account("A", TB)  # its name is not free while it can be restored


def test_every_administrator_is_told_in_time_to_restore(ground, row):
    Member.update(role="admin", locale="de").where(Member.id == ground.cast.vera.id).execute()
    delete(ground, row, person=ground.cast.bob)
    mails = {mail.recipient: mail for mail in Mail.select().where(Mail.template == "deletion_asked")}
    assert set(mails) == {ground.cast.alice.email, ground.cast.vera.email}
    mail = mails[ground.cast.alice.email]
    assert mail.subject.startswith("A will be deleted on 1 Apr 2026, 11:00")
    for words in ("Bob Brandt has asked", row.number, f"/sub-accounts/{row.number}", "restore everything"):
        assert words in mail.text, words
        assert words in mail.html, words
    delete(ground, row)
    assert Mail.select().where(Mail.template == "deletion_asked").count() == 2


def test_restored_everything_is_as_it_was(ground, site, row):
    delete(ground, row)
    work(site)
    ground.clock.advance(days=30, seconds=-1)
    restore(ground, row)
    work(site)
    back = fresh(row)
    assert (back.phase, back.delete_after_at, back.allocated_bytes) == ("ready", None, 2 * TB)
    assert probe(site, row) == "alive"
    assert Deletion.select().count() == 0
    ground.clock.advance(days=2)
    assert deletion_guard.begin_due(site, ground.settings) == 0


def test_what_was_paused_before_is_paused_when_it_is_restored(ground, site, row, partner):
    life.suspend(ground.act(), partner, row.number)
    delete(ground, row)
    restore(ground, row)
    work(site)
    assert (fresh(row).phase, probe(site, row)) == ("suspended", "suspended")
    life.resume(ground.act(), partner, row.number)
    work(site)
    assert probe(site, row) == "alive"


def test_nothing_works_again_after_the_end_of_the_contract(ground, site, row, partner):
    delete(ground, row)
    Contract.update(state="expired").where(Contract.id == row.contract_id).execute()
    restore(ground, row)
    work(site)
    back = fresh(row)
    assert (back.delete_after_at, probe(site, row)) == (None, "suspended")
    with pytest.raises(LifeRefused, match="is not active"):
        life.resume(ground.act(), partner, row.number)


@pytest.mark.parametrize("typed", ["", "B", "A A", "000000000000"])
def test_a_slip_deletes_nothing(ground, row, typed):
    with pytest.raises(LifeRefused) as refused:
        delete(ground, row, typed=typed)
    assert refused.value.field == "typed"
    assert fresh(row).delete_after_at is None
    assert Deletion.select().count() == 0


@pytest.mark.parametrize("typed", ["a", " A ", "number"])
def test_the_name_in_any_case_and_the_number_are_enough(ground, row, typed):
    delete(ground, row, typed=row.number if typed == "number" else typed)
    assert fresh(row).delete_after_at is not None


def test_what_is_to_be_deleted_is_neither_paused_nor_resumed(ground, row, partner):
    delete(ground, row)
    for act in (life.suspend, life.resume):
        with pytest.raises(LifeRefused, match="Restore it first"):
            act(ground.act(), partner, row.number)


def test_once_it_has_begun_nothing_takes_it_back(ground, site, row, partner):
    begun(ground, site, row)
    before = fresh(row)
    with pytest.raises(LifeRefused, match="can no longer be stopped"):
        restore(ground, row)
    for act in (life.suspend, life.resume):
        with pytest.raises(LifeRefused, match="is being deleted"):
            act(ground.act(), partner, row.number)
    with pytest.raises(Exception, match="no fixed allocation"):
        ground.rebalance(Change(row.number, TB))
    assert fresh(row) == before and fresh(row).generation == before.generation


def test_another_partners_sub_account_does_not_exist(ground, row):
    other = ground.cast.contoso
    for act in (life.suspend, life.resume, life.restore):
        with pytest.raises(NotFound):
            act(ground.act(), other, row.number)
    with pytest.raises(NotFound):
        life.delete(ground.act(), ground.settings, other, row.number, row.name)


def test_a_change_of_the_allocation_while_it_waits_leaves_it_barred(ground, site, row):
    """Capacity can be given back before the end; the keys stay refused."""
    delete(ground, row)
    work(site)
    ground.move((row, TB))
    work(site)
    waiting = fresh(row)
    assert (waiting.phase, waiting.in_force_bytes, probe(site, row)) == ("suspended", TB, "suspended")
    lines = list(AllocationEntry.select().where(AllocationEntry.sub_account_id == row.id))
    assert [line.cause for line in lines] == ["opened", "changed"]


def test_one_that_was_never_set_up_can_be_deleted_too(ground, site):
    row = ground.account("B", TB)
    delete(ground, row)
    ground.clock.advance(days=30)
    assert deletion_guard.begin_due(site, ground.settings) == 1
    work(site)
    assert fresh(row).phase == "deleted"
    assert site.storage.called("put_account") == []
    assert AuditEvent.select().where(AuditEvent.action == "access_key.made").count() == 0
