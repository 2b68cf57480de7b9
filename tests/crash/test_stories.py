"""A partner's story, killed (SIGKILL) at every point: before and after each commit, before and after each remote call.

Portal and worker die together, start again, and in recovery they die a second time. Each time every promise is asked
for, here and on the storage service, and whatever was acknowledged is looked for before anybody sends it again. In the
end all stands as if nobody had died.
"""

import pytest

from tests.crash.lives import Story

LEAST_POINTS = 50
PARTS = 2
SECOND_DEATHS = 41  # within so many points of the recovery the second one comes
MOST_VIOLATIONS = 20
TOLD = ("keys", "keys made there", "capacity", "life")


def kill(story: Story, points: range) -> None:
    for point in points:
        try:
            story.kill_at(point, 1 + point * 7 % SECOND_DEATHS)
        except AssertionError as failure:
            story.lives.tally.violations.append(f"point {point}: {failure}")
        if len(story.lives.tally.violations) >= MOST_VIOLATIONS:
            break


@pytest.mark.crash
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("name", TOLD)
def test_a_story_survives_a_kill_at_every_point(tell, name, part, engine, record_property):
    story = tell(name)
    assert story.points >= LEAST_POINTS
    kill(story, range(1 + part, story.points + 1, PARTS))
    record_property("crash", {"database": engine, "story": name, **vars(story.lives.tally)})
    assert not story.lives.tally.violations


@pytest.mark.parametrize("name", TOLD)
def test_a_story_survives_a_kill_at_some_points(tell, name, engine, record_property):
    story = tell(name)
    kill(story, range(7, story.points + 1, story.points // 4))
    record_property("crash", {"database": engine, "story": name, **vars(story.lives.tally)})
    assert not story.lives.tally.violations


def freeze(story: Story, first: int, step: int) -> None:
    call = first
    while story.freeze_at(call) and len(story.lives.tally.violations) < MOST_VIOLATIONS:
        call += step


@pytest.mark.crash
@pytest.mark.parametrize("name", TOLD)
def test_a_worker_that_wakes_too_late_does_no_harm(tell, name, engine, record_property):
    story = tell(name)
    freeze(story, 1, 1)
    record_property("crash", {"database": engine, "story": name, **vars(story.lives.tally)})
    assert not story.lives.tally.violations
