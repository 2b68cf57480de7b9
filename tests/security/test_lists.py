"""What lists are asked (threats.md 21): wildcards, words of SQL, unknown orders, long and repeated parameters are plain
values, and what is sent twice counts once."""

import re

import pytest
from selectolax.lexbor import LexborHTMLParser
from werkzeug.datastructures import MultiDict

from tests.security import walking
from tests.security.walking import Snapshot, World, contents, signed_in

ODD = (
    "%", "_", "\\", "%%%%", "' OR '1'='1", "1; DROP TABLE member--", "name;drop", "-1", "null", "true", "[]", "{}", "*", "?",
    "\u0000x".replace("\u0000", ""), "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"), "a" * 10_000, ".*(",
    "1 UNION SELECT password_hash FROM member", "()", "id desc, (select 1)", "٣", "1e309", "0x10", "../../etc/passwd",
)  # fmt: skip
NAMES = (
    "q", "search", "sort", "order", "by", "direction", "state", "kind", "region", "page", "after", "before", "from",
    "until", "person", "thing", "partner", "contract", "show", "filter", "language", "customer", "days", "month", "year",
)  # fmt: skip
UNDERSTOOD = {200, 204, 286, 303, 400, 403, 404, 409, 422, 429}
ROLES = ("nobody", "admin", "owner", "customer")


@pytest.fixture
def world(app, cast, clock):
    return World(cast, app.settings, clock.now())


def parameters(answer) -> set[str]:
    """Those that the page itself uses: in forms that ask, and in links."""
    if answer.mimetype != "text/html" or not answer.text:
        return set()
    tree = LexborHTMLParser(answer.text)
    of_forms = {node.attributes["name"] or "" for node in tree.css("form[method=get] [name]")}
    return of_forms | {name for link in re.findall(r'href="[^"?]*\?([^"]*)"', answer.text) for name in re.findall(r"(\w+)=", link)}


@pytest.mark.parametrize("role", ROLES)
def test_no_list_stumbles_over_what_it_is_asked(app, world, role):
    browser, wrong = signed_in(app, world, role), []
    for way, _side, path in walking.every(app, world, "GET", role=role):
        own = parameters(browser.get(path, check=False)) & walked_names(way)
        for value in ODD if own else ODD[:6:5]:
            answer = browser.get(path, query_string=dict.fromkeys((*NAMES, *own), value), check=False)
            if answer.status_code not in UNDERSTOOD:
                wrong.append(f"{way} with {value[:40]!r}: {answer.status_code}")
    assert wrong == []


def walked_names(way) -> set[str]:
    """Any name but those that lead somewhere, which have a sweep of their own."""
    return {name for name in NAMES} | {"size", "view", "action", "role", "end", "start", "name"}


@pytest.mark.parametrize("sign", ["%", "_", "\\", "%a%", "__"])
def test_wildcards_are_letters_like_others(app, world, sign):
    """No search finds anything by them."""
    browser, found = {role: signed_in(app, world, role) for role in ("admin", "owner")}, []
    for role, client in browser.items():
        for way, _side, path in walking.every(app, world, "GET", role=role):
            page = client.get(path, check=False)
            asking = [name for name in ("q", "search") if name in parameters(page)]
            if way.parts or not asking or page.status_code != 200:
                continue
            answer = client.get(path, query_string={asking[0]: sign}, check=False)
            names = (world.own["account"].name, "Contoso Ltd", world.own["account"].number)
            if way.rule.rule not in ("/usage",) and any(f">{name}<" in answer.text for name in names):
                found.append(f"{way}?{asking[0]}={sign}")
    assert found == []


@pytest.mark.sqlite_only
def test_what_is_sent_twice_counts_once(app, world):
    """The first of two values is stored, in the body as in the address, and never both."""
    before, number = Snapshot(), world.own["account"].number
    path = f"/sub-accounts/{number}/edit"
    page = LexborHTMLParser(signed_in(app, world, "admin").get(path).text)
    form = {node.attributes["name"]: node.attributes.get("value") or "" for node in page.css("form[method=post] input[name]")}
    form.pop("csrf_token")
    once = MultiDict({**form, "name": "First"})
    twice = MultiDict(once)
    twice.add("name", "Second")
    browser = signed_in(app, world, "admin")
    results = []
    for data, address in ((once, path), (twice, path), (once, f"{path}?name=Third&name=Fourth")):
        answer = browser.post(address, data=data, check=False)
        results.append((answer.status_code, [row["name"] for row in contents()["sub_account"]]))
        before.restore()
        browser = signed_in(app, world, "admin")
    assert results[0] == results[1] == results[2]
    assert "First" in results[0][1]
