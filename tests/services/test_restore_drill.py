"""The restore drill: a backup made while everybody writes, work that goes on after it, a restored database, a worker
that does no harm with it, and the way back to a portal and a service that say the same."""

import copy
from dataclasses import replace
from datetime import timedelta

import pytest

from models.audit import AuditEvent
from models.deletion import Deletion
from models.drift import Drift
from models.session import OneTimeLink, Session
from models.sub_account import AccessKey, HandOver, SubAccount
from services import (
    access_keys,
    deletion_guard,
    key_rotation,
    links,
    promises,
    restored,
    restored_desk,
    sessions,
    start_up,
    worker,
)
from services import provisioning_desk as desk
from services import sub_account_life as life
from services.promises_there import check_there
from services.provisioning_desk import fingerprint
from tests.cast import act_of
from tests.services.ground import GB, Ground, fresh, work
from tests.services.key_load import KeyLoad
from tests.services.restoring import back_up, opened, restore

NAMES = (
    "Unchanged", "Deleted later", "Called off later", "Barred later", "Grown later", "Key off later",
    "Key made later", "Key gone later", "Key under way", "Deleted before",
)  # fmt: skip


class Drill:
    """Northwind's sub-accounts, what happened to each after the backup, and the service as it then stood."""

    def __init__(self, cast, settings, clock):
        self.ground = Ground(cast, settings, clock)
        self.load = KeyLoad(self.ground)
        self.storage, self.settings, self.clock = self.load.storage, settings, clock
        self.northwind = cast.northwind
        self.rows = {name: self.ground.account(name, GB) for name in NAMES}
        work(self.site())
        self.reveal_all()
        self.delete("Deleted before", days=31)
        self.delete("Called off later")
        self.rows["Pending"] = self.ground.account("Pending", GB)
        self.replace_key("Key under way")
        self.due_at(clock.now() + timedelta(days=1))  # nobody makes them before the backup is made

    def due_at(self, at) -> None:
        rows = [self.rows["Pending"], self.rows["Key under way"]]
        SubAccount.update(next_attempt_at=at).where(SubAccount.id.in_(rows)).execute()

    def replace_key(self, name: str) -> AccessKey:
        key = AccessKey.get(AccessKey.sub_account == self.rows[name])
        return key_rotation.replace(self.act(), self.northwind, self.rows[name].number, key.id, f"replaced {name}")

    def reveal_all(self) -> None:
        """But not those of the threads that write beside."""
        mine = AccessKey.sub_account.in_(list(self.rows.values()))
        for key in AccessKey.select().where(mine, AccessKey.revealed_at.is_null(), AccessKey.phase == "live"):
            access_keys.reveal(self.act(), self.settings, key.id)

    def site(self):
        return self.load.site(0)

    def act(self, person=None):
        return act_of(person or self.ground.cast.alice, self.clock.now(), session_hash="session")

    def row(self, name: str) -> SubAccount:
        return fresh(self.rows[name])

    def key(self, name: str) -> AccessKey:
        return AccessKey.get(AccessKey.sub_account == self.rows[name])

    def off(self, name: str, key: AccessKey) -> None:
        key_rotation.switch_off(self.act(), self.settings, self.northwind, self.rows[name].number, key.id)
        work(self.site())

    def delete(self, name: str, days: int = 0) -> None:
        life.delete(self.act(), self.settings, self.northwind, self.rows[name].number, name)
        work(self.site())
        if days:
            self.clock.advance(days=days)
            deletion_guard.begin_due(self.site(), self.settings)
            work(self.site())

    def after_the_backup(self) -> None:
        """Everything that the backup cannot know."""
        number = {name: row.number for name, row in self.rows.items()}
        self.due_at(self.clock.now())
        work(self.site())
        life.restore(self.act(), self.northwind, number["Called off later"])
        self.rows["Made later"] = self.ground.account("Made later", GB)
        life.suspend(self.act(), self.northwind, number["Barred later"])
        self.ground.move((self.row("Grown later"), 3 * GB))
        work(self.site())
        self.storage._state[self.rows["Grown later"].remote_uid].bulk_bytes = 2 * GB
        for name in ("Key off later", "Key gone later", "Key made later"):
            self.replace_key(name)
        work(self.site())
        self.reveal_all()
        self.off("Key off later", self.key("Key off later"))
        for name, place in (("Key gone later", 0), ("Key under way", 1)):
            key = AccessKey.select().where(AccessKey.sub_account == self.rows[name]).order_by(AccessKey.id)[place]
            self.off(name, key)
            key_rotation.delete(self.act(), self.northwind, self.rows[name].number, key.id)
            work(self.site())
        for name in ("Pending", "Deleted later"):
            life.delete(self.act(), self.settings, self.northwind, number[name], name)
        work(self.site())
        self.clock.advance(days=30, seconds=1)
        deletion_guard.begin_due(self.site(), self.settings)
        work(self.site())
        assert all(self.row(name).phase == "deleted" for name in ("Pending", "Deleted later"))

    def service(self) -> dict:
        """Who is let in there, and with which keys."""
        return {
            uid: (account.suspended, {key_id: key.active for key_id, key in account.keys.items()})
            for uid, account in copy.copy(self.storage._state).items()
        }

    def rounds(self, hours: int = 1) -> None:
        """The worker at work, a round every quarter of an hour, with everything that it does by itself."""
        site = self.site()
        for _quarter in range(hours * 4):
            while worker.round_of_work(site, self.settings):
                pass
            self.clock.advance(minutes=15)


