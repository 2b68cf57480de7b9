"""The ground of the tests of the customer console: invited contacts, their links, and browsers that are signed in."""

import re
from datetime import datetime
from urllib.parse import urlsplit

from models.console import ConsoleUser
from models.outbox import Mail
from models.partner import Partner
from models.sub_account import SubAccount
from services import console, console_log_in, console_sessions
from services.audit import Act
from services.settings import Settings
from tests.cast import Cast, act_of

PASSWORD = "violet lantern drifts over seven harbours"
ADDRESS = "marta@example.com"


def invited(cast: Cast, settings: Settings, account: SubAccount, at: datetime, *, who=None, once="") -> ConsoleUser:
    who = who or (cast.alice if account.partner == cast.northwind else cast.charlie)
    key = once or f"once-console-{account.number}-{at.isoformat()}"
    return console.invite(act_of(who, at), settings, account.partner, account.number, "en", key)


def token_of(template: str = "console_invitation", to: str = ADDRESS) -> str:
    """Of the latest mail of this sort to the address."""
    mail = Mail.select().where(Mail.template == template, Mail.recipient == to).order_by(Mail.id.desc()).first()
    return re.search(r"/console/password/([\w-]{43})", mail.text)[1]


def stranger(at: datetime, **more) -> Act:
    return Act(at=at, kind="visitor", source="web", ip="198.51.100.7", user_agent="Phone", request_id="r1", **more)


def joined(cast: Cast, settings: Settings, account: SubAccount, at: datetime, password: str = PASSWORD) -> ConsoleUser:
    """A contact who was invited and chose a password."""
    user = invited(cast, settings, account, at)
    token = token_of(to=account.contact_email)
    console_log_in.choose_password(stranger(at), settings, token, password)
    return with_account(user)


def with_account(user: ConsoleUser) -> ConsoleUser:
    """As the log-in finds it, with sub-account, customer and partner."""
    return next(one for one in console_log_in.with_address(user.email) if one.id == user.id)


def begun(user: ConsoleUser, at: datetime) -> str:
    """The token of a new log-in."""
    return console_sessions.begin(console.acting(stranger(at), user), user)


def signed_in(client, user: ConsoleUser, at: datetime) -> str:
    """The client's cookie is that of a new log-in to the console; returns the token."""
    token = begun(user, at)
    host = urlsplit(client.application.settings.public_url).hostname
    client.set_cookie("console", token, domain=host)
    return token


def suspend(partner: Partner) -> None:
    partner.state, partner.suspension_level = "suspended", "read"
    partner.save()


def log_in(client, password: str = PASSWORD, email: str = ADDRESS, **more):
    return client.post("/console/login", data={"email": email, "password": password}, **more)
