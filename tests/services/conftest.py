"""Fixtures of the tests of the rules."""

from collections.abc import Iterator

import pytest

from services.site import Site
from tests.services import invariants
from tests.services.ground import Ground


@pytest.fixture(autouse=True)
def hurry(request: pytest.FixtureRequest) -> None:
    """SQLite does not wait for the disk here: what a power cut would lose is not what these tests are about."""
    if "engine" in request.fixturenames and request.getfixturevalue("engine") == "sqlite":
        request.getfixturevalue("db").pragma("synchronous", "off", permanent=True)


@pytest.fixture
def ground(cast, settings, clock) -> Iterator[Ground]:
    """Whatever a test does on it, the promises hold afterwards."""
    ground = Ground(cast, settings, clock)
    yield ground
    invariants.check_books()
    for site in ground.sites:
        invariants.check_storage(site.storage, site.vault)


@pytest.fixture
def site(ground: Ground) -> Site:
    return ground.site()
