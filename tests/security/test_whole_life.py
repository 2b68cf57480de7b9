"""A whole life in any order: people sign up, agree, get a contract, set capacity aside, make and replace keys, invite and
remove members, are suspended and come back, while the clock jumps and the storage service goes away and returns. After
each step the promises of services/promises.py hold; at the end, with the service back, everything settles.

`PORTAL_PROPERTY_RUNS=200 PORTAL_PROPERTY_STEPS=80` asks for more than `make test` does.
"""

import os
from datetime import date

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from models.contract import Contract
from models.partner import Member, Partner
from models.session import Session
from models.sub_account import AccessKey, SubAccount
from services import (
    access_keys,
    contracts,
    invitations,
    key_rotation,
    measures,
    promises,
    promises_there,
    sessions,
    sub_account_life,
    sub_accounts,
    team,
    worker,
)
from services import settings as portal_settings
from services.allocation import Change
from services.measures import Wanted
from services.refusal import Refusal
from services.site import House
from services.storage.contract import StorageUnavailable
from tests import applicants, postgres
from tests.cast import act_of, make_cast
from tests.models.rows import all_tables
from tests.services import invariants
from tests.services.ground import TB, Ground, WatchedStorage

RUNS = int(os.environ.get("PORTAL_PROPERTY_RUNS", "4"))
STEPS = int(os.environ.get("PORTAL_PROPERTY_STEPS", "25"))
NAMES = ("Adler", "Birke", "Citrin")
AWAY = StorageUnavailable("switched off")
"""What the service answers with while it is away."""
WAITING = ("jobs", "deletion", "closure")
"""Promises that hold once the worker had its time: asked at the end."""


