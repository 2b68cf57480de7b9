"""Amounts as people write them, in two languages, and every way in which they go wrong."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.capacity import (
    LARGEST_BYTES,
    SMALLEST_STEP_BYTES,
    CapacityRefused,
    exact_bytes,
    format_bytes,
    parse_bytes,
    split_bytes,
)

GB, TB, PB = 10**9, 10**12, 10**15
NBSP, NARROW = "\u00a0", "\u202f"
LOCALES = ("en", "de")
whole_gigabytes = st.integers(0, LARGEST_BYTES // GB).map(lambda number: number * GB)


@pytest.mark.parametrize(
    ("text", "locale", "amount_bytes"),
    [
        ("1.5 TB", "en", 1500 * GB),
        ("1.5 TB", "de", 1500 * GB),
        ("1,5 TB", "de", 1500 * GB),
        ("1,5 TB", "en", 1500 * GB),
        ("1.500 GB", "de", 1500 * GB),
        ("1,500 GB", "en", 1500 * GB),
        ("1.500 TB", "en", 1500 * GB),
        ("1.500 TB", "de", 1500 * TB),
        ("1,500.5 TB", "en", 1500 * TB + 500 * GB),
        ("1.500,5 TB", "de", 1500 * TB + 500 * GB),
        ("0", "en", 0),
        ("0 TB", "de", 0),
        ("250", "en", 250 * GB),
        ("250gb", "en", 250 * GB),
        ("250 Gb", "de", 250 * GB),
        ("  250 GB  ", "en", 250 * GB),
        (f"1.5{NBSP}TB", "en", 1500 * GB),
        (f"{NBSP}1,5{NBSP}TB{NBSP}", "de", 1500 * GB),
        (f"1{NARROW}500 GB", "en", 1500 * GB),
        ("1 500 GB", "de", 1500 * GB),
        ("1'500 GB", "de", 1500 * GB),
        ("1000 MB", "en", GB),
        ("2 PB", "en", 2 * PB),
        ("1000 PB", "en", LARGEST_BYTES),
        ("007 GB", "en", 7 * GB),
    ],
)
def test_an_amount_is_read_as_its_writer_meant_it(text, locale, amount_bytes):
    assert parse_bytes(text, "GB", locale) == amount_bytes


@pytest.mark.parametrize(
    ("text", "locale", "words"),
    [
        ("1.5.2 TB", "en", "more than one way"),
        ("1.5.2 TB", "de", "more than one way"),
        ("1,5,2 TB", "en", "more than one way"),
        ("1 5 TB", "en", "more than one way"),
        ("1 500,5.2 GB", "de", "more than one way"),
        ("1.500 500 GB", "de", "more than one way"),
        ("1. TB", "en", "more than one way"),
        ("", "en", "Enter an amount such as"),
        ("   ", "de", "Enter an amount such as"),
        ("TB", "en", "Enter an amount such as"),
        ("1e5", "en", "Enter an amount such as"),
        ("1e5 GB", "en", "Enter an amount such as"),
        ("٣ GB", "en", "Enter an amount such as"),
        ("３ GB", "en", "Enter an amount such as"),
        ("NaN", "en", "Enter an amount such as"),
        ("Infinity GB", "en", "Enter an amount such as"),
        ("0x10 GB", "en", "Enter an amount such as"),
        (".5 TB", "en", "Enter an amount such as"),
        ("+5 GB", "en", "Enter an amount such as"),
        ("5 GB 5", "en", "Enter an amount such as"),
        ("9" * 60, "en", "Enter an amount such as"),
        ("-1", "en", "below zero"),
        ("−1 GB", "de", "below zero"),
        ("-0.5 TB", "en", "below zero"),
        ("1.500 GB", "en", "whole gigabytes"),
        ("1,500 GB", "de", "whole gigabytes"),
        ("0.5 GB", "en", "whole gigabytes"),
        ("1 MB", "en", "whole gigabytes"),
        ("1.2345 TB", "en", "whole gigabytes"),
        ("5 GiB", "en", "is not known"),
        ("5 B", "en", "is not known"),
        ("5 bananas", "de", "is not known"),
        ("1001 PB", "en", "more than this portal can count"),
        ("99999999999999999999 TB", "en", "more than this portal can count"),
        ("1.000.001 TB", "de", "more than this portal can count"),
    ],
)
def test_what_is_no_amount_is_refused_with_a_hint(text, locale, words):
    with pytest.raises(CapacityRefused) as caught:
        parse_bytes(text, "GB", locale)
    assert words in caught.value.text
    assert caught.value.text % caught.value.values


def test_a_bare_number_is_in_the_unit_beside_it():
    assert parse_bytes("2", "TB") == 2 * TB
    assert parse_bytes("2 GB", "TB") == 2 * GB


def test_half_a_megabyte_of_spaces_is_refused_at_once():
    began = time.perf_counter()
    with pytest.raises(CapacityRefused):
        parse_bytes("1" + " " * 500_000 + "!")
    assert time.perf_counter() - began < 1


@given(st.text(max_size=60), st.sampled_from(LOCALES))
def test_any_text_is_an_amount_or_a_refusal(text, locale):
    try:
        amount_bytes = parse_bytes(text, "GB", locale)
    except CapacityRefused as refusal:
        assert refusal.text % refusal.values  # noqa: PT017
    else:
        assert 0 <= amount_bytes <= LARGEST_BYTES
        assert amount_bytes % SMALLEST_STEP_BYTES == 0


@given(whole_gigabytes, st.sampled_from(LOCALES))
def test_what_the_board_shows_is_read_back_exactly(amount_bytes, locale):
    number, unit = split_bytes(amount_bytes, locale)
    assert parse_bytes(number, unit, locale) == amount_bytes
    assert parse_bytes(f"{number}{NBSP}{unit}", "GB", locale) == amount_bytes


@given(st.integers(0, PB // GB).map(lambda number: number * GB), st.sampled_from(LOCALES))
def test_what_a_page_shows_up_to_a_petabyte_is_read_back_exactly(amount_bytes, locale):
    shown = format_bytes(amount_bytes, locale)
    assert parse_bytes(shown.removesuffix("B") + "B" if amount_bytes else "0", "GB", locale) == amount_bytes


@given(st.integers(0, PB), st.sampled_from(LOCALES))
def test_a_shown_amount_is_at_most_half_a_thousandth_of_its_unit_off(amount_bytes, locale):
    number, unit = format_bytes(amount_bytes, locale).split(NBSP)
    group, decimal = (".", ",") if locale == "de" else (",", ".")
    factor = {"PB": PB, "TB": TB, "GB": GB, "MB": 10**6, "kB": 1000, "B": 1}[unit]
    whole, _, fraction = number.replace(group, "").partition(decimal)
    shown_bytes = int(whole) * factor + int(fraction.ljust(3, "0") or 0) * factor // 1000
    assert abs(shown_bytes - amount_bytes) <= factor / 2000


@pytest.mark.parametrize(
    ("amount_bytes", "locale", "shown"),
    [
        (0, "en", f"0{NBSP}B"),
        (999, "en", f"999{NBSP}B"),
        (1000, "en", f"1{NBSP}kB"),
        (250 * GB, "en", f"250{NBSP}GB"),
        (1500 * GB, "en", f"1.5{NBSP}TB"),
        (1500 * GB, "de", f"1,5{NBSP}TB"),
        (1234567 * 10**6, "de", f"1,235{NBSP}TB"),
        (2 * PB, "de", f"2{NBSP}PB"),
        (2_500_000 * TB, "en", f"2,500{NBSP}PB"),
        (-1500 * GB, "en", f"-1.5{NBSP}TB"),
    ],
)
def test_the_largest_fitting_unit_is_shown(amount_bytes, locale, shown):
    assert format_bytes(amount_bytes, locale) == shown


def test_the_exact_value_is_grouped_as_the_reader_groups():
    assert exact_bytes(1_500_000_000_000, "en") == "1,500,000,000,000"
    assert exact_bytes(1_500_000_000_000, "de") == "1.500.000.000.000"


def test_the_board_splits_at_a_terabyte():
    assert split_bytes(999 * GB) == ("999", "GB")
    assert split_bytes(1001 * GB, "de") == ("1,001", "TB")
