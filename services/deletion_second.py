"""Deletions that one administrator cannot have alone (threats.md 28): beyond so many of one partner within a day
somebody else agrees, a second administrator, or an operator where there is none. Locks: the partner, then regions."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from models.base import locked, write_tx
from models.deletion import Deletion
from models.partner import Member, Partner
from models.sub_account import Region, SubAccount
from services import access_period, policy, team
from services.audit import Act, record
from services.refusal import N_, NotFound, Refusal
from services.settings import Settings
from services.team_rules import lock_team

WINDOW = timedelta(hours=24)
PATH = "/sub-accounts/deletions"


class SecondRefused(Refusal):
    """The deletions go on waiting."""


def want_where_many(act: Act, settings: Settings, deletion: Deletion, row: SubAccount) -> None:
    """Notes that somebody else has to agree to this deletion, and tells the other administrators once a day. In the
    caller's transaction, with the partner locked, so that two who ask at once are counted one after the other."""
    if act.kind != "member":
        return
    most = policy.current().deletions_alone
    own = (SubAccount.partner == row.partner_id) & Deletion.asked_by.startswith("member:")
    asked = Deletion.select().join(SubAccount).where(own, Deletion.asked_at > act.at - WINDOW).count()
    if asked <= most:
        return
    deletion.second_wanted_at = act.at
    deletion.save(only=["second_wanted_at"])
    record(act, "sub_account.deletion_second_wanted", row, partner=row.partner_id, after={"number": asked})
    if asked == most + 1:
        for member in others(row.partner_id, deletion.asked_by, act.at, settings):
            team.tell(act, settings, member, "deletion_second", PATH, who=act.actor_name, most=most)


def others(partner_id: int, asked_by: str, at: datetime, settings: Settings) -> list[Member]:
    """The administrators of the partner who can agree to what this one asked for."""
    admins = Member.select().where(Member.partner == partner_id, Member.role == "admin", Member.active)
    return [
        member
        for member in admins.order_by(Member.id)
        if f"member:{member.id}" != asked_by and access_period.may_enter(member, at, settings)
    ]


def waiting(partner: Partner) -> list[Deletion]:
    """What waits for a second administrator, the first asked for first, each with its sub-account."""
    query: Any = Deletion.select(Deletion, SubAccount).join(SubAccount).where(SubAccount.partner == partner)
    lacks = Deletion.second_wanted_at.is_null(False) & Deletion.second_at.is_null() & Deletion.started_at.is_null()
    return list(query.where(lacks).order_by(Deletion.id))


def agree(act: Act, settings: Settings, member: Member, chosen: Iterable[int]) -> int:
    """The second administrator agrees to these deletions, by their ids; returns how many. What else holds them back,
    delay and number an hour too, stays. Raises NotFound, SecondRefused (field "chosen" when none is chosen)."""
    own, ids = f"member:{member.id}", set(chosen)
    with write_tx():
        if lock_team(act, settings, member.partner_id).manager.partner_id != member.partner_id:
            raise NotFound
        list(locked(Region.select().order_by(Region.id)))  # a worker may be about to hold one back
        if not ids:
            raise SecondRefused(N_("Choose at least one deletion."), "chosen")
        wanted = [deletion for deletion in waiting(member.partner) if deletion.id in ids]
        if len(wanted) < len(ids):
            raise SecondRefused(N_("Other deletions wait here by now. Look at the list again."))
        if any(deletion.asked_by == own for deletion in wanted):
            raise SecondRefused(N_("You asked for some of these deletions yourself. Somebody else has to agree."))
        for deletion in wanted:
            note(act, deletion)
            if deletion.held_reason == "second" and deletion.waits_for_second:
                deletion.held_at, deletion.held_reason = None, ""
                deletion.save(only=["held_at", "held_reason"])
    return len(wanted)


def note(act: Act, deletion: Deletion) -> None:
    """Who acts is the second person; in the caller's transaction."""
    deletion.second_at, deletion.second_by, deletion.second_name = act.at, f"{act.kind}:{act.actor_id}", act.actor_name
    deletion.save(only=["second_at", "second_by", "second_name"])
    row, after = deletion.sub_account, {"asked_by": deletion.asked_name}
    record(act, "sub_account.deletion_seconded", row, partner=row.partner_id, after=after)
