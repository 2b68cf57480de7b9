"""The whole story against a real Ceph gateway, killed at a few points that are spread over it."""

import pytest

from services.storage.contract import Storage
from tests.crash.lives import Lives, Story
from tests.crash.stories import STORIES
from tests.storage.customers import purge
from tests.storage.services_here import ceph_node, open_rgw

KILLS = 8

pytestmark = [pytest.mark.ceph, pytest.mark.xdist_group("ceph")]


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    with ceph_node(tmp_path_factory.mktemp("ceph")) as running:
        yield running


def test_a_story_survives_kills_on_ceph(db, settings, clock, node, tmp_path, engine, record_property):
    storage = open_rgw(node)

    def gateway() -> Storage:
        return open_rgw(node)

    def empty() -> None:
        for uid in storage.list_accounts("pp-"):
            purge(storage, uid)

    story = Story(Lives(settings, clock.now(), tmp_path, STORIES["all"], gateway, empty), storage)
    for number in range(KILLS):
        point = 1 + story.points * (2 * number + 1) // (2 * KILLS)
        story.kill_at(point, 1 + number * 5)
    record_property("crash", {"database": engine, "story": "all, on Ceph", **vars(story.lives.tally)})
    assert not story.lives.tally.violations
