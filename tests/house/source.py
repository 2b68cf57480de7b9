"""The product's own files, as the tests of the house read them."""

import ast
import functools
import io
import subprocess
import tokenize
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("models", "services", "blueprints")
QUIET = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
}


@functools.cache
def product_files() -> list[Path]:
    found = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    return [ROOT / "portal.py", *found]


@functools.cache
def templates() -> list[Path]:
    return sorted(path for path in (ROOT / "templates").rglob("*") if path.suffix in (".html", ".txt"))


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def module(path: Path) -> str:
    """blueprints/admin/__init__.py -> blueprints.admin"""
    return name(path).removesuffix(".py").removesuffix("/__init__").replace("/", ".")


@functools.cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def calls(path: Path) -> list[tuple[str, int]]:
    """Every called name with its line: `datetime.now`, `print`, `x.atomic`."""
    return [(ast.unparse(node.func), node.lineno) for node in ast.walk(tree(path)) if isinstance(node, ast.Call)]


@functools.cache
def code_lines(path: Path) -> set[int]:
    """Numbers of the lines that hold code: neither blank, nor comment, nor docstring alone."""
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline):
        if token.type not in QUIET:
            lines |= set(range(token.start[0], token.end[0] + 1))
    return lines - _docstring_lines(path)


def _docstring_lines(path: Path) -> set[int]:
    lines: set[int] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(
            node
        ):
            text = node.body[0]
            lines |= set(range(text.lineno, (text.end_lineno or text.lineno) + 1))
    return lines


@functools.cache
def tracked_files() -> list[Path]:
    """What is or would be committed; in an unpacked archive, everything but what tools make."""
    if (ROOT / ".git").exists():
        asked = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        return [ROOT / line for line in asked.stdout.splitlines() if (ROOT / line).is_file()]
    made = {".venv", "var", "node_modules", "__pycache__"}
    return [path for path in ROOT.rglob("*") if path.is_file() and not made & set(path.parts)]


def none(found) -> None:
    """Fails with every finding, a line each."""
    found = list(found)
    assert not found, "\n" + "\n".join(f"- {line}" for line in found)
