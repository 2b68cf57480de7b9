"""Tells the operators who decide that the worker needs people: one mail for a region and all that got stuck there, not
one for each sub-account, and none again about the same one until it has settled."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

from peewee import SQL

from models.base import locked, write_tx
from models.operator import Operator
from models.partner import Partner
from models.sub_account import SETTLED_PHASES, Region, SubAccount
from services import mail, one_by_one
from services.audit import Act
from services.settings import Settings
from services.site import House

LOOK_EVERY = timedelta(seconds=30)
PAUSE = timedelta(minutes=15)  # between two mails about one region, so that what gets stuck meanwhile is in one
NAMED = 20
MOST_ROWS = 2000
RIGHTS = ("manager", "owner")
# As literals and word for word as in the index sub_account_untold_idx, else no engine finds the few rows by it.
UNTOLD = SQL("(phase = 'attention' AND told_at IS NULL)")


def tell(house: House, settings: Settings) -> bool:
    """Queues what is due; safe with several workers at once. True when somebody was told."""
    act = house.act()
    if house.attention_next_at is not None and act.at < house.attention_next_at:
        return False
    house.attention_next_at = act.at + LOOK_EVERY
    _forget_settled()
    rested = Region.told_at.is_null() | (Region.told_at <= act.at - PAUSE)
    due = Region.select(Region.id).where(rested, Region.id.in_(SubAccount.select(SubAccount.region).where(UNTOLD)))
    return bool(one_by_one.rows(act, "mail about region", due.order_by(Region.id), partial(_tell_of, act, settings)))


def _forget_settled() -> None:
    settled = SubAccount.told_at.is_null(False) & SubAccount.phase.in_(SETTLED_PHASES)
    if SubAccount.select().where(settled).exists():
        with write_tx():
            SubAccount.update(told_at=None).where(SubAccount.id.in_(_locked_ids(settled))).execute()


def _locked_ids(which) -> list[int]:
    """In order of their ids, as everybody locks sub-accounts: an update of many by itself locks in any order."""
    query: Any = SubAccount.select(SubAccount.id).where(which).order_by(SubAccount.id).limit(MOST_ROWS)
    return [row_id for (row_id,) in locked(query).tuples()]


def _may_be_told(region: Region, now: datetime) -> bool:
    return region.told_at is None or now - region.told_at >= PAUSE


def _tell_of(act: Act, settings: Settings, region_id: int) -> bool:
    """The region's row is locked first: of two workers one tells."""
    with write_tx():
        region = locked(Region.select().where(Region.id == region_id)).get()
        if not _may_be_told(region, act.at):
            return False
        ids = _locked_ids(UNTOLD & (SubAccount.region == region))
        if not ids:
            return False
        stuck = SubAccount.select(SubAccount, Partner).join(Partner)
        rows = list(stuck.where(SubAccount.id.in_(ids)).order_by(SubAccount.id))
        SubAccount.update(told_at=act.at).where(SubAccount.id.in_(ids)).execute()
        region.told_at = act.at
        region.save(only=["told_at"])
        for operator in Operator.select().where(Operator.active, Operator.right.in_(RIGHTS)).order_by(Operator.id):
            mail.queue(
                act, settings, "needs_attention", to=operator.email, locale=operator.locale, of_partner=None,
                name=operator.name, path=f"/admin/storage#region-{region.id}", region=region.title, rows=rows[:NAMED],
                count=len(rows), more=max(0, len(rows) - NAMED),
            )  # fmt: skip
    return True
