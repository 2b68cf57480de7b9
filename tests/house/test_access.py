"""Who may open what: every address declares it, the table of roles decides it, and the gate keeps to both."""

import pytest
from werkzeug.routing import PathConverter, UnicodeConverter

from blueprints.access import Declaration, Permission
from blueprints.permissions import ROLES
from blueprints.whole_numbers import Id
from models.partner import PARTNER_STATES
from services.standing import LEVELS

# Open to everybody, and why that is right.
OPEN = {
    "public": "the front page",
    "health": "asked by the process runner",
    "language": "chosen before anybody is known",
    "second": "the second half of logging in, and passkeys",
    "sso_log_in": "signing in with the company's own log-in",
    "security.keep": "a link in a mail, which may be read on another device",
    "meter": "says how good a password is while one is chosen; keeps nothing",
    "auth": "logging in and out, and getting a lost password back",
    "signup": "strangers become partners",
    "console.by_link": "a link to an invited address; the token is what opens it",
    "console.choose": "the second half of logging in to the console; the right password is what opens it",
    "console.enter": "customers sign in",
    "console.forgot": "customers get a lost password back",
    "console.language": "chosen before anybody is known",
    "console.login": "customers sign in",
    "console.reset_sent": "customers get a lost password back",
    "console.send_reset": "customers get a lost password back",
    "console.signed_out": "where log-out leads",
    "hand_over": "customers have no log-in; the token is what opens it",
    "flow_down": "customers have no log-in; the token is what opens it",
    "report.new": "anybody may report a security problem (T11)",
    "report.send": "anybody may report a security problem (T11)",
    "report.sent": "says the number of the report that this browser sent",
    "brand": "the provider's colour and logo",
    "outward.notice": "a notice on the way out; the mark in its address is what opens it",
    "change_log": "what changes in the portal is public",
    "terms.changes": "the documents are public",
    "evidence.head": "anybody may compare what they keep with the published chain",
    "profile.confirm_mail": "a link to a new mail address, which may be read on another device",
    "team.invitation": "a link to an invited address; the token is what opens it",
    "team.join": "a link to an invited address; the token is what opens it",
    "terms.index": "the documents are public",
    "terms.show": "the documents are public",
    "terms.text": "the documents are public",
}
# Open to whoever is signed in, also before the terms are accepted and whatever the partner's state.
OPEN_TO_SIGNED_IN = {
    "report.own",
    "sessions.drop",
    "sessions.end",
    "sessions.end_others",
    "sessions.form",
    "sessions.index",
    "sessions.left",
    "sessions.stay",
    "support.end",
    "terms.accept",
    "terms.accept_now",
    "terms.decline",
    "terms.decline_now",
    "terms.own",
    "terms.receipt",
    "terms.receipt_pdf",
    "security.show",
    "security.set_up",
    "security.app",
    "security.confirm_app",
    "security.remove_app",
    "security.new_passkey",
    "security.ask_passkey",
    "security.add_passkey",
    "security.remove_passkey",
    "security.new_codes",
    "security.end_device",
    "prove.show",
    "prove.passkey",
    "prove.confirm",
    "prove.done",
    "sso_log_in.prove",
    "own_data.show",
    "own_data.person_json",
    "own_data.person_text",
}
# A right to look that may also set something going again, and why.
LOOKERS_THAT_ACT = {
    "allocations.rows": "search and pages of the board, posted so that typed figures go along; stores nothing",
    "admin.send_again": "a mail that the portal owes already",
    "admin.try_again": "work that the worker owes already",
    "notices.acknowledge": "everybody who may look has to follow what is published; records that they know it",
}
LOOKING = ("view", "list", "export", "use")
EXAMPLES = {Id: 999_999, PathConverter: "nothing.css"}
WORDS = {"AccountNumber": "000000000000", "Token": "a" * 43}
PEOPLE = ("alice", "bob", "vera", "charlie", "olga", "oscar")


def rules(app) -> list:
    return [rule for rule in app.url_map.iter_rules() if rule.endpoint != "static"]


def declared(app, rule) -> Declaration:
    return app.view_functions[rule.endpoint].access


def address(app, rule) -> str:
    """The rule's address with a made-up value for each part."""
    values = {
        name: EXAMPLES.get(type(converter), WORDS.get(type(converter).__name__, "nothing"))
        for name, converter in rule._converters.items()
    }
    with app.test_request_context():
        return app.url_map.bind("").build(rule.endpoint, values, method=sorted(rule.methods)[0])


def ways(app, method: str, *, console: bool = False) -> list[tuple[str, str, Declaration]]:
    """Those of the portal, or those of the customer console (tests/blueprints/test_console_gate.py)."""
    every = [(rule.endpoint, address(app, rule), declared(app, rule)) for rule in rules(app) if method in rule.methods]
    return [(endpoint, path, access) for endpoint, path, access in every if access.console == console]


def beyond_application(access: Declaration, method: str) -> bool:
    """Whether the address is closed to partners that reach their application only."""
    return access.states is None and access.level(method) != "application"


def test_every_address_declares_who_may_open_it(app):
    silent = [
        rule.rule
        for rule in rules(app)
        if not isinstance(getattr(app.view_functions[rule.endpoint], "access", 0), Declaration)
    ]
    assert silent == []


def test_what_is_open_to_everybody_is_meant_to_be(app):
    opened = {rule.endpoint for rule in rules(app) if declared(app, rule).open_to_all}
    assert {name for name in opened if name not in OPEN and name.split(".")[0] not in OPEN} == set()


