"""Lists of one partner's sub-accounts, a page at a time by key set: a page costs the same anywhere in the list."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from peewee import JOIN, OP, EnclosedNodeList, Expression

from models.partner import Partner
from models.sub_account import SETTLED_PHASES, AccessKey, Customer, FlowDown, Region, SubAccount
from models.terms import TermsVersion

PAGE_ROWS = 50
BATCH_ROWS = 1000
STATES = {
    "active": ("ready", "updating", "waiting_capacity"),
    "setting-up": ("pending", "provisioning"),
    "paused": ("suspending", "suspended"),
    "attention": ("attention",),
    "deleted": ("deleting", "deleted"),
}
SORTS = ("name", "used", "allocated", "newest")


@dataclass(frozen=True)
class Asked:
    """What the list shall show. `text` is folded like the stored name keys (services.names.key). `state` is one of
    STATES or "changing"; an empty one leaves out what is deleted. `fill`: "near" (85 % or more) or "full"; `key`:
    "waiting" (the first key was never shown), "first" (it is still in use) or "old" (a working key was made before
    `keys_before_at`). What is unknown filters nothing; an unknown sort is by name."""

    text: str = ""
    state: str = ""
    region: str = ""
    fill: str = ""
    key: str = ""
    keys_before_at: datetime | None = None
    sort: str = "name"


class Page(NamedTuple):
    """Rows, and the numbers of the sub-accounts after and before which the neighbouring pages lie."""

    rows: list
    earlier: str | None
    later: str | None


def page(partner: Partner, asked: Asked, at: datetime, after: str = "", before: str = "") -> Page:
    """The page that follows or precedes the sub-account of that number; the first one without either. One query."""
    cursor, backwards = (before, True) if before else (after, False)
    chosen = _chosen(partner, asked)
    if cursor:
        other = SubAccount.alias()
        place = other.select(*_order(other, asked.sort)[0]).where(other.partner == partner, other.number == cursor)
        chosen = chosen.where(_beyond(asked.sort, place, backwards))
    rows = _fetched(chosen, asked.sort, at, backwards, PAGE_ROWS + 1)
    more, rows = len(rows) > PAGE_ROWS, rows[:PAGE_ROWS]
    if backwards:
        rows.reverse()
    first, last = (rows[0].number, rows[-1].number) if rows else (None, None)
    if backwards:
        return Page(rows, first if more else None, last)
    return Page(rows, first if cursor else None, last if more else None)


def everything(partner: Partner, asked: Asked, at: datetime) -> Iterator:
    """Every row of the selection in the list's order, fetched in batches so that memory stays flat on either engine."""
    place = None
    while True:
        chosen = _chosen(partner, asked)
        if place is not None:
            chosen = chosen.where(_beyond(asked.sort, EnclosedNodeList(place), False))
        rows = _fetched(chosen, asked.sort, at, False, BATCH_ROWS)
        yield from rows
        if len(rows) < BATCH_ROWS:
            return
        place = [getattr(rows[-1], column.name) for column in _order(SubAccount, asked.sort)[0]]


def _chosen(partner: Partner, asked: Asked):
    query = SubAccount.select(SubAccount.id).where(SubAccount.partner == partner)
    for condition in _conditions(partner, asked):
        query = query.where(condition)
    return query


def _fetched(chosen, sort: str, at: datetime, backwards: bool, most: int) -> list:
    """The rows of the first ids in the order. What they show beside them is looked up for these few alone: in one step
    with the sorting it would be looked up for every row of the partner."""
    few = _ordered(chosen, sort, backwards).limit(most)
    query = (
        SubAccount.select(*_columns(at))
        .join(Customer)
        .switch(SubAccount)
        .join(Region)
        .switch(SubAccount)
        .join(AccessKey, JOIN.LEFT_OUTER, on=(AccessKey.sub_account == SubAccount.id) & (AccessKey.origin == "initial"))
        .where(SubAccount.id.in_(few))
    )
    return list(_ordered(query, sort, backwards).namedtuples())


