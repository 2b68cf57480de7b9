"""The rows of the allocation board, a page at a time."""

from dataclasses import dataclass

from peewee import Tuple

from models.contract import Contract
from models.sub_account import Customer, SubAccount


@dataclass(frozen=True)
class Found:
    """One page. `after` and `before` are the marks of the neighbouring pages, empty where there is none."""

    rows: list[SubAccount]
    after: str
    before: str
    not_shown: int


def _own(contract: Contract):
    return (
        SubAccount.select(SubAccount, Customer)
        .join(Customer)
        .where(SubAccount.contract == contract, SubAccount.wanted_state != "deleted")
    )


def board_rows(contract: Contract, search: str, mark: str, limit: int) -> Found:
    """Sub-accounts with a fixed allocation in order of name. `mark` is "after:ID" or "before:ID" of an earlier page."""
    query = _own(contract).where(SubAccount.billing == "reserved")
    if search:
        query = query.where(
            SubAccount.name_key.contains(search.casefold()) | Customer.name_key.contains(search.casefold())
        )
    direction, _colon, number = mark.partition(":")
    edge = SubAccount.get_or_none(SubAccount.contract == contract, SubAccount.number == number) if number else None
    backwards = edge is not None and direction == "before"
    if edge is not None:
        place, there = Tuple(SubAccount.name_key, SubAccount.id), (edge.name_key, edge.id)
        query = query.where(place < there if backwards else place > there)
    order = (SubAccount.name_key.desc(), SubAccount.id.desc()) if backwards else (SubAccount.name_key, SubAccount.id)
    rows = list(query.order_by(*order).limit(limit + 1))
    more, rows = len(rows) > limit, rows[:limit]
    if backwards:
        rows.reverse()
    return Found(
        rows,
        after=f"after:{rows[-1].number}" if rows and (more or backwards) else "",
        before=f"before:{rows[0].number}" if rows and edge is not None and (more or not backwards) else "",
        not_shown=_own(contract).where(SubAccount.billing != "reserved").count(),
    )


def rows_by_number(contract: Contract, numbers: list[str]) -> dict[str, SubAccount]:
    return {account.number: account for account in _own(contract).where(SubAccount.number.in_(numbers))}
