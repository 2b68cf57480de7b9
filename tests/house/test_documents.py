"""Documents that go stale fail: settings, commands, and what no file may name."""

import re

import click
import pytest

from services import settings
from services.secret import Secret
from tests.house import source

DOCUMENTS = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")
SETTINGS = source.ROOT / "docs" / "settings.md"
COMMANDS = source.ROOT / "docs" / "commands.md"
# Set for `make run` alone; the portal itself does not read it.
LOCAL = {"STORAGE_PORT"}


def documents() -> str:
    paths = [*(source.ROOT / name for name in DOCUMENTS), *(source.ROOT / "docs").rglob("*.md")]
    return "\n".join(path.read_text() for path in paths if path.exists())


@pytest.mark.parametrize("name", settings.KNOWN)
def test_every_setting_is_documented(name):
    assert f"`{name}`" in SETTINGS.read_text()


def test_every_documented_setting_exists():
    named = set(re.findall(r"`((?:PORTAL|STORAGE|SMTP|DATABASE)_[A-Z_]+)`", documents()))
    assert named - set(settings.KNOWN) == LOCAL & named


def test_documented_defaults_are_the_defaults():
    """Each number and each short text in the table is what the code takes."""
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \|.*\| `([^`]+)` \|$", SETTINGS.read_text(), re.MULTILINE))
    taken = settings.Settings(Secret("x"), (), "", source.ROOT)
    names = {**settings.NUMBERS, **settings.TEXTS, **settings.LISTS}
    for key, shown in rows.items():
        if key in names:
            value = getattr(taken, names[key])
            assert shown == (",".join(value) if isinstance(value, tuple) else str(value)), key
        elif key in settings.PROVIDER:
            assert shown == getattr(taken.provider, settings.PROVIDER[key]), key
    assert len(rows) > 20


def commands(group: click.Group, before: str = "") -> list[str]:
    found = []
    for name, command in group.commands.items():
        found += commands(command, f"{before}{name} ") if isinstance(command, click.Group) else [f"{before}{name}"]
    return found


def test_every_command_is_documented_and_says_what_it_does(app):
    named = commands(app.cli)
    assert named
    for name in named:
        assert re.search(rf"`{name}(?: [A-Z]+)*`", COMMANDS.read_text()), name
        assert app.test_cli_runner().invoke(args=[*name.split(), "--help"]).exit_code == 0


def test_every_documented_command_exists(app):
    shown = re.findall(r"^\| `([a-z-]+(?: [a-z]+)?)(?: [A-Z]+)*` \|", COMMANDS.read_text(), re.MULTILINE)
    assert set(shown) == set(commands(app.cli))


def test_every_make_target_is_explained():
    text = (source.ROOT / "Makefile").read_text()
    targets = set(re.search(r"^\.PHONY: (.+)$", text, re.MULTILINE)[1].split())
    assert targets == set(re.findall(r"^([a-z]+): .*## ", text, re.MULTILINE))


def test_files_name_no_registry_and_no_place_on_a_machine():
    """Where packages come from, and where this was written, is nobody's business: it works anywhere."""
    hosts = (
        r"pypi\.org|pythonhosted\.org|npmjs\.(?:org|com)|deb\.debian\.org|docker\.io|ghcr\.io|--index-url|--registry"
    )
    places = r"(?<![\w.~])/(?:home|root|Users|work|mnt)/\w+"
    forbidden = re.compile(f"{hosts}|{places}")
    here = source.ROOT / "tests" / "house" / "test_documents.py"
    found = []
    for path in source.tracked_files():
        if path == here or path.suffix in (".mo", ".png", ".ico", ".ttf", ".woff2"):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if match := forbidden.search(line):
                found.append(f"{source.name(path)}:{number} {match[0]}")
    source.none(found)


def test_links_between_documents_lead_somewhere():
    broken = []
    for path in [*(source.ROOT / name for name in DOCUMENTS), *(source.ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?:|mailto:|#)([^)#]+)", path.read_text() if path.exists() else ""):
            if not (path.parent / target).exists():
                broken.append(f"{source.name(path)}: {target}")
    source.none(broken)


def direct_requirements() -> list[str]:
    """Those that were chosen; what they bring along stands below a comment of its own."""
    chosen = []
    for name in ("requirements.txt", "requirements-dev.txt"):
        text = (source.ROOT / name).read_text().split("# What these bring along.")[0]
        chosen += re.findall(r"^([a-z0-9-]+)(?:\[\w+\])?==", text, re.MULTILINE)
    return chosen


def test_every_dependency_is_explained_and_every_explained_one_is_there():
    rows = re.findall(r"^\| ([a-z][^|`]+) \|", (source.ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE)
    named = [name for row in rows for name in re.findall(r"[a-z0-9]+(?:-[a-z0-9]+)*", row)]
    chosen = direct_requirements()
    assert len(chosen) > 25
    assert sorted(set(chosen) - set(named)) == []
    assert sorted(set(named) - set(chosen)) == []


def test_programs_are_programs():
    for name in (".ci/run", "deploy/prepare"):
        assert (source.ROOT / name).stat().st_mode & 0o111, f"{name} cannot be run"
