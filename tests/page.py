"""The page checker: each GET of each test that answers HTML goes through `check_page`, a piece through `check_partial`.

It reads as a browser does (an HTML5 parser) and holds what no eye should look for; all faults are named at once.
"""

import re
from collections import Counter
from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

ERROR_PREFIX = re.compile(r"^(Error|Fehler): ")
ABSOLUTE = re.compile(r"^\s*(?:[a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)
NOTICE_PAGE = "/out"
OWN_ORIGINS = ("http://127.0.0.1", "http://localhost", "https://portal.example.com")
UNLABELLED_TYPES = {"hidden", "submit", "button", "reset", "image"}
REFERENCES = ("aria-describedby", "aria-labelledby", "aria-controls", "aria-owns", "for", "list", "form")
ASSETS = {
    "script": ("src",),
    "link": ("href",),
    "img": ("src", "srcset"),
    "source": ("src", "srcset"),
    "iframe": ("src",),
    "video": ("src", "poster"),
    "audio": ("src",),
    "object": ("data",),
    "embed": ("src",),
    "use": ("href", "xlink:href"),
    "image": ("href", "xlink:href"),
}
# What a forgotten value looks like once it is printed. "None of them" is a sentence, "until None." is not.
LEAKS = re.compile(
    r"\{\{|\}\}|\{%|%\}|\bNone\b(?!\s+[a-z])|LazyString|lazy_gettext|\bl'[^']*'|%\(\w+\)[sd]|"
    r"<(?:function|bound method|built-in)|"
    r"\bobject at 0x|\bUndefined\b|\bMarkup\(|Decimal\('|datetime\.(?:datetime|date)\(|Secret\("
)
LEAKS_IN_ATTRIBUTES = re.compile(r"^None$|/None(?:[/?#]|$)|LazyString|lazy_gettext|\{\{|%\(\w+\)[sd]|object at 0x")
# A row or a cell stands alone in a partial; a parser drops it outside of its table.
WRAPPERS = (
    (re.compile(r"\s*<(?:tbody|thead|tfoot|caption)\b"), "<table>{}</table>"),
    (re.compile(r"\s*<tr\b"), "<table><tbody>{}</tbody></table>"),
    (re.compile(r"\s*<t[dh]\b"), "<table><tbody><tr>{}</tr></tbody></table>"),
    (re.compile(r"\s*<(?:option|optgroup)\b"), '<select aria-label="-">{}</select>'),
)


def check_page(response) -> LexborHTMLParser:
    """Fails with every fault of a whole page, or gives the parsed page back. Takes a test response or the text."""
    text = _html_of(response)
    tree = LexborHTMLParser(text)
    faults = [*_frame_faults(text, tree), *_common_faults(tree), *_reference_faults(tree)]
    if isinstance(response, str) or response.request.path != NOTICE_PAGE:
        faults += _outward_faults(tree)
    _report(response, faults)
    return tree


def check_partial(response) -> LexborHTMLParser:
    """The same for a piece of a page: no frame, no title; what it points at may stand in the page around it."""
    text = re.sub(r"^(\s*<!--.*?-->)+", "", _html_of(response), flags=re.DOTALL)
    wrapper = next((form for opening, form in WRAPPERS if opening.match(text)), None)
    tree = LexborHTMLParser(wrapper.format(text) if wrapper else text)
    faults = [*_common_faults(tree, skip_tables=bool(wrapper)), *_outward_faults(tree)]
    if re.search(r"<(?:html|body|main)\b", text):
        faults.append("a partial holds no frame: it was answered with a whole page")
    _report(response, faults)
    return tree


def _outward_faults(tree: LexborHTMLParser) -> Iterator[str]:
    """Only the notice page links to pages of others; whatever leads to it is marked (T15)."""
    for link in tree.css("a[href], area[href], form[action]"):
        target = link.attributes.get("href") or link.attributes.get("action") or ""
        if ABSOLUTE.match(target) and not target.startswith(OWN_ORIGINS):
            yield f"leads out of the portal past the notice page: {_snippet(link)}"
        if target.startswith(f"{NOTICE_PAGE}?") and not link.css_first(".icon, .visually-hidden"):
            yield f"leads out of the portal without a mark: {_snippet(link)}"


def _html_of(response) -> str:
    if isinstance(response, str):
        return response
    assert response.content_type.startswith("text/html"), f"not a page: {response.content_type}"
    return response.get_data(as_text=True)


def _report(response, faults: list[str]) -> None:
    where = "" if isinstance(response, str) else f" {response.request.path} ({response.status_code})"
    assert not faults, f"page{where} has {len(faults)} fault(s):\n- " + "\n- ".join(faults)


def _words(node: LexborNode | None) -> str:
    return " ".join(node.text(deep=True).split()) if node else ""


def _snippet(node: LexborNode) -> str:
    flat = " ".join((node.html or "").split())
    return flat if len(flat) <= 160 else flat[:157] + "..."


def _frame_faults(text: str, tree: LexborHTMLParser) -> Iterator[str]:
    if not re.match(r"\s*<!doctype html>", text, re.IGNORECASE):
        yield f"starts without <!doctype html>: {text.strip()[:60]!r}"
    if not (tree.css_first("html").attributes.get("lang") or "").strip():
        yield "<html> has no lang"
    headings = tree.css("h1")
    if len(headings) != 1:
        yield f"has {len(headings)} h1 instead of one: {[_words(h) for h in headings]}"
        return
    heading, title = _words(headings[0]), ERROR_PREFIX.sub("", _words(tree.css_first("head > title")))
    if not heading:
        yield f"the h1 is empty: {_snippet(headings[0])}"
    if not title.startswith(heading):
        yield f"<title> {title!r} does not begin with the h1 {heading!r}"


def _common_faults(tree: LexborHTMLParser, skip_tables: bool = False) -> Iterator[str]:
    for name, count in Counter(node.attributes["id"] for node in tree.css("[id]")).items():
        if count > 1 or not name:
            yield f"id {name!r} stands {count} times" if name else "an id is empty"
    labelled = {label.attributes["for"] for label in tree.css("label[for]") if _words(label)}
    for node in tree.css("input, select, textarea"):
        yield from _control_faults(node, labelled)
    for tag, rule in RULES.items() - ({("table", _table_faults)} if skip_tables else set()):
        for node in tree.css(tag):
            yield from rule(node)
    for node in tree.css("*"):
        yield from _policy_faults(node)
        yield from _asset_faults(node)
    yield from _leak_faults(tree)


def _control_faults(node: LexborNode, labelled: set[str]) -> Iterator[str]:
    kind = (node.attributes.get("type") or "text").lower() if node.tag == "input" else node.tag
    if kind == "submit" and not node.attributes.get("value"):
        yield f"button without text: {_snippet(node)}"
    if kind in UNLABELLED_TYPES or node.attributes.get("id") in labelled or _has_aria_name(node):
        return
    if not any(parent.tag == "label" and _words(parent) for parent in _ancestors(node)):
        yield f"control without a label: {_snippet(node)}"


def _ancestors(node: LexborNode) -> Iterator[LexborNode]:
    while (node := node.parent) is not None:
        yield node


def _has_aria_name(node: LexborNode) -> bool:
    return bool((node.attributes.get("aria-label") or node.attributes.get("aria-labelledby") or "").strip())


def _has_name(node: LexborNode) -> bool:
    pictures = any(image.attributes.get("alt") for image in node.css("img"))
    return bool(_words(node) or _has_aria_name(node) or pictures)


def _form_faults(form: LexborNode) -> Iterator[str]:
    if not (form.attributes.get("action") or "").strip():
        yield f"form without action: {_snippet(form)}"
    method = (form.attributes.get("method") or "").lower()
    if method not in ("get", "post"):
        yield f"form without method get or post: {_snippet(form)}"
    tokens = [token for token in form.css('input[name="csrf_token"]') if token.attributes.get("value")]
    if method == "post" and not tokens:
        yield f"post form without csrf_token: {_snippet(form)}"
    if method == "get" and tokens:
        yield f"get form puts its csrf_token into the address: {_snippet(form)}"


def _link_faults(link: LexborNode) -> Iterator[str]:
    target = link.attributes.get("href")
    if target is None:
        return
    if target.strip() in ("", "#"):
        yield f"link to nowhere: {_snippet(link)}"
    if not _has_name(link):
        yield f"link without text: {_snippet(link)}"
    if ABSOLUTE.match(target) and "noreferrer" not in (link.attributes.get("rel") or "").split():
        yield f"link to another site without rel=noreferrer: {_snippet(link)}"


def _button_faults(button: LexborNode) -> Iterator[str]:
    if button.attributes.get("type") not in ("submit", "button", "reset"):
        yield f"button without type: {_snippet(button)}"
    if not _has_name(button):
        yield f"button without text: {_snippet(button)}"


def _image_faults(image: LexborNode) -> Iterator[str]:
    if "alt" not in image.attributes:
        yield f"image without alt: {_snippet(image)}"


def _fieldset_faults(group: LexborNode) -> Iterator[str]:
    if not _words(group.css_first("legend")) and not _has_aria_name(group):
        yield f"fieldset without legend: {_snippet(group)}"


def _table_faults(table: LexborNode) -> Iterator[str]:
    if not table.css("th"):
        yield f"table without th: {_snippet(table)}"
    if not _words(table.css_first("caption")) and not _has_aria_name(table):
        yield f"table without caption or aria-label: {_snippet(table)}"


RULES = {
    "form": _form_faults,
    "a": _link_faults,
    "button": _button_faults,
    "img": _image_faults,
    "fieldset": _fieldset_faults,
    "table": _table_faults,
}


def _policy_faults(node: LexborNode) -> Iterator[str]:
    """What the Content-Security-Policy would block, and what htmx would have to evaluate."""
    if node.tag == "style" or (node.tag == "script" and not node.attributes.get("src")):
        yield f"inline <{node.tag}>: {_snippet(node)}"
    for name, value in node.attributes.items():
        value = value or ""
        if name == "style" or name.startswith(("on", "hx-on", "data-hx-on")):
            yield f"inline {name}=: {_snippet(node)}"
        if name in ("href", "src", "action", "formaction") and value.strip().lower().startswith("javascript:"):
            yield f"script in {name}: {_snippet(node)}"
        if name in ("hx-vals", "hx-headers") and re.match(r"\s*(js|javascript):", value):
            yield f"{name} is evaluated: {_snippet(node)}"
        if name == "hx-trigger" and re.search(r"\w\[", value):
            yield f"hx-trigger with a filter is evaluated: {_snippet(node)}"


def _asset_faults(node: LexborNode) -> Iterator[str]:
    if node.tag == "link" and node.attributes.get("rel") in ("canonical", "alternate"):
        return
    for name in ASSETS.get(node.tag or "", ()):
        for part in (node.attributes.get(name) or "").split(","):
            if ABSOLUTE.match(part):
                yield f"asset of another site in {name}: {_snippet(node)}"


def _leak_faults(tree: LexborHTMLParser) -> Iterator[str]:
    root = tree.root
    text = "" if root is None else root.text(deep=True, separator="\n")
    for line in filter(LEAKS.search, text.splitlines()):
        yield f"a value leaks into the text: {line.strip()[:120]!r}"
    for node in tree.css("*"):
        for name, value in node.attributes.items():
            if value and LEAKS_IN_ATTRIBUTES.search(value):
                yield f"a value leaks into {name}: {_snippet(node)}"


def _reference_faults(tree: LexborHTMLParser) -> Iterator[str]:
    known = {node.attributes["id"] for node in tree.css("[id]")}
    for name in REFERENCES:
        for node in tree.css(f"[{name}]"):
            missing = [target for target in (node.attributes[name] or "").split() if target not in known]
            if missing or not (node.attributes[name] or "").strip():
                yield f"{name} points at nothing ({', '.join(missing) or 'empty'}): {_snippet(node)}"
    for link in tree.css('a[href^="#"]'):
        target = link.attributes["href"][1:]
        if target and target not in known:
            yield f"link to a missing place: {_snippet(link)}"
