"""Replacing a key: two at a time, the secret for ten minutes and one session, off and on, deleted with every copy."""

from datetime import timedelta

import pytest

from models.base import database
from models.sub_account import AccessKey, Region, SubAccount
from services import access_keys, key_rotation, key_rules, regions
from services.access_keys import KeyNotShown
from services.key_rules import KeyRefused
from services.refusal import NotFound
from services.sweep import sweep
from tests.cast import act_of
from tests.services.ground import TB, WatchedStorage, converge, fresh, trail, work

ALL_WAYS = pytest.mark.parametrize(
    "can",
    [
        {},
        {"key_inactive": False, "key_secret": True},
        {"key_import": False},
        {"key_import": False, "key_inactive": False},
    ],
    ids=["as SeaweedFS", "as Ceph", "as AWS", "off for good"],
)


class Rotation:
    """Northwind's sub-account A on one storage, and what its people do with its keys."""

    def __init__(self, ground, **can):
        self.ground, self.site = ground, ground.site(WatchedStorage(**can))
        self.site.region = regions.describe(self.site.region.name, self.site.storage)
        self.row = ground.account("A", TB)
        work(self.site)
        self.first = self.keys()[0]
        access_keys.reveal(self.act(), ground.settings, self.first.id)

    def act(self, session="session-a", who=None):
        return act_of(who or self.ground.cast.alice, self.ground.clock.now(), session_hash=session)

    def keys(self) -> list[AccessKey]:
        return access_keys.own_keys(self.ground.cast.northwind, self.row)

    def of(self, key) -> AccessKey:
        return AccessKey.get_by_id(key.id)

    def _args(self, key):
        return self.ground.cast.northwind, self.row.number, key.id

    def replace(self, key=None, once="once-1", session="session-a") -> AccessKey:
        return key_rotation.replace(self.act(session), *self._args(key or self.first), once)

    def off(self, key):
        key_rotation.switch_off(self.act(), self.ground.settings, *self._args(key))

    def on(self, key):
        key_rotation.switch_on(self.act(), *self._args(key))

    def delete(self, key):
        key_rotation.delete(self.act(), *self._args(key))

    def reveal(self, key, session="session-a"):
        return access_keys.reveal(self.act(session), self.ground.settings, key.id)

    def probe(self, pair) -> str:
        return self.site.storage.probe_key(*pair, self.row.main_bucket)

    def replaced(self):
        """The first pair, the new key, and its pair; both work."""
        old = self.opened(self.first)
        new = self.replace()
        work(self.site)
        return old, self.of(new), self.reveal(new)

    def opened(self, key):
        row = self.of(key)
        return row.access_key_id, self.site.vault.open(row.retained_ct)


@pytest.fixture
def rotation(ground):
    return Rotation(ground)


@ALL_WAYS
def test_the_new_key_works_beside_the_old_one_which_goes_when_it_is_switched_off(ground, can):
    rotation = Rotation(ground, **can)
    old, new, pair = rotation.replaced()
    assert (rotation.probe(old), rotation.probe(pair), new.origin) == ("alive", "alive", "rotation")
    rotation.off(rotation.first)
    work(rotation.site)
    assert (rotation.probe(old), rotation.probe(pair)) == ("dead", "alive")
    assert rotation.of(rotation.first).phase == "inactive" and fresh(rotation.row).settled


@ALL_WAYS
def test_what_was_switched_off_is_switched_on_again_where_that_can_be(ground, can):
    rotation = Rotation(ground, **can)
    old, _new, pair = rotation.replaced()
    rotation.off(rotation.first)
    work(rotation.site)
    if not Region.get_by_id(rotation.row.region_id).keys_return:
        with pytest.raises(KeyRefused, match="cannot switch a key on again"):
            rotation.on(rotation.first)
        return
    rotation.on(rotation.first)
    work(rotation.site)
    row = rotation.of(rotation.first)
    assert (rotation.probe(old), rotation.probe(pair), row.phase) == ("alive", "alive", "live")
    assert (row.inactive_at, row.delete_after_at, row.parked_ct) == (None, None, None)


def test_a_later_key_comes_back_too_where_off_means_gone(ground):
    """Its secret was destroyed here long ago: what the service gives out is kept, sealed, while the key is off."""
    rotation = Rotation(ground, key_inactive=False, key_secret=True)
    _old, new, pair = rotation.replaced()
    access_keys.note_stored(rotation.act(), new.id)
    rotation.off(new)
    work(rotation.site)
    parked = rotation.of(new)
    assert rotation.probe(pair) == "dead" and pair[1].reveal() not in parked.parked_ct
    rotation.site.storage.drop_answer("put_key")
    rotation.on(new)
    converge(rotation.site)
    assert rotation.probe(pair) == "alive" and rotation.of(new).parked_ct is None


@pytest.mark.parametrize("lost", ["delete_key", "read_secret", "put_key"])
def test_a_lost_answer_while_switching_does_no_harm_where_off_means_gone(ground, lost):
    rotation = Rotation(ground, key_inactive=False, key_secret=True)
    old, new, pair = rotation.replaced()
    rotation.site.storage.drop_answer(lost, times=2)
    rotation.off(new)
    converge(rotation.site)
    assert (rotation.probe(pair), rotation.probe(old)) == ("dead", "alive")
    rotation.on(new)
    converge(rotation.site)
    assert rotation.probe(pair) == "alive"


