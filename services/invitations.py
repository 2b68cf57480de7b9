"""Inviting somebody into a team by mail: a link for 48 hours, for one address, that works once (T4; threats 5, 7)."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from models.base import write_tx
from models.partner import Member, Partner
from models.team import Invitation
from services import company_details, mail, once, people, policy
from services.audit import Act, record
from services.refusal import N_, NotFound
from services.settings import Settings
from services.signup import is_unconfirmed, limits
from services.team import end_invitation, refuse_values
from services.team_rules import TeamRefused, lock_team

VALID_FOR = timedelta(hours=48)
LINK_PATH = "/invitation/"
ADDRESS_A_DAY = 5
COUNTER = "invitation_mail"
JOINABLE = ("active", "suspended", "closing")


@dataclass(frozen=True)
class Wish:
    """Whom to invite, as what, until when (None: without end), and the language of the mail."""

    email: str
    role: str
    relation: str
    access_until_on: date | None
    locale: str


def open_ones(partner: Partner, at: datetime) -> list[Invitation]:
    """Those that nobody answered and that are still good, with who sent them; the latest first."""
    rows = Invitation.select(Invitation, Member).join(Member, on=Invitation.invited_by)
    still = (Invitation.partner == partner) & Invitation.ended_at.is_null() & (Invitation.expires_at > at)
    return list(rows.where(still).order_by(Invitation.id.desc()))


def invite(act: Act, settings: Settings, partner: Partner, wish: Wish, once_key: str) -> None:
    """Mails a link to the address. An open invitation to the same address ends. The answer is the same whether or not
    the address has a log-in: that the mail tells, to its owner alone.

    Raises TeamRefused (fields email, role, relation, access_until_on) for one of the team already, DetailRefused for
    what is no address, NotFound, KeyReused."""
    email = company_details.check("email", wish.email, {})
    refuse_values(act, settings, wish.role, wish.relation, wish.access_until_on)
    if wish.locale not in settings.locales:
        raise TeamRefused(N_("Choose a language from the list."), "locale")
    with write_tx():
        within = limits.within(act, COUNTER, people.email_key(email), ADDRESS_A_DAY, 24 * 60)
        team = lock_team(act, settings, partner.id)
        if once.earlier_answer(act, once_key, str((partner.id, wish))) is not None:
            return
        if not within:
            raise TeamRefused(N_("This address was invited several times today. Wait until tomorrow."), "email")
        _refuse_joined(team.partner, email)
        _send(act, settings, team.partner, team.manager, email, wish)
        once.remember(act, once_key, str((partner.id, wish)), "sent")


def resend(act: Act, settings: Settings, partner: Partner, public_id: str, once_key: str) -> None:
    """A new link, in the name of who sends it now; the old one ends. Raises as `invite` does."""
    row = own(partner, public_id)
    wish = Wish(row.email, row.role, row.relation, row.access_until_on, row.locale)
    invite(act, settings, partner, wish, once_key)


def withdraw(act: Act, settings: Settings, partner: Partner, public_id: str) -> None:
    """The link stops working. One that has ended stays as it ended. Raises NotFound."""
    with write_tx():
        team = lock_team(act, settings, partner.id)
        row = own(team.partner, public_id)
        if row.ended_at is None:
            end_invitation(act, row, "withdrawn")


def own(partner: Partner, public_id: str) -> Invitation:
    found = Invitation.get_or_none(Invitation.partner == partner, Invitation.public_id == public_id)
    if found is None:
        raise NotFound
    return found


def token_hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _refuse_joined(partner: Partner, email: str) -> None:
    if partner.state not in JOINABLE:
        raise TeamRefused(N_("Nobody can be invited while the company is not active here."))
    of_team = (Member.partner == partner) & (Member.email_key == people.email_key(email))
    if Member.select().where(of_team, Member.removed_at.is_null()).exists():
        raise TeamRefused(N_("Somebody with this address is in the team already."), "email")


def _refuse_too_many(act: Act, partner: Partner) -> None:
    most = policy.current().invitations_a_day
    day = Invitation.select().where(Invitation.partner == partner, Invitation.created_at > act.at - timedelta(days=1))
    if day.count() >= most:
        raise TeamRefused(N_("%(most)s invitations were sent within a day. Wait until tomorrow."), most=most)


def _send(act: Act, settings: Settings, partner: Partner, manager: Member, email: str, wish: Wish) -> None:
    _refuse_too_many(act, partner)
    key, token = people.email_key(email), secrets.token_urlsafe(32)
    earlier = (Invitation.partner == partner) & (Invitation.email_key == key) & Invitation.ended_at.is_null()
    for row in Invitation.select().where(earlier):
        end_invitation(act, row, "replaced")
    row = Invitation.create(
        public_id=secrets.token_hex(8),
        partner=partner,
        email=email,
        email_key=key,
        role=wish.role,
        relation=wish.relation,
        access_until_on=wish.access_until_on,
        locale=wish.locale,
        token_hash=token_hash(token),
        invited_by=manager,
        created_at=act.at,
        expires_at=act.at + VALID_FOR,
    )
    after = {"email": email, "role": row.role, "relation": row.relation, "access_until_on": row.access_until_on}
    record(act, "invitation.sent", row, partner=partner, after=after)
    _mail(act, settings, row, token, partner, manager)


def _mail(act: Act, settings: Settings, row: Invitation, token: str, partner: Partner, manager: Member) -> None:
    """To an address with a log-in: that it has one. Whose that is, the one who invites does not learn."""
    known = people.with_address(row.email)
    if known is not None and not is_unconfirmed(known):
        mail.queue(
            act, settings, "invitation_known", to=known.email, locale=known.locale,
            of_partner=people.partner_id_of(known), path="/login", company=partner.legal_name,
        )  # fmt: skip
        return
    mail.queue(
        act, settings, "invitation", to=row.email, locale=row.locale, of_partner=partner, private=True,
        path=LINK_PATH + token, company=partner.legal_name, inviter=manager.name, role=row.role,
        until_at=row.expires_at,
    )  # fmt: skip
