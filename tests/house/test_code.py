"""Habits that the code keeps, read from the code."""

import ast
import re

from blueprints.permissions import ROLES, Permission
from tests.house import source

# Where the machine's own time is right, and why.
OWN_TIME = {
    "services/clock.py": "is the clock",
    "services/storage/embedded_files.py": "certificates are checked by another program, against the machine's time",
}
CLOCKS = re.compile(r"(^|\.)(now|utcnow|today|fromtimestamp|utcfromtimestamp)$")
# Programs that speak to a terminal.
SPEAKERS = {"services/storage/embedded.py": "runs as a process of its own"}


def found_calls(wanted, files=None) -> list[str]:
    return [
        f"{source.name(path)}:{line} {called}"
        for path in files or source.product_files()
        for called, line in source.calls(path)
        if wanted(path, called)
    ]


def test_nobody_asks_the_machine_what_time_it_is():
    """`time.monotonic` measures how long something takes and is no time of day."""

    def asks(path, called) -> bool:
        owner = called.split(".")[0]
        is_clock = (CLOCKS.search(called) and owner in ("datetime", "date", "dt")) or called in (
            "time.time",
            "time.time_ns",
        )
        return bool(is_clock) and source.name(path) not in OWN_TIME

    source.none(found_calls(asks))


def test_every_write_opens_its_transaction_in_one_way():
    """A bare atomic() is deferred on SQLite: under load 19 of 20 writes fail."""
    bare = found_calls(
        lambda path, called: (
            called.endswith((".atomic", ".transaction", ".manual_commit", ".savepoint"))
            and source.name(path) != "models/base.py"
        )
    )
    source.none(bare)


def test_blueprints_fetch_through_the_owner():
    """A row found by its number alone may be another partner's."""
    blueprints = [
        path for path in source.product_files() if path.match("blueprints/**/*.py") or path.parent.name == "blueprints"
    ]
    source.none(found_calls(lambda _, called: called.endswith((".get_by_id", ".get_or_404")), blueprints))


def test_nothing_prints():
    source.none(found_calls(lambda path, called: called == "print" and source.name(path) not in SPEAKERS))


def test_wildcards_of_people_are_escaped():
    """Peewee's `**` (LIKE) leaves % and _ of a typed text in force; contains and startswith do not."""
    found = [
        f"{source.name(path)}:{node.lineno}"
        for path in source.product_files()
        for node in ast.walk(source.tree(path))
        if isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Pow)
        and not (isinstance(node.left, ast.Constant) or isinstance(node.right, ast.Constant))
    ]
    source.none(found)


def test_every_row_that_changes_by_save_names_its_columns():
    """A whole-row save writes back what another process changed meanwhile."""
    bare = [
        f"{source.name(path)}:{node.lineno} {ast.unparse(node)}"
        for path in source.product_files()
        for node in ast.walk(source.tree(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "save"
        and not any(keyword.arg in ("only", "force_insert") for keyword in node.keywords)
    ]
    source.none(bare)


def test_no_loose_ends():
    """What is not done is written down where work is planned, not left in the code."""
    marks = re.compile(r"\b(TODO|FIXME|XXX|HACK|[Ll]orem ipsum)\b|[\"']being built[\"']")
    kinds = (".py", ".html", ".txt", ".js", ".css", ".md", ".toml")
    texts = [
        path for path in source.tracked_files() if path.suffix in kinds and not source.name(path).startswith("tests/")
    ]
    found = [
        f"{source.name(path)}:{number}"
        for path in texts
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if marks.search(line)
    ]
    source.none(found)


def test_a_broad_except_says_what_it_does_with_the_failure():
    """`except Exception` that goes on in silence hides faults: it logs or raises."""
    silent = [
        f"{source.name(path)}:{node.lineno}"
        for path in source.product_files()
        for node in ast.walk(source.tree(path))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) in ("Exception", "BaseException"))
        and not any(isinstance(part, ast.Raise) or "log" in ast.unparse(part) for part in node.body)
    ]
    source.none([place for place in silent if not place.startswith("services/storage/embedded.py")])


def test_every_permission_is_used_and_is_in_the_table():
    source.none(permission.name for permission in Permission if not uses(permission))
    assert set(ROLES) == set(Permission)
    assert list(Permission) == sorted(Permission), "the permissions stand in alphabetical order"


def uses(permission: Permission) -> bool:
    """Named outside the table that gives it to roles, in Python or, by its value, in a template."""
    files = [path for path in source.product_files() if source.name(path) != "blueprints/access.py"]
    in_code = any(re.search(rf"Permission\.{permission.name}\b", path.read_text()) for path in files)
    return in_code or any(f'"{permission.value}"' in path.read_text() for path in source.templates())


def test_public_functions_of_services_and_gateways_say_what_they_do():
    """Units, shapes, errors, source of the rule: whoever calls a service reads this and not its body."""
    silent = [
        f"{source.name(path)}:{node.lineno} {node.name}"
        for path in source.product_files()
        if path.match("services/**/*.py") or path.parent.name == "services"
        for node in source.tree(path).body
        if isinstance(node, ast.FunctionDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
        and len(source.code_lines(path) & set(range(node.lineno, (node.end_lineno or 0) + 1))) > 5
    ]
    source.none(silent)


def test_every_module_says_what_it_is_for():
    source.none([source.name(path) for path in source.product_files() if not ast.get_docstring(source.tree(path))])