def test_what_needs_no_permission_is_meant_to(app):
    no_permission = {
        rule.endpoint
        for rule in rules(app)
        if not (declared(app, rule).open_to_all or declared(app, rule).permission or declared(app, rule).console)
    }
    assert no_permission == OPEN_TO_SIGNED_IN


def test_a_right_to_look_changes_nothing(app):
    changing = {
        rule.endpoint
        for rule in rules(app)
        if "POST" in rule.methods and (right := declared(app, rule).permission) and right.value.split(":")[1] in LOOKING
    }
    assert changing == set(LOOKERS_THAT_ACT)


def test_every_part_of_an_address_has_a_type(app):
    loose = [
        rule.rule
        for rule in rules(app)
        if any(type(converter) in (UnicodeConverter, PathConverter) for converter in rule._converters.values())
    ]
    assert loose == []


def test_the_command_line_prints_the_whole_table(app):
    printed = app.test_cli_runner().invoke(args=["routes", "--access"]).output.splitlines()
    assert len(printed) == len(list(app.url_map.iter_rules()))
    for rule in rules(app):
        line = next(
            line
            for line in printed
            if f" {rule.rule} " in line and sorted(rule.methods - {"HEAD", "OPTIONS"})[0] in line
        )
        permission = declared(app, rule).permission
        assert permission is None or permission.value in line


def test_nobody_gets_past_the_gate(app, client, cast):
    """Pages send to the log-in; a piece of a page says 401 and where the log-in is; a form changes nothing."""
    for endpoint, path, access in ways(app, "GET"):
        if access.open_to_all:
            continue
        answer = client.get(path)
        assert (answer.status_code, answer.location.split("?")[0]) == (303, "/login"), endpoint
        piece = client.get(path, htmx=True)
        if access.polled:
            assert piece.status_code == 286, endpoint  # ends the polling and leaves the page as it is
            continue
        assert (piece.status_code, piece.headers["HX-Redirect"].split("?")[0]) == (401, "/login"), endpoint
    for endpoint, path, access in ways(app, "POST"):
        if not access.open_to_all:
            assert client.post(path).location == "/login", endpoint


@pytest.mark.parametrize("name", PEOPLE)
def test_a_person_opens_what_the_table_says_and_nothing_else(app, cast, client_as, name):
    """The wrong sort of person learns nothing (404), the right sort without the right is told so (403)."""
    person = getattr(cast, name)
    browser = client_as(person)
    role = getattr(person, "role", None) or person.right
    for method in ("GET", "POST"):
        for endpoint, path, access in ways(app, method):
            if access.permission is None or role in ROLES[access.permission]:
                continue
            is_operator = person in (cast.olga, cast.oscar)
            others = {"support", "manager", "owner"} if is_operator else {"admin", "staff", "viewer"}
            expected = 403 if ROLES[access.permission] & others else 404
            assert browser.open(path, method=method).status_code == expected, f"{name} {method} {endpoint}"


@pytest.mark.parametrize("name", PEOPLE)
def test_every_page_that_a_person_may_open_opens(app, cast, client_as, name):
    """Addresses without a number in them; each page is looked at by the page checker on the way."""
    person = getattr(cast, name)
    browser = client_as(person)
    role = getattr(person, "role", None) or person.right
    opened = 0
    for endpoint, path, access in ways(app, "GET"):
        rule = next(rule for rule in rules(app) if rule.endpoint == endpoint)
        if rule.arguments or access.permission is None or role not in ROLES[access.permission]:
            continue
        opened += 1
        for htmx in (False, True):
            status = browser.get(path, htmx=htmx).status_code
            assert status in (200, 204, 303), f"{name} {endpoint} answers {status}"
    assert opened > 1


def test_unknown_things_are_not_found(app, cast, client_as):
    """A made-up number in any address of a member's page is 404, never a fault."""
    browser = client_as(cast.alice)
    for endpoint, path, access in ways(app, "GET"):
        if access.permission and "admin" in ROLES[access.permission] and "000000000000" in path:
            assert browser.get(path).status_code == 404, endpoint


def test_partners_that_are_not_active_reach_their_application_only(app, cast, client_as):
    cast.northwind.state = "suspended"
    cast.northwind.save()
    browser = client_as(cast.alice)
    for endpoint, path, access in ways(app, "GET"):
        if access.permission and beyond_application(access, "GET") and "admin" in ROLES[access.permission]:
            answer = browser.get(path)
            assert (answer.status_code, answer.location) == (303, "/application"), endpoint


def test_states_named_by_declarations_exist(app):
    assert {state for rule in rules(app) for state in declared(app, rule).states or ()} <= set(PARTNER_STATES)
    assert {declared(app, rule).level("GET") for rule in rules(app)} <= set(LEVELS)


def test_a_view_that_declares_nothing_is_refused(app, cast, client_as, client):
    app.add_url_rule("/forgotten", "forgotten", lambda: "open")
    assert client.get("/forgotten").status_code == 303
    assert client_as(cast.alice).get("/forgotten").status_code == 401


def test_a_form_without_its_token_is_refused_everywhere(app, cast, client_as):
    alice, olga = client_as(cast.alice), client_as(cast.olga)
    for endpoint, path, access in ways(app, "POST"):
        if not access.open_to_all and "active" in (access.states or ("active",)):
            browser = olga if endpoint.startswith("admin.") else alice
            assert browser.post(path, csrf=False).status_code == 400, endpoint


def test_a_form_sent_from_another_site_is_refused(client):
    headers = {"Sec-Fetch-Site": "cross-site"}
    assert client.post("/language", data={"language": "de"}, headers=headers).status_code == 403


def test_every_permission_has_somebody():
    assert [permission for permission in Permission if not ROLES[permission]] == []
