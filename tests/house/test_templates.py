"""Templates: partials that can be found, nothing printed raw, nothing that the content policy would block."""

import re

import pytest

from tests.house import source

PARTIALS = [path for path in source.templates() if path.name.startswith("_") and "emails" not in path.parts]
FIRST_LINE = re.compile(r"^\{# needs: .+; root ids?: (?P<root>[\w-]+)(?:[,.;] .+)? #\}$")
# Output that is HTML already, and why that is safe.
RAW = {
    "blueprints/formats.py": "the product's own texts, into which values are put escaped, as Jinja does it",
    "blueprints/pieces.py": "patterns of its own, filled by Markup.format, which escapes",
    "blueprints/allocations/row_states.py": "an empty one",
    "blueprints/sub_accounts/cells.py": "rows whose names go through escape",
    "blueprints/consent_boxes.py": "HTML already, whose ids get a name in front",
    "blueprints/others_pages.py": "legal_text.to_html escapes everything but its own tags",
}
RAW_MARKS = re.compile(r"\|\s*safe\b|\bMarkup\(|autoescape\s+false", re.IGNORECASE)
JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
ASKING = re.compile(r"<[a-z]+\s[^<>]*\bhx-(?:get|post|put|patch|delete)=[^<>]*>")


def test_there_are_partials():
    assert len(PARTIALS) > 5


@pytest.mark.parametrize("path", PARTIALS, ids=lambda path: path.relative_to(source.ROOT / "templates").as_posix())
def test_a_partial_says_what_it_needs_and_what_is_swapped(path):
    first = path.read_text().splitlines()[0]
    told = FIRST_LINE.match(first)
    assert told, f"the first line is {{# needs: …; root id: … #}}, not {first!r}"
    root, text = told["root"].split("-NUMBER")[0], path.read_text()
    assert root == "none" or f'id="{root}' in text or 'id="{{' in text, f"no element has the id {root}"


@pytest.mark.parametrize("path", PARTIALS, ids=lambda path: path.relative_to(source.ROOT / "templates").as_posix())
def test_a_partial_is_part_of_a_page(path):
    """Included by a template, or named in Python: what only a script could reach has no place without scripts."""
    own = path.relative_to(source.ROOT / "templates").as_posix()
    folder = own.rsplit("/", 1)[0]
    # whole, or put together from a state: "application/_" ~ state ~ ".html"
    ways = (f'"{own}"', f'"{folder}/_" ~', f'f"{folder}/_{{')
    readers = [other.read_text() for other in [*source.templates(), *source.product_files()] if other != path]
    assert any(way in text for text in readers for way in ways)


def test_nothing_is_printed_raw():
    places = [
        f"{source.name(path)}: {line.strip()}"
        for path in [*source.templates(), *source.product_files()]
        if source.name(path) not in RAW
        for line in path.read_text().splitlines()
        if RAW_MARKS.search(line)
    ]
    source.none(places)


def test_every_exception_for_raw_output_is_still_needed():
    assert [name for name in RAW if not RAW_MARKS.search((source.ROOT / name).read_text())] == []


def test_templates_hold_nothing_that_the_content_policy_blocks():
    """Inline scripts and styles would not run; hx-on, js: values and trigger filters need eval. Mails are no pages."""
    blocked = re.compile(
        r"<style\b|<script(?![^>]*\bsrc=)|\bstyle=|\son[a-z]+=|\bhx-on|hx-vals=[\"']js:|hx-trigger=\"[^\"]*\["
    )
    pages = [path for path in source.templates() if "emails" not in path.parts]
    found = [f"{source.name(path)}: {match[0]}" for path in pages for match in blocked.finditer(path.read_text())]
    source.none(found)


def test_an_element_that_asks_says_where_the_answer_goes():
    """Inherited targets move with whoever moves the element; only the token's header is inherited."""
    lost = [
        f"{source.name(path)}: {tag[:80]}"
        for path in source.templates()
        for tag in ASKING.findall(JINJA.sub("", path.read_text()))
        if "hx-target=" not in tag or "hx-swap=" not in tag
    ]
    source.none(lost)


def test_every_template_that_python_names_exists():
    named = re.compile(r'"([a-z_]+(?:/[a-z_]+)+\.(?:html|txt))"')
    missing = [
        f"{source.name(path)}: {template}"
        for path in source.product_files()
        for template in named.findall(path.read_text())
        if not (source.ROOT / "templates" / template).exists()
    ]
    source.none(missing)
