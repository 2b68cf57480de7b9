"""Finding the person who owns a mail address; members and operators sign in on the same page."""

import unicodedata

from models.operator import Operator
from models.partner import Member


def email_key(address: str) -> str:
    """The form in which addresses are compared: `email_key` of members and operators is unique in this form."""
    storable = address.replace("\x00", "\ufffd")  # Postgres takes no NUL in a text, not even in a question
    return unicodedata.normalize("NFKC", storable).strip().casefold()


def with_address(address: str) -> Member | Operator | None:
    """Whoever signs in with this address. Always two questions, so that the answer's time says nothing (threat 5)."""
    key = email_key(address)
    operator = Operator.get_or_none(Operator.email_key == key)
    member = Member.get_or_none(Member.email_key == key)
    return operator or member


def partner_id_of(person: Member | Operator) -> int | None:
    return person.partner_id if isinstance(person, Member) else None
