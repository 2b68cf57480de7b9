"""Fixtures of the tests of the rules."""

from collections.abc import Iterator

import pytest

from tests.services import invariants
from tests.services.ground import Ground


@pytest.fixture
def ground(cast, settings, clock) -> Iterator[Ground]:
    """Whatever a test does on it, the promises hold afterwards."""
    ground = Ground(cast, settings, clock)
    yield ground
    invariants.check_books()
    for site in ground.sites:
        invariants.check_storage(site.storage, site.vault)
