"""What is looked for on every page in every state: axe's findings, sideways scrolling, small targets, clipped text.

Each state is looked at on a desk and on a phone of 320 px, light and dark.
"""

from playwright.sync_api import Page

from tests.browser_ground import AXE, DESK, PHONE, Visitor

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
OF_COLOUR = ["color-contrast", "link-in-text-block"]  # the only rules whose answer the dark colours can change
LEAST_TARGET = 24
CONTROLS = "a[href], button, input, select, textarea, summary"

RUN = """async ([tags, rules]) => {
  const only = rules ? {type: "rule", values: rules} : {type: "tag", values: tags};
  const found = await axe.run(document, {runOnly: only, resultTypes: ["violations"], elementRef: false});
  return found.violations.flatMap(one => one.nodes.map(node => `${one.id}: ${one.help}: ${node.html.slice(0, 160)}`));
}"""

# A box or a radio button is pressed by its label too; a link inside a sentence is as high as the sentence (SC 2.5.8).
SMALL = """([CONTROLS, least]) => [...document.querySelectorAll(CONTROLS)].flatMap(node => {
  const shown = node.checkVisibility({visibilityProperty: true}) && node.type !== "hidden";
  if (!shown || node.matches(".skip-link")) return [];
  if (node.matches("a") && getComputedStyle(node).display === "inline") return [];
  const boxes = [node, ...(node.labels || [])].map(one => one.getBoundingClientRect());
  const width = Math.max(...boxes.map(box => box.width)), height = Math.max(...boxes.map(box => box.height));
  if (width >= least && height >= least) return [];
  return [`${Math.round(width)}x${Math.round(height)}: ${node.outerHTML.slice(0, 120)}`];
})"""

CLIPPED = """() => [...document.querySelectorAll("body *")].flatMap(node => {
  const style = getComputedStyle(node);
  const own = [...node.childNodes].some(one => one.nodeType === 3 && one.textContent.trim());
  const hidden = style.clipPath !== "none" || node.closest(".visually-hidden") || !node.checkVisibility();
  if (!own || hidden || style.textOverflow === "ellipsis") return [];
  const cut = [style.overflowX, style.overflowY].some(way => ["hidden", "clip"].includes(way));
  const spills = node.scrollWidth > node.clientWidth + 1 || node.scrollHeight > node.clientHeight + 1;
  return cut && spills ? [node.outerHTML.slice(0, 120)] : [];
})"""


class Eyes:
    """Looks at what a visitor sees. `findings` is what there is to complain about, with the state's name before it."""

    def __init__(self, visitor: Visitor):
        self.visitor = visitor
        self.findings: list[str] = []

    @property
    def page(self) -> Page:
        return self.visitor.page

    def open(self, path: str, state: str = "", status: int = 200) -> None:
        answer = self.page.goto(self.visitor.portal.url + path)
        assert answer.status == status, f"{path} answers {answer.status}"
        self.look(state or path)

    def send(self, state: str, button: str = "main form [type=submit]") -> None:
        """Presses the first such button and looks at what comes."""
        self.page.locator(button).first.click()
        self.look(state)

    def enter(self, **values: str) -> None:
        for name, value in values.items():
            fields = self.page.locator(f"[name={name}]")
            if fields.first.get_attribute("type") == "radio":
                self.page.locator(f"[name={name}][value={value}]").check()
            elif fields.first.evaluate("node => node.tagName") == "SELECT":
                fields.first.select_option(value)
            else:
                fields.first.fill(value)

    def look(self, state: str) -> None:
        """In every width and colour. The window is as it was afterwards."""
        self.page.wait_for_load_state("load")
        if not self.page.evaluate("() => Boolean(window.axe)"):
            self.page.evaluate(AXE.read_text())
        for size in (DESK, PHONE):
            self.page.set_viewport_size(size)
            width = size["width"]
            self._note(state, f"{width} px", self._axe())
            self.page.emulate_media(color_scheme="dark")
            self._note(state, f"{width} px, dark", self._axe(OF_COLOUR))
            self.page.emulate_media(color_scheme="light")
            self._note(state, f"{width} px", self._sideways())
            self._note(state, f"{width} px, small target", self.page.evaluate(SMALL, [CONTROLS, LEAST_TARGET]))
        self.page.set_viewport_size(DESK)
        self._write_in(32)
        self._note(state, "text at 200 %", self._sideways() + self.page.evaluate(CLIPPED))
        self._write_in(16)

    def _write_in(self, pixels: int) -> None:
        """The size of text that the person set in the browser; pages and their breakpoints follow it."""
        session = self.page.context.new_cdp_session(self.page)
        session.send("Page.setFontSizes", {"fontSizes": {"standard": pixels, "fixed": pixels * 13 // 16}})
        session.detach()

    def _axe(self, rules: list[str] | None = None) -> list[str]:
        return self.page.evaluate(RUN, [TAGS, rules])

    def _sideways(self) -> list[str]:
        wide = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        return [f"{wide} pixels wider than the window"] if wide > 0 else []

    def _note(self, state: str, how: str, found: list[str]) -> None:
        self.findings += [f"{state} ({how}): {line}" for line in found]
