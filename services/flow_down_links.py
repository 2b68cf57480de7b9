"""Links by which customers agree: sent to the sub-account's contact, answered once, renewed by reminders.

The token is 256 random bits in a mail whose text goes once it is sent; the database holds its SHA-256 alone. A mail is
written in the transaction of its cause, or by the worker where many were asked for at once.
"""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from models.base import locked, write_tx
from models.flow_down import KIND, FlowDownLink
from models.partner import Partner
from models.sub_account import Customer, SubAccount
from services import documents, flow_down, flow_down_limits, mail, once, one_by_one
from services.audit import Act, record
from services.flow_down import FlowDownRefused
from services.refusal import N_
from services.settings import Settings

VALID_FOR = timedelta(days=30)
PAUSE = timedelta(days=1)  # between two links to the same address
MOST_A_DAY = 3  # to whatever addresses: a mistyped one can be put right
MAILS_A_ROUND = 50


def send(act: Act, settings: Settings, partner: Partner, number: str, locale: str, once_key: str) -> FlowDownLink:
    """Sends the contact a link, in the language `locale`; one that waited before ends. Raises FlowDownRefused when the
    customer agreed already, got a link within the last day, or the day is full (flow_down_limits), NotFound; the same
    `once_key` again sends nothing."""
    content = f"link {number}"
    with write_tx():
        account = flow_down.own_locked(partner, number)
        earlier = once.earlier_answer(act, once_key, content)
        if earlier is not None:
            return FlowDownLink.get(FlowDownLink.sub_account == account, FlowDownLink.id == int(earlier))
        version = flow_down.in_force(act.at, locale)
        if flow_down.latest_way(account, version) is not None:
            raise FlowDownRefused(N_("The customer has agreed to the terms in force already."))
        _refuse_hurry(act, account)
        flow_down_limits.refuse_full(act, account.partner_id, account.contact_email)
        link = open_link(act, account, locale)
        write_mail(act, settings, link)
        once.remember(act, once_key, content, str(link.id))
    return link


def open_link(act: Act, account: SubAccount, locale: str, cause: str = "asked") -> FlowDownLink:
    """A link to the contact of the locked sub-account whose mail is to be written; one that waited before ends."""
    end(act, account, "replaced", told=False)
    link = FlowDownLink.create(
        sub_account=account,
        email=account.contact_email,
        contact_name=account.contact_name,
        locale=locale,
        cause=cause,
        created_at=act.at,
        created_by=act.actor_name,
        expires_at=act.at + VALID_FOR,
    )
    note(act, "flow_down.link_sent" if cause == "asked" else "flow_down.reminded", account, link)
    return link


def withdraw(act: Act, partner: Partner, number: str) -> bool:
    """Ends the link that waits; False when there is none. Raises NotFound and FlowDownRefused."""
    with write_tx():
        return end(act, flow_down.own_locked(partner, number), "withdrawn") is not None


def end(act: Act, account: SubAccount, outcome: str, *, told: bool = True) -> FlowDownLink | None:
    """The link that waits for this locked sub-account's customer, ended, or None; inside the caller's transaction.
    `told`: the trail says that it was taken back."""
    link = locked(FlowDownLink.select().where(FlowDownLink.sub_account == account, FlowDownLink.ended_at.is_null()))
    found = link.first()
    if found is None:
        return None
    found.ended_at, found.outcome = act.at, outcome
    found.save(only=["ended_at", "outcome"])
    if told and outcome in ("withdrawn", "attested"):
        note(act, "flow_down.link_withdrawn", account, found)
    return found


def write_waiting(act: Act, settings: Settings) -> int:
    """Writes mails of links that were asked for in great number; returns how many. For the worker, each round."""
    due = FlowDownLink.select(FlowDownLink.id).where(_waits()).order_by(FlowDownLink.id).limit(MAILS_A_ROUND)
    return one_by_one.rows(act, "mail of link", due, partial(_write_waiting, act, settings))


def _waits():
    return FlowDownLink.token_hash.is_null() & FlowDownLink.ended_at.is_null()


def _write_waiting(act: Act, settings: Settings, link_id: int) -> bool:
    """False when another worker was first, or the link ended meanwhile."""
    with write_tx():
        link = locked(FlowDownLink.select().where(_waits(), FlowDownLink.id == link_id)).first()
        if link is not None:
            write_mail(act, settings, link)
    return link is not None


def write_mail(act: Act, settings: Settings, link: FlowDownLink) -> None:
    """The mail with the link's token, in the caller's transaction."""
    account = (
        SubAccount.select(SubAccount, Partner, Customer)
        .join(Partner)
        .switch(SubAccount)
        .join(Customer)
        .where(SubAccount.id == link.sub_account_id)
        .get()
    )
    token = secrets.token_urlsafe(32)
    link.token_hash, link.mailed_at = digest(token), act.at
    link.save(only=["token_hash", "mailed_at"])
    version = documents.current(KIND, link.locale, act.at)
    mail.queue(
        act, settings, "flow_down_link", to=link.email, locale=link.locale, of_partner=account.partner_id, private=True,
        path=f"/agree/{token}",
        name=link.contact_name, partner=account.partner.legal_name, customer=account.customer.name,
        reminder=link.cause != "asked", title=version.title if version else "", expires_at=link.expires_at,
    )  # fmt: skip


def note(act: Act, action: str, account: SubAccount, link: FlowDownLink) -> None:
    """Records what happened to the link; never its token."""
    after = {"email": link.email, "expires_at": link.expires_at}
    record(act, action, account, partner=account.partner_id, after=after)


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def waiting(account: SubAccount) -> FlowDownLink | None:
    """The link that has not ended, its time may be up; None without one."""
    own = (FlowDownLink.sub_account == account) & FlowDownLink.ended_at.is_null()
    return FlowDownLink.select().where(own).first()


def too_soon(links: Sequence[FlowDownLink], email: str) -> bool:
    """Whether one more mail would be too many; `links`: those of the last day."""
    return any(link.email == email for link in links) or len(links) >= MOST_A_DAY


def lately(act: Act, account: SubAccount) -> list[FlowDownLink]:
    """The links of the last day, the newest first."""
    own = (FlowDownLink.sub_account == account) & (FlowDownLink.created_at > act.at - PAUSE)
    return list(FlowDownLink.select().where(own).order_by(FlowDownLink.id.desc()))


def _refuse_hurry(act: Act, account: SubAccount) -> None:
    if not account.contact_email:
        raise FlowDownRefused(N_("This sub-account has no contact with a mail address. Enter one first."))
    links = lately(act, account)
    if too_soon(links, account.contact_email):
        raise FlowDownRefused(
            N_("A link went to the customer on %(sent_at)s. The next one can be sent a day later."),
            sent_at=links[0].created_at,
        )
