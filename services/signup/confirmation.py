"""The proof that an applicant reads the mail address: only then has the company applied."""

from datetime import datetime

from models.base import locked, write_tx
from models.partner import Member, Partner
from models.session import OneTimeLink
from services import consent_receipts, links, mail, passwords
from services.audit import Act, record
from services.refusal import N_, NotFound, Refusal
from services.sessions import token_hash
from services.settings import Settings
from services.signup import MAILS, PURPOSE, is_unconfirmed, send_confirmation
from services.signup.drafts import find, finished
from services.signup.limits import hold, within

GUESSES_AN_HOUR = 10


class PasswordWrong(Refusal):
    """The link was opened on another device and the password that belongs to the application was not given."""


def look(token: str, at: datetime) -> Member:
    """Whose link this is. Raises LinkExpired, LinkUsed, NotFound; changes nothing, because mail scanners open links."""
    return _member(links.look(PURPOSE, token, at))


def same_device(member: Member, device_token: str | None, at: datetime) -> bool:
    """Whether this device finished the sign-up that the link belongs to, and nobody signed up anew since."""
    draft = find(device_token, at)
    return draft is not None and finished(draft, member)


def confirm(act: Act, settings: Settings, token: str, *, device_token: str | None, password: str) -> Member:
    """Uses the link up: the address is proved, the partner goes from `draft` to `applied`, a mail says what comes next.

    On another device than the one that signed up last the password is asked for: whoever entered a stranger's address
    must not get an account because the stranger pressed a button. Raises LinkExpired, LinkUsed, NotFound,
    PasswordWrong.
    """
    member = look(token, act.at)
    if not same_device(member, device_token, act.at):
        _refuse_wrong_password(act, member, password)
    checked = member.password_hash
    with write_tx():
        # A sign-up with the same address holds this too: it comes before, and is seen here, or finds a confirmed one.
        hold(act, MAILS, member.email_key)
        partner = locked(Partner.select().where(Partner.id == member.partner_id)).get()
        member = look(token, act.at)
        if member.password_hash != checked:
            raise links.LinkExpired
        links.use(act, PURPOSE, token)
        member.email_confirmed_at = act.at
        member.save(only=[Member.email_confirmed_at])
        record(act, "member.confirmed", member, partner=partner)
        if partner.state == "draft":
            partner.state, partner.applied_at = "applied", act.at
            partner.save(only=[Partner.state, Partner.applied_at])
            record(
                act, "partner.applied", partner, partner=partner, before={"state": "draft"}, after={"state": "applied"}
            )
            consent_receipts.send(act, settings, member)
            _tell(act, settings, member, partner)
        member.partner = partner
    return member


def send_anew(act: Act, settings: Settings, token: str) -> None:
    """A fresh link in place of an expired one, to the address that the old one went to. Raises NotFound, TooMany."""
    link = OneTimeLink.get_or_none(purpose=PURPOSE, token_hash=token_hash(token))
    if link is None or link.member is None or not link.member.active or not is_unconfirmed(link.member):
        raise NotFound
    send_confirmation(act, settings, link.member)


def _member(link: OneTimeLink) -> Member:
    if link.member is None:
        raise NotFound
    return link.member


def _refuse_wrong_password(act: Act, member: Member, password: str) -> None:
    with write_tx():
        allowed = within(act, "confirm_mail", str(member.id), GUESSES_AN_HOUR, 60)
    if not allowed:
        raise PasswordWrong(
            N_("Too many attempts. Wait an hour, or open the link on the device on which you signed up."), "password"
        )
    if not passwords.matches(member.password_hash, password):
        raise PasswordWrong(N_("This is not the password that was chosen when you signed up."), "password")


def _tell(act: Act, settings: Settings, member: Member, partner: Partner) -> None:
    mail.queue(
        act,
        settings,
        "application_received",
        to=member.email,
        locale=member.locale,
        of_partner=partner,
        path="/application",
        name=member.name,
        company=partner.legal_name,
    )
