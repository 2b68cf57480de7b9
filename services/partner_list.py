"""The list of partners as operators search and page it."""

import re
from dataclasses import dataclass
from typing import Any

from peewee import fn

from models.contract import Contract
from models.partner import Partner
from models.sub_account import SubAccount
from services import names

PAGE_SIZE = 50
SHORTEST_SEARCH = 2
LONGEST_SEARCH = 100


@dataclass(frozen=True)
class Row:
    partner: Partner
    reserved_bytes: int
    sub_accounts: int


@dataclass(frozen=True)
class Page:
    """`after` and `before` are ids of partners to go on from; None where the list ends."""

    rows: list[Row]
    before: int | None
    after: int | None


def page(search: str = "", state: str = "", *, after: int | None = None, before: int | None = None) -> Page:
    """One page in the order of names. `search` looks at names, contract numbers and sub-account numbers."""
    start = Partner.get_or_none(id=after or before) if after or before else None
    backwards = start is not None and not after
    query = Partner.select()
    for condition in _conditions(search, state, start, backwards):
        query = query.where(condition)
    order = (Partner.name_key.desc(), Partner.id.desc()) if backwards else (Partner.name_key, Partner.id)
    found = list(query.order_by(*order).limit(PAGE_SIZE + 1))
    more, found = len(found) > PAGE_SIZE, found[:PAGE_SIZE]
    if backwards:
        found.reverse()
    has_before, has_after = (more, True) if backwards else (start is not None, more)
    return Page(
        _with_figures(found),
        found[0].id if found and has_before else None,
        found[-1].id if found and has_after else None,
    )


def _conditions(search: str, state: str, start: Partner | None, backwards: bool) -> list:
    conditions = [_beyond(start, backwards)] if start else []
    if state:
        conditions.append(Partner.state == state)
    wanted = names.key(search[:LONGEST_SEARCH])
    if len(wanted) < SHORTEST_SEARCH:
        return conditions
    by_number = Contract.select(Contract.partner).where(fn.LOWER(Contract.number).contains(wanted))
    matches = Partner.name_key.contains(wanted) | Partner.id.in_(by_number)
    if re.fullmatch("[0-9]{12}", wanted):
        matches |= Partner.id.in_(SubAccount.select(SubAccount.partner).where(SubAccount.number == wanted))
    return [*conditions, matches]


def _beyond(start: Partner, backwards: bool):
    same = Partner.name_key == start.name_key
    if backwards:
        return (Partner.name_key < start.name_key) | (same & (Partner.id < start.id))
    return (Partner.name_key > start.name_key) | (same & (Partner.id > start.id))


def _with_figures(partners: list[Partner]) -> list[Row]:
    ids = [partner.id for partner in partners]
    contracts = Contract.partner.in_(ids) & (Contract.state == "active")
    reserved = Contract.select(Contract.partner, fn.SUM(Contract.reserved_bytes)).where(contracts)
    standing = SubAccount.partner.in_(ids) & (SubAccount.phase != "deleted")
    counted = SubAccount.select(SubAccount.partner, fn.COUNT(SubAccount.id)).where(standing)
    bytes_of, count_of = (
        _by_partner(reserved.group_by(Contract.partner)),
        _by_partner(counted.group_by(SubAccount.partner)),
    )
    return [Row(partner, bytes_of.get(partner.id, 0), count_of.get(partner.id, 0)) for partner in partners]


def _by_partner(query: Any) -> dict[int, int]:
    return {partner_id: int(amount) for partner_id, amount in query.tuples()}
