"""A window of a browser that keeps a log of every request, and the one that operates it."""

from playwright.sync_api import Browser, BrowserContext

from tests.browser.hands import Hand
from tests.browser.running import RunningPortal
from tests.browser_ground import PATIENCE_MS, Visitor


class Window(Visitor):
    """A visitor who may close the page and open another one, on a busy machine."""

    def __init__(self, context: BrowserContext, portal: RunningPortal):
        super().__init__(context, portal)
        self.asked: list[str] = []
        self.page.set_default_timeout(2 * PATIENCE_MS)
        context.on("request", lambda request: self.asked.append(request.url))

    def _note(self, text: str) -> None:
        """htmx reports an answer that nobody waits for any more (the page was left, or a newer question was asked)."""
        if not text.startswith(("htmx:sendAbort", "htmx:afterRequest")):
            super()._note(text)

    def expect_no_sideways_scroll(self) -> None:
        self.page.wait_for_load_state("load")  # before that the page may stand there without its style
        super().expect_no_sideways_scroll()

    def new_page(self) -> None:
        before, self.page = self.page, self.context.new_page()
        self.page.set_default_timeout(2 * PATIENCE_MS)
        self.page.on("console", lambda line: self._note(line.text) if line.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda error: self._note(str(error)))
        before.close()


def open_window(browser: Browser, portal: RunningPortal, way: type[Hand], **options) -> Hand:
    """A fresh browser profile, operated in this way."""
    context = browser.new_context(
        viewport=way.viewport,
        java_script_enabled=way.scripts,
        locale="en",
        **way.options,
        **options,
    )
    if way.scripts:
        context.grant_permissions(["clipboard-read", "clipboard-write"])
    return way(Window(context, portal))
