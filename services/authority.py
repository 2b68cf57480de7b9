"""Whose word binds a company here: one administrator hands that over, and another takes it by an act of their own (T1,
T4). Until then nothing changes; every administrator is told."""

from datetime import datetime, timedelta

from models.base import write_tx
from models.partner import Member, Partner
from models.team import AuthorityOffer
from services import access_period
from services.audit import Act, record
from services.refusal import N_, NotFound
from services.settings import Settings
from services.team import end_offer, tell_admins
from services.team_rules import TeamRefused, lock_partners, locked_member

VALID_FOR = timedelta(days=7)


def open_offer(partner: Partner, at: datetime) -> AuthorityOffer | None:
    """The offer that waits for its answer, with both people."""
    giver, taker = Member.alias(), Member.alias()
    rows = (
        AuthorityOffer.select(AuthorityOffer, giver, taker)
        .join(giver, on=(AuthorityOffer.from_member == giver.id), attr="from_member")
        .switch(AuthorityOffer)
        .join(taker, on=(AuthorityOffer.to_member == taker.id), attr="to_member")
    )
    still = AuthorityOffer.ended_at.is_null() & (AuthorityOffer.expires_at > at)
    return rows.where(AuthorityOffer.partner == partner, still).first()


def offer(act: Act, settings: Settings, giver: Member, public_id: str) -> None:
    """The member whose word binds the company offers that to another administrator; an earlier offer ends. Raises
    NotFound, TeamRefused for who cannot take it."""
    with write_tx():
        partner = lock_partners(giver.partner_id)[giver.partner_id]
        own = _holder(act, settings, partner, giver)
        taker = Member.get_or_none(Member.partner == partner, Member.public_id == public_id)
        if taker is None or taker.id == own.id:
            raise NotFound
        _refuse_unfit(act, settings, locked_member(partner, taker.id))
        for earlier in AuthorityOffer.select().where(_open(partner)):
            end_offer(act, earlier, "withdrawn")
        row = AuthorityOffer.create(
            partner=partner, from_member=own, to_member=taker, created_at=act.at, expires_at=act.at + VALID_FOR
        )
        record(act, "authority.offered", row, partner=partner, after={"from_member": own.id, "to_member": taker.id})
        tell_admins(act, settings, partner, "team_news", news="offered", who=taker.name)


def accept(act: Act, settings: Settings, taker: Member) -> None:
    """The other administrator takes it: from now on their word binds the company. Raises NotFound when nothing is
    offered to them, or the one who offered it does not hold it any more; TeamRefused."""
    with write_tx():
        partner = lock_partners(taker.partner_id)[taker.partner_id]
        row = _offered(act, partner, taker)
        giver = _holder(act, settings, partner, row.from_member)
        own = locked_member(partner, taker.id)
        _refuse_unfit(act, settings, own)
        for member, holds in ((giver, False), (own, True)):
            member.declared_authority = holds
            member.save(only=[Member.declared_authority])
        end_offer(act, row, "accepted")
        record(
            act, "authority.moved", own, partner=partner,
            before={"member": giver.id, "declared_authority": False}, after={"declared_authority": True},
        )  # fmt: skip
        tell_admins(act, settings, partner, "team_news", news="moved", who=own.name)


def decline(act: Act, member: Member) -> None:
    """Whom it was offered to says no, or whoever offered it takes it back. Raises NotFound when nothing is open."""
    with write_tx():
        partner = lock_partners(member.partner_id)[member.partner_id]
        row = AuthorityOffer.get_or_none(_open(partner))
        if row is None or member.id not in (row.from_member_id, row.to_member_id):
            raise NotFound
        end_offer(act, row, "declined" if member.id == row.to_member_id else "withdrawn")


def _open(partner: Partner):
    return (AuthorityOffer.partner == partner) & AuthorityOffer.ended_at.is_null()


def _offered(act: Act, partner: Partner, taker: Member) -> AuthorityOffer:
    row = AuthorityOffer.get_or_none(_open(partner), AuthorityOffer.to_member == taker)
    if row is None or row.expires_at <= act.at:
        raise NotFound
    return row


def _holder(act: Act, settings: Settings, partner: Partner, member: Member) -> Member:
    """Read afresh: who offers it has to hold it, and has to be here."""
    row = locked_member(partner, member.id)
    if not (row.declared_authority and row.role == "admin" and access_period.may_enter(row, act.at, settings)):
        raise NotFound
    return row


def _refuse_unfit(act: Act, settings: Settings, taker: Member) -> None:
    fit = taker.role == "admin" and taker.access_until_on is None and taker.email_confirmed_at is not None
    if not (fit and access_period.may_enter(taker, act.at, settings)):
        raise TeamRefused(N_("Choose an active administrator whose access has no end date."))
