"""Customers who were sent a link and have not answered are reminded twice: a week after it, and a week before the time
for renewal is over. A reminder is a new link, because nobody keeps the old one."""

from datetime import timedelta
from functools import partial
from typing import Any

from models.base import locked, write_tx
from models.flow_down import FlowDownLink, agreed_now, declined
from models.partner import Partner
from models.sub_account import SubAccount
from models.terms import TermsVersion
from services import documents, flow_down, flow_down_limits, flow_down_links, one_by_one, policy, restored
from services.audit import Act
from services.settings import Settings

AFTER = timedelta(days=7)
BEFORE = timedelta(days=7)
MOST_A_ROUND = 100


def remind(act: Act, settings: Settings) -> int:
    """Queues what is due, at most MOST_A_ROUND; returns how many. Safe at any time and with several workers."""
    if restored.on():  # what was agreed after the backup is not known here
        return 0
    after_a_week = (FlowDownLink.cause == "asked") & (FlowDownLink.created_at <= act.at - AFTER)
    sent = _remind(act, settings, after_a_week & FlowDownLink.ended_at.is_null(), "reminder", MOST_A_ROUND)
    before = _before_renewal(act, settings)
    return sent + (_remind(act, settings, before, "renewal", MOST_A_ROUND - sent) if before is not None else 0)


def _before_renewal(act: Act, settings: Settings) -> Any:
    """The condition of links of the last week before the time for renewal of the terms in force is over; None outside
    of that week. The first version has nothing to renew."""
    version = documents.current(flow_down.KIND, settings.locales[0], act.at)
    if version is None or not _has_elder(version):
        return None
    due_at = version.effective_at + timedelta(days=policy.current().flow_down_renewal_days)
    if not due_at - BEFORE <= act.at < due_at:
        return None
    since_then = (FlowDownLink.created_at >= version.effective_at) & FlowDownLink.ended_at.is_null()
    return since_then & (FlowDownLink.cause != "renewal") & (FlowDownLink.created_at <= act.at - flow_down_links.PAUSE)


def _has_elder(version: TermsVersion) -> bool:
    own = (TermsVersion.kind == flow_down.KIND) & (TermsVersion.label != version.label)
    return TermsVersion.select().where(own, TermsVersion.effective_at < version.effective_at).exists()


def _remind(act: Act, settings: Settings, due: Any, cause: str, most: int) -> int:
    living = (SubAccount.wanted_state == "active") & (Partner.state == "active")
    still = ~agreed_now(act.at) & ~declined(act.at)
    query: Any = FlowDownLink.select(FlowDownLink.id).join(SubAccount).join(Partner)
    rows = (
        query.where(due, living, still, flow_down_limits.open_for_mail(act.at))
        .order_by(FlowDownLink.created_at, FlowDownLink.id)
        .limit(max(0, most))
    )
    return one_by_one.rows(act, f"{cause} of link", rows, partial(_renew, act, settings, cause))


def _renew(act: Act, settings: Settings, cause: str, link_id: int) -> bool:
    """Once: whoever comes second finds another link, or an answer. Without room in the day it stays due."""
    with write_tx():
        own = FlowDownLink.select(FlowDownLink.sub_account).where(FlowDownLink.id == link_id)
        account = locked(SubAccount.select().where(SubAccount.id.in_(own))).get()
        link = flow_down_links.waiting(account)
        if link is None or link.id != link_id:
            return False
        if not flow_down_limits.take(act, account.partner_id, [account.contact_email])[0]:
            return False
        flow_down_links.write_mail(act, settings, flow_down_links.open_link(act, account, link.locale, cause))
    return True
