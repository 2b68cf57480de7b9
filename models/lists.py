"""Lists of one partner's sub-accounts, a page at a time by key set: a page costs the same anywhere in the list."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from peewee import JOIN, OP, SQL, EnclosedNodeList, Expression, fn

from models import flow_down, search
from models.partner import Partner
from models.prepared import Blank, ask
from models.sub_account import SETTLED_PHASES, AccessKey, Customer, Region, SubAccount

PAGE_ROWS = 50
BATCH_ROWS = 1000
EVERY_ROW = 10**9
STATES = {
    "active": ("ready", "updating", "waiting_capacity"),
    "setting-up": ("pending", "provisioning"),
    "paused": ("suspending", "suspended"),
    "attention": ("attention",),
    "deleted": ("deleting", "deleted"),
}
KEYS = ("waiting", "first", "old")
SORTS = ("name", "used", "allocated", "newest")


@dataclass(frozen=True)
class Asked:
    """What the list shall show. `text` is folded like the stored name keys (services.names.key). `state` is one of
    STATES or "changing"; an empty one leaves out what is deleted. `fill`: "near" (85 % or more) or "full"; `key`:
    "waiting" (the first key was never shown), "first" (it is still in use) or "old" (a working key was made before
    `keys_before_at`); `terms`: one of flow_down.FILTERS. What is unknown filters nothing; an unknown sort is by name.
    """

    text: str = ""
    state: str = ""
    region: str = ""
    fill: str = ""
    key: str = ""
    keys_before_at: datetime | None = None
    terms: str = ""
    sort: str = "name"


class Page(NamedTuple):
    """Rows, and the numbers of the sub-accounts after and before which the neighbouring pages lie."""

    rows: list
    earlier: str | None
    later: str | None


def page(partner: Partner, asked: Asked, at: datetime, after: str = "", before: str = "") -> Page:
    """The page that follows or precedes the sub-account of that number; the first one without either. One query."""
    cursor, backwards = (before, True) if before else (after, False)
    shape = _shape(asked, "number" if cursor else "", backwards, PAGE_ROWS + 1)
    rows = _fetched(shape, partner, asked, at, {"number": cursor})
    more, rows = len(rows) > PAGE_ROWS, rows[:PAGE_ROWS]
    if backwards:
        rows.reverse()
    first, last = (rows[0].number, rows[-1].number) if rows else (None, None)
    if backwards:
        return Page(rows, first if more else None, last)
    return Page(rows, first if cursor else None, last if more else None)


def everything(partner: Partner, asked: Asked, at: datetime) -> Iterator:
    """Every row of the selection in the list's order, fetched in batches so that memory stays flat on either engine."""
    place: dict = {}
    while True:
        shape = _shape(asked, "row" if place else "", False, BATCH_ROWS)
        rows = _fetched(shape, partner, asked, at, place)
        yield from rows
        if len(rows) < BATCH_ROWS:
            return
        place = {column.name: getattr(rows[-1], column.name) for column in _order(SubAccount, shape.sort)[0]}


def chosen(partner: Partner, asked: Asked, at: datetime, links_before_at: datetime | None = None) -> list[int]:
    """The ids of the whole selection; with `links_before_at` of it only what flow_down.sendable says."""
    shape = _shape(asked, "", False, EVERY_ROW)._replace(sendable=links_before_at is not None)
    values = {"partner": partner.id, "region": asked.region, "at": at, "keys_before_at": asked.keys_before_at}
    found = ask(_ids, shape, **values, **search.values(asked.text), links_before_at=links_before_at)
    return [row_id for (row_id,) in found]


def region_titles() -> dict[str, str]:
    """What people call each region, by its name; without those that are gone and in which nobody lives."""
    return {region.name: region.title for region in ask(_regions)}


def _regions():
    lived_in = fn.EXISTS(SubAccount.select().where(SubAccount.region == Region.id, SQL("phase <> 'deleted'")))
    columns = Region.select(Region.name, Region.display_name)
    return columns.where(Region.removed_at.is_null() | lived_in).order_by(Region.display_name, Region.name)


class Shape(NamedTuple):
    """What of a question changes its SQL. `place`: the page lies beside the sub-account of a "number", or beyond the
    values of a "row"."""

    state: str
    region: bool
    fill: str
    key: str
    terms: str
    text: tuple[bool, bool] | None
    sort: str
    place: str
    backwards: bool
    most: int
    sendable: bool = False


def _shape(asked: Asked, place: str, backwards: bool, most: int) -> Shape:
    """Only known words, so that the kinds of questions that are kept stay few."""
    return Shape(
        asked.state if asked.state in (*STATES, "changing") else "",
        bool(asked.region),
        asked.fill if asked.fill in ("near", "full") else "",
        asked.key if asked.key in KEYS else "",
        asked.terms if asked.terms in flow_down.FILTERS else "",
        search.ways(asked.text) if asked.text else None,
        asked.sort if asked.sort in SORTS else "name",
        place,
        backwards,
        most,
    )


