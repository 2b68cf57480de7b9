"""Coming into a team by an invitation: the link proves the address, its reader chooses the rest (T4; threat 7)."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from models.base import write_tx
from models.partner import Member, Partner
from models.team import Invitation
from models.terms import TermsVersion
from services import attempts, company_details, consent, documents, links, passwords, people
from services.audit import Act, record
from services.invitations import JOINABLE, token_hash
from services.links import LinkExpired, LinkUsed
from services.refusal import N_, NotFound, Refusal
from services.settings import Settings
from services.signup import MAILS, is_unconfirmed, limits
from services.team import tell
from services.team_rules import TeamRefused, lock_partners, manages


class InvitationVoid(Refusal):
    """Whoever sent it withdrew it, or may not invite any more."""

    def __init__(self) -> None:
        super().__init__(N_("This invitation no longer holds. Ask the person who invited you for a new one."))


class AddressTaken(Refusal):
    """The address has a log-in, of this company or of another. Said to who holds a link that was sent to it."""

    def __init__(self) -> None:
        super().__init__(N_("This mail address has a log-in already. Ask to be invited with another address."))


@dataclass(frozen=True)
class Choice:
    """What the invited person chose. `agreed` and `shown` as in consent.accept."""

    name: str
    password: str
    locale: str
    agreed: list[tuple[int, str]]
    shown: Mapping


def look(settings: Settings, token: str, at: datetime) -> Invitation:
    """The open invitation with its partner and who sent it; changes nothing, because mail scanners open links. Raises
    NotFound, LinkUsed, LinkExpired, InvitationVoid, AddressTaken."""
    rows = Invitation.select(Invitation, Member, Partner).join(Member, on=Invitation.invited_by).join(Partner)
    row = rows.where(Invitation.token_hash == token_hash(token)).first()
    if row is None:
        raise NotFound
    if row.outcome == "accepted":
        raise LinkUsed
    if row.outcome == "replaced" or row.expires_at <= at:
        raise LinkExpired
    if row.outcome or row.partner.state not in JOINABLE or not manages(row.invited_by, row.partner, at, settings):
        raise InvitationVoid
    known = people.with_address(row.email)
    if known is not None and not is_unconfirmed(known):
        raise AddressTaken
    return row


def texts(language: str, at: datetime) -> list[TermsVersion]:
    """What each person reads for itself, and confirms."""
    wanted = documents.required_at_sign_up(language, at)
    return [version for version in wanted if version.kind in documents.PERSONAL]


def accept(act: Act, settings: Settings, token: str, choice: Choice) -> Member:
    """Uses the link up and makes its reader a member, with the acceptances; of two at once one wins.

    The role is the one that was written, given by somebody who may still give it. Raises as `look` does, and
    TooManyAttempts, DetailRefused, PasswordRefused, TeamRefused (field "locale"), ConsentMissing, ConsentStale."""
    attempts.count_of_network(act, attempts.INVITATION)
    seen = look(settings, token, act.at)
    name = company_details.check("name", choice.name, {})
    if choice.locale not in settings.locales:
        raise TeamRefused(N_("Choose a language from the list."), "locale")
    known_words = (name, seen.email, seen.partner.legal_name, settings.provider.name)
    passwords.refuse_weak(choice.password, known_words)
    consent.checked(choice.agreed, [version.kind for version in texts(choice.locale, act.at)], act.at)
    password_hash = passwords.hashed(choice.password)
    with write_tx():
        limits.hold(act, MAILS, seen.email_key)  # a sign-up with the same address holds this too
        partner = lock_partners(seen.partner_id, seen.invited_by.partner_id)[seen.partner_id]
        row = look(settings, token, act.at)
        _use_up(act, row)
        _free_address(act, row)
        member = Member.create(
            public_id=secrets.token_hex(8), partner=partner, name=name, email=row.email, email_key=row.email_key,
            role=row.role, relation=row.relation, access_until_on=row.access_until_on, password_hash=password_hash,
            locale=choice.locale, time_zone=settings.provider.time_zone, email_confirmed_at=act.at, created_at=act.at,
        )  # fmt: skip
        Invitation.update(member=member).where(Invitation.id == row.id).execute()
        own = replace(act, kind="member", actor_id=str(member.id), actor_name=member.name)
        after = {"role": row.role, "relation": row.relation, "access_until_on": row.access_until_on}
        record(own, "member.joined", member, partner=partner, after=after)
        consent.accept(
            own, member, choice.agreed, shown=dict(choice.shown), declared_authority=False, settings=settings
        )
        tell(act, settings, row.invited_by, "team_news", "/team", news="joined", who=member.name)
    return member


def _use_up(act: Act, row: Invitation) -> None:
    still = (Invitation.id == row.id) & Invitation.used_at.is_null() & Invitation.ended_at.is_null()
    won = Invitation.update(used_at=act.at, ended_at=act.at, outcome="accepted").where(
        still, Invitation.expires_at > act.at
    )
    if not won.execute():
        raise LinkUsed


def _free_address(act: Act, row: Invitation) -> None:
    """An unfinished sign-up with this address proved nothing: it gives way to who reads its mails."""
    known = people.with_address(row.email)
    if isinstance(known, Member):
        known.email_key = secrets.token_hex(16)
        known.save(only=[Member.email_key])
        links.cancel(act, "confirm_mail", known)
