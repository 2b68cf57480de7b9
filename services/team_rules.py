"""Who may decide about a team, asked again behind the lock; and whom a company cannot do without (T4; threats 2, 7).

Locks, in this order: the partners concerned by id, then the member. Whoever acts may have lost the right meanwhile, by
somebody who acted a moment earlier: two administrators who remove each other take turns.
"""

from dataclasses import dataclass
from datetime import datetime

from models.base import locked
from models.partner import Member, Partner
from services import access_period
from services.audit import Act
from services.refusal import N_, NotFound, Refusal
from services.settings import Settings

MANAGERS = frozenset({"admin"})  # the roles that decide about people; blueprints/permissions.py holds the same set
ROLES = ("admin", "staff", "viewer")


class TeamRefused(Refusal):
    """The team stays as it was."""


@dataclass(frozen=True)
class Team:
    """A partner whose team is decided about, and who decides, both as they are behind the lock."""

    partner: Partner
    manager: Member


def below(distributor: Partner, public_id: str) -> Partner:
    """The partner of this distributor. Raises NotFound for unknown and foreign ones, and for who is no distributor."""
    found = Partner.get_or_none(Partner.public_id == public_id, Partner.parent == distributor)
    if distributor.kind != "distributor" or found is None:
        raise NotFound
    return found


def lock_partners(*partner_ids: int) -> dict[int, Partner]:
    """The rows by id, locked in the order of their ids."""
    return {
        partner_id: locked(Partner.select().where(Partner.id == partner_id)).get()
        for partner_id in sorted(set(partner_ids))
    }


def lock_team(act: Act, settings: Settings, partner_id: int) -> Team:
    """Inside the write transaction. Raises NotFound when the one who acts may not decide about this team now."""
    asked = Member.get_or_none(Member.id == int(act.actor_id)) if act.kind == "member" else None
    if asked is None:
        raise NotFound
    partners = lock_partners(partner_id, asked.partner_id)
    manager = Member.get_by_id(asked.id)
    if not manages(manager, partners[partner_id], act.at, settings):
        raise NotFound
    return Team(partners[partner_id], manager)


def manages(member: Member, partner: Partner, at: datetime, settings: Settings) -> bool:
    """Whether the member decides about the partner's team now: as an administrator of it, or of its distributor."""
    own = member.partner_id == partner.id
    above = partner.parent_id is not None and partner.parent_id == member.partner_id
    if not own and not (above and member.partner.kind == "distributor"):
        return False
    return member.role in MANAGERS and access_period.may_enter(member, at, settings)


def own_member(partner: Partner, public_id: str) -> Member:
    """A member of the partner who was not removed. Raises NotFound."""
    found = Member.get_or_none(Member.partner == partner, Member.public_id == public_id, Member.removed_at.is_null())
    if found is None:
        raise NotFound
    return found


def locked_member(partner: Partner, member_id: int) -> Member:
    """Read afresh. Raises NotFound for who was removed meanwhile."""
    row = locked(Member.select().where(Member.id == member_id, Member.partner == partner)).first()
    if row is None or row.removed_at is not None:
        raise NotFound
    return row


def refuse_last(partner: Partner, member: Member) -> None:
    """Somebody has to stay who decides, and somebody whose word binds the company, both without an end date. Call it
    behind the lock, before the member loses that. Raises TeamRefused."""
    if member.role != "admin" or not member.active:
        return
    others = Member.select().where(
        Member.partner == partner, Member.id != member.id, Member.active, Member.role == "admin",
        Member.access_until_on.is_null(), Member.email_confirmed_at.is_null(False),
    )  # fmt: skip
    if member.declared_authority and not others.where(Member.declared_authority).exists():
        raise TeamRefused(
            N_("%(name)s is the one who may bind the company. Hand that over to another administrator first."),
            name=member.name,
        )
    if not others.exists():
        raise TeamRefused(
            N_("%(name)s is the only administrator without an end date. Make somebody else one first."),
            name=member.name,
        )