class Life(RuleBasedStateMachine):
    """What anybody may do next. A refusal in words is an answer; anything else is a fault."""

    prepare: staticmethod
    settings: portal_settings.Settings

    @initialize()
    def begin(self) -> None:
        self.cast, self.clock = type(self).prepare()
        self.ground = Ground(self.cast, type(self).settings, self.clock)
        self.ground.fair_use(decreases=1000, percent=100)
        self.storage = WatchedStorage()
        self.site = self.ground.site(self.storage)
        self.house = House(self.clock)
        self.away, self.number, self.removed = False, 0, set()

    def act(self, person=None):
        return act_of(person or self.cast.alice, self.clock.now(), session_hash="life")

    def once(self) -> str:
        self.number += 1
        return f"life-key-{self.number:08d}"

    def tried(self, work, *args, **more):
        try:
            return work(*args, **more)
        except Refusal:
            return None

    def accounts(self) -> list[SubAccount]:
        return list(SubAccount.select().where(SubAccount.partner == self.cast.northwind).order_by(SubAccount.id))

    def one(self, choice: int) -> SubAccount | None:
        rows = self.accounts()
        return rows[choice % len(rows)] if rows else None

    @rule(name=st.sampled_from(NAMES), terabytes=st.integers(0, 6))
    def opens_a_sub_account(self, name, terabytes):
        wish = sub_accounts.SubAccountWish(
            "RCP-1001", self.cast.region.name, name, name, "Kim Kunde", "kim@customer.example.com", "reserved",
            terabytes * TB, False, "MSA-1", date(2026, 2, 1),
        )  # fmt: skip
        self.tried(sub_accounts.create, self.act(), self.ground.settings, self._northwind(), wish, self.once())

    @rule(choices=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 12)), min_size=1, max_size=3))
    def moves_capacity(self, choices):
        rows = {self.one(choice).number: terabytes for choice, terabytes in choices} if self.accounts() else {}
        changes = [Change(number, terabytes * TB, True) for number, terabytes in rows.items()]
        if changes:
            self.tried(self.ground.rebalance, *changes)

    @rule(choice=st.integers(0, 5), act=st.sampled_from(["suspend", "resume", "delete", "restore"]))
    def decides_about_a_sub_account(self, choice, act):
        row = self.one(choice)
        if row is None:
            return
        more = (self.ground.settings,) if act == "delete" else ()
        typed = (row.number,) if act == "delete" else ()
        self.tried(getattr(sub_account_life, act), self.act(), *more, self._northwind(), row.number, *typed)

    @rule(choice=st.integers(0, 9), act=st.sampled_from(["replace", "off", "on", "delete", "reveal", "stored"]))
    def looks_after_a_key(self, choice, act):
        keys = list(AccessKey.select().join(SubAccount).where(SubAccount.partner == self.cast.northwind))
        if not keys:
            return
        key, north, deed = keys[choice % len(keys)], self._northwind(), self.act()
        number = key.sub_account.number
        ways = {
            "replace": lambda: key_rotation.replace(deed, north, number, key.id, self.once()),
            "off": lambda: key_rotation.switch_off(deed, self.ground.settings, north, number, key.id),
            "on": lambda: key_rotation.switch_on(deed, north, number, key.id),
            "delete": lambda: key_rotation.delete(deed, north, number, key.id),
            "reveal": lambda: access_keys.reveal(deed, self.ground.settings, key.id),
            "stored": lambda: access_keys.note_stored(deed, key.id),
        }
        self.tried(ways[act])

    @rule(word=st.sampled_from(["eva", "finn", "gina"]), role=st.sampled_from(["admin", "staff", "viewer"]))
    def invites_somebody(self, word, role):
        wish = invitations.Wish(f"{word}@northwind.example.com", role, "employee", None, "en")
        self.tried(invitations.invite, self.act(), self.ground.settings, self._northwind(), wish, self.once())

    @rule(name=st.sampled_from(["bob", "vera"]), act=st.sampled_from(["remove", "deactivate", "reactivate", "sign_in"]))
    def decides_about_a_member(self, name, act):
        member = Member.get_by_id(getattr(self.cast, name).id)
        if act != "sign_in":
            self.tried(getattr(team, act), self.act(), self.ground.settings, member)
            if act == "remove":
                self.removed.add(member.id)
        elif member.active:
            sessions.begin(self.act(member), member, self.ground.settings)

    @rule(act=st.sampled_from(["suspend", "reinstate"]), storage=st.booleans())
    def decides_about_the_partner(self, act, storage):
        deed, partner_id = self.act(self.cast.olga), self.cast.northwind.id
        if act == "suspend":
            wanted = Wanted("security", "A look at it is needed.", storage=storage)
            self.tried(measures.suspend, deed, self.ground.settings, partner_id, wanted)
        else:
            self.tried(measures.reinstate, deed, self.ground.settings, partner_id, "It was looked at.")

    @rule(terabytes=st.integers(1, 3))
    def gets_another_contract(self, terabytes):
        if Contract.select().count() < 5:
            terms = applicants.terms(self.clock.now().date(), number=f"RCP-9{self.number:03d}", reserved_bytes=terabytes * TB)
            args = (self.act(self.cast.olga), self.ground.settings, self.cast.northwind.id, terms, self.once())
            self.tried(contracts.create, *args)

    @rule(hours=st.sampled_from([0.01, 0.3, 1, 7, 26, 24 * 8, 24 * 40]))
    def time_goes_by(self, hours):
        """The worker comes by in between, as it does: what is due for long is nobody's surprise."""
        self.clock.advance(hours=hours)
        self.works(3)

    @rule()
    def the_service_goes_away(self):
        self.away = True
        self.storage.fail("*", AWAY, times=100_000)

    @precondition(lambda self: getattr(self, "away", False))
    @rule()
    def the_service_returns(self):
        self.away = False
        self.storage.heal()

    @rule()
    def an_answer_is_lost(self):
        if not self.away:
            self.storage.lose_answer("*")

    @rule(rounds=st.integers(1, 3))
    def works(self, rounds):
        for _ in range(rounds):
            worker.round_of_work(self.site, self.ground.settings, self.house)

    def _northwind(self) -> Partner:
        return Partner.get_by_id(self.cast.northwind.id)

    @invariant()
    def what_is_promised_holds(self):
        if not hasattr(self, "ground"):
            return
        found = [str(broken) for broken in promises.check(self.clock.now()) if broken.promise not in WAITING]
        assert found == []
        assert self.storage.most_bytes <= sum(row.reserved_bytes for row in Contract.select())
        invariants.check_books()
        open_ones = Session.select().where(Session.member.in_(self.removed or {0}), Session.ended_at.is_null())
        assert not open_ones.exists(), "whoever was removed is out"

    def teardown(self):
        """With the service back and time for the worker, everything that is wanted stands there."""
        if not hasattr(self, "ground"):
            return
        self.storage.heal()
        for _ in range(40):
            self.clock.advance(minutes=7)
            while worker.round_of_work(self.site, self.ground.settings, self.house):
                pass
        at = self.clock.now()
        assert [str(broken) for broken in promises.check(at)] == []
        assert [str(broken) for broken in promises_there.check_there(self.site)] == []


@pytest.mark.slow
def test_every_promise_holds_whatever_happens_in_any_order(request, db, engine, settings, clock):
    def prepare():
        """A database as at the beginning; time goes on, as it does."""
        if engine == "postgres":
            postgres.empty(db)
        else:
            empty(db)
        return make_cast(settings, clock.now()), clock

    machine = type("LifeOn" + engine.title(), (Life,), {"prepare": staticmethod(prepare), "settings": settings})
    run_state_machine_as_test(
        machine,
        settings=hypothesis_settings(),
    )


def hypothesis_settings():
    return settings(
        max_examples=RUNS, stateful_step_count=STEPS, deadline=None, derandomize="PORTAL_PROPERTY_RUNS" not in os.environ,
        database=None, suppress_health_check=list(HealthCheck), print_blob=True,
    )  # fmt: skip


def empty(db) -> None:
    """SQLite: every row goes, past the triggers that keep the chains."""
    names = [row[0] for row in db.execute_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()]
    kept = [row[0] for row in db.execute_sql("SELECT sql FROM sqlite_master WHERE type = 'trigger'").fetchall()]
    for name in names:
        db.execute_sql(f'DROP TRIGGER "{name}"')
    db.execute_sql("PRAGMA foreign_keys = off")
    for table in all_tables():
        db.execute_sql(f'DELETE FROM "{table._meta.table_name}"')  # noqa: S608 - own names
    db.execute_sql("PRAGMA foreign_keys = on")
    for made in kept:
        db.execute_sql(made)
