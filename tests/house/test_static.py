"""What is served to browsers: whose code it is, that nothing comes from elsewhere, its size, and its colours."""

import gzip
import hashlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "static"
VENDOR = STATIC / "vendor"
STYLE = (STATIC / "portal.css").read_text()

ROW = re.compile(
    r"^\| `(?P<name>[^`]+)` \|.*\| (?P<version>\S+) \|.*`(?P<licence>\S+\.txt)` \| `(?P<sha256>[0-9a-f]{64})` \|$", re.M
)
MANIFEST = {row["name"]: row for row in ROW.finditer((VENDOR / "VENDOR.md").read_text())}

# What meets on a page: text on ground 4.5, the edges and fillings of controls and bars 3 (WCAG 2.2, 1.4.3 and 1.4.11).
SOFT = ("info", "good", "warn", "bad")
TEXT = [
    *((ink, ground) for ink in ("ink", "ink-muted", "link") for ground in ("ground", "surface", "raised", "hover")),
    *((ink, "sunken") for ink in ("ink", "ink-muted")),
    *((tone, f"{tone}-soft") for tone in SOFT),
    *(("ink", f"{tone}-soft") for tone in SOFT),
    *((tone, ground) for tone in SOFT for ground in ("ground", "surface")),
    ("link", "accent-soft"),
    ("on-accent", "accent"),
    ("on-accent", "accent-hover"),
    ("on-bad", "bad-fill"),
]
EDGES = [
    *(("line-strong", ground) for ground in ("ground", "surface", "sunken")),
    *(("focus", ground) for ground in ("ground", "surface", "raised", "hover")),
    *((accent, "surface") for accent in ("accent", "bad-fill", "bar-used", "bar-over")),
    ("accent", "ground"),
    ("bar-used", "bar-allocated"),
    ("bar-allocated", "bar-free"),
    ("bar-allocated", "surface"),
    ("bar-used", "raised"),
]


def channels(colour: str) -> list[int]:
    return [int(colour[place : place + 2], 16) for place in (1, 3, 5)]


def luminance(colour: str) -> float:
    parts = [channel / 255 for channel in channels(colour)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def tokens() -> dict[str, tuple[str, str]]:
    return {
        name: (light, dark)
        for name, light, dark in re.findall(r"--([a-z-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);", STYLE)
    }


@pytest.mark.parametrize(("needed", "pairs"), [(4.5, TEXT), (3.0, EDGES)], ids=["text", "edges"])
@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_colours_that_meet_can_be_told_apart(needed, pairs, theme):
    known = tokens()
    measured = {pair: contrast(known[pair[0]][theme], known[pair[1]][theme]) for pair in pairs}
    assert {pair: round(ratio, 2) for pair, ratio in measured.items() if ratio < needed} == {}


def test_the_contrast_formula_is_that_of_wcag():
    assert round(contrast("#000000", "#ffffff"), 2) == 21
    assert round(contrast("#777777", "#ffffff"), 2) == 4.48


def test_every_colour_is_a_token():
    after_tokens = STYLE.split("/* Elements", 1)[1]
    plain = re.sub(r'url\("data:[^"]*"\)', "", after_tokens)
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b(?=[;\s,)])|\brgba?\(|\bhsla?\(", plain) == []


def test_every_token_is_defined_and_used():
    defined = set(re.findall(r"^\s*(--[\w-]+):", STYLE, re.M))
    used = set(re.findall(r"var\((--[\w-]+)", STYLE))
    assert used - defined - {"--tone", "--tone-soft"} == set()
    assert defined - used == set()


def test_vendored_files_are_those_of_the_manifest():
    files = {path.name for path in VENDOR.iterdir() if path.suffix not in (".md", ".txt")}
    assert files == set(MANIFEST)


@pytest.mark.parametrize("name", MANIFEST)
def test_a_vendored_file_is_unchanged_and_named_after_its_content(name):
    row = MANIFEST[name]
    digest = hashlib.sha256((VENDOR / name).read_bytes()).hexdigest()
    assert digest == row["sha256"]
    assert f"-{row['version']}.{digest[:8]}." in name
    assert (VENDOR / row["licence"]).read_text().strip()
    assert f'static_url("vendor/{name}")' in (ROOT / "templates/base.html").read_text()


def own_files() -> list[Path]:
    return [path for path in STATIC.rglob("*") if path.is_file() and VENDOR not in path.parents]


@pytest.mark.parametrize("path", own_files(), ids=lambda path: path.name)
def test_nothing_is_fetched_from_elsewhere(path):
    text = path.read_text().replace("http://www.w3.org/2000/svg", "")
    assert re.findall(r"(?:https?:)?//[a-z0-9-]+\.[a-z]|@import|sourceMappingURL", text) == []


@pytest.mark.parametrize("path", [path for path in own_files() if path.suffix == ".js"], ids=lambda path: path.name)
def test_scripts_need_no_evaluation_and_write_no_markup(path):
    forbidden = r"\beval\(|new Function|innerHTML|outerHTML|insertAdjacentHTML|document\.write|\.style\b|\"style\""
    assert re.findall(forbidden, path.read_text()) == []


def test_the_first_load_stays_small():
    """60 KB over the wire and five requests with the page itself, for which 16 KB and one request are kept free."""
    everywhere = [STATIC / "portal.css", STATIC / "portal.js", *VENDOR.glob("*.js")]
    extras = [path for path in (*STATIC.glob("*.css"), *STATIC.glob("*.js")) if path not in everywhere]
    sizes = {path: len(gzip.compress(path.read_bytes(), 6)) for path in (*everywhere, *extras)}
    assert len(everywhere) == 3
    assert sum(sizes[path] for path in everywhere) + max(sizes[path] for path in extras) <= 44_000


def test_a_page_adds_at_most_one_file_to_those_of_every_page():
    for path in (ROOT / "templates").rglob("*.html"):
        if path.name != "base.html":
            assert path.read_text().count("static_url(") <= 1, path


def test_every_icon_that_a_template_names_is_in_the_sprite():
    sprite = set(re.findall(r'<symbol id="icon-([a-z0-9-]+)"', (ROOT / "templates/base/_icons.svg").read_text()))
    named = set()
    for path in (ROOT / "templates").rglob("*.html"):
        text = path.read_text()
        named |= set(re.findall(r'href="#icon-([a-z0-9-]+)"', text)) | set(re.findall(r'\bicon\("([a-z0-9-]+)"', text))
    assert named - sprite == set()
