"""What each state and each rule leaves a partner: one table in code, the same in the documents, kept everywhere."""

import re
from datetime import timedelta

import pytest

from blueprints import standings
from blueprints.application import STILL_OPEN
from blueprints.declarations import level_of
from blueprints.permissions import MEMBERS, ROLES, Permission, only_looks
from models.contract import Contract
from models.partner import PARTNER_STATES, Partner
from services import standing
from services.standing import BY_REASON, BY_STATE, LEVELS, SUSPENSION_LEVELS
from tests.blueprints.test_terms import publish
from tests.house import source
from tests.house.test_access import ways

DOCUMENT = source.ROOT / "docs" / "states.md"
ROW = re.compile(rf"^\| `(\w+)` \| `({'|'.join(LEVELS)})` \|", re.MULTILINE)
# state, the level that operators chose with a suspension, the rule that holds beside it, what that leaves
STANDINGS = [
    *((state, "", "", BY_STATE[state]) for state in PARTNER_STATES if state not in ("suspended", "barred")),
    *(("suspended", level, "", level) for level in SUSPENSION_LEVELS),
    ("active", "", "details_unconfirmed", "read"),
    ("active", "", "terms_overdue", "read"),
    ("active", "", "contract_ended", "export"),
    ("suspended", "application", "details_unconfirmed", "application"),
]
MEMBER_RIGHTS = [right for right in Permission if ROLES[right] & MEMBERS]


def put(cast, clock, state: str, level: str, rule: str) -> Partner:
    """Northwind as it is in this state, with this rule holding beside it."""
    partner = cast.northwind
    partner.state, partner.suspension_level = state, level
    if rule == "details_unconfirmed":
        partner.details_asked_at = clock.now() - timedelta(days=31)
        partner.details_due_at = clock.now() - timedelta(days=1)
    partner.save()
    if rule == "terms_overdue":
        publish("2.0", clock.now() - timedelta(days=31), grace_until_at=clock.now() - timedelta(days=1))
    if rule == "contract_ended":
        Contract.update(state="expired").where(Contract.partner == partner).execute()
    return partner


def refused_for_standing(response, method: str) -> bool:
    """How the gate says it: a page leads to the partner's own page, everything else is refused with the reason."""
    if response.status_code == 303:
        return method == "GET" and response.location == "/application"
    headings = [str(title) for title, _advice in standings.WORDS.values()]
    return response.status_code == 403 and any(
        f"<h1>{heading}</h1>" in as_written(response.text) for heading in headings
    )


def as_written(text: str) -> str:
    return text.replace("&#39;", "'")


def test_the_document_holds_the_same_tables_as_the_code():
    written = dict(ROW.findall(DOCUMENT.read_text(encoding="utf-8")))
    assert written == BY_STATE | BY_REASON


def test_every_state_has_a_level_and_every_reason_words():
    assert set(BY_STATE) == set(PARTNER_STATES)
    assert {*BY_STATE.values(), *BY_REASON.values()} <= set(LEVELS)
    reasons = {state for state, level in BY_STATE.items() if level != "full"} | set(BY_REASON)
    assert reasons - {"barred"} <= set(standings.WORDS)


@pytest.mark.parametrize(("state", "level", "rule", "expected"), STANDINGS)
def test_every_address_keeps_to_the_standing(app, cast, client_as, clock, state, level, rule, expected):
    """Every page and every form, as an administrator: closed where the level is lower than what it asks, else not."""
    partner = put(cast, clock, state, level, rule)
    now = standing.of(partner, clock.now())
    assert now.level == expected
    wrong = []
    for method in ("GET", "POST"):
        for endpoint, path, declared in ways(app, method):
            right = declared.permission
            if declared.open_to_all or declared.states or (right and "admin" not in ROLES[right]):
                continue
            response = client_as(cast.alice).open(path, method=method)
            refused = refused_for_standing(response, method)
            if refused == now.reaches(declared.level(method)):
                wrong.append(f"{method} {endpoint} asks {declared.level(method)}, answered {response.status_code}")
    assert wrong == []


@pytest.mark.parametrize(("state", "level", "rule", "expected"), STANDINGS)
def test_nothing_is_offered_that_would_be_refused(app, cast, client_as, clock, state, level, rule, expected):
    """Every page that still opens has only links to members' pages that open too."""
    put(cast, clock, state, level, rule)
    browser = client_as(cast.alice)
    start = browser.get("/application" if expected in ("application", "export") else "/home")
    assert start.status_code == 200
    dead = []
    for address in sorted(set(re.findall(r'href="(/[^"#]*)"', start.text))):
        response = browser.get(address)
        if response.status_code >= 400 or (refused_for_standing(response, "GET") and address != "/home"):
            dead.append(f"{address}: {response.status_code}")
    assert [line for line in dead if not line.startswith(("/static/", "/: "))] == []


def test_nobody_of_a_barred_partner_gets_in(app, cast, client_as, clock):
    browser = client_as(cast.alice)
    assert browser.get("/home").status_code == 200
    put(cast, clock, "barred", "", "")
    for endpoint, path, declared in ways(app, "GET"):
        if not declared.open_to_all:
            assert browser.get(path).location.split("?")[0] == "/login", endpoint


def test_rights_that_change_something_ask_one_level_each(app):
    """Buttons are offered by right: two levels behind one right would offer what is refused."""
    several = {}
    with app.app_context():
        for right in MEMBER_RIGHTS:
            asked = {
                access.level("POST")
                for _endpoint, _path, access in ways(app, "POST")
                if access.permission == right and not access.states
            }
            if len(asked) > 1 and not only_looks(right):
                several[str(right)] = asked
            assert level_of(right) in LEVELS
    assert several == {}


def test_what_the_page_of_a_leaving_partner_names_exists(app):
    assert {name for name, _label in STILL_OPEN} <= set(app.view_functions)
    assert {endpoint for endpoint, _label in standings.WAYS.values()} <= set(app.view_functions)
