"""The provider's colour and logo: shown when people can make them out, refused with a sentence when they cannot."""

import re

import pytest

from services import branding
from services.branding import CannotBeShown
from services.settings import SettingMissing, read_settings
from tests.house.test_static import contrast as contrast_of_wcag

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0h9v9z"/></svg>'


@pytest.fixture
def environment(tmp_path):
    return {"PORTAL_VAR_DIR": str(tmp_path)}


def test_the_formula_is_that_of_wcag():
    for pair in (("#000000", "#ffffff"), ("#777777", "#ffffff"), ("#0b5563", "#f5f7f8")):
        assert branding.contrast(*pair) == contrast_of_wcag(*pair)


@pytest.mark.parametrize("colour", ["#0b5563", "#8a1538", "#1d4fd7", "#3f3f46", "#5b21b6"])
def test_a_readable_colour_makes_a_style_for_light_and_dark_pages(colour):
    style = branding.style(colour, branding.lightened(colour))
    tokens = {
        name: (light, dark)
        for name, light, dark in re.findall(r"--([a-z-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);", style)
    }
    assert set(tokens) == {"accent", "accent-hover", "accent-soft", "on-accent", "link"}
    for theme in (0, 1):
        assert contrast_of_wcag(tokens["on-accent"][theme], tokens["accent"][theme]) >= 4.5
        assert contrast_of_wcag(tokens["on-accent"][theme], tokens["accent-hover"][theme]) >= 4.5
    assert tokens["accent"][0] == colour


@pytest.mark.parametrize(
    ("colour", "words"),
    [("#ffcc00", "Choose a darker colour"), ("#e5e7eb", "Choose a darker colour"), ("teal", "six digits")],
)
def test_a_colour_that_cannot_be_read_keeps_the_portal_from_starting(environment, colour, words):
    with pytest.raises(SettingMissing, match=words):
        read_settings({**environment, "PORTAL_PROVIDER_COLOUR": colour})


def test_a_dark_colour_for_dark_pages_is_named(environment):
    given = {"PORTAL_PROVIDER_COLOUR": "#0b5563", "PORTAL_PROVIDER_COLOUR_DARK": "#0b5563"}
    with pytest.raises(SettingMissing, match=r"PORTAL_PROVIDER_COLOUR_DARK .* lighter"):
        read_settings({**environment, **given})


@pytest.mark.parametrize(("content", "kind"), [(SVG, "image/svg+xml"), (branding.PNG + b"rest", "image/png")])
def test_a_logo_is_known_by_its_content(tmp_path, content, kind):
    path = tmp_path / "logo.bin"
    path.write_bytes(content)
    assert branding.logo(path) == branding.Logo(content, kind)


@pytest.mark.parametrize(
    "content",
    [
        b"GIF89a",
        b"<html></html>",
        b"<svg",
        SVG.replace(b"<path", b"<script>alert(1)</script><path"),
        SVG.replace(b"<path", b'<path onclick="alert(1)"'),
        SVG.replace(b"<path", b'<a href="https://example.com"/><path'),
        SVG.replace(b"<path", b"<foreignObject/><path"),
        b'<!DOCTYPE svg [<!ENTITY a "b">]>' + SVG,
        b"x" * 200_001,
    ],
)
def test_what_is_more_than_a_drawing_is_refused(tmp_path, content):
    path = tmp_path / "logo.svg"
    path.write_bytes(content)
    with pytest.raises(CannotBeShown, match="PORTAL_PROVIDER_LOGO"):
        branding.logo(path)


def test_a_logo_that_is_not_there_is_named(environment, tmp_path):
    with pytest.raises(SettingMissing, match="PORTAL_PROVIDER_LOGO cannot be read"):
        read_settings({**environment, "PORTAL_PROVIDER_LOGO": str(tmp_path / "none.svg")})


def test_an_imprint_is_a_web_address(environment):
    assert read_settings({**environment, "PORTAL_PROVIDER_IMPRINT": "https://example.com/i"}).provider.imprint
    with pytest.raises(SettingMissing, match="PORTAL_PROVIDER_IMPRINT"):
        read_settings({**environment, "PORTAL_PROVIDER_IMPRINT": "javascript:alert(1)"})
