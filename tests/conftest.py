"""The ground of every test: a fresh database of either kind, a clock that stands, the cast, clients that check."""

import contextlib
import gc
import logging
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from flask import Flask

from models.base import database, open_database
from models.schema import migrate
from services.clock import FakeClock
from services.secret import Secret
from services.settings import Settings
from tests import postgres
from tests.cast import Cast, act_of
from tests.client import PortalClient
from tests.compiled import CompiledRule, CompiledTemplates
from tests.kept_cast import KeptCasts

DATA_KEY = Fernet.generate_key().decode()
LOOPBACK = ("127.0.0.1", "::1", "localhost", "", None, b"127.0.0.1", b"localhost")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--db", choices=("sqlite", "postgres", "both"), default="both", help="databases that tests run on")


def pytest_configure(config: pytest.Config) -> None:
    sys.addaudithook(refuse_the_net)


def pytest_sessionstart(session: pytest.Session) -> None:
    """With several workers the controller owns the one server, so that it ends after the last of them."""
    config = session.config
    controls = config.getoption("numprocesses", None) and not hasattr(config, "workerinput")
    if controls and config.getoption("--db") != "sqlite":
        stack = contextlib.ExitStack()
        config.add_cleanup(stack.close)
        config.postgres_url = stack.enter_context(postgres.server())


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node) -> None:
    node.workerinput["postgres_url"] = getattr(node.config, "postgres_url", None)


def pytest_collection_finish(session: pytest.Session) -> None:
    """What was imported and collected stays until the end: looking for garbage in it, again and again, took a fifth of
    the time. Garbage of the tests is looked for as before, in larger lots."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 10, 10)


def refuse_the_net(event: str, arguments: tuple) -> None:
    """Tests talk to this machine only: a connection elsewhere fails the test that makes it."""
    if event in ("socket.connect", "socket.sendto"):
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else None
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = arguments[0]
    else:
        return
    if host not in LOOPBACK:
        pytest.fail(f"a test reached for {host!r} ({event}); tests use this machine only")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What shares one costly program (a browser, a storage server) runs in one process."""
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            if item.get_closest_marker("browser"):
                item.add_marker(pytest.mark.xdist_group("browser"))
            elif {"server", "seaweed"} & set(getattr(item, "fixturenames", ())) or "seaweedfs" in item.nodeid:
                item.add_marker(pytest.mark.xdist_group("storage"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "engine" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("--db")
        engines = ["sqlite", "postgres"] if chosen == "both" else [chosen]
        for only in ("postgres", "sqlite"):
            if metafunc.definition.get_closest_marker(f"{only}_only"):
                engines = [engine for engine in engines if engine == only]
        metafunc.parametrize("engine", engines, indirect=True)


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> str:
    """`sqlite` or `postgres`: a test that asks for it, or for anything that stands on it, runs on both."""
    return request.param


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "portal.db"
    opened = open_database(f"sqlite:///{path}")
    migrate()
    opened.close_all()
    return path


@pytest.fixture(scope="session")
def postgres_server(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of the session's server, for tests that make their own database on it."""
    with contextlib.ExitStack() as stack:
        given = getattr(request.config, "workerinput", {}).get("postgres_url")
        yield given or stack.enter_context(postgres.server())


@pytest.fixture(scope="session")
def postgres_database(postgres_server: str, request: pytest.FixtureRequest) -> str:
    worker = getattr(request.config, "workerinput", {}).get("workerid", "main")
    url = postgres.fresh_database(postgres_server, f"portal_{worker}")
    opened = open_database(url)
    migrate()
    opened.close_all()
    return url


@pytest.fixture
def database_url(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a migrated and empty database."""
    if engine == "postgres":
        return request.getfixturevalue("postgres_database")
    path = tmp_path / "portal.db"
    shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
    return f"sqlite:///{path}"


@pytest.fixture
def db(engine: str, database_url: str) -> Iterator:
    """The opened database (peewee), bound to the models, empty."""
    opened = open_database(database_url)
    if engine == "postgres":
        postgres.empty(opened)
    else:
        # what a power cut would lose is not what tests are about
        opened.pragma("synchronous", "off", permanent=True)
    yield opened
    database.obj.close_all()
    opened.close_all()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(datetime(2026, 3, 2, 9, 0, tzinfo=UTC))


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return Settings(
        secret_key=Secret("a key for tests, long enough to sign cookies with"),
        data_keys=(DATA_KEY,),
        database_url=database_url,
        var_dir=tmp_path / "var",
    )


@pytest.fixture(scope="session")
def compiled_templates() -> CompiledTemplates:
    Flask.url_rule_class = CompiledRule
    return CompiledTemplates()


@pytest.fixture
def make_app(db, settings: Settings, clock: FakeClock, compiled_templates: CompiledTemplates) -> Callable:
    """`make_app(public_url="https://…")` -> the portal with these settings changed."""
    from portal import create_app

    def make(**changes):
        app = create_app(replace(settings, **changes), clock=clock)
        app.test_client_class = PortalClient
        app.jinja_env.bytecode_cache = compiled_templates
        return app

    return make


@pytest.fixture
def app(make_app):
    return make_app()


@pytest.fixture(scope="session")
def kept_casts() -> KeptCasts:
    return KeptCasts()


@pytest.fixture
def cast(db, settings: Settings, clock: FakeClock, kept_casts: KeptCasts) -> Cast:
    return kept_casts.make(settings, clock.now())


@pytest.fixture
def acting(clock: FakeClock) -> Callable:
    """`acting(cast.alice)` -> the Act of this person now; `acting(None)` -> the worker's."""
    return lambda person=None, **more: act_of(person, clock.now(), **more)


@pytest.fixture
def client(app) -> PortalClient:
    """Nobody's browser: keeps cookies, sends the CSRF token with what it posts, checks every page it gets."""
    return app.test_client()


@pytest.fixture
def client_as(app) -> Callable:
    """`client_as(cast.alice)` -> a browser in which this person is signed in."""

    def signed_in(person, **session_values) -> PortalClient:
        browser = app.test_client()
        browser.sign_in(person, **session_values)
        return browser

    return signed_in


@pytest.fixture
def browser_for(client_as: Callable) -> Callable:
    return client_as


class Queries(logging.Handler):
    """Every statement that peewee sends, as it logs them."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.statements: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if isinstance(record.msg, tuple):
            self.statements.append(record.msg[0])

    @property
    def count(self) -> int:
        return len(self.statements)


@pytest.fixture
def count_queries() -> Callable:
    """`with count_queries() as queries: …` then `queries.count` and `queries.statements`."""

    @contextlib.contextmanager
    def counting() -> Iterator[Queries]:
        counter, log = Queries(), logging.getLogger("peewee")
        level = log.level
        log.addHandler(counter)
        log.setLevel(logging.DEBUG)
        try:
            yield counter
        finally:
            log.removeHandler(counter)
            log.setLevel(level)

    return counting
