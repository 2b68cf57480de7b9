"""VAT numbers: check digits per country, offline (python-stdnum). Operators look up whether a number is registered."""

import re
from collections.abc import Callable
from importlib import import_module

from stdnum.exceptions import InvalidChecksum, ValidationError

from services.company_details.text import DetailRefused, canonical
from services.refusal import N_

# Country -> where stdnum checks it, and a number with right check digits for the hint.
KNOWN: dict[str, tuple[str, str]] = {
    "AT": ("at.uid", "ATU13585627"),
    "BE": ("be.vat", "BE0428759497"),
    "BG": ("bg.vat", "BG175074752"),
    "CH": ("ch.uid", "CHE107787577"),
    "CY": ("cy.vat", "CY10259033P"),
    "CZ": ("cz.dic", "CZ25123891"),
    "DE": ("de.vat", "DE136695976"),
    "DK": ("dk.cvr", "DK13585628"),
    "EE": ("ee.kmkr", "EE100594102"),
    "ES": ("es.nif", "ESB64717838"),
    "FI": ("fi.alv", "FI20774740"),
    "FR": ("fr.tva", "FR23334175221"),
    "GB": ("gb.vat", "GB980780684"),
    "GR": ("gr.vat", "EL094259216"),
    "HR": ("hr.oib", "HR33392005961"),
    "HU": ("hu.anum", "HU12892312"),
    "IE": ("ie.vat", "IE6433435F"),
    "IT": ("it.iva", "IT00743110157"),
    "LT": ("lt.pvm", "LT119511515"),
    "LU": ("lu.tva", "LU15027442"),
    "LV": ("lv.pvn", "LV40003521600"),
    "MT": ("mt.vat", "MT11679112"),
    "NL": ("nl.btw", "NL004495445B01"),
    "NO": ("no.mva", "NO995525828MVA"),
    "PL": ("pl.nip", "PL8567346215"),
    "PT": ("pt.nif", "PT501964843"),
    "RO": ("ro.cf", "RO18547290"),
    "SE": ("se.vat", "SE123456789701"),
    "SI": ("si.ddv", "SI50223054"),
    "SK": ("sk.dph", "SK2022749619"),
}
PREFIXES = {"CH": ("CHE",), "GR": ("EL", "GR"), "GB": ("GB", "XI")}
SWISS_SUFFIX = re.compile(r"(MWST|TVA|IVA|TPV)$")
ELSEWHERE = re.compile(r"[A-Z0-9]{4,20}")


def has_numbers(country: str) -> bool:
    """Whether companies of this country have a VAT number that can be checked here."""
    return country in KNOWN


def example(country: str) -> str:
    return KNOWN.get(country, ("", ""))[1]


def check(text: str, country: str, field: str = "vat_id") -> str:
    """The number with its country's prefix and no separators, e.g. "DE136695976"; empty stays empty where the country
    is not in KNOWN. Raises DetailRefused: missing, prefix of another country, wrong shape, wrong check digits."""
    given = re.sub(r"[\s./-]", "", canonical(text, field, 0, 40)).upper()
    if country not in KNOWN:
        return _elsewhere(given, field)
    if not given:
        raise DetailRefused(
            N_("Enter the VAT number. Example: %(example)s. Your company has none? Write to the address below."),
            field,
            example=example(country),
        )
    prefixes = PREFIXES.get(country, (country,))
    refusal: ValidationError | None = None
    for prefix in (*prefixes, ""):
        if given.startswith(prefix):
            try:
                return (prefix or prefixes[0]).replace("GR", "EL") + _validated(given.removeprefix(prefix), country)
            except ValidationError as failure:
                refusal = refusal or failure
    raise _refused(given, country, refusal, field)


def _elsewhere(given: str, field: str) -> str:
    if given and not ELSEWHERE.fullmatch(given):
        raise DetailRefused(
            N_("A VAT or tax number has 4 to 20 letters and digits. Leave it empty if there is none."), field
        )
    return given


def _validated(number: str, country: str) -> str:
    validate: Callable[[str], str] = import_module(f"stdnum.{KNOWN[country][0]}").validate
    if country == "CH":
        return validate("CHE" + SWISS_SUFFIX.sub("", number)).removeprefix("CHE")
    if country == "NO":
        return validate(number if number.endswith("MVA") else number + "MVA")
    return validate(number)


def _refused(given: str, country: str, refusal: ValidationError | None, field: str) -> DetailRefused:
    own = PREFIXES.get(country, (country,))
    others = {prefix for code in KNOWN if code != country for prefix in PREFIXES.get(code, (code,))}
    foreign = next((prefix for prefix in sorted(others, key=len, reverse=True) if given.startswith(prefix)), None)
    if foreign and not given.startswith(own):
        return DetailRefused(
            N_("This number begins with %(found)s, those of the chosen country with %(own)s. Correct one of the two."),
            field,
            found=foreign,
            own=own[0],
        )
    if isinstance(refusal, InvalidChecksum):
        return DetailRefused(
            N_("The check digits do not match: a digit is missing, mistyped or swapped. Compare with your papers."),
            field,
        )
    return DetailRefused(
        N_("This is not how VAT numbers of the chosen country are written. Example: %(example)s."),
        field,
        example=example(country),
    )
