"""Every address and every job belongs to an area that can be switched off, or says why it never is (T5).

A new address: give its right a line in AREA_OF, or say @requires(…, area="…"), or name it in NEVER_OFF with the reason
(blueprints/areas.py). A new job: a line in JOBS or JOBS_NEVER_OFF (services/features.py).
"""

import ast

import pytest

from blueprints.areas import AREA_OF, NEVER_OFF, area_of
from services import features
from tests.house import source
from tests.house.test_access import address, declared, rules
from tests.notices import TEXTS, switched_off


def areas(app) -> dict[str, str | None]:
    return {rule.endpoint: area_of(rule.endpoint, declared(app, rule)) for rule in rules(app)}


def never_off(endpoint: str) -> bool:
    return endpoint in NEVER_OFF or endpoint.split(".")[0] in NEVER_OFF


def of_area(app, area: str) -> list[tuple[str, str, str, bool]]:
    """Address, method, endpoint, polled: each way into the area (customers': tests/blueprints/test_console_gate.py)."""
    return [
        (address(app, rule), method, rule.endpoint, declared(app, rule).polled)
        for rule in rules(app)
        if area_of(rule.endpoint, declared(app, rule)) == area and not declared(app, rule).console
        for method in sorted(rule.methods & {"GET", "POST"})
    ]


def is_told(answer) -> bool:
    return answer.status_code == 403 and TEXTS["en"] in answer.text


def test_every_address_has_an_area_or_a_reason(app):
    homeless = [endpoint for endpoint, area in areas(app).items() if area is None and not never_off(endpoint)]
    assert homeless == []


def test_what_is_never_off_is_there_and_has_no_area(app):
    """A name of an area of code speaks for those of its addresses that say nothing themselves."""
    there = areas(app)
    named = {name: [end for end in there if name in (end, end.split(".")[0])] for name in NEVER_OFF if name != "static"}
    assert [name for name, found in named.items() if not found] == []
    assert all(reason.strip() for reason in NEVER_OFF.values())
    assert [name for name, found in named.items() if all(there[endpoint] for endpoint in found)] == []


def test_every_area_named_anywhere_is_in_the_table(app):
    named = {area for area in areas(app).values() if area} | set(AREA_OF.values()) | set(features.JOBS.values())
    assert named == set(features.AREAS)


def test_what_is_more_than_its_right_says_so(app):
    """Without these lines creation would go off with all changes, and files with the pages that they come from."""
    wanted = {
        "sub_accounts.new": "sub_account_creation",
        "sub_accounts.create": "sub_account_creation",
        "usage.export": "exports",
        "usage.export_days": "exports",
        "usage.account_days": "exports",
        "access_keys.make_link": "key_hand_over",
        "hand_over.ask": "key_hand_over",
        "hand_over.show": "key_hand_over",
    }
    there = areas(app)
    assert {endpoint: there[endpoint] for endpoint in wanted} == wanted
    assert {area for endpoint, area in there.items() if endpoint.startswith("signup.")} == {"sign_up"}


def test_a_notice_never_closes_the_way_to_data_or_out(app):
    open_ways = {"keys", "key_hand_over", "console", "exports", "requests", "flow_down", "provisioning", "sign_up"}
    assert set(features.BLOCKABLE) == set(features.AREAS) - open_ways


@pytest.mark.parametrize("area", sorted(features.AREAS))
def test_an_area_that_is_off_for_all_refuses_page_partial_and_form(app, cast, client_as, clock, area):
    ways = of_area(app, area)
    assert ways or area in features.JOBS.values()
    switched_off(cast, clock.now(), area)
    browser = client_as(cast.alice)
    for path, method, endpoint, polled in ways:
        assert is_told(browser.open(path, method=method)), f"{method} {endpoint}"
        piece = browser.open(path, method=method, htmx=True)
        assert piece.status_code == 286 if polled else is_told(piece), f"{method} {endpoint} as a piece"
        assert polled or piece.headers["HX-Retarget"] == "#alert"


@pytest.mark.parametrize("area", sorted(set(features.AREAS) - {"sign_up"}))
def test_an_area_that_is_off_for_one_partner_is_on_for_others(app, cast, client_as, clock, area):
    switched_off(cast, clock.now(), area, cast.northwind)
    alice, charlie = client_as(cast.alice), client_as(cast.charlie)
    for path, method, endpoint, _polled in of_area(app, area):
        if not app.view_functions[endpoint].access.open_to_all:
            assert is_told(alice.open(path, method=method)), f"{method} {endpoint}"
        assert TEXTS["en"] not in charlie.open(path, method=method, check=False).text, f"{method} {endpoint}"


@pytest.mark.parametrize("area", sorted(features.AREAS))
def test_no_other_area_goes_off_with_it(app, cast, client_as, clock, area):
    switched_off(cast, clock.now(), area)
    browser = client_as(cast.alice)
    seen = {area, None}
    for rule in rules(app):
        other = area_of(rule.endpoint, declared(app, rule))
        if other not in seen and "GET" in rule.methods and not declared(app, rule).console:
            seen.add(other)
            assert not is_told(browser.get(address(app, rule))), rule.endpoint


def test_what_is_never_off_opens_with_everything_off(app, cast, client, client_as, clock):
    for area in features.AREAS:
        switched_off(cast, clock.now(), area)
    people = {"alice": client_as(cast.alice), "olga": client_as(cast.olga), "nobody": client}
    for rule in rules(app):
        if never_off(rule.endpoint) and area_of(rule.endpoint, declared(app, rule)) is None and not rule.arguments:
            person = people["olga" if rule.rule.startswith("/admin") else "alice"]
            if "GET" in rule.methods:
                assert person.get(address(app, rule)).status_code in (200, 303, 404), rule.endpoint
    assert client.get("/login").status_code == 200
    assert client.get("/").status_code == 200


JOBS_IN = {"services/worker.py": ("follow", "tend", "keep_house", "_sweep", "_loops"), "services/sweep.py": ()}


def called(path, functions: tuple[str, ...]) -> set[str]:
    """`module.function` for each function of another service that these functions (all, where none are named) call or
    hand on to be called."""
    tree = source.tree(path)
    imported = {
        alias.asname or alias.name: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(("services", "models"))
        for alias in node.names
    }
    nodes = [
        node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name in (functions or (node.name,))
    ]
    found = set()
    for inner in (inner for node in nodes for inner in ast.walk(node)):
        called_by_name = isinstance(inner, ast.Call) and isinstance(inner.func, ast.Name)
        if called_by_name and inner.func.id in imported and inner.func.id[0].islower():
            found.add(inner.func.id)
        elif isinstance(inner, ast.Attribute) and imported.get(getattr(inner.value, "id", "")) == "services":
            found |= {f"{inner.value.id}.{inner.attr}"} if inner.attr.islower() else set()
    return found


def test_every_job_of_the_worker_obeys_a_switch_or_says_why_not():
    jobs = set().union(*(called(source.ROOT / path, functions) for path, functions in JOBS_IN.items()))
    assert jobs - NO_JOBS == set(features.JOBS) | set(features.JOBS_NEVER_OFF)
    assert not set(features.JOBS) & set(features.JOBS_NEVER_OFF)


# Called there, but work of nobody: they only say when.
NO_JOBS = {"write_tx", "local_day", "midnight", "each", "tried", "closing_retrieval.wants_another_round"}
