"""Postcodes: how the countries that partners mostly come from write them, and a loose rule for all others."""

import re

from services.company_details.text import DetailRefused, canonical
from services.refusal import N_

# Country -> pattern of the canonical form, and an example for the hint.
WRITTEN = {
    "AT": (r"\d{4}", "1010"),
    "BE": (r"\d{4}", "1000"),
    "BG": (r"\d{4}", "1000"),
    "CH": (r"\d{4}", "8001"),
    "CY": (r"\d{4}", "1010"),
    "CZ": (r"\d{3} \d{2}", "110 00"),
    "DE": (r"\d{5}", "10115"),
    "DK": (r"\d{4}", "1050"),
    "EE": (r"\d{5}", "10111"),
    "ES": (r"\d{5}", "28001"),
    "FI": (r"\d{5}", "00100"),
    "FR": (r"\d{5}", "75001"),
    "GB": (r"[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}", "SW1A 1AA"),
    "GR": (r"\d{3} \d{2}", "105 57"),
    "HR": (r"\d{5}", "10000"),
    "HU": (r"\d{4}", "1011"),
    "IE": (r"[A-Z]\d[\dW] [A-Z\d]{4}", "D02 AF30"),
    "IS": (r"\d{3}", "101"),
    "IT": (r"\d{5}", "00184"),
    "LI": (r"\d{4}", "9490"),
    "LT": (r"LT-\d{5}", "LT-01100"),
    "LU": (r"\d{4}", "1111"),
    "LV": (r"LV-\d{4}", "LV-1010"),
    "MC": (r"980\d{2}", "98000"),
    "MT": (r"[A-Z]{3} \d{4}", "VLT 1117"),
    "NL": (r"\d{4} [A-Z]{2}", "1011 AB"),
    "NO": (r"\d{4}", "0150"),
    "PL": (r"\d{2}-\d{3}", "00-001"),
    "PT": (r"\d{4}-\d{3}", "1100-148"),
    "RO": (r"\d{6}", "010011"),
    "SE": (r"\d{3} \d{2}", "111 29"),
    "SI": (r"\d{4}", "1000"),
    "SK": (r"\d{3} \d{2}", "811 01"),
    "US": (r"\d{5}(-\d{4})?", "10001"),
}
PREFIXES = {"LT": "LT-", "LV": "LV-"}
LOOSE = re.compile(r"(?=.*[A-Z0-9])[A-Z0-9][A-Z0-9 -]{0,10}[A-Z0-9]")


def check(text: str, country: str, field: str = "postcode") -> str:
    """The postcode as its country writes it: blanks and hyphens put right, letters large, "D-10115" without its "D-".
    Outside WRITTEN: 2 to 12 letters, digits, blanks, hyphens. Raises DetailRefused with an example."""
    given = canonical(text, field, 1, 20).upper()
    if country not in WRITTEN:
        if not LOOSE.fullmatch(given):
            raise DetailRefused(
                N_("A postcode has 2 to 12 letters and digits. If your country has none, write 00."), field
            )
        return given
    pattern, example = WRITTEN[country]
    signs = re.sub(r"[\s-]", "", given)
    for start in (country, country[:1], "F" if country == "FI" else "L" if country == "LU" else ""):
        if start and signs.startswith(start) and not re.match("[A-Z]", example):
            signs = signs.removeprefix(start)
            break
    written = _spaced(signs, country, example)
    if not re.fullmatch(pattern, written, re.ASCII):
        raise DetailRefused(
            N_("This is not how postcodes of this country are written. Example: %(example)s."), field, example=example
        )
    return written


def example(country: str) -> str:
    """A postcode of the country, for the hint; empty where none is known."""
    return WRITTEN.get(country, ("", ""))[1]


def _spaced(signs: str, country: str, example: str) -> str:
    """Puts the one separator of the country where the example has it; British codes count from the end."""
    if country in PREFIXES:
        return PREFIXES[country] + signs.removeprefix(country)
    gap = next((sign for sign in example if sign in " -"), "")
    if country == "US":
        return signs if len(signs) == 5 else f"{signs[:5]}-{signs[5:]}"
    if not gap:
        return signs
    head = len(signs) - 3 if country == "GB" else example.index(gap)
    return f"{signs[:head]}{gap}{signs[head:]}"
