"""portal -> blueprints -> services -> models, never back; each layer knows only the libraries that are its own."""

import ast
import re
import subprocess
import sys
from importlib.metadata import packages_distributions

import pytest

from blueprints import AREAS
from tests.house import source

LEVEL = {"models": 0, "services": 1, "blueprints": 2, "portal": 3}
WEB = ("flask", "flask_babel", "flask_login", "flask_wtf", "htmx_flask", "werkzeug", "wtforms", "waitress")
STORAGE = ("boto3", "botocore")


def imports(path) -> list[tuple[str, int]]:
    """Modules that a file imports, also within functions: `a.b` for `from a import b` where a is a package of ours."""
    found = []
    for node in ast.walk(source.tree(path)):
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{source.name(path)}:{node.lineno} imports relatively; write the whole name"
            package = (node.module or "") in source.PACKAGES
            found += [
                (f"{node.module}.{alias.name}" if package else node.module or "", node.lineno) for alias in node.names
            ]
    return found


ALL = [(path, what, line) for path in source.product_files() for what, line in imports(path)]


def breaches(rule) -> list[str]:
    return sorted({f"{source.name(path)}:{line} imports {what}" for path, what, line in ALL if rule(path, what)})


def layer(path) -> str:
    return source.module(path).split(".")[0]


def test_layers_import_downwards_only():
    source.none(breaches(lambda path, what: LEVEL.get(what.split(".")[0], 0) > LEVEL[layer(path)]))


def test_nobody_imports_the_portal():
    source.none(breaches(lambda path, what: what.split(".")[0] == "portal"))


def test_nothing_in_the_product_imports_tests_or_benches():
    source.none(breaches(lambda path, what: what.split(".")[0] in ("tests", "bench", "deploy", "pytest")))


def test_models_know_peewee_and_the_standard_library():
    known = {*sys.stdlib_module_names, "peewee", "playhouse", "models"}
    source.none(breaches(lambda path, what: layer(path) == "models" and what.split(".")[0] not in known))


def test_services_know_no_web():
    """`serving` hands an application that it knows nothing of to waitress."""

    def foreign(path, what) -> bool:
        top = what.split(".")[0]
        return (
            layer(path) == "services" and top in WEB and (source.module(path), top) != ("services.serving", "waitress")
        )

    source.none(breaches(foreign))


def test_only_the_storage_gateway_imports_the_storage_library():
    def foreign(path, what) -> bool:
        return what.split(".")[0] in STORAGE and not source.module(path).startswith("services.storage")

    source.none(breaches(foreign))


def test_who_is_signed_in_is_asked_in_one_place():
    """flask-login is an affair of `access`; everybody else asks `viewer`."""
    source.none(breaches(lambda path, what: what == "flask_login" and source.module(path) != "blueprints.access"))


def test_what_htmx_says_is_read_by_access_and_partials():
    readers = {
        source.module(path)
        for path in source.product_files()
        for node in ast.walk(source.tree(path))
        if isinstance(node, ast.Attribute) and node.attr == "htmx"
    }
    assert readers == {"blueprints.access", "blueprints.partials"}


def test_blueprints_never_call_the_storage():
    """The web tier reads what the worker wrote down. `names` holds rules for names and speaks to nobody."""

    def reaches(path, what) -> bool:
        return layer(path) == "blueprints" and what.startswith("services.storage") and what != "services.storage.names"

    source.none(breaches(reaches))


def test_no_area_imports_another_area():
    """What several areas need (the frame, shared form fields) is a module of its own and has no routes."""

    def stranger(path, what) -> bool:
        if layer(path) != "blueprints" or not what.startswith("blueprints."):
            return False
        mine, other = source.module(path).split(".")[1:2], what.split(".")[1]
        return other in AREAS and mine != [other] and not any(own.startswith(f"{other}_") for own in mine)

    source.none(breaches(stranger))


def test_the_web_process_starts_without_the_storage_library(tmp_path):
    """It costs most of a second and 60 MB; only the worker needs it."""
    program = "import sys, portal; portal.create_app(); print(sorted({'boto3', 'botocore'} & set(sys.modules)))"
    started = subprocess.run(
        [sys.executable, "-c", program],
        cwd=source.ROOT,
        env={"PATH": "", "PORTAL_VAR_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (started.stdout.strip(), started.stderr) == ("[]", "")


def test_importing_a_module_does_no_work(tmp_path):
    """No file, no connection, no setting read: modules only define."""
    names = [source.module(path) for path in source.product_files() if "migrations" not in path.parts]
    program = (
        "import importlib, sys\n"
        "def watch(event, arguments):\n"
        "    if event == 'open' and isinstance(arguments[2], int) and arguments[2] & 3:\n"
        "        raise SystemExit(f'{name} writes {arguments[0]}')\n"
        "    if event in ('socket.connect', 'sqlite3.connect', 'subprocess.Popen'):\n"
        "        raise SystemExit(f'{name}: {event}')\n"
        "sys.dont_write_bytecode = True\n"
        "sys.addaudithook(watch)\n"
        f"for name in {names!r}: importlib.import_module(name)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=source.ROOT, env={"PATH": ""}, capture_output=True, text=True, check=False
    )
    assert ran.stderr == ""


@pytest.mark.parametrize("package", ["requirements.txt"])
def test_every_library_that_the_product_imports_is_pinned(package):
    text = (source.ROOT / package).read_text()
    pinned = {line.split("==")[0].split("[")[0].lower().replace("_", "-") for line in text.splitlines() if "==" in line}
    distributions = packages_distributions()
    own = {*sys.stdlib_module_names, *LEVEL}
    wanted = {what.split(".")[0] for _, what, _ in ALL} - own
    missing = {
        top for top in wanted if not pinned & {name.lower().replace("_", "-") for name in distributions.get(top, [top])}
    }
    assert missing == set()


def test_every_library_that_a_test_imports_is_pinned():
    pinned = set()
    for name in ("requirements.txt", "requirements-dev.txt"):
        pinned |= set(re.findall(r"^([\w-]+)(?:\[\w+\])?==", (source.ROOT / name).read_text().lower(), re.MULTILINE))
    distributions = packages_distributions()
    tops = {
        what.split(".")[0]
        for folder in ("tests", "bench")
        for path in (source.ROOT / folder).rglob("*.py")
        if "node_modules" not in path.parts
        for what, _ in imports(path)
    }
    own = {*sys.stdlib_module_names, *LEVEL, "tests", "bench", "deploy"}
    missing = {
        top
        for top in tops - own
        if not pinned & {name.lower().replace("_", "-") for name in distributions.get(top, [top])}
    }
    assert missing == set()


def test_every_pin_is_exact():
    for name in ("requirements.txt", "requirements-dev.txt"):
        lines = [
            line for line in (source.ROOT / name).read_text().splitlines() if line and not line.startswith(("#", "-r "))
        ]
        assert [line for line in lines if "==" not in line] == []
