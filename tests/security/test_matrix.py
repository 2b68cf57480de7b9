"""Every address × every role × own, foreign and unknown things, as page and as piece, with every method (threats.md 1
and 2, T4): what opens is what the table of rights says, and what is another's is not there."""

import re

import pytest

from blueprints.permissions import MEMBERS, OPERATORS
from blueprints.permissions import ROLES as HOLDERS
from tests.security import walking
from tests.security.walking import ROLES, Snapshot, World, signed_in, ways

UNDERSTOOD = {200, 204, 286, 303, 400, 401, 409, 413, 422, 429}
# What exists, and is not there in the state that the world of walking.py is in.
NOT_IN_THIS_STATE = {
    "second.question": "asked for one purpose, which a script names",
    "outward.notice": "asked for an address of the list",
    "brand.logo": "there is none",
    "brand.style": "there is none",
}
OWN_TO_AN_ANSWER = re.compile(
    r'name="(?:csrf_token|once)" value="[^"]*"|value="[^"]*" name="(?:csrf_token|once)"|csrf-token" content="[^"]*"'
    r'|"X-CSRFToken": ?"[^"]*"|&#34;[\w.-]{60,}&#34;|\b[0-9a-f]{16}\b'
)


@pytest.fixture
def world(app, cast, clock):
    return World(cast, app.settings, clock.now())


def of_sort(role: str) -> frozenset[str]:
    return OPERATORS if role in walking.OPERATORS else MEMBERS


def expected(way, role: str) -> str:
    """By the declaration alone: open, to the log-in, refused (403), not there (404)."""
    if way.access.open_to_all:
        return "open"
    if way.access.console:
        return "open" if role == "customer" else "/console/login"
    if role in ("nobody", "customer"):
        return "/login"
    if way.access.permission is None:
        return "open"
    holders = HOLDERS[way.access.permission]
    if not holders & of_sort(role):
        return "not there"
    return "open" if role.removeprefix("foreign ") in holders else "refused"


def fits(answer, way, wanted: str, role: str, *, piece: bool) -> bool:
    status = answer.status_code
    if wanted.startswith("/"):
        if piece and way.access.polled and status == 286:
            return True
        leads_to = answer.headers.get("HX-Redirect" if piece else "Location", "").split("?")[0]
        return (status, leads_to) == (401 if piece else 303, wanted)
    if wanted in ("refused", "not there"):
        return status == (403 if wanted == "refused" else 404)
    if role == "foreign admin" and way.parts and not way.access.open_to_all:
        return status in UNDERSTOOD | {404}  # what is not its own: the test of foreign things is stricter
    return status in UNDERSTOOD or (status in (403, 404) and way.endpoint in NOT_IN_THIS_STATE)


def wrong_answers(app, world, role: str) -> list[str]:
    browser, wrong = signed_in(app, world, role), []
    before, cookies = Snapshot(), dict(browser._cookies)
    for way, _side, path in walking.every(app, world, "GET", "POST", role=role):
        wanted = expected(way, role)
        for piece in (False, True):
            answer = browser.open(path, method=way.method, htmx=piece, check=False)
            if not fits(answer, way, wanted, role, piece=piece):
                sort = "piece" if piece else "page"
                wrong.append(f"{way} ({way.endpoint}) as {sort}: {wanted}, answered {answer.status_code}")
            if wanted == "open" and way.method == "POST":
                before.restore()
                browser._cookies = dict(cookies)
    return wrong


@pytest.mark.sqlite_only
@pytest.mark.parametrize("role", ROLES)
def test_each_role_opens_what_the_table_says(app, world, role):
    assert wrong_answers(app, world, role) == []


def same_for_all(answer, path: str) -> tuple:
    """The answer without what differs from one to the next, and without what was asked for."""
    kept = {name: value for name, value in answer.headers.items() if name not in ("X-Request-Id", "Set-Cookie", "Date")}
    kept.pop("Content-Length", None)
    text = OWN_TO_AN_ANSWER.sub("", answer.text).replace(path, "…")
    return answer.status_code, text, {name: value.replace(path, "…") for name, value in kept.items()}


def told_apart(app, world, role: str) -> tuple[list[str], int]:
    """Where what belongs to others is answered otherwise than what is not there."""
    browser, wrong, tried = signed_in(app, world, role), [], 0
    before, cookies = Snapshot(), dict(browser._cookies)
    for way in ways(app, "GET", "POST"):
        if not way.parts or expected(way, role) != "open" or way.access.open_to_all or way.rule.rule in ITS_OWN_WORDS:
            continue
        for piece in (False, True):
            unknown = world.address(way, "unknown", role)
            nothing = same_for_all(browser.open(unknown, method=way.method, htmx=piece, check=False), unknown)
            for side in ("foreign", "mixed"):
                path = world.address(way, side, role)
                if path is None or (side == "mixed" and len(way.parts) < 2):
                    continue
                answer = same_for_all(browser.open(path, method=way.method, htmx=piece, check=False), path)
                tried += 1
                if answer[0] != 404 or answer != nothing:
                    wrong.append(f"{way} ({way.endpoint}), {side}: {answer[0]}, unknown {nothing[0]}")
        if way.method == "POST":
            before.restore()
            browser._cookies = dict(cookies)
    return wrong, tried


# Addresses whose parts name no thing of anybody's: a kind of request, a version of a public document.
ITS_OWN_WORDS = {"/requests/new/<name:kind>"}


@pytest.mark.sqlite_only
@pytest.mark.parametrize("role", ["viewer", "staff", "admin", "foreign admin", "customer"])
def test_what_is_of_others_is_as_if_it_were_not_there(app, world, role):
    wrong, tried = told_apart(app, world, role)
    assert wrong == []
    assert tried > 5
