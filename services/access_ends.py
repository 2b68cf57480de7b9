"""End dates of access: administrators are told 7 days and 1 day before; when the day has passed, whatever is left of
the access is taken away (T4). The access itself ends by the date alone, at the next request of that person."""

from datetime import date, timedelta

from models.base import write_tx
from models.partner import Member, Partner
from models.team import AccessTold
from services import team
from services.audit import Act, record
from services.clock import local_day
from services.settings import Settings
from services.team_rules import lock_partners

DAYS = (0, 1, 7)
MOST = 500  # members of one round


def sweep(act: Act, settings: Settings) -> list[str]:
    """Does what is due; safe to run at any time and as often as one likes. Returns a line for each member."""
    today = local_day(act.at, settings.provider.time_zone)
    done = [(member, _tell(act, settings, member.id, today)) for member in _due(today)]
    return [f"access of member {member.id} ends in {days} days" for member, days in done if days is not None]


def _due(today: date) -> list[Member]:
    """Those for whom the nearest of DAYS was not told; what was missed while nothing ran is not made up for."""
    soon = (Member.access_until_on <= today + timedelta(days=max(DAYS))) & Member.removed_at.is_null() & Member.active
    rows = Member.select().where(Member.access_until_on.is_null(False), soon)
    return [row for row in rows.order_by(Member.access_until_on, Member.id) if not _is_told(row, today)][:MOST]


def due_number(ends_on: date, today: date) -> int:
    """7 or 1 day before, 0 once the last day has passed; the last day itself counts as one before the end."""
    left = (ends_on - today).days
    return 0 if left < 0 else next(number for number in DAYS[1:] if left <= number)


def _is_told(member: Member, today: date) -> bool:
    ends_on = member.access_until_on
    if ends_on is None:
        return True
    told = (AccessTold.member == member) & (AccessTold.ends_on == ends_on)
    return AccessTold.select().where(told, AccessTold.days <= due_number(ends_on, today)).exists()


def _tell(act: Act, settings: Settings, member_id: int, today: date) -> int | None:
    """None when another worker was first, or the date was moved meanwhile."""
    with write_tx():
        known = Member.get_by_id(member_id)
        partner = lock_partners(known.partner_id)[known.partner_id]
        row = Member.get_by_id(member_id)
        ends_on = row.access_until_on
        if ends_on is None or not row.active or (ends_on - today).days > max(DAYS) or _is_told(row, today):
            return None
        days = due_number(ends_on, today)
        AccessTold.create(member=row, ends_on=ends_on, days=days, at=act.at)
        if days:
            record(act, "member.access_end_told", row, partner=partner, after={"access_until_on": ends_on})
            team.tell_admins(act, settings, partner, "access_ends", who=row.name, ends_on=ends_on)
        else:
            _end(act, settings, partner, row, ends_on)
    return days


def _end(act: Act, settings: Settings, partner: Partner, row: Member, ends_on: date) -> None:
    team.cut_off(act, row, "access period over")
    record(act, "member.access_over", row, partner=partner, after={"access_until_on": ends_on})
    team.tell(act, settings, row, "access_ended", why="over")
