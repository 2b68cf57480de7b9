"""Text as people type it: made canonical, and refused where it hides something (threat 22)."""

import unicodedata

from services.names import NO_LINK, has_link
from services.refusal import N_, Refusal

# Needed inside words of Persian and of Indian scripts, invisible and of no use anywhere else.
JOINERS = "\u200c\u200d"
MISSING = {
    "legal_name": N_("Enter the company's name."),
    "street": N_("Enter the street and number."),
    "postcode": N_("Enter the postcode."),
    "city": N_("Enter the city."),
    "phone": N_("Enter the company's phone number."),
    "name": N_("Enter your name."),
}
HIDDEN = frozenset(("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"))


class DetailRefused(Refusal):
    """A detail cannot be right as it stands; the sentence says what is wrong with it and how to mend it."""


def canonical(text: str, field: str, fewest: int, most: int) -> str:
    """The text in NFKC, trimmed, blanks made single. `fewest` and `most` count characters; empty text is refused when
    `fewest` is above 0. Raises DetailRefused for control, direction and other invisible characters."""
    plain = " ".join(part for part in unicodedata.normalize("NFKC", text).strip().replace("\t", " ").split(" ") if part)
    if len(plain) > most:
        raise DetailRefused(
            N_("This text has %(present)s characters; at most %(most)s fit. Shorten it."),
            field,
            present=len(plain),
            most=most,
        )
    refuse_hidden(plain, field)
    if not plain and fewest:
        raise DetailRefused(MISSING.get(field, N_("Fill this in.")), field)
    if len(plain) < fewest:
        raise DetailRefused(N_("“%(written)s” is too short. Write it out in full."), field, written=plain)
    return plain


def refuse_hidden(text: str, field: str) -> None:
    """Raises DetailRefused where a character has no shape of its own: a line break, a turn of the reading direction."""
    for place, sign in enumerate(text):
        if unicodedata.category(sign) in HIDDEN and not _joins(text, place):
            raise DetailRefused(
                N_("There is an invisible character (%(code)s) in this text. Delete the text and type it anew."),
                field,
                code=f"U+{ord(sign):04X}",
            )


def lettered(text: str, field: str, fewest: int, most: int) -> str:
    """As `canonical`, and at least one letter when there is anything: a name or a street is not only digits."""
    plain = canonical(text, field, fewest, most)
    if plain and not any(sign.isalpha() for sign in plain):
        raise DetailRefused(N_("There are no letters in “%(written)s”. Write it out in full."), field, written=plain)
    return plain


def without_link(text: str, field: str) -> str:
    """The text; names go into mails to addresses that nobody has confirmed, and must not carry a link there."""
    if has_link(text):
        raise DetailRefused(NO_LINK, field)
    return text


def _joins(text: str, place: int) -> bool:
    around = text[place - 1 : place] + text[place + 1 : place + 2]
    return (
        text[place] in JOINERS
        and len(around) == 2
        and all((sign.isalpha() and not sign.isascii()) or unicodedata.combining(sign) for sign in around)
    )