def _columns(at: datetime) -> tuple:
    own = SubAccount
    return (
        own.id, own.number, own.name, own.name_key, own.billing, own.allow_overdraft, own.allocated_bytes,
        own.in_force_bytes, own.used_bytes, own.measured_at, own.writable, own.phase, own.generation,
        own.observed_generation, own.contact_name, own.contact_email, own.created_at,
        Customer.name.alias("customer_name"), Region.name.alias("region_name"),
        AccessKey.phase.alias("key_phase"), AccessKey.revealed_at.alias("key_revealed_at"),
        agreed_label().alias("flow_down_label"), current_label(at).alias("current_label"),
    )  # fmt: skip


def agreed_label():
    """The label of the flow-down terms that the customer of the row agreed to last; NULL when none."""
    return (
        FlowDown.select(TermsVersion.label)
        .join(TermsVersion)
        .where(FlowDown.sub_account == SubAccount.id)
        .order_by(FlowDown.id.desc())
        .limit(1)
    )


def current_label(at: datetime):
    """The label of the flow-down terms in force."""
    version = TermsVersion.alias()
    return (
        version.select(version.label)
        .where(version.kind == "flow_down", version.state == "published", version.effective_at <= at)
        .order_by(version.effective_at.desc(), version.id.desc())
        .limit(1)
    )


def _conditions(partner: Partner, asked: Asked) -> Iterator:
    if asked.text:
        yield _named(partner, asked.text)
    if asked.state in STATES:
        yield SubAccount.phase.in_(STATES[asked.state])
    else:
        yield SubAccount.phase.not_in(STATES["deleted"])
    if asked.state == "changing":
        settled = SubAccount.phase.in_(SETTLED_PHASES) & (SubAccount.observed_generation == SubAccount.generation)
        yield ~settled & (SubAccount.phase != "attention")
    if asked.region:
        yield SubAccount.region.in_(Region.select(Region.id).where(Region.name == asked.region))
    if asked.fill in ("near", "full"):
        yield _filled(asked.fill)
    if asked.key in ("waiting", "first", "old"):
        yield SubAccount.id.in_(AccessKey.select(AccessKey.sub_account).where(_keyed(asked)))


def _keyed(asked: Asked):
    works = (AccessKey.phase == "live") & (AccessKey.wanted == "active")
    if asked.key == "old":
        return works & (AccessKey.created_at < asked.keys_before_at)
    return works & (AccessKey.origin == "initial") & AccessKey.revealed_at.is_null(asked.key == "waiting")


def _filled(fill: str):
    """Allocations are whole gigabytes, so the twentieth is exact and no product can pass 64 bits."""
    fixed = (SubAccount.billing == "reserved") & (SubAccount.allocated_bytes > 0)
    if fill == "full":
        return fixed & (SubAccount.used_bytes >= SubAccount.allocated_bytes)
    from_bytes = SubAccount.allocated_bytes - SubAccount.allocated_bytes / 20 * 3
    return fixed & (SubAccount.used_bytes >= from_bytes) & (SubAccount.used_bytes < SubAccount.allocated_bytes)


def _named(partner: Partner, text: str):
    """Part of the name or of the customer's name, or the beginning of the number. A range and not a pattern for the
    number, because any collation orders twelve digits alike."""
    customers = Customer.select(Customer.id).where(Customer.partner == partner, Customer.name_key.contains(text))
    found = SubAccount.name_key.contains(text) | SubAccount.customer.in_(customers)
    if text.isascii() and text.isdigit() and len(text) <= 12:
        found |= SubAccount.number.between(text.ljust(12, "0"), text.ljust(12, "9"))
    return found


def _order(table, sort: str) -> tuple[list, bool]:
    """The columns of the order, which end in a unique one, and whether they descend."""
    if sort == "used":
        return [table.used_bytes, table.id], True
    if sort == "allocated":
        return [table.allocated_bytes, table.id], True
    return ([table.id], True) if sort == "newest" else ([table.name_key, table.id], False)


def _ordered(query, sort: str, backwards: bool):
    columns, descending = _order(SubAccount, sort)
    return query.order_by(*(column.desc() if descending != backwards else column.asc() for column in columns))


def _beyond(sort: str, place, backwards: bool) -> Expression:
    """A comparison of row values: the one form of the condition that both engines answer from the index."""
    columns, descending = _order(SubAccount, sort)
    return Expression(EnclosedNodeList(columns), OP.LT if descending != backwards else OP.GT, place)