def _fetched(shape: Shape, partner: Partner, asked: Asked, at: datetime, place: dict) -> list:
    values = {"partner": partner.id, "region": asked.region, "at": at, "keys_before_at": asked.keys_before_at}
    values |= {**search.values(asked.text), **place}
    return ask(_rows, shape, **values)


def _rows(shape: Shape):
    """The rows of the first ids in the order. What they show beside them is looked up for these few alone: in one step
    with the sorting it would be looked up for every row of the partner."""

    def in_order(query):
        return _ordered(query, shape.sort, shape.backwards)

    ids = _chosen_ids(shape, in_order)
    query = (
        SubAccount.select(*_columns(Blank("at")))
        .join(Customer)
        .switch(SubAccount)
        .join(Region)
        .switch(SubAccount)
        .join(AccessKey, JOIN.LEFT_OUTER, on=(AccessKey.sub_account == SubAccount.id) & (AccessKey.origin == "initial"))
        .where(SubAccount.id.in_(in_order(ids).limit(shape.most)))
    )
    return in_order(query).namedtuples()


def _chosen_ids(shape: Shape, in_order):
    conditions = list(_conditions(shape))
    if shape.text:
        return search.found(conditions, *shape.text, in_order, shape.most)
    return SubAccount.select(SubAccount.id).where(*conditions)


def _ids(shape: Shape):
    return _chosen_ids(shape, lambda query: query).tuples()


def _columns(at) -> tuple:
    own = SubAccount
    return (
        own.id, own.number, own.name, own.name_key, own.billing, own.allow_overdraft, own.allocated_bytes,
        own.in_force_bytes, own.used_bytes, own.measured_at, own.writable, own.phase, own.reason_code,
        own.generation, own.observed_generation, own.observed_state, own.wanted_state, own.delete_after_at,
        own.contact_name, own.contact_email, own.created_at,
        Customer.name.alias("customer_name"), Region.name.alias("region_name"),
        AccessKey.phase.alias("key_phase"), AccessKey.revealed_at.alias("key_revealed_at"),
        *flow_down.columns(at),
    )  # fmt: skip


def _conditions(shape: Shape) -> Iterator:
    yield SubAccount.partner == Blank("partner")
    if shape.state in STATES:
        yield SubAccount.phase.in_(STATES[shape.state])
    else:
        yield SubAccount.phase.not_in(STATES["deleted"])
    if shape.state == "changing":
        settled = SubAccount.phase.in_(SETTLED_PHASES) & (SubAccount.observed_generation == SubAccount.generation)
        yield ~settled & (SubAccount.phase != "attention")
    if shape.region:
        yield SubAccount.region.in_(Region.select(Region.id).where(Region.name == Blank("region")))
    if shape.fill:
        yield _filled(shape.fill)
    if shape.key:
        yield SubAccount.id.in_(AccessKey.select(AccessKey.sub_account).where(_keyed(shape.key)))
    if shape.terms:
        yield flow_down.filtered(shape.terms, Blank("at"))
    if shape.sendable:
        yield flow_down.sendable(Blank("at"), Blank("links_before_at"))
    if shape.place:
        yield _beyond(shape)


def _keyed(key: str):
    works = (AccessKey.phase == "live") & (AccessKey.wanted == "active")
    if key == "old":
        return works & (AccessKey.created_at < Blank("keys_before_at"))
    return works & (AccessKey.origin == "initial") & AccessKey.revealed_at.is_null(key == "waiting")


def _filled(fill: str):
    """Allocations are whole gigabytes, so the twentieth is exact and no product can pass 64 bits."""
    fixed = (SubAccount.billing == "reserved") & (SubAccount.allocated_bytes > 0)
    if fill == "full":
        return fixed & (SubAccount.used_bytes >= SubAccount.allocated_bytes)
    from_bytes = SubAccount.allocated_bytes - SubAccount.allocated_bytes / 20 * 3
    return fixed & (SubAccount.used_bytes >= from_bytes) & (SubAccount.used_bytes < SubAccount.allocated_bytes)


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


def _beyond(shape: Shape) -> Expression:
    """A comparison of row values: the one form of the condition that both engines answer from the index."""
    columns, descending = _order(SubAccount, shape.sort)
    beyond = OP.LT if descending != shape.backwards else OP.GT
    if shape.place == "number":
        other = SubAccount.alias()
        its = _order(other, shape.sort)[0]
        beside = other.select(*its).where(other.partner == Blank("partner"), other.number == Blank("number"))
        return Expression(EnclosedNodeList(columns), beyond, beside)
    return Expression(EnclosedNodeList(columns), beyond, EnclosedNodeList([Blank(column.name) for column in columns]))
