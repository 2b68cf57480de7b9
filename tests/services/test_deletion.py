"""A sub-account's end: asked for, taken back, begun, removed page by page, and proven."""


import pytest

from models.sub_account import AccessKey, SubAccount
from services import deletion_guard, sub_account_life
from tests.services.ground import GB, TB, fresh, trail, work


@pytest.fixture
def row(ground, site) -> SubAccount:
    row = ground.account("A", 2 * TB)
    work(site)
    return row


def delete(ground, row, typed=None):
    return sub_account_life.delete(ground.act(), ground.settings, ground.cast.northwind, row.number, typed or row.name)


def store(site, row, names, size_bytes=GB):
    key = AccessKey.get(AccessKey.sub_account == row)
    secret = site.vault.open(key.retained_ct)
    for name in names:
        site.storage.store(key.access_key_id, secret, row.main_bucket, name, size_bytes)


def test_a_whole_life_ends_with_a_tombstone(ground, site, row):
    store(site, row, [f"o{n}" for n in range(25)])
    site.storage.page_objects = 10
    delete(ground, row)
    work(site)
    assert (fresh(row).phase, fresh(row).wanted_state) == ("suspended", "suspended")
    assert site.storage.read_account(row.remote_uid).suspended
    ground.clock.advance(days=30, seconds=-1)
    assert deletion_guard.begin_due(site, ground.settings) == 0
    ground.clock.advance(seconds=1)
    assert deletion_guard.begin_due(site, ground.settings) == 1
    work(site)
    gone = fresh(row)
    assert (gone.phase, gone.allocated_bytes, gone.used_bytes) == ("deleted", 0, 0)
    assert site.storage.read_account(row.remote_uid) is None
    evidence = trail("sub_account.deleted")[0].after
    assert (evidence["removed_bytes"], evidence["removed_objects"]) == (25 * GB, 25)
