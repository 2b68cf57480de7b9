"""Fixtures of the browser tests."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, expect

from tests import postgres
from tests.browser.eyes import Eyes
from tests.browser.hands import WAYS
from tests.browser.running import RunningPortal
from tests.browser.walks import Walk, walk
from tests.browser_ground import chromium, portal, portal_host, visit, work

__all__ = ["chromium", "portal", "portal_host", "visit", "work"]

EXPECT_MS = 20_000  # a busy machine; what is waited for mostly comes at once


@pytest.fixture(scope="session", autouse=True)
def patient() -> Iterator[None]:
    expect.set_options(timeout=EXPECT_MS)
    yield
    expect.set_options(timeout=None)


@pytest.fixture(scope="module")
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable]:
    """`running("sqlite")`, `running("postgres")` -> the portal as real processes, started once a module; a storage
    service that is left running takes a fifth of a core from all tests after it."""
    started: dict[str, RunningPortal] = {}
    with ExitStack() as stack:

        def get(engine: str) -> RunningPortal:
            if engine not in started:
                url = ""
                if engine == "postgres":
                    url = postgres.fresh_database(request.getfixturevalue("postgres_server"), f"journey_{os.getpid()}")
                portal = RunningPortal(tmp_path_factory.mktemp("portal"), url)
                stack.callback(portal.stop)
                portal.start()
                started[engine] = portal
            return started[engine]

        yield get


@pytest.fixture(scope="module")
def walked(request: pytest.FixtureRequest, running: Callable, chromium: Browser) -> Iterator[Callable]:
    """`walked("keys")` -> the journey as it was walked in this way, once a module. Taps walk it on Postgres."""
    done: dict[str, Walk] = {}
    chosen = request.config.getoption("--db")

    def get(way: str) -> Walk:
        if way not in done:
            engine = chosen if chosen != "both" else "postgres" if way == "taps" else "sqlite"
            done[way] = walk(chromium, running(engine), WAYS[way])
        return done[way]

    yield get
    for each in done.values():
        each.close()


@pytest.fixture
def language(engine: str) -> str:
    """Pages are looked at in both languages, one on each database: neither changes what the other shows."""
    return {"sqlite": "en", "postgres": "de"}[engine]


@pytest.fixture
def eyes(cast, visit: Callable, language: str) -> Iterator[Callable[..., Eyes]]:
    """`eyes(cast.alice)` -> Eyes of this person, who reads in the language of this run; whatever they found fails."""
    opened: list[Eyes] = []

    def of(person=None, **options) -> Eyes:
        if person is not None:
            type(person).update(locale=language).where(type(person).id == person.id).execute()
        opened.append(Eyes(visit(person, language=language, **options)))
        return opened[-1]

    yield of
    findings = [line for each in opened for line in each.findings]
    assert not findings, f"{len(findings)} findings:\n" + "\n".join(findings)