@pytest.fixture
def drill(cast, settings, clock, db, tmp_path):
    """Up to the moment at which the restored database is opened."""
    start_up.prepare(settings, clock)
    drill = Drill(cast, settings, clock)
    with drill.load.running(threads=2):
        drill.load.wait_for(2)
        drill.link = links.issue(drill.act(), "reset_password", cast.alice, 2000)
        drill.session = sessions.begin(drill.act(), cast.alice, settings)
        file = back_up(settings, clock.now(), tmp_path)
        drill.load.wait_for(2)
    assert drill.load.failures == []
    drill.after_the_backup()
    drill.then = drill.service()
    drill.settings = replace(settings, database_url=restore(settings, file, tmp_path))
    drill.ground.settings = drill.settings
    found = opened(drill.settings.database_url)
    yield drill
    found.close_all()


def began(drill) -> list[str]:
    return start_up.prepare(drill.settings, drill.clock)


def test_a_restored_database_is_known_at_the_first_start(drill):
    assert restored.on(), "before anybody has looked, nothing is done by it"
    assert any("restored mode since" in line for line in began(drill))
    mode = restored.current()
    assert mode.cause == ("backup" if drill.settings.database_url.startswith("sqlite") else "moved")
    assert mode.prepared_at == drill.clock.now()
    assert any("restored mode since" in line for line in began(drill)), "and at every later one"
    assert AuditEvent.select().where(AuditEvent.action == "database.restored").count() == 1


def test_what_was_ended_after_the_backup_is_not_open_again(drill, db):
    began(drill)
    assert not Session.select().where(Session.ended_at.is_null()).exists()
    assert (
        not OneTimeLink.select()
        .where(OneTimeLink.used_at.is_null(), OneTimeLink.expires_at > drill.clock.now())
        .exists()
    )
    assert not HandOver.select().where(HandOver.sealed.is_null(False)).exists()


def test_the_worker_lets_nobody_in_and_makes_and_removes_nothing(drill):
    began(drill)
    drill.rounds(hours=30)  # a day and more: what is unknown there would be barred after one
    assert drill.service() == drill.then
    assert list(promises.check(drill.clock.now())) == []


def test_what_differs_is_in_somebodys_list(drill):
    began(drill)
    drill.rounds()
    found = {(finding.kind, finding.sub_account.name if finding.sub_account else "") for finding in open_findings()}
    assert {
        ("missing", "Deleted later"), ("unknown_account", ""), ("suspension", "Barred later"),
        ("suspension", "Called off later"), ("key_state", "Key off later"), ("quota", "Grown later"),
        ("unknown_key", "Key made later"), ("key_missing", "Key gone later"),
    } <= found  # fmt: skip
    unknown = {finding.remote_uid for finding in open_findings() if finding.kind == "unknown_account"}
    assert drill.rows["Made later"].remote_uid in unknown
    listed = {finding.remote_uid for finding in open_findings()}
    stuck = {row.number: row.remote_uid for row in SubAccount.select().where(SubAccount.phase == "attention")}
    for violation in check_there(drill.site().region, drill.storage):
        assert any(word in violation.text for word in (listed | set(stuck)) | numbers(listed)), violation


def open_findings() -> list[Drift]:
    return list(Drift.select().where(Drift.resolved_at.is_null()))


