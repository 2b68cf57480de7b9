"""Links to many customers at once: those of a list's selection that have not agreed to the terms in force (T2)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from peewee import chunked, fn

from models import lists
from models.base import locked, write_tx
from models.flow_down import FlowDownLink, sendable
from models.lists import Asked
from models.partner import Partner
from models.sub_account import SubAccount
from services import flow_down, flow_down_limits, once
from services.audit import Act, Change, record_many
from services.flow_down_links import PAUSE, VALID_FOR

BATCH = 500


@dataclass(frozen=True)
class Selection:
    """Of `shown` sub-accounts in the selection, the customers of `ids` are to be sent a link."""

    shown: int
    ids: list[int]


@dataclass(frozen=True)
class Sent:
    """So many links were made, and so many customers get none now, because enough mails went to their address or of the
    partner within a day (services.flow_down_limits)."""

    links: int
    left_out: int

    def __add__(self, other: "Sent") -> "Sent":
        return Sent(self.links + other.links, self.left_out + other.left_out)


def selection(partner: Partner, asked: Asked, at: datetime) -> Selection:
    """What `send` would do now. Left out is who agreed to the terms in force or refused them, got a link within the
    last day, has no contact, or is being deleted."""
    return Selection(
        len(lists.chosen(partner, asked, at)), lists.chosen(partner, asked, at, links_before_at=at - PAUSE)
    )


def send(act: Act, partner: Partner, asked: Asked, locale: str, once_key: str) -> Sent | None:
    """Makes a link for each, in batches; the worker writes the mails. Returns how many, None for a repeated
    form. Raises FlowDownRefused without terms, KeyReused. Cut off in the middle, what was not made is in the selection
    still."""
    flow_down.in_force(act.at, locale)
    content = f"links {asked!r}"
    with write_tx():
        if once.earlier_answer(act, once_key, content) is not None:
            return None
        ids = _longest_without_first(partner, selection(partner, asked, act.at).ids)
        once.remember(act, once_key, content, str(len(ids)))
        sent = _open_links(act, partner, ids[:BATCH], locale)
    for some in chunked(ids[BATCH:], BATCH):
        with write_tx():
            sent += _open_links(act, partner, some, locale)
    return sent


def _longest_without_first(partner: Partner, ids: list[int]) -> list[int]:
    """Whoever the day has no room for comes first the day after, before those who get another link."""
    own: Any = FlowDownLink.select(FlowDownLink.sub_account, fn.MAX(FlowDownLink.id)).join(SubAccount)
    latest: dict[int, int] = dict(own.where(SubAccount.partner == partner).group_by(FlowDownLink.sub_account).tuples())
    return sorted(ids, key=lambda number: (latest.get(number, 0), number))


def _open_links(act: Act, partner: Partner, ids: list[int], locale: str) -> Sent:
    """The rows are locked in the order of their ids, as everybody locks several; then it is looked once more whom a
    link still concerns."""
    own = (SubAccount.partner == partner) & SubAccount.id.in_(ids)
    list(locked(SubAccount.select(SubAccount.id).where(own).order_by(SubAccount.id)).tuples())
    place = {number: place for place, number in enumerate(ids)}
    rows = sorted(SubAccount.select().where(own, sendable(act.at, act.at - PAUSE)), key=lambda row: place[row.id])
    may_go = flow_down_limits.take(act, partner.id, [row.contact_email for row in rows]) if rows else []
    left_out, rows = may_go.count(False), [row for row, goes in zip(rows, may_go, strict=True) if goes]
    if not rows:
        return Sent(0, left_out)
    open_ones = FlowDownLink.sub_account.in_([row.id for row in rows]) & FlowDownLink.ended_at.is_null()
    FlowDownLink.update(ended_at=act.at, outcome="replaced").where(open_ones).execute()
    until_at = act.at + VALID_FOR
    FlowDownLink.insert_many(
        {
            "sub_account": row.id, "email": row.contact_email, "contact_name": row.contact_name, "locale": locale,
            "created_at": act.at, "created_by": act.actor_name, "expires_at": until_at,
        }
        for row in rows
    ).execute()  # fmt: skip
    changes = [Change(row, after={"email": row.contact_email, "expires_at": until_at}) for row in rows]
    record_many(act, "flow_down.link_sent", changes, partner=partner)
    return Sent(len(rows), left_out)
