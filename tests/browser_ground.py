"""The ground of browser tests: the portal served on this machine, a real Chromium, and an ear for its complaints.

tests/browser/conftest.py offers the fixtures. One process runs all tests that are marked `browser`.
"""

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from waitress import create_server

from models.operator import Operator
from services import sessions
from services.storage.memory import MemoryStorage
from services.worker import open_site, round_of_work
from tests.cast import act_of
from tests.postgres import free_port

OPTIONS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    "--no-sandbox",  # the browser refuses a sandbox when tests run as root, as they do in containers
]
PHONE = {"width": 320, "height": 640}
DESK = {"width": 1280, "height": 900}
PATIENCE_MS = 10_000
AXE = Path(__file__).parent / "browser" / "node_modules" / "axe-core" / "axe.min.js"
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"]


class ChromiumMissing(Exception):
    """No browser here; the text says what to install."""


def chromium_path() -> str:
    """CHROMIUM if that is set, else what PATH names."""
    wanted = [os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome"]
    found = next((path for name in wanted if name and (path := shutil.which(name))), None)
    if found is None:
        raise ChromiumMissing(
            "Chromium is not installed here: install the package chromium, or set CHROMIUM to its path."
        )
    return found


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser per module: two at a time in one process is more than Playwright's plain interface bears."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=OPTIONS)
        yield browser
        browser.close()


@dataclass
class Portal:
    """The served portal: `url`, the Flask `app`, and the storage that its worker speaks to."""

    url: str
    app: object
    storage: MemoryStorage


@pytest.fixture
def portal_host() -> str:
    """The name in the portal's address; passkeys belong to names, not to numbers."""
    return "127.0.0.1"


@pytest.fixture
def portal(make_app: Callable, portal_host: str) -> Iterator[Portal]:
    """Served by waitress as in production, on a port of its own, with the test's clock and database."""
    port = free_port()
    app = make_app(public_url=f"http://{portal_host}:{port}", port=port)
    sockets, told = {}, threading.Event()
    server = create_server(app, map=sockets, host="127.0.0.1", port=port, threads=4, ident=None)

    def serve() -> None:
        while not told.is_set():
            server.asyncore.loop(timeout=0.2, map=sockets, use_poll=True, count=1)
        server.task_dispatcher.shutdown()
        server.asyncore.close_all(sockets)  # by the thread that listens: another one would close what it waits for

    serving = threading.Thread(target=serve, daemon=True)
    serving.start()
    yield Portal(app.settings.public_url, app, MemoryStorage())
    told.set()
    serving.join(10)


@pytest.fixture
def work(portal: Portal) -> Callable[[], None]:
    """`work()` does what the worker would do by now, until nothing is due."""
    site = open_site(portal.app.settings, portal.app.clock, portal.storage)

    def until_idle() -> None:
        while round_of_work(site, portal.app.settings):
            pass

    return until_idle


class Visitor:
    """One browser window. Notes every complaint of the console, every failed script, every call to another host."""

    def __init__(self, context: BrowserContext, portal: Portal):
        self.context, self.portal = context, portal
        self.complaints: list[str] = []
        self.page: Page = context.new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self.page.on("console", lambda line: self._note(line.text) if line.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda error: self._note(str(error)))
        context.on("request", lambda asked: None if self._is_own(asked.url) else self._note(f"asks {asked.url}"))

    def open(self, path: str) -> Page:
        self.page.goto(self.portal.url + path)
        return self.page

    def sign_in(self, person) -> None:
        """As this person, without the log-in form: the session is real."""
        app = self.portal.app
        with app.app_context():
            now = app.clock.now()
            shown_at = now if isinstance(person, Operator) else None  # operators always have a second factor
            token = sessions.begin(act_of(person, now), person, app.settings, second_factor_at=shown_at)
        cookie = app.session_interface.get_signing_serializer(app).dumps({"_user_id": token, "_fresh": True})
        name = app.config["SESSION_COOKIE_NAME"]
        self.context.add_cookies([{"name": name, "value": cookie, "url": self.portal.url, "httpOnly": True}])

    def expect_no_axe_findings(self) -> None:
        """No finding of axe on what is shown now, WCAG 2.2 AA and best practice."""
        if not self.page.evaluate("() => Boolean(window.axe)"):
            self.page.evaluate(AXE.read_text())
        result = self.page.evaluate("tags => axe.run(document, {runOnly: tags})", AXE_TAGS)
        found = [
            f"{violation['id']}: {violation['help']}: {node['html'][:160]}"
            for violation in result["violations"]
            for node in violation["nodes"]
        ]
        assert not found, f"{self.page.url}\n" + "\n".join(f"- {line}" for line in found)

    def expect_no_sideways_scroll(self) -> None:
        wide = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{self.page.url} is {wide} pixels wider than the window"

    def _is_own(self, url: str) -> bool:
        return url.startswith((self.portal.url, "data:", "blob:"))

    def _note(self, text: str) -> None:
        # a refused form is an answer like any other; the browser reports its status as if a file were missing
        if "the server responded with a status of 4" not in text:
            self.complaints.append(text)


@pytest.fixture
def visit(chromium: Browser, portal: Portal) -> Iterator[Callable[..., Visitor]]:
    """`visit(cast.alice, phone=True, dark=True, scripts=False, language="de")` -> a window; `visit()` -> nobody's.

    After the test no window may have complained.
    """
    visitors: list[Visitor] = []

    def come(person=None, *, phone=False, dark=False, scripts=True, language="en", **options) -> Visitor:
        context = chromium.new_context(
            viewport=options.pop("viewport", PHONE if phone else DESK),
            has_touch=phone,
            color_scheme="dark" if dark else "light",
            java_script_enabled=scripts,
            locale=language,
            **options,
        )
        visitors.append(Visitor(context, portal))
        if person is not None:
            visitors[-1].sign_in(person)
        return visitors[-1]

    yield come
    for visitor in visitors:
        visitor.context.close()
    assert [line for visitor in visitors for line in visitor.complaints] == []
