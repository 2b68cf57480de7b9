"""Details of a company and of the person who acts for it: each checked, with a hint how to mend it (T8)."""

import re
from collections.abc import Callable, Mapping
from functools import cache

from babel.core import Locale

from services.company_details import postcode, vat
from services.company_details.reach import check_email, check_phone, phone_example, shown_phone
from services.company_details.text import DetailRefused, canonical, lettered, without_link
from services.names import key
from services.refusal import N_

__all__ = ["DetailRefused", "check", "countries", "examples", "name_key", "refusals", "shown_phone"]

COMPANY = ("country", "legal_name", "register_number", "vat_id", "street", "postcode", "city", "phone")
PERSON = ("name", "email", "job_title", "relation", "person_phone")
RELATIONS = ("employee", "contractor", "agent")
# What else has to fit when one detail changes.
BOUND = {"country": ("vat_id", "register_number", "postcode"), "vat_id": ("register_number",)}
NO_COUNTRY = frozenset(("EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"))
name_key = key


def check(field: str, text: str, others: Mapping[str, str]) -> str:
    """The detail in the form in which it is kept. `others` holds the details as entered: some rules need the country.
    Raises DetailRefused with the field, ValueError for a field that is not in COMPANY or PERSON."""
    if field not in CHECKS:
        raise ValueError(f"there is no detail {field!r}")
    return CHECKS[field](text, others)


def refusals(given: Mapping[str, str], fields: tuple[str, ...] = COMPANY) -> tuple[dict[str, str], list[DetailRefused]]:
    """Checks all `fields` of `given`: the clean values of those that passed, and a refusal for each that did not."""
    clean: dict[str, str] = {}
    refused: list[DetailRefused] = []
    for field in fields:
        try:
            clean[field] = check(field, given.get(field, ""), given)
        except DetailRefused as refusal:
            refused.append(refusal)
    return clean, refused


def examples(country: str) -> dict[str, str]:
    """How the details that differ by country are written there; empty texts where that is not known."""
    return {"vat_id": vat.example(country), "postcode": postcode.example(country), "phone": phone_example(country)}


@cache
def countries(language: str) -> dict[str, str]:
    """Codes (ISO 3166) and names of the countries in a language."""
    names = Locale.parse(language).territories
    return {code: name for code, name in names.items() if re.fullmatch("[A-Z]{2}", code) and code not in NO_COUNTRY}


def _country(text: str, others: Mapping[str, str]) -> str:
    if text not in countries("en"):
        raise DetailRefused(N_("Choose the country in which the company is registered."), "country")
    return text


def _register_number(text: str, others: Mapping[str, str]) -> str:
    needed = not vat.has_numbers(others.get("country", "")) and not others.get("vat_id", "").strip()
    plain = canonical(text, "register_number", 0, 40)
    if needed and not plain:
        raise DetailRefused(
            N_("Without a VAT number we need the number in the company register. Enter one of the two."),
            "register_number",
        )
    if plain and not any(sign.isdigit() for sign in plain):
        raise DetailRefused(
            N_("A register number contains digits. Example: %(example)s."), "register_number", example="HRB 12345"
        )
    return plain


def _legal_name(text: str, others: Mapping[str, str]) -> str:
    plain = canonical(text, "legal_name", 2, 160)
    if not any(sign.isalnum() for sign in plain):
        raise DetailRefused(N_("Write the company's name as it is registered."), "legal_name")
    return without_link(plain, "legal_name")


def _relation(text: str, others: Mapping[str, str]) -> str:
    if text not in RELATIONS:
        raise DetailRefused(N_("Choose what you are to the company."), "relation")
    return text


CHECKS: dict[str, Callable[[str, Mapping[str, str]], str]] = {
    "country": _country,
    "legal_name": _legal_name,
    "register_number": _register_number,
    "vat_id": lambda text, others: vat.check(text, others.get("country", "")),
    "street": lambda text, others: lettered(text, "street", 3, 120),
    "postcode": lambda text, others: postcode.check(text, others.get("country", "")),
    "city": lambda text, others: lettered(text, "city", 2, 80),
    "phone": lambda text, others: check_phone(text, others.get("country", "")),
    "name": lambda text, others: without_link(lettered(text, "name", 2, 100), "name"),
    "email": lambda text, others: check_email(text),
    "job_title": lambda text, others: lettered(text, "job_title", 0, 80),
    "relation": _relation,
    "person_phone": lambda text, others: check_phone(text, others.get("country", ""), "person_phone", required=False),
}
