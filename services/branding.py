"""The provider's look: colour and logo, checked before the portal starts (T16; WCAG 2.2, 1.4.3 and 1.4.11)."""

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

STYLE = Path(__file__).parents[1] / "static" / "portal.css"
TOKEN = re.compile(r"--([a-z-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);")
COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
LIGHT, DARK = 0, 1
TEXT, EDGE = 4.5, 3.0
LARGEST_LOGO_BYTES = 200_000
PNG = b"\x89PNG\r\n\x1a\n"
# what an SVG may hold beside shapes: nothing that runs, and nothing from elsewhere
FORBIDDEN_TAGS = {"script", "foreignobject", "iframe", "image", "audio", "video", "animate", "set", "handler", "style"}


class CannotBeShown(Exception):
    """The colour or the logo would not work on pages; the text says why and what helps."""


@dataclass(frozen=True)
class Logo:
    content: bytes
    media_type: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.content).hexdigest()[:12]


def contrast(one: str, other: str) -> float:
    """Of two colours like #0b5563: 1 (none) to 21, by the formula of WCAG 2.2."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def style(light: str, dark: str) -> str:
    """The style sheet that puts the provider's colours (one for light pages, one for dark ones) in the place of the
    portal's own. Raises CannotBeShown for what is no colour, and for one that somebody could not read or make out."""
    for name, colour in (("PORTAL_PROVIDER_COLOUR", light), ("PORTAL_PROVIDER_COLOUR_DARK", dark)):
        if not COLOUR.fullmatch(colour):
            raise CannotBeShown(f"{name} is {colour!r}. Write a colour with six digits, such as #0b5563.")
    pairs = [_tokens(light.lower(), LIGHT), _tokens(dark.lower(), DARK)]
    lines = [f"  --{name}: light-dark({pairs[LIGHT][name]}, {pairs[DARK][name]});" for name in pairs[LIGHT]]
    return "\n".join([":root {", *lines, "}", ""])


def lightened(colour: str) -> str:
    """The colour for dark pages when the settings name none: mixed with white until it can be read there."""
    if not COLOUR.fullmatch(colour):
        return colour
    for step in range(20):
        lighter = _mixed(colour.lower(), "#ffffff", step / 20)
        try:
            _tokens(lighter, DARK)
        except CannotBeShown:
            continue
        return lighter
    return "#ffffff"


def logo(path: Path) -> Logo:
    """A PNG, or an SVG of shapes alone. Raises CannotBeShown for anything else, by content and not by name."""
    try:
        content = path.read_bytes()
    except OSError as failure:
        raise CannotBeShown(f"PORTAL_PROVIDER_LOGO cannot be read: {failure.strerror}.") from failure
    if len(content) > LARGEST_LOGO_BYTES:
        raise CannotBeShown(f"PORTAL_PROVIDER_LOGO is larger than {LARGEST_LOGO_BYTES // 1000} kB. Make it smaller.")
    if content.startswith(PNG):
        return Logo(content, "image/png")
    _refuse_what_is_no_drawing(content)
    return Logo(content, "image/svg+xml")


def _tokens(colour: str, theme: int) -> dict[str, str]:
    """The portal's tokens that hang on the colour, each checked against what it meets on a page."""
    own = {name: pair[theme] for name, pair in _portal_tokens().items()}
    on = max(("#ffffff", own["ink"] if theme == LIGHT else own["sunken"]), key=lambda ink: contrast(ink, colour))
    towards = "#000000" if contrast("#000000", on) > contrast("#ffffff", on) else "#ffffff"
    away = "#ffffff" if towards == "#000000" else "#000000"
    tokens = {
        "accent": colour,
        "accent-hover": _mixed(colour, away, 0.15),
        "accent-soft": _mixed(colour, own["surface"], 0.88),
        "on-accent": on,
        "link": colour,
    }
    _refuse_faint(colour, tokens, own, theme)
    return tokens


def _refuse_faint(colour: str, tokens: dict[str, str], own: dict[str, str], theme: int) -> None:
    meets = [
        *(("link", ground, TEXT) for ground in ("ground", "surface", "raised", "hover")),
        ("link", "accent-soft", TEXT),
        ("on-accent", "accent", TEXT),
        ("on-accent", "accent-hover", TEXT),
        ("accent", "surface", EDGE),
        ("accent", "ground", EDGE),
    ]
    everything = own | tokens
    worst = min(contrast(everything[one], everything[other]) / needed * TEXT for one, other, needed in meets)
    if worst < TEXT:
        name, page, way = (
            ("PORTAL_PROVIDER_COLOUR", "light", "darker")
            if theme == LIGHT
            else ("PORTAL_PROVIDER_COLOUR_DARK", "dark", "lighter")
        )
        raise CannotBeShown(
            f"{name} {colour} has a contrast of {worst:.1f} on {page} pages; people need {TEXT} to read it. "
            f"Choose a {way} colour."
        )


@cache
def _portal_tokens() -> dict[str, tuple[str, str]]:
    return {name: (light, dark) for name, light, dark in TOKEN.findall(STYLE.read_text())}


def _channels(colour: str) -> list[int]:
    return [int(colour[place : place + 2], 16) for place in (1, 3, 5)]


def _luminance(colour: str) -> float:
    parts = [channel / 255 for channel in _channels(colour)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _mixed(one: str, other: str, share: float) -> str:
    parts = zip(_channels(one), _channels(other), strict=True)
    return "#" + "".join(f"{round(a * (1 - share) + b * share):02x}" for a, b in parts)


def _refuse_what_is_no_drawing(content: bytes) -> None:
    try:
        root = fromstring(content, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError) as failure:
        raise CannotBeShown("PORTAL_PROVIDER_LOGO is neither a PNG nor a plain SVG file.") from failure
    if root.tag.rpartition("}")[2].lower() != "svg":
        raise CannotBeShown("PORTAL_PROVIDER_LOGO is neither a PNG nor a plain SVG file.")
    for element in root.iter():
        tag = str(element.tag).rpartition("}")[2].lower()
        links = [value for name, value in element.attrib.items() if name.rpartition("}")[2].lower() == "href"]
        acts = any(name.lower().startswith("on") for name in element.attrib)
        if tag in FORBIDDEN_TAGS or acts or any(not link.startswith("#") for link in links):
            raise CannotBeShown(
                f"PORTAL_PROVIDER_LOGO holds <{tag}>, which a logo may not. Save it as a plain SVG or PNG."
            )
