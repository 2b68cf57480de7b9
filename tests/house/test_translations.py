"""Nothing that people read stands outside the reach of translation, and every language has every sentence."""

import ast
import re
from html.parser import HTMLParser

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

from tests.house import source

LANGUAGES = ("de",)
KEYWORDS = {"_": None, "N_": None, "_l": None, "gettext": None, "lazy_gettext": None, "ngettext": (1, 2)}
MAPPINGS = [
    ("portal.py", "python"),
    ("blueprints/**.py", "python"),
    ("services/**.py", "python"),
    ("templates/**.html", "jinja2"),
    ("templates/**.txt", "jinja2"),
]
JINJA = re.compile(r"\{#.*?#\}|\{%-?\s*trans\b.*?\{%-?\s*endtrans\s*-?%\}|\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
CLASSES = re.compile(r"\{% block main_class %\}.*?\{% endblock %\}")
COMPUTED_TAG = re.compile(r"(</?)\{\{.*?\}\}")
PLACES = re.compile(r"%\((\w+)\)s")
READ_ATTRIBUTES = ("title", "alt", "aria-label", "placeholder", "aria-description", "data-label")
LETTERS = re.compile(r"[^\W\d_]{2,}")
# Words that are the same in every language: signs of units, names of formats and programs.
SAME_EVERYWHERE = {
    "GB",
    "TB",
    "CSV",
    "ID",
    "IP",
    "SHA",
    "VAT",
    "S3",
    "AWS",
    "CLI",
    "rclone",
    "boto3",
    "Python",
    "JSON",
    "PDF",
    "ZIP",
}


@pytest.fixture(scope="module")
def messages() -> dict:
    """Every sentence of code and templates with the place where it stands first."""
    found = {}
    walked = extract_from_dir(source.ROOT, MAPPINGS, keywords=KEYWORDS, directory_filter=of_the_product)
    for name, line, message, _, _ in walked:
        found.setdefault(message, f"{name}:{line}")
    assert len(found) > 50
    return found


def of_the_product(folder) -> bool:
    return str(folder).split("/")[-1] not in ("tests", "var", "node_modules", "static") and "/." not in str(folder)


def catalog(language: str):
    path = source.ROOT / "translations" / language / "LC_MESSAGES" / "messages.po"
    assert path.exists(), f"there is no {source.name(path)}: make translations"
    with path.open("rb") as file:
        return read_po(file, locale=language)


def texts(string) -> tuple[str, ...]:
    return (string,) if isinstance(string, str) else tuple(string)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_is_translated(messages, language):
    known = catalog(language)
    missing = []
    for message, place in messages.items():
        entry = known.get(texts(message)[0])
        if entry is None or entry.fuzzy or not all(texts(entry.string)):
            missing.append(f"{place}: {texts(message)[0]!r}")
    source.none(missing)


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_keep_the_places_of_values(language):
    wrong = [
        f"{entry.id!r} -> {entry.string!r}"
        for entry in catalog(language)
        if entry.id
        for text in texts(entry.string)
        if text and not set(PLACES.findall(text)) <= set(PLACES.findall(" ".join(texts(entry.id))))
    ]
    source.none(wrong)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_compiled_file_is_the_translated_one(language):
    known = catalog(language)
    with (source.ROOT / "translations" / language / "LC_MESSAGES" / "messages.mo").open("rb") as file:
        compiled = {texts(entry.id): texts(entry.string) for entry in read_mo(file) if entry.id}
    done = [entry for entry in known if entry.id and not entry.fuzzy and any(texts(entry.string))]
    written = {texts(entry.id): texts(entry.string) for entry in done}
    assert compiled == written, "run make translations"


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_translation_is_left_over(messages, language):
    wanted = {texts(message)[0] for message in messages}
    source.none(repr(entry.id) for entry in catalog(language) if entry.id and texts(entry.id)[0] not in wanted)


def test_the_template_names_this_product_and_no_day():
    """Its head is the same each time it is made: else every change of a text would bring another."""
    head = (source.ROOT / "translations" / "messages.pot").read_text().split("\n\n")[0]
    assert "Project-Id-Version: Partner portal" in head
    assert re.findall(r"\b(?:PROJECT|ORGANIZATION|FIRST AUTHOR|POT-Creation-Date)\b", head) == []


def test_pyproject_maps_the_same_files_as_this_test():
    import tomllib

    mappings = tomllib.loads((source.ROOT / "pyproject.toml").read_text())["tool"]["babel"]["mappings"]
    assert [(pattern, entry["method"]) for entry in mappings for pattern in entry["pattern"]] == MAPPINGS


class Reader(HTMLParser):
    """Collects what a person would read of a template, outside of code samples."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.read: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag, attrs) -> None:
        self._silent += tag in ("script", "style", "code", "pre", "kbd")
        self.read += [value for name, value in attrs if name in READ_ATTRIBUTES and value]

    def handle_endtag(self, tag) -> None:
        self._silent -= tag in ("script", "style", "code", "pre", "kbd")

    def handle_data(self, data) -> None:
        if not self._silent:
            self.read.append(data)


def bare_words(text: str) -> list[str]:
    return [word for word in LETTERS.findall(text) if word not in SAME_EVERYWHERE]


# Texts that are written in each language by themselves.
OWN_LANGUAGES = ("templates/changes/", "templates/own_data/readme.txt")


def test_templates_hold_no_bare_text():
    bare = []
    for path in source.templates():
        if source.name(path).startswith(OWN_LANGUAGES):
            continue
        text = JINJA.sub(" ", COMPUTED_TAG.sub(r"\1b", CLASSES.sub(" ", path.read_text())))
        reader = Reader()
        reader.feed(text if path.suffix == ".html" else text.replace("<", "&lt;"))
        reader.close()
        bare += [f"{source.name(path)}: {' '.join(piece.split())!r}" for piece in reader.read if bare_words(piece)]
    source.none(bare)


FIELDS = re.compile(
    r"(Field|Refused|Refusal|Missing_|ValidationError)$|^(flash|_flash)$|^(Length|DataRequired|Email|EqualTo)$"
)


def test_python_holds_no_bare_text_for_people():
    """Labels, flashes and refusals pass through _(), _l() or N_(); a constant there stays English for everybody."""
    bare = [
        f"{source.name(path)}:{node.lineno} {ast.unparse(node)[:90]}"
        for path in source.product_files()
        if not source.name(path).startswith(("models/", "services/storage/"))
        for node in ast.walk(source.tree(path))
        if isinstance(node, ast.Call) and FIELDS.search(ast.unparse(node.func).split(".")[-1])
        for argument in [
            *node.args[:1],
            *(word.value for word in node.keywords if word.arg in ("label", "message", "text")),
        ]
        if isinstance(argument, ast.Constant | ast.JoinedStr) and bare_words(ast.unparse(argument))
    ]
    source.none(bare)
