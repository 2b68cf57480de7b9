"""When a key was last used, where the service tells it: asked of keys that are being replaced, all of them in turn."""

from datetime import timedelta

from models.sub_account import AccessKey
from services import key_rotation, key_use
from tests.services.ground import TB, WatchedStorage, work
from tests.services.test_key_rotation import Rotation


def test_last_use_is_told_where_the_service_knows_it(ground, clock):
    storage = WatchedStorage(last_used=True)
    used_at = clock.now() - timedelta(hours=3)
    storage.last_used = lambda uid, key_id: used_at
    rotation = Rotation(ground)
    rotation.site.storage.capabilities = storage.capabilities
    rotation.site.storage.last_used = storage.last_used
    assert key_use.look(rotation.site) == 0
    rotation.replaced()
    assert key_use.look(rotation.site) == 0
    clock.advance(minutes=5)
    assert key_use.look(rotation.site) == 2
    assert rotation.of(rotation.first).last_used_at == used_at


def test_many_pairs_are_asked_for_in_turn_and_none_is_left_out(ground, clock, monkeypatch):
    monkeypatch.setattr(key_use, "BATCH", 2)
    rotation, asked = Rotation(ground), []
    rotation.replaced()
    for number in range(2):
        row = ground.account(f"B{number}", TB)
        work(rotation.site)
        first = AccessKey.get(AccessKey.sub_account == row)
        key_rotation.replace(rotation.act(), ground.cast.northwind, row.number, first.id, f"once-b{number}")
        work(rotation.site)
    rotation.site.storage.capabilities = WatchedStorage(last_used=True).capabilities
    rotation.site.storage.last_used = lambda uid, key_id: asked.append(key_id)
    counts = [key_use.look(rotation.site) for _ in range(5)]
    assert counts == [2, 2, 2, 0, 0], "and then again in some minutes"
    assert sorted(asked) == sorted(key.access_key_id for key in AccessKey.select())
    clock.advance(minutes=5)
    assert key_use.look(rotation.site) == 2


def test_an_answer_that_nobody_foresaw_about_one_key_does_not_end_the_others(ground, clock, caplog):
    rotation = Rotation(ground)
    rotation.replaced()
    rotation.site.storage.capabilities = WatchedStorage(last_used=True).capabilities
    used_at, odd = clock.now() - timedelta(hours=3), rotation.first.access_key_id

    def last_used(uid, key_id):
        return {"LastUsed": used_at}["Last" if key_id == odd else "LastUsed"]

    rotation.site.storage.last_used = last_used
    clock.advance(minutes=5)
    assert key_use.look(rotation.site) == 1
    assert "cannot be read" in caplog.text
