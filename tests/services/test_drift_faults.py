"""A comparison that meets what nobody foresaw ends by itself, and nothing else with it."""

import pytest

from models.base import DATABASE_AWAY
from models.drift import Drift
from models.sub_account import Region
from services import drift
from tests.services.ground import TB


@pytest.mark.parametrize("operation", ["list_accounts", "read_account"])
def test_an_answer_that_nobody_foresaw_ends_the_comparison_alone_and_says_what_it_was(
    ground, site, settings, row, caplog, operation
):
    site.storage._state[row.remote_uid].quota_bytes = 5 * TB
    ground.clock.advance(minutes=15)
    site.storage.fail(operation, error=KeyError("user_quota"))
    assert drift.look(site, settings) is False
    region = Region.get_by_id(site.region.id)
    assert region.scan_error.startswith("KeyError") and region.scanned_at is None and not Drift.select().exists()
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [KeyError]
    ground.clock.advance(minutes=14)
    assert not drift.look(site, settings) and not Drift.select().exists()
    ground.clock.advance(minutes=1)
    drift.look(site, settings)
    assert Drift.get().kind == "quota" and Region.get_by_id(site.region.id).scan_error == ""


@pytest.mark.parametrize("error", DATABASE_AWAY)
def test_a_database_that_is_away_is_no_fault_of_the_storage_service(ground, site, settings, row, error):
    ground.clock.advance(minutes=15)
    site.storage.fail("read_account", error=error("server closed the connection"))
    with pytest.raises(error):
        drift.look(site, settings)
    assert Region.get_by_id(site.region.id).scan_error == ""