def numbers(uids) -> set[str]:
    return {row.number for row in SubAccount.select().where(SubAccount.remote_uid.in_(list(uids)))}


def test_what_was_being_made_at_the_time_of_the_backup_waits_for_people_even_after_the_end(drill):
    began(drill)
    pending = drill.row("Pending")
    assert (pending.phase, pending.reason_code, pending.paused_at) == ("attention", "restored", drill.clock.now())
    drill.rounds()
    restored_desk.end(drill.act(drill.ground.cast.olga), "all looked at")
    drill.rounds(hours=3)
    assert drill.rows["Pending"].remote_uid not in drill.storage._state
    assert drill.rows["Deleted later"].remote_uid not in drill.storage._state


def test_a_deletion_that_was_called_off_begins_only_when_a_second_person_lets_it(drill):
    began(drill)
    row = drill.row("Called off later")
    assert row.delete_after_at < drill.clock.now(), "by what the backup knows, it is due"
    drill.rounds()
    restored_desk.end(drill.act(drill.ground.cast.olga), "all looked at")
    drill.rounds(hours=3)
    assert Deletion.get(Deletion.sub_account == row).started_at is None
    assert drill.storage._state[row.remote_uid].suspended is False


def test_partners_go_on_working_meanwhile(drill):
    """A new allocation and a new key reach the service; a new sub-account waits for the end, then it is made."""
    began(drill)
    drill.rounds()
    row = drill.row("Unchanged")
    drill.ground.move((row, 5 * GB))
    new = key_rotation.replace(drill.act(), drill.northwind, row.number, drill.key("Unchanged").id, "meanwhile")
    fresh_one = drill.ground.account("Ordered meanwhile", GB)
    drill.rounds()
    assert drill.storage._state[row.remote_uid].quota_bytes == 5 * GB
    assert AccessKey.get_by_id(new.id).phase == "live"
    assert fresh_one.remote_uid not in drill.storage._state
    assert (fresh(fresh_one).phase, fresh(fresh_one).reason_code) == ("attention", "restored")
    restored_desk.end(drill.act(drill.ground.cast.olga), "all looked at")
    drill.rounds()
    assert fresh(fresh_one).phase == "ready"


def test_the_mode_does_not_end_before_the_service_was_compared(drill):
    began(drill)
    act = drill.act(drill.ground.cast.olga)
    with pytest.raises(restored_desk.NotEnded, match="not completely compared"):
        restored_desk.end(act, "I am sure")
    drill.rounds()
    assert restored_desk.standing().not_compared == []
    restored_desk.end(act, "I looked")
    assert not restored.on()
    with pytest.raises(restored_desk.NotEnded, match="not on"):
        restored_desk.end(act, "again")
    event = AuditEvent.get(AuditEvent.action == "database.restored_ended")
    assert (event.actor_name, event.after["reason"]) == ("Olga Olsen", "I looked")


def test_after_the_end_operators_bring_both_sides_together(drill):
    began(drill)
    drill.rounds()
    olga = drill.act(drill.ground.cast.olga)
    restored_desk.end(olga, "decided one by one")
    grown = drill.row("Grown later")
    desk.accept_remote(olga, grown.number, fingerprint(grown), "the partner wants 3 GB")
    for name in ("Barred later", "Key off later", "Called off later"):
        row = drill.row(name)
        if name == "Called off later":
            life.restore(drill.act(), drill.northwind, row.number)
            row = drill.row(name)
        if name == "Barred later":
            life.suspend(drill.act(), drill.northwind, row.number)
            row = drill.row(name)
        desk.resume(olga, row.number, fingerprint(row), "as the partner says")
    for name in ("Deleted later", "Pending"):
        life.delete(drill.act(), drill.settings, drill.northwind, drill.row(name).number, name)
    drill.rounds(hours=2)
    then = drill.storage._state
    assert drill.service()[drill.rows["Key off later"].remote_uid][1][drill.key("Key off later").access_key_id]
    assert then[drill.rows["Grown later"].remote_uid].quota_bytes == 3 * GB
    assert then[drill.rows["Barred later"].remote_uid].suspended
    assert not then[drill.rows["Called off later"].remote_uid].suspended
    assert [drill.row(name).phase for name in ("Grown later", "Barred later", "Called off later")] == [
        "ready", "suspended", "ready",
    ]  # fmt: skip
    there = {uid for uid in then if uid in drill.then}
    assert set(then) == there, "nothing that was gone came back"
