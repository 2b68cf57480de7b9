"""Whoever is no member any more holds nothing that opens the portal (threat 2)."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from models.partner import Member
from models.second_factor import TrustedDevice
from models.session import OneTimeLink, Session
from models.team import AuthorityOffer, Invitation


def grants_without_membership(at: datetime) -> Iterator[str]:
    """A member who was switched off or removed has no session, link, trusted device, invitation or offer that is open;
    an invitation that is open was sent by an administrator."""
    gone = ~Member.active | Member.removed_at.is_null(False)
    session = Session.ended_at.is_null() & (Session.expires_at > at)
    link = OneTimeLink.used_at.is_null() & (OneTimeLink.expires_at > at)
    device = TrustedDevice.ended_at.is_null() & (TrustedDevice.expires_at > at)
    sent = Invitation.ended_at.is_null() & (Invitation.expires_at > at)
    offer = AuthorityOffer.ended_at.is_null() & (AuthorityOffer.expires_at > at)
    for what, table, column, open_ones in (
        ("session", Session, Session.member, session & Member.removed_at.is_null(False)),  # others: open_sessions
        ("one-time link", OneTimeLink, OneTimeLink.member, link & gone),
        ("trusted device", TrustedDevice, TrustedDevice.member, device & gone),
        ("invitation", Invitation, Invitation.invited_by, sent & (gone | (Member.role != "admin"))),
        ("offer to bind the company", AuthorityOffer, AuthorityOffer.from_member, offer & gone),
        ("offer to bind the company", AuthorityOffer, AuthorityOffer.to_member, offer & gone),
    ):
        model: Any = table
        rows = model.select(model.id, column).join(Member, on=(column == Member.id)).where(open_ones)
        for id, member in rows.tuples().iterator():
            yield f"{what} {id} is open and member {member} may not use it"
    both = Member.select(Member.id).where(Member.removed_at.is_null(False), Member.email_key == Member.email)
    for (id,) in both.tuples().iterator():
        yield f"removed member {id} still holds the address"
