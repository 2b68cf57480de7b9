"""A partner's administrators let the provider's people look at their pages: for a while, for a reason, to be taken back
at any time (threats.md 28). Locks: the partner, then its access, then looks."""

import secrets
from datetime import timedelta
from typing import Any

from models.base import locked, write_tx
from models.partner import Member, Partner
from models.support import SupportAccess, SupportLook
from services import support_looks
from services.audit import Act, record
from services.refusal import N_, NotFound
from services.settings import Settings
from services.support_rules import SupportRefused, refuse_reason, standing, tell
from services.team_rules import lock_partners, lock_team

LEAST_HOURS, MOST_HOURS = 1, 14 * 24
HOURS = (1, 4, 24, 72, 168, MOST_HOURS)  # what the page offers
MOST_SHOWN = 50


def grant(act: Act, settings: Settings, member: Member, hours: int, reason: str) -> SupportAccess:
    """Lets operators look for so many hours; the other administrators are told by mail. Raises SupportRefused (fields
    "hours", "reason"; without a field while one stands), NotFound for who may not decide about the company now."""
    reason = refuse_reason(reason)
    if not LEAST_HOURS <= hours <= MOST_HOURS:
        raise SupportRefused(N_("Choose how long from the list."), "hours")
    with write_tx():
        partner = _decided_by(act, settings, member.partner_id)
        _end_lapsed(act, partner)
        if standing(partner.id, act.at) is not None:
            raise SupportRefused(N_("Support may look already. Take that back first."))
        row = SupportAccess.create(
            public_id=secrets.token_hex(8), partner=partner, granted_by=member, reason=reason, granted_at=act.at,
            expires_at=act.at + timedelta(hours=hours),
        )  # fmt: skip
        record(act, "support_access.granted", row, partner=partner, after={"until_at": row.expires_at})
        tell(act, settings, partner, "granted", who=act.actor_name, until_at=row.expires_at, reason=reason)
    return row


def revoke(act: Act, settings: Settings, member: Member, public_id: str) -> SupportAccess:
    """Takes it back: looks that go on end at their next step. One that is over stays as it is. Raises NotFound."""
    with write_tx():
        partner = _decided_by(act, settings, member.partner_id)
        row = locked(
            SupportAccess.select().where(SupportAccess.partner == partner, SupportAccess.public_id == public_id)
        ).first()
        if row is None:
            raise NotFound
        _end_lapsed(act, partner)
        row = SupportAccess.get_by_id(row.id)
        if row.ended_at is None:
            row.ended_at, row.ended_by = act.at, member
            row.save(only=["ended_at", "ended_by"])
            record(act, "support_access.revoked", row, partner=partner)
            for look in support_looks.open_of(row):
                support_looks.close(act, look, "revoked")
            tell(act, settings, partner, "revoked", who=act.actor_name, until_at=None, reason=row.reason)
    return row


def history(partner: Partner) -> list[tuple[SupportAccess, list[SupportLook]]]:
    """What was allowed, the latest first, each with the looks and those with their operator; at most MOST_SHOWN."""
    query: Any = SupportAccess.select(SupportAccess, Member).join(Member, on=SupportAccess.granted_by)
    rows = list(query.where(SupportAccess.partner == partner).order_by(SupportAccess.id.desc()).limit(MOST_SHOWN))
    looks = support_looks.of_accesses([row.id for row in rows])
    return [(row, [look for look in looks if look.access_id == row.id]) for row in rows]


def sweep(act: Act, settings: Settings) -> list[str]:
    """Ends what is over by its time, as a job of the worker; nothing waits for it, for everybody asks the time."""
    lapsed = SupportAccess.select().where(SupportAccess.ended_at.is_null(), SupportAccess.expires_at <= act.at)
    done = 0
    for row in list(lapsed.order_by(SupportAccess.partner).limit(200)):
        with write_tx():
            done += _end_lapsed(act, lock_partners(row.partner_id)[row.partner_id])
    done += support_looks.end_lapsed(act)
    return [f"{done} looks of support or permissions for them ended"] if done else []


def _decided_by(act: Act, settings: Settings, partner_id: int) -> Partner:
    """The company's own administrators decide, not those of its distributor: it is about its data."""
    found = lock_team(act, settings, partner_id)
    if found.manager.partner_id != partner_id:
        raise NotFound
    return found.partner


def _end_lapsed(act: Act, partner: Partner) -> int:
    """Notes the end of what is over by its time; with the partner locked."""
    over = SupportAccess.select().where(
        SupportAccess.partner == partner, SupportAccess.ended_at.is_null(), SupportAccess.expires_at <= act.at
    )
    rows = list(locked(over.order_by(SupportAccess.id)))
    for row in rows:
        row.ended_at = row.expires_at
        row.save(only=["ended_at"])
        record(act, "support_access.over", row, partner=partner)
        for look in support_looks.open_of(row):
            support_looks.close(act, look, "over")
    return len(rows)
