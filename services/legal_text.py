"""The shipped legal documents, and what is done with the text of any: canonical bytes, digest, HTML."""

import hashlib
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

KINDS = ("portal_terms", "data_processing", "acceptable_use", "privacy_notice", "flow_down")
LANGUAGES = ("en", "de")
PLACEHOLDERS = frozenset(
    (
        "provider_name",
        "legal_entity",
        "address",
        "support_address",
        "privacy_address",
        "security_address",
        "console_address",
        "binding_language",
    )
)

_FOLDER = Path(__file__).resolve().parent.parent / "templates" / "legal"
_LANGUAGE_NAMES = {"en": {"en": "English", "de": "German"}, "de": {"en": "englische", "de": "deutsche"}}


@dataclass(frozen=True)
class LegalText:
    """One document in one language: `body` is canonical Markdown, `binding` the code of the language that binds."""

    kind: str
    language: str
    title: str
    label: str
    body: str
    binding: str = "en"


def shipped(kind: str, language: str, provider: Mapping[str, str]) -> LegalText:
    """The default document with the provider's details filled in (terms rows T1, T2, T18).

    `provider` holds a value for every name in PLACEHOLDERS; `binding_language` may be left out (English) and is a
    code of LANGUAGES. Other keys are ignored. An address that is a mail or web address becomes a link.
    Raises ValueError for an unknown kind or language, an unknown placeholder, a missing or empty value.
    """
    if kind not in KINDS or language not in LANGUAGES:
        raise ValueError(f"there is no shipped document {kind!r} in {language!r}")
    head, _, text = (_FOLDER / f"{kind}.{language}.md").read_text(encoding="utf-8").partition("\n\n")
    facts = dict(line.split(": ", 1) for line in head.splitlines())
    body = canonical(_filled(text, language, provider)).decode()
    return LegalText(kind, language, facts["title"], facts["label"], body, provider.get("binding_language") or "en")


def canonical(text: str) -> bytes:
    """UTF-8, NFC, LF, no blanks at line ends, no empty lines at either end, exactly one final newline."""
    text = unicodedata.normalize("NFC", text.removeprefix("\ufeff"))
    lines = re.split(r"\r\n|\r|\n", text)
    return ("\n".join(line.rstrip(" \t") for line in lines).strip("\n") + "\n").encode()


def digest(body: str) -> str:
    """SHA-256, in hexadecimal, of the canonical bytes: what a consent record names as the exact text (T1)."""
    return hashlib.sha256(canonical(body)).hexdigest()


def to_html(body: str, lead: Callable[[str], str] = str, mark: str = "") -> str:
    """HTML of the Markdown subset: headings, paragraphs, lists, bold, links. Everything else comes out as text.

    Headings are h2 or h3, because the page has its own h1. Their ids come from the section number and are
    therefore the same in every language. Web links go where `lead` sends them, carry `mark` (HTML of our own) behind
    their words, and send no referrer (T15).
    """
    parser = _parser()
    tokens = parser.parse(body)
    _name_headings(tokens)
    for block in tokens:
        _mark_web_links(block.children or [], lead, mark)
    return str(parser.renderer.render(tokens, parser.options, {}))


def _mark_web_links(children: list[Token], lead: Callable[[str], str], mark: str) -> None:
    closes = 0
    for place, token in reversed(list(enumerate(children))):
        # from the end, so that what is put in moves nothing that is still to be looked at
        if token.type == "link_close":
            closes = place
        elif token.type == "link_open" and re.match(r"https?:", str(token.attrs["href"]), re.IGNORECASE):
            token.attrs |= {"href": lead(str(token.attrs["href"])), "rel": "external noreferrer"}
            if mark:
                children.insert(closes, Token("html_inline", "", 0, content=mark))


def _filled(text: str, language: str, provider: Mapping[str, str]) -> str:
    def value(found: re.Match[str]) -> str:
        name = found[1]
        if name not in PLACEHOLDERS:
            raise ValueError(f"unknown placeholder {name!r}")
        if name == "binding_language":
            code = provider.get(name) or "en"
            if code not in LANGUAGES:
                raise ValueError(f"the binding language is one of {LANGUAGES}, not {code!r}")
            return _LANGUAGE_NAMES[language][code]
        given = ", ".join(line.strip(" \t,") for line in provider.get(name, "").splitlines() if line.strip(" \t,"))
        if not given:
            raise ValueError(f"the provider's {name!r} is missing")
        return _written(given)

    return re.sub(r"\[\[(.*?)\]\]", value, text)


def _written(value: str) -> str:
    """A provider's value as Markdown that shows exactly this value; mail and web addresses are made links."""
    words = re.sub(r"([\\`*_\[\]<>#])", r"\\\1", value)
    if re.fullmatch(r"https?://[^\s()<>\\]+", value):
        return f"[{words}]({value})"
    if re.fullmatch(r"[\w.+-]+@[\w.-]+", value):
        return f"[{words}](mailto:{value})"
    return words


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("zero", {"html": False})
    parser.enable(["heading", "list", "emphasis", "balance_pairs", "fragments_join", "link", "escape"])
    parser.validateLink = _may_link  # type: ignore[method-assign, assignment]
    # Single stars and underscores are not in the subset: they stay what was typed.
    for name in ("em_open", "em_close"):
        parser.add_render_rule(name, _as_typed)
    return parser


def _as_typed(_: RendererHTML, tokens: Sequence[Token], index: int, *__: Any) -> str:
    return tokens[index].markup


def _may_link(address: str) -> bool:
    if re.search(r"[\x00-\x20\x7f\\]", address) or address.startswith("//"):
        return False
    scheme = re.match(r"[^/?#]*?:", address)
    return not scheme or bool(re.match(r"https?://[^/]|mailto:.", address, re.IGNORECASE))


def _name_headings(tokens: Sequence[Token]) -> None:
    taken: set[str] = set()
    for index, token in enumerate(tokens):
        if token.type not in ("heading_open", "heading_close"):
            continue
        token.tag = "h2" if token.tag in ("h1", "h2") else "h3"
        if token.type == "heading_open":
            stem = _stem(_words(tokens[index + 1].children or []))
            name = next(name for name in (stem, *(f"{stem}-{n}" for n in range(2, index + 3))) if name not in taken)
            taken.add(name)
            token.attrs["id"] = name


def _stem(title: str) -> str:
    number = re.match(r"\d+(?:\.\d+)*(?=[.\s])", title)
    ascii_title = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return "section-" + re.sub(r"[^a-z0-9]+", "-", number[0] if number else ascii_title).strip("-")


def _words(children: Sequence[Token]) -> str:
    written, address, start = "", "", 0
    for token in children:
        if token.type == "link_open":
            address, start = str(token.attrs["href"]), len(written)
        elif token.type == "link_close":
            shown = address.removeprefix("mailto:")
            written += "" if written[start:] in (address, shown) else f" ({shown})"
        else:
            written += token.markup if token.type.startswith("em_") else token.content
    return written
