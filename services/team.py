"""The people of a partner: what they may do, for how long, and how their access ends (T4)."""

import hashlib
import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from peewee import fn

from models.base import write_tx
from models.partner import Member, Partner
from models.second_factor import Passkey, Totp, TrustedDevice
from models.session import OneTimeLink, Session
from models.team import AuthorityOffer, Invitation
from services import access_period, mail, sessions, sso
from services.audit import Act, record
from services.clock import local_day
from services.company_details import RELATIONS
from services.refusal import N_
from services.settings import Settings
from services.team_rules import ROLES, TeamRefused, lock_partners, lock_team, locked_member, refuse_last

PATH = "/team"
DECIDED = ("role", "relation", "access_until_on")


class TeamStale(TeamRefused):
    """Somebody else changed this member since the page was opened (409)."""

    def __init__(self) -> None:
        super().__init__(N_("Somebody else changed this meanwhile. Look at how it is now and decide again."))


@dataclass(frozen=True)
class Entry:
    """A line of the list. `state`: active, ending (an end date to come), over (it has passed), off (deactivated)."""

    member: Member
    state: str
    last_seen_at: datetime | None
    second_factor: bool


def entries(partner: Partner, at: datetime, settings: Settings) -> list[Entry]:
    """Whoever was not removed, by name."""
    seen: Any = Session.select(fn.MAX(Session.last_seen_at)).where(Session.member == Member.id)
    app = Totp.select(Totp.id).where(Totp.member == Member.id, Totp.confirmed_at.is_null(False))
    key = Passkey.select(Passkey.id).where(Passkey.member == Member.id)
    rows: Any = Member.select(Member, seen.alias("seen"), (fn.EXISTS(app) | fn.EXISTS(key)).alias("factor"))
    rows = rows.where(Member.partner == partner, Member.removed_at.is_null()).order_by(Member.name, Member.id)
    return [
        Entry(row, state_of(row, at, settings), Session.last_seen_at.python_value(row.seen), bool(row.factor))
        for row in rows
    ]


def state_of(member: Member, at: datetime, settings: Settings) -> str:
    """As in `Entry`."""
    if not member.active:
        return "off"
    if access_period.is_over(member, at, settings):
        return "over"
    return "active" if member.access_until_on is None else "ending"


def decided(member: Member) -> dict[str, Any]:
    """What managers decide about a member."""
    return {name: getattr(member, name) for name in DECIDED}


def worded(member: Member) -> str:
    """Names what a form saw, so that two managers at once are noticed."""
    seen = json.dumps({**decided(member), "active": bool(member.active)}, sort_keys=True, default=str)
    return hashlib.sha256(seen.encode()).hexdigest()[:32]


def change(
    act: Act, settings: Settings, member: Member, *, role: str, relation: str, until_on: date | None, seen: str
) -> Member:
    """Sets role, relation and end date at once. Another role ends all sessions: what was open belongs to the old one.
    Raises TeamStale, TeamRefused (fields "role", "relation", "access_until_on"), NotFound."""
    refuse_values(act, settings, role, relation, until_on if until_on != member.access_until_on else None)
    with write_tx():
        partner = lock_team(act, settings, member.partner_id).partner
        row = locked_member(partner, member.id)
        if worded(row) != seen:
            raise TeamStale
        before, wanted = decided(row), {"role": role, "relation": relation, "access_until_on": until_on}
        new = {name: value for name, value in wanted.items() if value != before[name]}
        if not new:
            return row
        if new.get("role") or new.get("access_until_on"):
            refuse_last(partner, row)
        if "role" in new:
            cut_off(act, row, "role changed")
        for name, value in new.items():
            setattr(row, name, value)
        row.save(only=list(new))
        record(act, "member.access_changed", row, partner=partner, before={n: before[n] for n in new}, after=new)
        tell(act, settings, row, "access_changed", role=role, relation=relation, until_on=until_on)
    return row


def refuse_values(act: Act, settings: Settings, role: str, relation: str, until_on: date | None) -> None:
    """Raises TeamRefused with the field (role, relation, access_until_on) that nobody can have."""
    if role not in ROLES:
        raise TeamRefused(N_("Choose a role from the list."), "role")
    if relation not in RELATIONS:
        raise TeamRefused(N_("Choose a relation from the list."), "relation")
    if until_on is not None and until_on < local_day(act.at, settings.provider.time_zone):
        raise TeamRefused(N_("The last day has passed already. Choose today or a later day."), "access_until_on")


def deactivate(act: Act, settings: Settings, member: Member) -> Member:
    """Ends the access at once; it can be given back. Raises TeamRefused, NotFound."""
    with write_tx():
        team = lock_team(act, settings, member.partner_id)
        row = locked_member(team.partner, member.id)
        _refuse_oneself(team.manager, row)
        if row.active:
            refuse_last(team.partner, row)
            _end_access(act, row, "access taken away")
            record(
                act, "member.deactivated", row, partner=team.partner, before={"active": True}, after={"active": False}
            )
            tell(act, settings, row, "access_ended", why="taken_away")
    return row


