"""Amounts of storage as people write them. Decimal units: 1 TB = 1000 GB = 10^12 bytes (domain.md, What)."""

import re
from decimal import Decimal

from babel.core import Locale
from babel.numbers import format_decimal

from services.refusal import N_, Refusal

UNITS = {"PB": 10**15, "TB": 10**12, "GB": 10**9, "MB": 10**6, "kB": 10**3, "B": 1}
TYPED_UNITS = ("GB", "TB")
SMALLEST_STEP_BYTES = 10**9
LARGEST_BYTES = 10**18
LONGEST_TEXT = 40
AMOUNT = re.compile(r"(?P<number>[0-9][0-9.,' \u00a0\u202f]*?)\s*(?P<unit>[A-Za-z]*)", re.ASCII)


class CapacityRefused(Refusal):
    """The text is not an amount that can be set aside."""


def format_bytes(amount_bytes: int, locale: str = "en") -> str:
    """The largest fitting unit with at most three decimals: 1500000000000 -> "1.5 TB"."""
    size = abs(amount_bytes)
    unit = next((name for name, factor in UNITS.items() if size >= factor), "B")
    number = round(Decimal(amount_bytes) / UNITS[unit], 3)
    return f"{format_decimal(number, '#,##0.###', locale)}\u00a0{unit}"


def exact_bytes(amount_bytes: int, locale: str = "en") -> str:
    return format_decimal(amount_bytes, "#,##0", locale)


def split_bytes(amount_bytes: int, locale: str = "en") -> tuple[str, str]:
    """Number and unit as the board's fields show them, exact: 1500000000000 -> ("1.5", "TB")."""
    unit = "TB" if amount_bytes >= UNITS["TB"] else "GB"
    return format_decimal(Decimal(amount_bytes) / UNITS[unit], "0.############", locale), unit


def parse_bytes(text: str, unit: str = "GB", locale: str = "en") -> int:
    """Bytes from "1.5 TB", "1,5 TB", "250 GB" or a bare number in `unit`. Exact to 1 GB, at most 1,000 PB.

    A point and a comma are both read as the decimal sign unless they stand where the locale groups thousands.
    Raises CapacityRefused with a hint how to write it.
    """
    typed = text.strip()
    match = AMOUNT.fullmatch(typed) if len(typed) <= LONGEST_TEXT else None
    if not match:
        if typed.startswith(("-", "−")):
            raise CapacityRefused(N_("The amount cannot be below zero. Enter 0 or more."))
        raise CapacityRefused(N_('Enter an amount such as "1.5 TB" or "250 GB".'))
    factor = _factor(match["unit"] or unit)
    amount = Decimal(_plain_number(match["number"], locale)) * factor
    if amount > LARGEST_BYTES:
        raise CapacityRefused(
            N_("That is more than this portal can count. Enter at most %(most_bytes)s."), most_bytes=LARGEST_BYTES
        )
    if amount != int(amount) or int(amount) % SMALLEST_STEP_BYTES:
        raise CapacityRefused(N_("Enter whole gigabytes, such as 1 GB or 1.5 TB."))
    return int(amount)


def _factor(unit: str) -> int:
    factors = {name.upper(): factor for name, factor in UNITS.items() if name != "B"}
    if unit.upper() not in factors:
        raise CapacityRefused(N_("The unit %(unit)s is not known. Use GB or TB."), unit=unit)
    return factors[unit.upper()]


def _plain_number(text: str, locale: str) -> str:
    """Digits with at most one point. Refuses what could be read in two ways, such as "1.5.2"."""
    symbols = Locale.parse(locale).number_symbols["latn"]
    number = text.strip()
    group, decimal = (".", ",") if symbols["decimal"] == "," else (",", ".")
    grouped = rf"[0-9]{{1,3}}((?P<sign>{re.escape(group)}|[' \u00a0\u202f])[0-9]{{3}})((?P=sign)[0-9]{{3}})*"
    if re.fullmatch(rf"{grouped}({re.escape(decimal)}[0-9]+)?", number):
        return re.sub(rf"[{re.escape(group)}' \u00a0\u202f]", "", number).replace(decimal, ".")
    if re.fullmatch(r"[0-9]+([.,][0-9]+)?", number):
        return number.replace(",", ".")
    raise CapacityRefused(
        N_('The number "%(number)s" can be read in more than one way. Enter it like 1.5 or 1500.'), number=text.strip()
    )
