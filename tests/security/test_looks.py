"""What every answer carries and what no look changes: headers on each of them whatever it is, cookies with all their
attributes, and a database that is the same after every GET (threats.md 3, 11, 19)."""

import re

import pytest

from tests.house.test_headers import ALWAYS, POLICY
from tests.security import walking
from tests.security.walking import World, contents, signed_in

ROLES = ("nobody", "admin", "viewer", "owner", "customer")
KEPT_ELSEWHERE = ("static", "brand.")  # nothing of anybody's: proxies and browsers may keep it
# What a look may leave behind, and why.
LEFT_BY_LOOKS = {
    ("session", "last_seen_at"): "how long somebody has been idle",
    ("console_session", "last_seen_at"): "the same",
    ("console_user", "last_seen_at"): "whether an invited customer has come",
    ("notice_reading", "*"): "who was shown a notice",
    ("consent_event", "*"): "that terms were shown is part of the evidence",
    ("evidence", "*"): "the same, in its chain",
    ("evidence_personal", "*"): "the same",
    ("evidence_head", "*"): "the same",
    ("audit_event", "*"): "files with personal data are put on record when they are fetched",
    ("audit_personal", "*"): "the same",
    ("audit_head", "*"): "the same",
    ("passkey_challenge", "*"): "the question that a browser answers with a passkey",
    ("sign_up_draft", "*"): "the beginning of a sign-up",
    ("kept_form", "*"): "one that was kept for the person is shown once",
    ("totp", "wanted_ct"): "the key that a new app is set up with, until it is confirmed",
    ("totp", "wanted_at"): "the same",
    ("attempt", "*"): "guesses at one-time links are counted before they are looked at",
    ("flow_down_link", "opened_at"): "that a customer opened its link",
    ("installation", "*"): "what is made when it is first needed",
}


@pytest.fixture
def world(app, cast, clock):
    return World(cast, app.settings, clock.now())


def faults(answer, endpoint: str, *, secure: bool) -> list[str]:
    """What is missing or wrong in an answer's headers."""
    found = [name for name, value in ALWAYS.items() if answer.headers.get(name) != value]
    if len(answer.headers.getlist("Content-Security-Policy")) != 1 or "unsafe" in POLICY:
        found.append("one policy")
    if not re.fullmatch(r"[0-9a-f]{16}", answer.headers.get("X-Request-Id", "")):
        found.append("X-Request-Id")
    if not endpoint.startswith(KEPT_ELSEWHERE):
        if answer.headers.get("Cache-Control") != "no-store":
            found.append("Cache-Control")
        if {"HX-Request", "Cookie"} - {part.strip() for part in answer.headers.get("Vary", "").split(",")}:
            found.append("Vary")
    if secure and answer.headers.get("Strict-Transport-Security") != "max-age=31536000":
        found.append("Strict-Transport-Security")
    kind = answer.headers.get("Content-Type", "")
    if answer.get_data() and not kind or (kind.startswith("text/") and "charset=utf-8" not in kind):
        found.append(f"Content-Type {kind!r}")
    if kind and not kind.startswith(("text/html", "text/plain", "application/json", "text/css", "image/")):
        disposition = answer.headers.get("Content-Disposition", "")
        if not disposition.startswith("attachment") and answer.status_code == 200:
            found.append(f"{kind} without Content-Disposition: attachment")
    if "Server" in answer.headers or "Access-Control-Allow-Origin" in answer.headers:
        found.append("says too much")
    for cookie in answer.headers.getlist("Set-Cookie"):
        flags = {part.strip().split("=")[0] for part in cookie.split(";")[1:]}
        wanted = {"HttpOnly", "Path", "SameSite"} | ({"Secure"} if secure else set())
        if not wanted <= flags or "Domain" in flags or "SameSite=None" in cookie:
            found.append(f"cookie {cookie.split('=')[0]} {sorted(flags)}")
        if secure and not cookie.startswith("__Host-"):
            found.append(f"cookie {cookie.split('=')[0]} without __Host-")
    return found


@pytest.mark.sqlite_only
@pytest.mark.parametrize("role", ROLES)
def test_every_answer_has_every_header(make_app, cast, clock, role):
    """Pages, pieces, files, redirects, refusals of every sort; over https, where browsers are told most."""
    app = make_app(public_url="https://portal.example.com")
    world = World(cast, app.settings, clock.now())
    browser, wrong, seen = signed_in(app, world, role), [], set()
    evil = {"Origin": "https://evil.example", "Sec-Fetch-Site": "none"}
    for way, side, path in walking.every(app, world, "GET", "POST", sides=("own", "unknown"), role=role):
        for sent in ({}, {"htmx": True}) if way.method == "GET" else ({}, {"csrf": False}, {"method": "PATCH"}):
            answer = browser.open(path, check=False, headers=evil, **{"method": way.method, **sent})
            seen.add(answer.status_code)
            for fault in faults(answer, way.endpoint, secure=True):
                wrong.append(f"{way} ({side}, {answer.status_code}): {fault}")
    for path in ("/nothing-here", "/static/portal.css", "/static/nothing.css", "/static/../portal.py", "//", "/%00"):
        answer = browser.get(path, check=False)
        wrong += [f"{path}: {fault}" for fault in faults(answer, "static", secure=True)]
    assert sorted(set(wrong)) == []
    assert {200, 303, 404, 405} <= seen and seen & {400, 401}


def left(before: dict, after: dict) -> set[tuple[str, str]]:
    """Tables with other rows, as (table, "*"), and columns with other values."""
    found = set()
    for table in before:
        if len(before[table]) != len(after[table]):
            found.add((table, "*"))
            continue
        for one, other in zip(before[table], after[table], strict=True):
            found |= {(table, name) for name in one if one[name] != other[name]}
    return found


@pytest.mark.parametrize("role", ROLES)
def test_no_look_changes_anything(app, world, role):
    browser, wrong = signed_in(app, world, role), []
    before = contents()
    for way, _side, path in walking.every(app, world, "GET", role=role):
        for piece in (False, True):
            browser.get(path, htmx=piece, check=False)
            browser.open(path, method="HEAD", htmx=piece, check=False)
        after = contents()
        for table, column in left(before, after):
            if not {(table, column), (table, "*")} & LEFT_BY_LOOKS.keys():
                wrong.append(f"{way} ({way.endpoint}): {table}.{column}")
        before = after
    assert wrong == []
