"""Where things stand on a page: what no rule of axe asks about."""

from datetime import timedelta

import pytest

from models.contract import Contract
from models.partner import Partner
from services import document_publishing, measures
from services.measures import Wanted
from tests.browser_ground import PHONE
from tests.cast import act_of
from tests.notices import published, switched_off
from tests.services.desk import Desk, manager

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("axe-operators")]

WORD = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
LONG = dict.fromkeys(("en", "de"), f"{WORD}, please read this before the end of the month")

BESIDE = """() => [...document.querySelectorAll(".todo .cluster")].map(row => {
  const icon = row.querySelector(".icon").getBoundingClientRect();
  const words = document.createRange(); words.selectNodeContents(row);
  const first = [...words.getClientRects()].filter(one => one.left >= icon.right);
  return first.some(one => one.top < icon.bottom && one.bottom > icon.top) ? "beside" : row.innerText;
})"""

# of each card: whether the legend lies within its border and above its first field
LEGENDS = """() => [...document.querySelectorAll("fieldset.card")].map(card => {
  const legend = card.querySelector("legend").getBoundingClientRect(), edge = card.getBoundingClientRect();
  const first = card.querySelector(".field").getBoundingClientRect();
  return legend.top - edge.top >= 12 && legend.left - edge.left >= 12 && first.top >= legend.bottom;
})"""
HINTS = """() => [...document.querySelectorAll(".rules .field")].every(field =>
  field.querySelector(".hint").getBoundingClientRect().top >=
  field.querySelector("input").getBoundingClientRect().bottom
)"""
COLUMNS = """() => new Set([...document.querySelectorAll("fieldset.card")].map(
  card => Math.round(card.getBoundingClientRect().left)
)).size"""

# what is wider than the place it has: a word that leaves its banner need not make the page scroll
SPILLS = """() => [...document.querySelectorAll("main .notice, main .notice *")].filter(
  node => node.checkVisibility() && getComputedStyle(node).display !== "inline" && node.clientWidth > 1
    && (node.scrollWidth > node.clientWidth + 1 || node.getBoundingClientRect().right > innerWidth)
).map(node => node.outerHTML.slice(0, 160))"""


@pytest.fixture
def desk(cast, portal, clock) -> Desk:
    return Desk(portal.app.settings, clock, cast.olga, manager(clock.now()))


@pytest.mark.parametrize(("width", "columns"), [(320, 1), (768, 1), (1280, 2)])
def test_the_rules_stand_in_cards_with_their_legends_inside(visit, cast, width, columns):
    visitor = visit(cast.olga, viewport={"width": width, "height": 800})
    page = visitor.open("/admin/policy")
    assert set(page.evaluate(LEGENDS)) == {True} and page.evaluate(HINTS)
    assert page.evaluate(COLUMNS) == columns
    visitor.expect_no_sideways_scroll()


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_the_icon_of_what_is_to_be_done_stands_beside_its_words(visit, cast, clock, width, language):
    Contract.update(ends_on=(clock.now() + timedelta(days=20)).date()).execute()
    due_at = clock.now() + timedelta(days=20)
    Partner.update(details_asked_at=clock.now(), details_due_at=due_at).where(Partner.id == cast.northwind.id).execute()
    type(cast.alice).update(locale=language).execute()
    page = visit(cast.alice, viewport={"width": width, "height": 800}).open("/home")
    assert page.evaluate(BESIDE) == ["beside"] * 2


def test_no_banner_is_wider_than_a_phone(visit, cast, clock, desk, language):
    at = clock.now()
    for more in ({"pinned": True}, {"asks": True, "important": True}):
        published(cast, at, titles=LONG, **more)
    for area, begins in (("usage", None), ("keys", at + timedelta(hours=1))):
        switched_off(cast, at, area, texts=LONG, from_at=begins, until_at=at + timedelta(hours=2), announced=True)
    desk.published("portal_terms")
    desk.published("acceptable_use")
    Partner.update(details_asked_at=at, details_due_at=at).where(Partner.id == cast.northwind.id).execute()
    type(cast.alice).update(locale=language).execute()
    visitor = visit(cast.alice, viewport=PHONE, language=language)
    page = visitor.open("/home")
    assert page.locator("main > .notice").count() == 6
    page.locator("main > details > summary").click()
    assert page.evaluate(SPILLS) == []
    visitor.expect_no_sideways_scroll()


def test_what_waits_for_a_second_person_is_no_wider_than_a_phone(visit, cast, clock, desk, language):
    draft = desk.submitted()
    document_publishing.send_back(desk.act(desk.otto), draft.kind, draft.revision, WORD)
    why = Wanted("unpaid", WORD)
    measures.ask_termination(act_of(cast.olga, clock.now()), cast.contoso.id, why)
    type(desk.otto).update(locale=language).execute()
    visitor = visit(desk.otto, viewport=PHONE, language=language)
    for path in (f"/admin/documents/{draft.kind}/draft", f"/admin/partners/{cast.contoso.id}"):
        page = visitor.open(path)
        assert page.locator("main .notice").count() == 1
        assert page.evaluate(SPILLS) == []
        visitor.expect_no_sideways_scroll()
