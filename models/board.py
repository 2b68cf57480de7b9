"""The rows of the allocation board, a page at a time."""

from dataclasses import dataclass

from peewee import Case, EnclosedNodeList, Tuple, fn

from models import search
from models.contract import Contract
from models.prepared import Blank, ask
from models.sub_account import Customer, Region, SubAccount


@dataclass(frozen=True)
class Found:
    """One page. `after` and `before` are the marks of the neighbouring pages, empty where there is none.
    `leaving_bytes` is what sub-accounts that are being deleted still hold."""

    rows: list[SubAccount]
    after: str
    before: str
    not_shown: int
    leaving_bytes: int


def _own(contract: Contract):
    return (
        SubAccount.select(SubAccount, Customer, _region_title())
        .join(Region)
        .switch(SubAccount)
        .join(Customer)
        .where(SubAccount.contract == contract, SubAccount.wanted_state != "deleted")
    )


def _region_title():
    """What people call the row's region, as `region_title`; empty where there is one region alone."""
    every = Region.alias()
    several = every.select(fn.COUNT(every.id)) > 1
    title = Case(None, [(Region.display_name != "", Region.display_name)], Region.name)
    return Case(None, [(several, title)], "").alias("region_title")


def board_rows(contract: Contract, text: str, mark: str, limit: int) -> Found:
    """Sub-accounts with a fixed allocation in order of name. `mark` is "after:ID" or "before:ID" of an earlier page."""
    direction, _colon, number = mark.partition(":")
    edge = SubAccount.get_or_none(SubAccount.contract == contract, SubAccount.number == number) if number else None
    backwards = edge is not None and direction == "before"
    values = {"contract": contract.id, "partner": contract.partner_id, **search.values(text.casefold())}
    if edge is not None:
        values |= {"name_key": edge.name_key, "id": edge.id}
    by_index = search.ways(text)[0] if text else None
    rows = ask(_rows, by_index, edge is not None, backwards, limit + 1, **values)
    more, rows = len(rows) > limit, rows[:limit]
    if backwards:
        rows.reverse()
    not_shown, leaving_bytes = ask(_beside, contract=contract.id)[0]
    return Found(
        rows,
        after=f"after:{rows[-1].number}" if rows and (more or backwards) else "",
        before=f"before:{rows[0].number}" if rows and edge is not None and (more or not backwards) else "",
        not_shown=not_shown,
        leaving_bytes=int(leaving_bytes),
    )


def _rows(by_index: bool | None, beside: bool, backwards: bool, most: int):
    """`by_index`: as in models/search.py; None where nothing is searched. Only the columns that a row shows."""
    own = SubAccount
    place, there = Tuple(own.name_key, own.id), EnclosedNodeList([Blank("name_key"), Blank("id")])
    conditions = [own.contract == Blank("contract"), own.wanted_state != "deleted", own.billing == "reserved"]
    if beside:
        conditions.append(place < there if backwards else place > there)

    def in_order(query):
        return query.order_by(own.name_key.desc(), own.id.desc()) if backwards else query.order_by(own.name_key, own.id)

    if by_index is not None:
        conditions = [own.id.in_(in_order(search.found(conditions, by_index, False, in_order, most)).limit(most))]
    query = own.select(
        own.id, own.number, own.name, own.name_key, own.billing, own.allocated_bytes, own.in_force_bytes,
        own.used_bytes, own.measured_at, own.writable, own.phase, own.reason_code, own.generation,
        own.observed_generation, own.delete_after_at, _region_title(),
    ).join(Region)  # fmt: skip
    return in_order(query.where(*conditions)).limit(most)


def _beside():
    """Of what the board does not show: how many have no fixed allocation, and what is held by those that go."""
    own, leaving = SubAccount, SubAccount.wanted_state == "deleted"
    held = leaving & (own.allocated_bytes > 0)
    return (
        own.select(
            fn.COUNT(Case(None, [(leaving, None)], own.id)),
            fn.COALESCE(fn.SUM(Case(None, [(leaving, own.allocated_bytes)], 0)), 0),
        )
        .where(own.contract == Blank("contract"), (~leaving & (own.billing != "reserved")) | held)
        .tuples()
    )


def rows_by_number(contract: Contract, numbers: list[str]) -> dict[str, SubAccount]:
    return {account.number: account for account in _own(contract).where(SubAccount.number.in_(numbers))}
