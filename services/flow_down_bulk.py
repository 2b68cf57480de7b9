"""Links to many customers at once: those of a list's selection that have not agreed to the terms in force (T2)."""

from dataclasses import dataclass
from datetime import datetime

from peewee import chunked

from models import lists
from models.base import locked, write_tx
from models.flow_down import FlowDownLink, sendable
from models.lists import Asked
from models.partner import Partner
from models.sub_account import SubAccount
from services import flow_down, once
from services.audit import Act, Change, record_many
from services.flow_down_links import PAUSE, VALID_FOR

BATCH = 500


@dataclass(frozen=True)
class Selection:
    """Of `shown` sub-accounts in the selection, the customers of `ids` are to be sent a link."""

    shown: int
    ids: list[int]


def selection(partner: Partner, asked: Asked, at: datetime) -> Selection:
    """What `send` would do now. Left out is who agreed to the terms in force or refused them, got a link within the
    last day, has no contact, or is being deleted."""
    return Selection(
        len(lists.chosen(partner, asked, at)), lists.chosen(partner, asked, at, links_before_at=at - PAUSE)
    )


def send(act: Act, partner: Partner, asked: Asked, locale: str, once_key: str) -> int | None:
    """Makes a link for each, in batches; the worker writes the mails. Returns how many, None for a repeated form.
    Raises FlowDownRefused without terms, KeyReused. Cut off in the middle, what was not made is in the selection
    still."""
    flow_down.in_force(act.at, locale)
    content = f"links {asked!r}"
    with write_tx():
        if once.earlier_answer(act, once_key, content) is not None:
            return None
        ids = selection(partner, asked, act.at).ids
        once.remember(act, once_key, content, str(len(ids)))
        sent = _open_links(act, partner, ids[:BATCH], locale)
    for some in chunked(ids[BATCH:], BATCH):
        with write_tx():
            sent += _open_links(act, partner, some, locale)
    return sent


def _open_links(act: Act, partner: Partner, ids: list[int], locale: str) -> int:
    """The rows are locked in the order of their ids, as everybody locks several; then it is looked once more whom a
    link still concerns."""
    own = (SubAccount.partner == partner) & SubAccount.id.in_(ids)
    list(locked(SubAccount.select(SubAccount.id).where(own).order_by(SubAccount.id)).tuples())
    rows = list(SubAccount.select().where(own, sendable(act.at, act.at - PAUSE)).order_by(SubAccount.id))
    if not rows:
        return 0
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
    return len(rows)
