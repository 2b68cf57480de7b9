"""Sizes: the tail is watched, not the median. Lines of code count; docstrings, comments and blank lines do not."""

import ast

from tests.house import source

ROUTE, FUNCTION, FILE, TEMPLATE, PARTIAL, TEST_FILE = 25, 40, 250, 100, 40, 400
METHODS = ("get", "post", "put", "patch", "delete", "route")
# Migrations are a record of what was done; they are not read for how they are built.
RECORDS = ("models/migrations/",)


def functions(path):
    return [node for node in ast.walk(source.tree(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def is_route(node) -> bool:
    called = [decorator.func for decorator in node.decorator_list if isinstance(decorator, ast.Call)]
    return any(isinstance(function, ast.Attribute) and function.attr in METHODS for function in called)


def length(path, node) -> int:
    """From `def` on: decorators say who may, not what is done."""
    return len(source.code_lines(path) & set(range(node.lineno, (node.end_lineno or node.lineno) + 1)))


def files():
    return [path for path in source.product_files() if not source.name(path).startswith(RECORDS)]


def test_a_route_has_at_most_25_lines():
    routes = [
        (path, node) for path in files() if path.match("blueprints/**") for node in functions(path) if is_route(node)
    ]
    assert routes
    source.none([f"{source.name(path)}:{node.name}" for path, node in routes if length(path, node) > ROUTE])


def test_a_function_has_at_most_40_lines():
    long = [
        f"{source.name(path)}:{node.name}"
        for path in files()
        for node in functions(path)
        if length(path, node) > FUNCTION
    ]
    source.none(long)


def test_a_python_file_has_at_most_250_lines():
    source.none([source.name(path) for path in files() if len(path.read_text().splitlines()) > FILE])


def test_a_template_has_at_most_100_lines_and_a_partial_40():
    long = []
    for path in source.templates():
        most = PARTIAL if path.name.startswith("_") else TEMPLATE
        if len(path.read_text().splitlines()) > most:
            long.append(source.name(path))
    source.none(long)


def test_a_file_of_tests_has_at_most_400_lines():
    tests = [path for path in (source.ROOT / "tests").rglob("*.py") if "node_modules" not in path.parts]
    source.none([source.name(path) for path in tests if len(path.read_text().splitlines()) > TEST_FILE])


def test_no_file_is_named_for_nothing():
    """What has no name yet has no home yet."""
    vague = {"utils", "util", "helpers", "helper", "common", "manager", "misc", "base_utils"}
    python = [*source.product_files(), *(source.ROOT / "tests").rglob("*.py")]
    source.none([source.name(path) for path in python if path.stem in vague])
