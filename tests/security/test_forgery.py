"""No form is taken from elsewhere (threats.md 3): every address that takes anything but a look is asked without a
token, with somebody else's token, and as from another site, by whoever may most. Nothing of it changes anything."""

import pytest

from tests.security import walking
from tests.security.test_matrix import expected
from tests.security.walking import World, contents, signed_in

SENDERS = ("nobody", "admin", "owner", "customer")
SITES = ("cross-site", "same-site")


@pytest.fixture
def world(app, cast, clock):
    return World(cast, app.settings, clock.now())


def attempts(browser, stranger_token: str):
    """What is sent, and how it has to be refused: by the token, or by where it says that it comes from."""
    yield "without a token", {"csrf": False}, 400
    yield "with somebody else's token", {"csrf": False, "headers": {"X-CSRFToken": stranger_token}}, 400
    yield "with somebody else's token in the form", {"csrf": False, "data": {"csrf_token": stranger_token}}, 400
    for site in SITES:
        yield f"from another place ({site})", {"headers": {"Sec-Fetch-Site": site}}, 403


def changed(before: dict, after: dict) -> list[str]:
    """Tables that differ, but for when a log-in was last seen."""
    for rows in (*before.values(), *after.values()):
        for row in rows:
            row.pop("last_seen_at", None)
    return [table for table in before if before[table] != after.get(table)]


@pytest.mark.parametrize("role", SENDERS)
def test_no_form_is_taken_from_elsewhere(app, world, role):
    browser, stranger = signed_in(app, world, role), app.test_client()
    token, taken, tried = stranger.csrf_token(), [], 0
    before = contents()
    for way, _side, path in walking.every(app, world, "POST", role=role):
        if expected(way, role) != "open":
            continue
        for said, sent, refused in attempts(browser, token):
            status = browser.post(path, check=False, **sent).status_code
            tried += 1
            if status != refused:
                taken.append(f"{way} ({way.endpoint}) {said}: {status}")
    assert taken == []
    assert changed(before, contents()) == []
    assert tried > 50


def test_what_htmx_sends_without_a_token_loads_the_page_anew(app, world):
    browser, silent = signed_in(app, world, "admin"), []
    for way, _side, path in walking.every(app, world, "POST"):
        if expected(way, "admin") == "open":
            answer = browser.post(path, csrf=False, htmx=True, check=False)
            if (answer.status_code, answer.headers.get("HX-Refresh")) != (204, "true"):
                silent.append(f"{way}: {answer.status_code}")
    assert silent == []


def test_no_address_takes_another_method_than_its_own(app, world):
    """PUT, PATCH and DELETE are nowhere; TRACE and words that nobody knows are refused as well."""
    browser, taken = signed_in(app, world, "owner"), []
    for way, _side, path in walking.every(app, world, "GET", "POST", role="owner"):
        for method in {"PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"} - way.rule.methods:
            status = browser.open(path, method=method, check=False).status_code
            if status not in (403, 404, 405):
                taken.append(f"{method} {path}: {status}")
    assert taken == []