def test_without_any_copy_a_key_that_shall_come_back_needs_a_person(ground):
    rotation = Rotation(ground, key_inactive=False, key_secret=True)
    _old, new, _pair = rotation.replaced()
    rotation.off(new)
    work(rotation.site)
    AccessKey.update(parked_ct=None, secret_ct=None).where(AccessKey.id == new.id).execute()
    rotation.on(new)
    work(rotation.site)
    assert rotation.of(new).phase == "attention"
    rotation.delete(new)
    work(rotation.site)
    assert rotation.of(new).phase == "deleted"


def test_only_the_session_that_asked_sees_the_secret_and_only_for_ten_minutes(rotation, clock):
    new = rotation.replace()
    work(rotation.site)
    made_at = clock.now()
    for session in ("session-b", ""):
        with pytest.raises(KeyNotShown):
            rotation.reveal(new, session)
    clock.advance(minutes=9, seconds=59)
    assert rotation.probe(rotation.reveal(new)) == "alive"
    clock.advance(seconds=1)
    with pytest.raises(KeyNotShown):
        rotation.reveal(new)
    assert rotation.of(new).reveal_until_at == made_at + timedelta(minutes=10)


def test_the_sealed_secret_is_destroyed_when_its_time_is_over(rotation, clock, acting):
    new = rotation.replace()
    work(rotation.site)
    assert access_keys.destroy_expired(acting()) == 0 and rotation.of(new).secret_ct
    clock.advance(minutes=10)
    assert (access_keys.destroy_expired(acting()), access_keys.destroy_expired(acting())) == (1, 0)
    assert rotation.of(new).secret_ct is None
    assert len(trail("access_key.secret_destroyed")) == 1


def test_a_service_that_is_away_for_long_still_makes_a_key_that_can_be_shown(rotation, clock, acting):
    """The ten minutes count from when the secret was made; while nothing came of it, it is made anew."""
    rotation.site.storage.drop_answer("put_key")
    new = rotation.replace()
    work(rotation.site)
    clock.advance(minutes=11)
    access_keys.destroy_expired(acting())
    converge(rotation.site)
    assert rotation.probe(rotation.reveal(new)) == "alive"
    assert len(rotation.site.storage._state[rotation.row.remote_uid].keys) == 2


def test_what_was_not_shown_in_time_makes_way_for_another(rotation, clock):
    missed = rotation.replace()
    work(rotation.site)
    clock.advance(minutes=10)
    again = rotation.replace(missed, "once-2")
    work(rotation.site)
    assert (rotation.of(missed).phase, rotation.of(again).phase) == ("deleted", "live")
    assert rotation.probe(rotation.reveal(again)) == "alive"


def test_there_are_two_keys_at_most_and_one_is_made_at_a_time(rotation):
    new = rotation.replace()
    with pytest.raises(KeyRefused, match="being made already"):
        rotation.replace(once="once-2")
    work(rotation.site)
    rotation.reveal(new)
    for key in (rotation.first, new):
        with pytest.raises(KeyRefused, match="two keys already"):
            rotation.replace(key, f"again-{key.id}")


def test_two_clicks_make_one_key_and_do_each_thing_once(rotation):
    assert rotation.replace().id == rotation.replace().id
    work(rotation.site)
    rotation.reveal(rotation.keys()[1])
    for act in (rotation.off, rotation.on, rotation.off):
        act(rotation.first)
        generation = fresh(rotation.row).generation
        act(rotation.first)
        assert fresh(rotation.row).generation == generation
        work(rotation.site)
    rotation.delete(rotation.first)
    rotation.delete(rotation.first)
    assert rotation.replace() == rotation.keys()[1], "a late repeat, when the old key is deleted"
    assert len(trail("access_key.asked")) == len(trail("access_key.deleted")) == 1
    assert len(trail("access_key.switched_off")) == 2


def test_the_last_key_that_works_is_not_switched_off(rotation):
    with pytest.raises(KeyRefused, match="only key that works"):
        rotation.off(rotation.first)
    rotation.replace()
    work(rotation.site)
    with pytest.raises(KeyRefused, match="Nobody has the secret"):
        rotation.off(rotation.first)


def test_a_key_that_works_is_not_deleted(rotation):
    rotation.replaced()
    with pytest.raises(KeyRefused, match="Switch the key off first"):
        rotation.delete(rotation.first)
    rotation.off(rotation.first)
    with pytest.raises(KeyRefused, match="being switched off"):
        rotation.delete(rotation.first)


@pytest.mark.parametrize("state", ["suspended", "deleted"])
def test_keys_of_a_sub_account_that_is_not_active_stay_as_they_are(rotation, state):
    SubAccount.update(wanted_state=state).where(SubAccount.id == rotation.row.id).execute()
    with pytest.raises(KeyRefused, match="paused or being deleted"):
        rotation.replace()
    SubAccount.update(wanted_state="active").where(SubAccount.id == rotation.row.id).execute()


