"""Phone numbers and mail addresses, in the one form in which they are kept."""

import unicodedata

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from phonenumbers import ValidationResult

from services.company_details.text import DetailRefused, canonical, refuse_hidden
from services.refusal import N_

LONGEST_EMAIL = 254


def check_phone(text: str, country: str, field: str = "phone", *, required: bool = True) -> str:
    """The number as "+" and digits (E.164), at home in `country` unless it says otherwise. Raises DetailRefused.

    Only the length is judged, by the numbering plan of the country: whether a number is in use changes daily.
    """
    given = canonical(text, field, 1 if required else 0, 40)
    if not given:
        return ""
    hint = phone_example(country)
    try:
        number = phonenumbers.parse(given, country or None)
    except phonenumbers.NumberParseException as failure:
        raise _phone_refused(failure.error_type, field, hint) from failure
    reason = phonenumbers.is_possible_number_with_reason(number)
    if number.extension:
        raise DetailRefused(
            N_("Leave the extension out or write it as part of the number. Example: %(example)s."), field, example=hint
        )
    if reason != ValidationResult.IS_POSSIBLE:
        raise _length_refused(reason, field, hint)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def phone_example(country: str) -> str:
    """A number of the country as it is dialled from abroad, for hints."""
    number = phonenumbers.example_number(country) or phonenumbers.example_number("DE")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL) if number else ""


def shown_phone(number: str) -> str:
    """The kept number in groups, as people read it."""
    try:
        return phonenumbers.format_number(phonenumbers.parse(number), phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    except phonenumbers.NumberParseException:
        return number


def check_email(text: str, field: str = "email") -> str:
    """The address as it is written to: domain in small letters. Raises DetailRefused; the domain is not looked up."""
    given = unicodedata.normalize("NFKC", text).strip()
    if not given:
        raise DetailRefused(N_("Enter your mail address."), field)
    if len(given) > LONGEST_EMAIL:
        raise DetailRefused(N_("A mail address has at most %(most)s characters."), field, most=LONGEST_EMAIL)
    refuse_hidden(given, field)
    try:
        return validate_email(given, check_deliverability=False).normalized
    except EmailNotValidError as failure:
        raise DetailRefused(
            N_("This is not a complete mail address. It has a name, an @ and a domain. Example: %(example)s."),
            field,
            example="anna.berg@company.com",
        ) from failure


def _phone_refused(error: int, field: str, hint: str) -> DetailRefused:
    if error == phonenumbers.NumberParseException.INVALID_COUNTRY_CODE:
        return DetailRefused(
            N_("No country has this code. Begin with + and the country's code. Example: %(example)s."),
            field,
            example=hint,
        )
    return DetailRefused(
        N_("This is not a phone number. Use digits, with the area code. Example: %(example)s."), field, example=hint
    )


def _length_refused(reason: int, field: str, hint: str) -> DetailRefused:
    texts = {
        ValidationResult.TOO_SHORT: N_("This number is too short. Is the area code there? Example: %(example)s."),
        ValidationResult.IS_POSSIBLE_LOCAL_ONLY: N_("The area code is missing. Example: %(example)s."),
        ValidationResult.TOO_LONG: N_("This number is too long. Example: %(example)s."),
        ValidationResult.INVALID_COUNTRY_CODE: N_(
            "No country has this code. Begin with + and the country's code. Example: %(example)s."
        ),
    }
    other = N_("No phone number of this country is that long. Example: %(example)s.")
    return DetailRefused(texts.get(reason, other), field, example=hint)
