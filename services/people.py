"""Finding the person who owns a mail address; members and operators sign in on the same page."""

import unicodedata
from dataclasses import replace
from typing import Any

from models.base import locked
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


def owner(person: Member | Operator) -> dict[str, Member | Operator]:
    """The columns by which a row of a table with members and operators belongs to this person."""
    return {"member" if isinstance(person, Member) else "operator": person}


def owned(table: Any, person: Member | Operator) -> Any:
    """The condition for the rows of such a table that belong to this person."""
    return table.member == person if isinstance(person, Member) else table.operator == person


def locked_afresh(person: Member | Operator) -> Member | Operator:
    """The person's row as it is now, held until the transaction ends: it owns the rules of log-in and factors."""
    kind: Any = type(person)
    return locked(kind.select().where(kind.id == person.id)).get()


def acting(act: Any, person: Member | Operator) -> Any:
    """The act as this person's, who is not signed in yet and has shown who they are."""
    return replace(act, kind=person._meta.table_name, actor_id=str(person.id), actor_name=person.name)


def id_of(person: Member | Operator) -> str:
    """member:5 or operator:2"""
    return f"{person._meta.table_name}:{person.id}"


def with_id(text: str) -> Member | Operator | None:
    """The person of `id_of`."""
    kind, _, number = text.partition(":")
    if not number.isascii() or not number.isdigit():
        return None
    return (
        Member.get_or_none(Member.id == int(number))
        if kind == "member"
        else Operator.get_or_none(Operator.id == int(number))
    )
