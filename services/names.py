"""Names of customers and sub-accounts: what is kept, and what two of them are compared by (threats.md 22)."""

import unicodedata

from services.refusal import N_, Refusal

LONGEST = 120
JOINERS = "\u200c\u200d"  # some scripts need them inside words
LINKS = ("://", "www.")  # what mail programs and their readers take for a web address; "booking.com" is a company
NO_LINK = N_("A name does not contain a web address. Leave it out.")
UNSEEN = ("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp")


class NameRefused(Refusal):
    """The text cannot be a name."""


def tidy(text: str, field: str) -> str:
    """The name as it is kept: NFC, single blanks. Raises NameRefused for an empty, an overlong one, or one with signs
    that cannot be seen (they make two names look alike, or turn the direction of the text)."""
    name = unicodedata.normalize("NFC", " ".join(text.split()))
    if not name:
        raise NameRefused(N_("Enter a name."), field)
    if len(name) > LONGEST:
        raise NameRefused(N_("Enter at most %(most)s characters."), field, most=LONGEST)
    hidden = [sign for sign in name if unicodedata.category(sign) in UNSEEN and sign not in JOINERS]
    if hidden:
        raise NameRefused(
            N_("There is a character in it that cannot be seen (%(code)s). Type it instead of pasting it."),
            field,
            code=f"U+{ord(hidden[0]):04X}",
        )
    return name


def without_link(text: str, field: str) -> str:
    """The name, as it may go into a mail to somebody who never asked for one. Raises NameRefused where
    it holds a web address, which would turn the portal's mail into whatever the partner likes."""
    if has_link(text):
        raise NameRefused(NO_LINK, field)
    return text


def has_link(text: str) -> bool:
    """Whether one of LINKS is in it, however it is written: wide signs, any case, the full stop of another script."""
    plain = key(text).replace("\u3002", ".")
    return any(sign in plain for sign in LINKS)


def key(text: str) -> str:
    """What names are compared, ordered and searched by: width, case and blanks do not count."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(unicodedata.normalize("NFKC", folded).replace("\u200c", "").replace("\u200d", "").split())
