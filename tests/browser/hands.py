"""Four ways of operating a page: clicks alone, keys alone, taps on a phone, and clicks without scripts.

A journey is written once against Hand; each way does every act with its own means.
"""

from playwright.sync_api import Locator, Page, expect

from tests.browser_ground import DESK, PHONE, Visitor

STEP_BYTES = 10 * 10**9
GB, TB = 10**9, 10**12
MOST_STOPS = 250

# A slider rings its thumb, a date the part of it that is being typed.
FOCUS = """(wanted) => {
  const PARTS = ["range", "date"];
  const now = document.activeElement;
  if (!now || now === document.body) return {place: "after"};
  const box = now.getClientRects()[0], style = getComputedStyle(now);
  const bar = document.querySelector("[data-board-summary]"), rim = bar && bar.getBoundingClientRect();
  const sticky = bar && getComputedStyle(bar).position === "sticky" && !bar.contains(now);
  const hit = box && document.elementFromPoint(box.x + box.width / 2, box.y + Math.min(box.height, innerHeight) / 2);
  const way = wanted.compareDocumentPosition(now);
  return {
    place: now === wanted ? "here" : way & Node.DOCUMENT_POSITION_PRECEDING ? "after" : "before",
    name: now.outerHTML.slice(0, 120),
    ringed: PARTS.includes(now.type) || (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2),
    covered: Boolean(sticky && box.top < rim.bottom - 1 && box.bottom > rim.top + 1),
    seen: Boolean(hit && (now === hit || now.contains(hit) || hit.contains(now))),
  };
}"""


class Hand:
    """Clicks alone: whoever cannot drag. Text comes from the keyboard, a list's options from the system's own menu."""

    name, viewport, options = "clicks", DESK, {}
    scripts = True

    def __init__(self, visitor: Visitor):
        self.visitor = visitor

    @property
    def page(self) -> Page:
        return self.visitor.page

    def press(self, target: Locator) -> None:
        target.click()

    def write(self, field: Locator, text: str) -> None:
        self.press(field)
        field.fill(text)

    def choose(self, field: Locator, label: str) -> None:
        field.select_option(label=label)

    def tick(self, box: Locator) -> None:
        self.press(box)
        expect(box).to_be_checked()

    pick = tick

    def slide(self, slider: Locator, to_bytes: int | None) -> None:
        """To this allocation, or (None) as far up as the free rest of the package lets it go."""
        most = int(slider.get_attribute("max")) * STEP_BYTES
        share = 1 if to_bytes is None else to_bytes / most
        box, thumb = slider.bounding_box(), 28
        place = {"x": thumb / 2 + (box["width"] - thumb) * share, "y": box["height"] / 2}
        self.touch_at(slider, place)
        if to_bytes is not None:
            self.step_to(slider, to_bytes)

    def touch_at(self, target: Locator, place: dict) -> None:
        target.click(position=place)

    def step_to(self, slider: Locator, to_bytes: int) -> None:
        row = slider.locator("xpath=ancestor::*[@data-row]")
        for _ in range(20):
            away = round(to_bytes / STEP_BYTES) - int(slider.input_value())
            if not away:
                return
            self.press(row.get_by_role("button", name="More for" if away > 0 else "Less for"))
        raise AssertionError(f"{slider} cannot be brought to {to_bytes}")


class Keys(Hand):
    """Keys alone. Every stop on the way has to show its focus, uncovered."""

    name = "keys"

    def reach(self, target: Locator) -> None:
        expect(target).to_be_visible()
        for _ in range(MOST_STOPS):
            found = target.evaluate(FOCUS)
            if found.get("name") and not found["name"].startswith(("<main", "<h1", "<h2", '<div class="error-summary')):
                assert found["ringed"], f"no visible focus on {found['name']}"
                assert found["seen"] and not found["covered"], f"focus is hidden on {found['name']}"
            if found["place"] == "here":
                return
            self.page.keyboard.press("Tab" if found["place"] == "after" else "Shift+Tab")
        raise AssertionError(f"{target} cannot be reached with the Tab key")

    def press(self, target: Locator) -> None:
        self.reach(target)
        self.page.keyboard.press("Enter")

    def write(self, field: Locator, text: str) -> None:
        self.reach(field)
        if field.get_attribute("type") == "date":
            year, month, day = text.split("-")
            self.page.keyboard.type(month + day + year)
            expect(field).to_have_value(text)
        else:
            self.page.keyboard.press("Control+a")
            self.page.keyboard.type(text)

    def choose(self, field: Locator, label: str) -> None:
        self.reach(field)
        self.page.keyboard.type(label)
        expect(field.locator("option:checked")).to_have_text(label)

    def tick(self, box: Locator) -> None:
        self.reach(box)
        self.page.keyboard.press("Space")
        expect(box).to_be_checked()

    def pick(self, radio: Locator) -> None:
        """Tab leads to the group's chosen one, arrows to the others."""
        group = self.page.locator(f"input[name={radio.get_attribute('name')}]")
        self.reach(group.and_(self.page.locator(":checked")))
        for _ in range(group.count()):
            if radio.is_checked():
                return
            self.page.keyboard.press("ArrowDown")
        raise AssertionError(f"{radio} cannot be chosen with arrow keys")

    def slide(self, slider: Locator, to_bytes: int | None) -> None:
        self.reach(slider)
        if to_bytes is None:
            self.page.keyboard.press("End")
            return
        away = round(to_bytes / STEP_BYTES) - int(slider.input_value())
        pages, steps = divmod(abs(away), 10)
        for _ in range(pages):
            self.page.keyboard.press("PageUp" if away > 0 else "PageDown")
        for _ in range(steps):
            self.page.keyboard.press("ArrowRight" if away > 0 else "ArrowLeft")


class Taps(Hand):
    """A finger on a phone of 320 px."""

    name, viewport, options = "taps", PHONE, {"has_touch": True, "is_mobile": True}

    def press(self, target: Locator) -> None:
        target.tap()

    def touch_at(self, target: Locator, place: dict) -> None:
        target.tap(position=place)


class Plain(Hand):
    """Scripts are switched off: nothing but links and forms; the number fields are what is left of the sliders."""

    name, scripts = "plain", False

    def slide(self, slider: Locator, to_bytes: int | None) -> None:
        assert not slider.is_visible(), "a slider that does nothing is shown"
        row = slider.locator("xpath=ancestor::*[@data-row]")
        amount = to_bytes if to_bytes is not None else int(row.get_attribute("data-saved")) + 3 * TB
        self.choose(row.get_by_label("Unit for"), "GB")
        self.write(row.get_by_label("Amount for"), str(amount // 10**9))


WAYS = {hand.name: hand for hand in (Hand, Keys, Taps, Plain)}
