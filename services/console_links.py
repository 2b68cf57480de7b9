"""Links by which somebody comes into the customer console: the invitation (48 h), and a new password (1 h). 256 random
bits in the mail, their SHA-256 in the database; each works once (T10; threats 5 and 7)."""

import secrets
from datetime import datetime, timedelta

from models.base import write_tx
from models.console import ConsoleLink, ConsoleUser
from models.partner import Partner
from models.sub_account import Customer, SubAccount
from services import console_standing
from services.audit import Act, record
from services.links import LinkExpired, LinkUsed
from services.refusal import NotFound
from services.sessions import token_hash

HOURS = {"invitation": 48, "reset": 1}
LINK_PATH = "/console/password/"


def issue(act: Act, user: ConsoleUser, purpose: str) -> tuple[str, datetime]:
    """Makes a link and returns its token, which is kept nowhere, and until when it works; an open one of the same
    purpose ends. Inside the transaction of its cause."""
    end(act, user, purpose)
    token, until_at = secrets.token_urlsafe(32), act.at + timedelta(hours=HOURS[purpose])
    ConsoleLink.create(user=user, purpose=purpose, token_hash=token_hash(token), created_at=act.at, expires_at=until_at)
    return token, until_at


def end(act: Act, user: ConsoleUser, purpose: str | None = None) -> int:
    """Open links of the user stop working, of this purpose or all; returns how many. In the caller's transaction."""
    still = (ConsoleLink.user == user) & ConsoleLink.used_at.is_null() & ConsoleLink.ended_at.is_null()
    if purpose is not None:
        still &= ConsoleLink.purpose == purpose
    return ConsoleLink.update(ended_at=act.at).where(still).execute()


def look(token: str, at: datetime) -> ConsoleLink:
    """The open link with its user, sub-account, customer and partner; changes nothing, because mail scanners open every
    link. Raises NotFound, LinkUsed, LinkExpired."""
    link = (
        ConsoleLink.select(ConsoleLink, ConsoleUser, SubAccount, Customer, Partner)
        .join(ConsoleUser)
        .join(SubAccount)
        .join(Customer)
        .switch(SubAccount)
        .join(Partner)
        .where(ConsoleLink.token_hash == token_hash(token))
        .first()
    )
    if link is None or not console_standing.is_open(link.user):
        raise NotFound
    if link.used_at is not None:
        raise LinkUsed
    if link.ended_at is not None or link.expires_at <= at:
        raise LinkExpired
    return link


def use(act: Act, token: str) -> ConsoleLink:
    """Uses the link up, in the transaction of what it allows; of two at once one wins. Raises as `look` does."""
    with write_tx():
        link = look(token, act.at)
        still = (ConsoleLink.id == link.id) & ConsoleLink.used_at.is_null() & ConsoleLink.ended_at.is_null()
        if not ConsoleLink.update(used_at=act.at).where(still, ConsoleLink.expires_at > act.at).execute():
            raise LinkUsed
        partner, after = link.user.sub_account.partner_id, {"purpose": link.purpose}
        record(act, "console_user.link_used", link.user, partner=partner, after=after)
    return link


def open_invitation(user: ConsoleUser, at: datetime) -> ConsoleLink | None:
    """The invitation that can still be used."""
    own = (ConsoleLink.user == user) & (ConsoleLink.purpose == "invitation") & (ConsoleLink.expires_at > at)
    return ConsoleLink.select().where(own, ConsoleLink.used_at.is_null(), ConsoleLink.ended_at.is_null()).first()
