"""Until when a member may use the portal. An end date is a day of the provider's calendar, and that whole day counts:
access ends with the midnight after it (T4)."""

from datetime import datetime

from models.partner import Member
from services.clock import local_day
from services.settings import Settings


def is_over(member: Member, at: datetime, settings: Settings) -> bool:
    """Whether the last day of the member's access has passed."""
    until_on = member.access_until_on
    return until_on is not None and until_on < local_day(at, settings.provider.time_zone)


def may_enter(member: Member, at: datetime, settings: Settings) -> bool:
    """Active, of a company that is not barred, and within the period of access."""
    return member.active and member.partner.state != "barred" and not is_over(member, at, settings)
