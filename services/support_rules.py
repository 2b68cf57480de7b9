"""What permissions for support and the looks that they allow have in common."""

from datetime import datetime
from typing import Any

from models.partner import Member, Partner
from models.support import SupportAccess
from services import team
from services.audit import Act
from services.refusal import N_, Refusal
from services.settings import Settings

LONGEST_REASON = 500


class SupportRefused(Refusal):
    """Nothing was allowed, or no look was begun."""


def standing(partner_id: int, at: datetime) -> SupportAccess | None:
    """What the partner allows now."""
    own = (SupportAccess.partner == partner_id) & SupportAccess.ended_at.is_null()
    return SupportAccess.select().where(own, SupportAccess.expires_at > at).first()


def refuse_reason(reason: str) -> str:
    """The reason without what stands around it. Raises SupportRefused (field "reason")."""
    reason = reason.strip()
    if not reason:
        raise SupportRefused(N_("Say what it is about, in a few words."), "reason")
    if len(reason) > LONGEST_REASON:
        raise SupportRefused(N_("Write at most %(most)s characters."), "reason", most=LONGEST_REASON)
    return reason


def tell(act: Act, settings: Settings, partner: Partner, news: str, **values: Any) -> None:
    """A mail to every active administrator of the partner."""
    admins = Member.select().where(Member.partner == partner, Member.role == "admin", Member.active)
    for member in admins.order_by(Member.id):
        team.tell(act, settings, member, "support_access", "/support-access", news=news, **values)
