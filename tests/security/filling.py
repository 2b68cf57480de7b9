"""Forms as the pages offer them, filled in as somebody would: sweeps send them with more, or with worse, in them."""

import io
from dataclasses import dataclass
from typing import Any

from selectolax.lexbor import LexborHTMLParser, LexborNode

from tests.security import walking
from tests.security.walking import World, signed_in

PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
PASSWORD = "seventeen herons cross the quiet harbour"
BY_TYPE = {
    "email": "somebody@example.com", "password": PASSWORD, "date": "2026-06-01", "number": "3", "tel": "+49301234567",
    "url": "https://example.com/", "datetime-local": "2026-06-01T10:00", "time": "10:00",
}  # fmt: skip
WRITTEN = ("text", "search", "textarea", "email", "tel", "url", "")


@dataclass(frozen=True)
class Control:
    name: str
    kind: str
    value: str

    @property
    def takes_text(self) -> bool:
        return self.kind in WRITTEN


@dataclass(frozen=True)
class Form:
    """A form that posts, as one role's page offers it."""

    role: str
    page: str
    action: str
    controls: tuple[Control, ...]

    @property
    def texts(self) -> list[str]:
        return [control.name for control in self.controls if control.takes_text]

    def filled(self, **instead: str) -> dict[str, Any]:
        """What is sent; `instead` by name."""
        sent: dict[str, Any] = {}
        for control in self.controls:
            value: Any = control.value
            if control.kind == "file":
                value = (io.BytesIO(PDF), "paper.pdf")
            sent.setdefault(control.name, value)
        return {**sent, **instead}

    def __str__(self) -> str:
        return f"{self.action} of {self.page} as {self.role}"


def controls_of(form: LexborNode, known: dict[str, str]) -> tuple[Control, ...]:
    found: list[Control] = []
    for node in form.css("input[name], select[name], textarea[name], button[name]"):
        name = node.attributes["name"] or ""
        kind = (node.attributes.get("type") or "text").lower() if node.tag == "input" else node.tag
        if name == "csrf_token" or "disabled" in node.attributes:
            continue
        if kind == "radio" and "checked" not in node.attributes and any(control.name == name for control in found):
            continue
        if kind == "radio" and "checked" in node.attributes:
            found = [control for control in found if control.name != name]
        found.append(Control(name, kind, _value(node, kind, name, known)))
    return tuple(found)


def _value(node: LexborNode, kind: str, name: str, known: dict[str, str]) -> str:
    if kind == "select":
        options = [option.attributes.get("value") or "" for option in node.css("option")]
        chosen = [option.attributes.get("value") or "" for option in node.css("option[selected]")]
        return next((value for value in chosen + options if value), "")
    there = node.text() if kind == "textarea" else node.attributes.get("value") or ""
    if there or kind in ("hidden", "button", "submit"):
        return there
    if kind in ("checkbox", "radio"):
        return "on" if kind == "checkbox" else ""
    return known.get(name) or BY_TYPE.get(kind) or "Plain words, long enough to be a reason"


def forms_of(app, world: World, role: str) -> list[Form]:
    """Every form that posts on the pages that this role opens, each kind of form once."""
    browser, found = signed_in(app, world, role), {}
    known = {
        "number": world.own["account"].number, "typed": world.own["account"].number, "country": "DE",
        "current_password": world.cast.password, "password": PASSWORD, "language": "en", "postcode": "10115",
        "vat_id": "DE136695976", "capacity": "1 TB", "allocated": "1 TB", "amount": "1 TB",
    }  # fmt: skip
    for way, _side, path in walking.every(app, world, "GET", role=role):
        answer = browser.get(path, check=False)
        if answer.status_code != 200 or answer.mimetype != "text/html":
            continue
        for node in LexborHTMLParser(answer.text).css("form[method=post]"):
            form = Form(role, path, node.attributes["action"] or path, controls_of(node, known))
            names = tuple(sorted({control.name for control in form.controls}))
            shape = walking.way_of(app, form.action), names
            found.setdefault(shape, form)
    return list(found.values())
