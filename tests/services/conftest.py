"""Fixtures of the tests of the rules."""

from collections.abc import Iterator

import pytest

from models.sub_account import SubAccount
from services import promises
from services.site import Site
from tests.services import invariants
from tests.services.asking import Desk
from tests.services.ground import TB, Ground, fresh, work


@pytest.fixture(autouse=True)
def hurry(request: pytest.FixtureRequest) -> None:
    """SQLite does not wait for the disk here: what a power cut would lose is not what these tests are about."""
    if "engine" in request.fixturenames and request.getfixturevalue("engine") == "sqlite":
        request.getfixturevalue("db").pragma("synchronous", "off", permanent=True)


@pytest.fixture
def ground(cast, settings, clock) -> Iterator[Ground]:
    """Whatever a test does on it, the promises hold afterwards."""
    ground = Ground(cast, settings, clock)
    ground.fair_use(decreases=1000, percent=100)  # tests of fair use set what they are about
    yield ground
    invariants.check_books()
    # a test may end with work under way, and may put anything in the place of a secret
    asked = [ask for promise, ask in promises.QUESTIONS.items() if promise not in ("jobs", "secrets")]
    assert [found for ask in asked for found in ask(clock.now())] == []
    for site in ground.sites:
        invariants.check_storage(site.storage, site.vault)


@pytest.fixture
def site(ground: Ground) -> Site:
    return ground.site()


@pytest.fixture
def row(ground, site) -> SubAccount:
    """A sub-account of 2 TB: set up, and left alone since for long enough to be compared."""
    row = ground.account("A", 2 * TB)
    work(site)
    ground.clock.advance(minutes=2)
    return fresh(row)


@pytest.fixture
def desk(ground: Ground) -> Desk:
    """Where Northwind asks and the operators decide, under the provider's rules of fair use."""
    ground.fair_use()
    return Desk(ground)