def reactivate(act: Act, settings: Settings, member: Member) -> Member:
    """Gives the access back, role and password as before. Raises TeamRefused for an end date in the past, NotFound."""
    with write_tx():
        partner = lock_team(act, settings, member.partner_id).partner
        row = locked_member(partner, member.id)
        if access_period.is_over(row, act.at, settings):
            raise TeamRefused(N_("The end date of the access has passed. Choose another one first."), "access_until_on")
        if not row.active:
            row.active = True
            row.save(only=[Member.active])
            record(act, "member.reactivated", row, partner=partner, before={"active": False}, after={"active": True})
            tell(act, settings, row, "access_back")
    return row


def remove(act: Act, settings: Settings, member: Member) -> Member:
    """Takes somebody out of the team for good. The row stays for the trail and the evidence and is erased later; the
    address is free at once. Raises TeamRefused, NotFound."""
    with write_tx():
        team = lock_team(act, settings, member.partner_id)
        row = locked_member(team.partner, member.id)
        _refuse_oneself(team.manager, row)
        refuse_last(team.partner, row)
        _take_out(act, team.partner, row, "removed")
        tell(act, settings, row, "access_ended", why="removed")
    return row


def leave(act: Act, settings: Settings, member: Member) -> Member:
    """Somebody leaves the team by an own act; the administrators are told. Raises TeamRefused for whom the company
    cannot do without, NotFound."""
    with write_tx():
        partner = lock_partners(member.partner_id)[member.partner_id]
        row = locked_member(partner, member.id)
        refuse_last(partner, row)
        _take_out(act, partner, row, "left")
        tell(act, settings, row, "access_ended", why="left")
        tell_admins(act, settings, partner, "team_news", news="left", who=row.name)
    return row


def _take_out(act: Act, partner: Partner, row: Member, reason: str) -> None:
    _end_access(act, row, reason)
    sso.forget_member(act, row)
    row.removed_at, row.email_key, row.declared_authority = act.at, f"removed-{row.id}", False
    row.save(only=[Member.removed_at, Member.email_key, Member.declared_authority])
    after = {"reason": reason, "role": row.role}
    record(act, "member.left" if reason == "left" else "member.removed", row, partner=partner, after=after)


def _end_access(act: Act, row: Member, reason: str) -> None:
    row.active = False
    row.save(only=[Member.active])
    cut_off(act, row, reason)


def _refuse_oneself(manager: Member, row: Member) -> None:
    if manager.id == row.id:
        raise TeamRefused(N_("You cannot take away your own access here. Leave the company on your own line."))


def cut_off(act: Act, member: Member, reason: str) -> None:
    """Ends whatever the member holds: sessions, devices that are trusted, one-time links, a mail address that waits,
    invitations that they sent, an offer to bind the company. In the caller's transaction, with the partner locked."""
    sessions.end_all(act, member, reason)
    open_link = (OneTimeLink.member == member) & OneTimeLink.used_at.is_null() & (OneTimeLink.expires_at > act.at)
    OneTimeLink.update(expires_at=act.at).where(open_link).execute()
    still_trusted = (TrustedDevice.member == member) & TrustedDevice.ended_at.is_null()
    TrustedDevice.update(ended_at=act.at).where(still_trusted).execute()
    if member.wanted_email:
        member.wanted_email = ""
        member.save(only=[Member.wanted_email])
    sent = (Invitation.invited_by == member) & Invitation.ended_at.is_null()
    for invitation in Invitation.select().where(sent):
        end_invitation(act, invitation, "void")
    offered = (AuthorityOffer.from_member == member) | (AuthorityOffer.to_member == member)
    for offer in AuthorityOffer.select().where(offered, AuthorityOffer.ended_at.is_null()):
        end_offer(act, offer, "void")


def end_invitation(act: Act, row: Invitation, outcome: str) -> None:
    """`outcome` is withdrawn, replaced or void."""
    row.outcome, row.ended_at = outcome, act.at
    row.save(only=[Invitation.outcome, Invitation.ended_at])
    record(act, "invitation.ended", row, partner=row.partner_id, after={"outcome": outcome})


def end_offer(act: Act, row: AuthorityOffer, outcome: str) -> None:
    """`outcome` is accepted, declined, withdrawn or void."""
    row.outcome, row.ended_at = outcome, act.at
    row.save(only=[AuthorityOffer.outcome, AuthorityOffer.ended_at])
    record(act, "authority.ended", row, partner=row.partner_id, after={"outcome": outcome})


def tell(act: Act, settings: Settings, member: Member, template: str, path: str = "/", **values: Any) -> None:
    """A mail to the member about the own access."""
    company = member.partner.legal_name
    mail.queue(
        act, settings, template, to=member.email, locale=member.locale, of_partner=member.partner_id, path=path,
        name=member.name, company=company, **values,
    )  # fmt: skip


def tell_admins(act: Act, settings: Settings, partner: Partner, template: str, **values: Any) -> None:
    """A mail to every active administrator of the partner."""
    admins = Member.select().where(Member.partner == partner, Member.role == "admin", Member.active)
    for member in admins.order_by(Member.id):
        tell(act, settings, member, template, PATH, **values)