def test_a_stranger_changes_nothing(rotation, cast):
    for act in (
        lambda: key_rotation.replace(rotation.act(), cast.contoso, rotation.row.number, rotation.first.id, "o"),
        lambda: key_rotation.delete(rotation.act(), cast.contoso, rotation.row.number, rotation.first.id),
        lambda: key_rotation.switch_on(rotation.act(), cast.northwind, rotation.row.number, rotation.first.id + 9),
    ):
        with pytest.raises(NotFound):
            act()
    assert len(rotation.keys()) == 1


def test_after_the_days_that_were_set_an_old_key_goes_by_itself(rotation, clock, acting, settings):
    rotation.replaced()
    rotation.off(rotation.first)
    work(rotation.site)
    clock.advance(days=13, hours=23)
    assert not any("been off" in line for line in sweep(acting(), settings))
    clock.advance(hours=1)
    assert sweep(acting(), settings) == ["1 keys that had been off for long removed"]
    work(rotation.site)
    row = rotation.of(rotation.first)
    assert (row.phase, row.retained_ct) == ("deleted", None)
    assert row.access_key_id not in rotation.site.storage._state[rotation.row.remote_uid].keys


def test_the_provider_s_copy_is_gone_from_the_database_with_the_first_key(rotation, acting, settings, engine):
    """T13, held against the file itself: neither the database nor its log has the sealed copy any more."""
    rotation.replaced()
    sealed = rotation.of(rotation.first).retained_ct
    rotation.off(rotation.first)
    work(rotation.site)
    sweep(acting(), settings)
    assert sealed in everything_kept(settings, engine)
    rotation.delete(rotation.first)
    assert rotation.of(rotation.first).retained_ct is None
    assert trail("access_key.deleted")[0].after["provider_copy_destroyed"] is True
    sweep(acting(), settings)
    assert sealed not in everything_kept(settings, engine)


def test_no_new_secret_is_kept_after_its_time(rotation, acting, settings, engine, clock):
    """Neither in clear at any time, nor sealed afterwards: not in the tables, the trail, the file or its log."""
    _old, new, pair = rotation.replaced()
    sealed = rotation.of(new).secret_ct
    sweep(acting(), settings)
    assert sealed in everything_kept(settings, engine) and pair[1].reveal() not in everything_kept(settings, engine)
    clock.advance(minutes=10)
    access_keys.destroy_expired(acting())
    sweep(acting(), settings)
    assert sealed not in everything_kept(settings, engine) and pair[1].reveal() not in everything_kept(settings, engine)


def everything_kept(settings, engine) -> str:
    if engine == "sqlite":
        path = settings.database_url.removeprefix("sqlite:///")
        kept = b""
        for name in (path, f"{path}-wal"):
            with open(name, "rb") as file:
                kept += file.read()
        return kept.decode("latin-1")
    rows = [str(row) for table in database.get_tables() for row in database.execute_sql(f'SELECT * FROM "{table}"')]  # noqa: S608
    return "\n".join(rows)


def test_the_page_offers_exactly_what_the_acts_do(rotation):
    def offered(key):
        found = key_rules.offers(rotation.act(), fresh(rotation.row), rotation.keys())
        one = next(offer for offer in found if offer.key.id == key.id)
        return one.may_replace, one.may_switch_off, one.may_switch_on, one.may_delete

    assert offered(rotation.first) == (True, False, False, False)
    _old, new, _pair = rotation.replaced()
    assert offered(rotation.first) == offered(new) == (False, True, False, False)
    rotation.off(rotation.first)
    assert offered(rotation.first) == (False, False, True, False)
    work(rotation.site)
    assert offered(rotation.first) == (False, False, True, True)
    rotation.delete(rotation.first)
    work(rotation.site)
    assert offered(new) == (True, False, False, False)


def test_how_far_the_replacement_is_is_told_from_the_first_step_to_the_last(rotation, clock):
    def current():
        steps = key_rules.rotation(key_rules.offers(rotation.act(), fresh(rotation.row), rotation.keys()))
        assert steps == () or steps == tuple(
            "done" if at < steps.index("current") else "current" if at == steps.index("current") else "todo"
            for at in range(4)
        )
        return steps.index("current") if steps else None

    assert current() is None
    new = rotation.replace()
    assert current() == 0
    work(rotation.site)
    assert current() == 1
    clock.advance(minutes=10)
    assert current() == 0, "nobody saw it in time: it is to be made again"
    new = rotation.replace(once="once-2")
    work(rotation.site)
    rotation.reveal(new)
    assert current() == 2
    rotation.off(rotation.first)
    assert current() == 2, "the service has not followed yet"
    work(rotation.site)
    assert current() == 3
    rotation.on(rotation.first)
    work(rotation.site)
    rotation.off(new)
    assert current() is None, "the new one was switched off: that is no replacement"
    rotation.on(new)
    work(rotation.site)
    rotation.off(rotation.first)
    work(rotation.site)
    rotation.delete(rotation.first)
    assert current() is None
