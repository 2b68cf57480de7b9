"""A device in words, from what its browser says of itself. A short table instead of a data base: names that people know
are enough to tell one's own devices from a stranger's, and what a browser says proves nothing anyway."""

import re
from typing import NamedTuple

# the first that fits counts: most browsers call themselves by the names of others as well
BROWSERS = (
    ("Edge", r"\bEdg(e|A|iOS)?/"),
    ("Opera", r"\b(OPR|Opera)/"),
    ("Samsung Internet", r"\bSamsungBrowser/"),
    ("Vivaldi", r"\bVivaldi/"),
    ("Firefox", r"\b(Firefox|FxiOS)/"),
    ("Chrome", r"\b(Chrome|CriOS|Chromium|HeadlessChrome)/"),
    ("Safari", r"\bVersion/[\d.]+ .*\bSafari/"),
)
SYSTEMS = (
    ("iPhone", r"\biPhone\b"),
    ("iPad", r"\biPad\b"),
    ("Android", r"\bAndroid\b"),
    ("Windows", r"\bWindows\b"),
    ("ChromeOS", r"\bCrOS\b"),
    ("macOS", r"\bMac(intosh| OS X)\b"),
    ("Linux", r"\bLinux\b"),
)


class Device(NamedTuple):
    """Names as their makers write them; empty where nothing known was said."""

    browser: str
    system: str


def device(user_agent: str) -> Device:
    return Device(_first(BROWSERS, user_agent), _first(SYSTEMS, user_agent))


def _first(table: tuple[tuple[str, str], ...], text: str) -> str:
    return next((name for name, pattern in table if re.search(pattern, text)), "")
