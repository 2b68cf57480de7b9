"""Every page is reached by links: from the menus on, as each role, nothing has to be typed."""

from collections import defaultdict
from urllib.parse import urljoin, urlsplit

import pytest
from selectolax.lexbor import LexborHTMLParser
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from tests.accounts import opened
from tests.notices import published

PEOPLE = ("alice", "bob", "vera", "olga", "oscar")
MOST_OF_ONE_KIND = 3  # rows of a list lead to pages of one kind
ROADS = (("a[href]", "href"), ("[hx-get]", "hx-get"), ("form[method=get]", "action"))

# Pages that no link leads to, and why that is right.
BY_ADDRESS = {
    "report.sent": "the answer to a report",
    "sessions.left": "asked by the script that warns before a log-in ends",
    "sessions.form": "where a form is found again that was sent after the log-in had ended",
    "health.show": "asked by the process runner",
    "prove.done": "where a tab ends that was opened only to confirm",
    "security.set_up": "where everybody is led who has to have a second factor and has none",
    "auth.signed_out": "where the button that signs out leads",
    "auth.reset_sent": "the answer to a form; it says the same to everybody",
}
# Offered to who is not signed in; whoever is may still type them.
STRANGERS_PAGES = {"auth.forgot", "signup.company"}


class Crawl:
    """Follows what one person's pages offer, with GET alone."""

    def __init__(self, app, client):
        self.app, self.client = app, client
        self.adapter = app.url_map.bind("")
        self.seen: dict[str, set[str]] = defaultdict(set)
        self.broken: dict[str, str] = {}

    def endpoint_of(self, path: str) -> str | None:
        try:
            return self.adapter.match(path, method="GET")[0]
        except RequestRedirect as redirect:
            return self.endpoint_of(urlsplit(redirect.new_url).path)
        except HTTPException:
            return None

    def follow(self, start: str) -> set[str]:
        waiting = [("", start)]
        while waiting:
            source, address = waiting.pop()
            waiting += [(address, found) for found in self._look(source, address)]
        return set(self.seen)

    def _look(self, source: str, address: str) -> list[str]:
        path, endpoint = urlsplit(address).path, self.endpoint_of(urlsplit(address).path)
        if endpoint is None:
            self.broken[address] = source
            return []
        if endpoint == "static" or path in self.seen[endpoint] or len(self.seen[endpoint]) == MOST_OF_ONE_KIND:
            return []
        self.seen[endpoint].add(path)
        response = self.client.get(address)
        if response.status_code >= 400:
            self.broken[address] = source
        if response.location:
            return self._own(address, [response.location])
        return self._own(address, offered(response)) if response.mimetype == "text/html" else []

    def _own(self, address: str, found: list[str]) -> list[str]:
        own = self.app.settings.public_url
        whole = [urljoin(f"{own}{address}", reference) for reference in found]
        return [reference.removeprefix(own) or "/" for reference in whole if reference.startswith(own)]


def offered(response) -> list[str]:
    tree = LexborHTMLParser(response.text)
    return [node.attributes[name] or "" for place, name in ROADS for node in tree.css(place) if name in node.attributes]


@pytest.fixture
def rows(app, cast, clock):
    """One of each that pages lead to."""
    opened(cast, app.settings, clock.now())
    published(cast, clock.now(), asks=True)


@pytest.mark.parametrize("name", PEOPLE)
def test_every_page_is_reached_by_links(app, cast, client_as, rows, name):
    reached, open_pages = crawled(app, client_as(getattr(cast, name))), plain_pages(app, client_as(getattr(cast, name)))
    assert open_pages - reached - BY_ADDRESS.keys() - STRANGERS_PAGES == set()


def test_strangers_reach_theirs_by_links(app, cast, client):
    reached = crawled(app, client)
    assert reached >= STRANGERS_PAGES
    assert plain_pages(app, app.test_client()) - reached - BY_ADDRESS.keys() == set()


def test_what_needs_no_link_is_there_still(app):
    assert BY_ADDRESS.keys() <= {rule.endpoint for rule in app.url_map.iter_rules()}


def crawled(app, client) -> set[str]:
    crawl = Crawl(app, client)
    reached = crawl.follow("/")
    assert crawl.broken == {}
    return reached


def plain_pages(app, client) -> set[str]:
    """What the client may open of the addresses without a part that varies."""
    plain = [rule for rule in app.url_map.iter_rules() if "GET" in rule.methods and not rule.arguments]
    return {rule.endpoint for rule in plain if client.get(rule.rule, check=False).status_code == 200}
