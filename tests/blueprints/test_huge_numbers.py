"""Numbers larger than any column holds: an address with one does not exist, a list with one begins at its beginning."""

import ast

import pytest
from werkzeug.routing import IntegerConverter

from blueprints.whole_numbers import LARGEST, whole
from tests import accounts
from tests.blueprints import signing_up
from tests.house import source

HUGE = {"30 nines": "9" * 30, "one too many": str(LARGEST + 1), "more than Python reads": "9" * 5000}
ARGUMENTS = ("after", "before", "page", "key", "seen", "version")
UNDERSTOOD = (200, 204, 286, 303, 400, 401, 403, 404, 405, 409, 413, 422, 429)


each_huge = pytest.mark.parametrize("huge", HUGE.values(), ids=HUGE.keys())


@pytest.fixture
def people(cast, settings, clock, client_as):
    """A number of a sub-account that exists, and browsers of whoever may open most."""
    account = accounts.opened(cast, settings, clock.now())
    return account.number, [client_as(cast.alice), client_as(cast.olga)]


def address(rule, number: str, contract: str, **values) -> str:
    """The rule's address: what exists where something exists, and `values` by type of part."""
    own = {"AccountNumber": number, "Name": contract, "Token": "a" * 43, **values}
    return "".join(
        own.get(type(rule._converters[piece]).__name__, "nothing") if is_variable else piece.replace("|", "")
        for is_variable, piece in rule._trace
    )


def with_numbers(app) -> list:
    return [
        rule
        for rule in app.url_map.iter_rules()
        if any(isinstance(converter, IntegerConverter) for converter in rule._converters.values())
    ]


@each_huge
def test_no_address_with_a_huge_number_exists(app, cast, people, huge):
    number, browsers = people
    rules = with_numbers(app)
    assert len(rules) >= 10
    for rule in rules:
        path = address(rule, number, cast.contract.number, Id=huge)
        for browser in browsers:
            for method in rule.methods - {"HEAD", "OPTIONS"}:
                assert browser.open(path, method=method).status_code == 404, f"{method} {rule.rule}"


def test_the_largest_number_that_is_stored_is_asked_for(app, cast, people):
    """It is an address like any other, of something that is not there."""
    number, browsers = people
    for rule in with_numbers(app):
        path = address(rule, number, cast.contract.number, Id=str(LARGEST))
        statuses = {
            browser.open(path, method=method).status_code
            for browser in browsers
            for method in rule.methods - {"HEAD", "OPTIONS"}
        }
        assert statuses <= {403, 404, 422}, rule.rule


def test_no_list_stumbles_over_a_huge_number(app, cast, people):
    number, browsers = people
    opened, huge = 0, HUGE["30 nines"]
    for rule in app.url_map.iter_rules():
        if "GET" not in rule.methods or rule.endpoint == "static":
            continue
        path = address(rule, number, cast.contract.number, Id=str(cast.northwind.id))
        for browser in browsers:
            for query in (dict.fromkeys(ARGUMENTS, huge), *({name: huge} for name in ARGUMENTS)):
                answer = browser.get(path, query_string=query, check=False)
                assert answer.status_code in UNDERSTOOD, f"{rule.rule} {list(query)}"
                opened += answer.status_code == 200
    assert opened > 100


@each_huge
def test_no_form_stumbles_over_a_huge_number(app, cast, people, huge):
    """The numbers that forms carry along: versions, figures that were seen, documents that were shown."""
    number, (alice, olga) = people
    form = dict.fromkeys((*ARGUMENTS, f"a-{number}", f"s-{number}", "notice_days", "reserved_bytes", "once"), huge)
    for rule in app.url_map.iter_rules():
        path = address(rule, number, cast.contract.number, Id="999999")
        for browser in (alice, olga) if "POST" in rule.methods and not rule.endpoint.startswith("auth.log") else ():
            assert browser.post(path, data=form, check=False).status_code in UNDERSTOOD, rule.rule


@each_huge
def test_a_stranger_who_saw_a_document_that_cannot_be_gets_the_page_again(app, client, huge):
    signing_up.publish(app)
    signing_up.fill_in(client)
    boxes = signing_up.boxes(client.get("/sign-up/terms").text)
    seen = {name: f"{huge}:{'a' * 64}" for name in boxes if name.startswith("seen_")}
    assert seen
    assert client.post("/sign-up/terms", data={**boxes, **seen}).status_code == 409


@pytest.mark.parametrize(
    ("text", "number"),
    [("0", 0), ("7", 7), ("007", 7), (str(LARGEST), LARGEST), (str(LARGEST + 1), None), ("9" * 5000, None)]
    + [(text, None) for text in (None, "", " 7", "7\n", "-1", "+1", "1.5", "1_000", "٣", "²", "0x10", "seven")],
)
def test_what_is_read_as_a_number(text, number):
    assert whole(text) == number


def test_nothing_that_is_sent_is_made_a_number_elsewhere():
    """`int` takes numbers that no column holds, and raises at some that people can send."""
    own = ("blueprints.whole_numbers", "blueprints.formats")
    of_ours = ("str(int(value))", "click.argument('partner_id', type=int)")  # rules in force, and the command line
    found = [
        f"{source.name(path)}:{node.lineno} {ast.unparse(node)[:80]}"
        for path in source.product_files()
        if source.module(path).startswith("blueprints") and source.module(path) not in own
        for node in ast.walk(source.tree(path))
        if isinstance(node, ast.Call) and "int" in (called(node.func), *(called(word.value) for word in node.keywords))
        if not any(ast.unparse(node) in known for known in of_ours)
    ]
    source.none(found)


def called(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else ""
