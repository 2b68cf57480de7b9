"""Two portals on one storage service: what each calls its accounts, and that neither reports the other's."""

import re
import threading

import pytest

from models.base import database, open_database
from models.drift import Drift
from models.installation import Installation
from models.schema import migrate
from models.sub_account import SubAccount
from services import drift, remote_names
from services.promises_there import check_there
from tests.cast import make_cast
from tests.services.ground import GB, Ground, WatchedStorage, fresh, work


def test_the_own_part_is_made_once_also_by_many_at_once(db, monkeypatch):
    monkeypatch.setattr(Installation, "get_or_none", lambda *_: None)  # each came before all the others
    start, found = threading.Barrier(8), []

    def ask() -> None:
        with database.connection_context():
            start.wait()
            found.append(remote_names.own_prefix())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8 and len(set(found)) == 1
    assert Installation.select().count() == 1
    assert re.fullmatch("pp-[a-z0-9]{6}-", found[0])


def test_every_account_has_a_name_of_its_own_that_each_service_takes(db):
    names = {remote_names.new_uid() for _ in range(100)}
    assert len(names) == 100
    assert all(re.fullmatch("pp-[a-z0-9]{6}-[a-z0-9]{16}", name) and len(name) <= 63 for name in names)


def compare(ground: Ground, site, times: int = 3) -> list[str]:
    """Whole comparisons, days apart; gives the accounts that were found to be nobody's."""
    for _ in range(times):
        ground.clock.advance(days=2)
        work(site)
        while drift.look(site, ground.settings):
            pass
        assert site.region.scan_error == ""
    return [row.remote_uid for row in Drift.select().where(Drift.kind == "unknown_account")]


@pytest.fixture
def both(ground, tmp_path):
    """Runs something on this portal's database and on that of another one, on one service."""
    storage, first = WatchedStorage(), database.obj

    def on_the_other(act):
        database.close()
        second = open_database(f"sqlite:///{tmp_path}/other.db")
        migrate()
        try:
            return act()
        finally:
            second.close_all()
            database.initialize(first)

    return storage, on_the_other


def test_two_portals_on_one_service_leave_each_others_accounts_alone(ground, settings, clock, both):
    storage, on_the_other = both
    site = ground.site(storage)
    own = ground.account("Own", GB)
    work(site)

    def other_portal():
        other = Ground(make_cast(settings, clock.now()), settings, clock)
        Installation.update(code="other0").execute()
        row = other.account("Theirs", GB)
        other_site = other.site(storage)
        work(other_site)
        assert row.remote_uid.startswith("pp-other0-")
        unknown = compare(other, other_site)
        told = [str(found) for found in check_there(other_site.region, storage)]
        return row.remote_uid, unknown, told

    theirs, unknown, told = on_the_other(other_portal)
    assert (unknown, told) == ([], [])
    assert compare(ground, site) == []
    assert list(check_there(site.region, storage)) == []
    assert set(storage.list_accounts("pp-")) == {own.remote_uid, theirs}
    assert not storage.read_account(theirs).suspended and not storage.read_account(own.remote_uid).suspended
    storage.purge(theirs)


def test_accounts_with_names_of_before_are_compared_as_ever(ground, site):
    row = ground.account("Old", GB)
    SubAccount.update(remote_uid="pp-0123456789abcdef").where(SubAccount.id == row.id).execute()
    work(site)
    assert compare(ground, site) == []
    site.storage._state["pp-0123456789abcdef"].quota_bytes = 5 * GB
    ground.clock.advance(hours=1)
    drift.look(site, ground.settings)
    work(site)
    assert site.storage.read_account("pp-0123456789abcdef").quota_bytes == GB
    held = site.storage._state.pop("pp-0123456789abcdef")
    assert [str(found) for found in check_there(site.region, site.storage)] == [
        f"storage: {row.number} is missing on the storage service"
    ]
    site.storage._state["pp-0123456789abcdef"] = held
    assert fresh(row).phase == "ready"
