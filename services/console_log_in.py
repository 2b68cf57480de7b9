"""Signing in to the customer console with address and password, and getting a lost password back (T10; threats 5, 6).

One address may be the contact of several sub-accounts, of different partners. Each has a password of its own: a partner
can have one set for its own sub-account by a program, and must not open another partner's with it. So a password opens
the sub-accounts that it belongs to, and where these are several the person chooses among them afterwards.
"""

import hashlib
import logging

from models.base import locked, write_tx
from models.console import ConsoleUser
from models.partner import Partner
from models.sub_account import Customer, SubAccount
from services import attempts, console, console_links, console_standing, mail, passwords, people
from services.audit import Act
from services.log_in import LogInRefused
from services.refusal import N_, Refusal
from services.settings import Settings

WORK = 4  # so many passwords are compared for any address, known or not
MOST_OF_ONE_ADDRESS = 40

log = logging.getLogger("portal.console")


class ConsoleAccessEnded(Refusal):
    """Said only after the right password."""

    def __init__(self) -> None:
        super().__init__(N_("This access is not active at present. Whoever set up your storage can tell you more."))


def device_address(email: str) -> str:
    """Under what a device remembers this address: not as one of the portal, which may be another person's."""
    return f"console:{email}"


def check(act: Act, email: str, password: str, device: str = "") -> list[ConsoleUser]:
    """The console users with this address and password who may sign in now, at least one.

    The attempt is counted first, and the same work is done for every address that belongs to no more than WORK
    sub-accounts. Raises TooManyAttempts, NewPasswordNeeded, LogInRefused; after the right password only,
    ConsoleAccessEnded.
    """
    attempts.count(act, email, attempts.CONSOLE, device)
    found = with_address(email)
    padding: list[ConsoleUser | None] = [None] * max(0, WORK - len(found))
    matching = []
    for user in [*found, *padding]:
        if passwords.matches(user.password_hash if user else "", password) and user:
            matching.append(user)
    if not matching:
        log.info("console log-in refused, request %s from %s", act.request_id, act.ip)
        raise LogInRefused
    attempts.forgive(act, email, device, attempts.CONSOLE)
    able = [user for user in matching if console_standing.is_open(user)]
    if not able:
        raise ConsoleAccessEnded
    for user in able:
        _renew_hash(user, password)
    return able


def with_address(email: str) -> list[ConsoleUser]:
    """Everybody who may sign in with the address, with sub-account, customer and partner, the last invited first."""
    return _users(ConsoleUser.email_key == people.email_key(email))


def with_ids(ids: list[int]) -> list[ConsoleUser]:
    """Those of them who may sign in now."""
    return [user for user in _users(ConsoleUser.id.in_(ids)) if console_standing.is_open(user)]


def mark(user: ConsoleUser) -> str:
    """Of the password that was shown: with another one it has to be shown again."""
    return hashlib.sha256(f"console\n{user.password_hash}".encode()).hexdigest()[:32]


def send_reset(act: Act, settings: Settings, email: str, locale: str) -> None:
    """Mails a link (1 h) for each sub-account of the address, or the news that there is none; the caller learns
    neither. Raises TooManyAttempts."""
    attempts.count(act, email, attempts.CONSOLE_MAIL)
    able = [user for user in with_address(email) if user.confirmed_at and console_standing.is_open(user)]
    with write_tx():
        for user in able:
            token, until_at = console_links.issue(act, user, "reset")
            values = {"until_at": until_at, "number": user.sub_account.number}
            path = console_links.LINK_PATH + token
            console.tell(act, settings, user, "console_reset", path, private=True, **values)
        if not able:
            path = "/console/login"
            mail.queue(act, settings, "console_reset_unknown", to=email.strip(), locale=locale, path=path)


def choose_password(act: Act, settings: Settings, token: str, password: str) -> ConsoleUser:
    """Uses the link up and sets its user's password. Raises NotFound, LinkUsed, LinkExpired, PasswordRefused and, for
    guesses at links, TooManyAttempts."""
    attempts.count_of_network(act, attempts.INVITATION)
    user = console_links.look(token, act.at).user
    passwords.refuse_weak(password, console.known_words(user, settings))
    act = console.acting(act, user)
    with write_tx():
        locked(SubAccount.select().where(SubAccount.id == user.sub_account_id)).get()
        console_links.use(act, token)
        console.set_password(act, settings, user, password)
    return user


def change_password(act: Act, settings: Settings, user: ConsoleUser, session, old: str, new: str) -> None:
    """With the present password; every other log-in ends. Guesses are counted as at the log-in. Raises
    TooManyAttempts, NewPasswordNeeded, LogInRefused, PasswordRefused."""
    attempts.count(act, user.email, attempts.CONSOLE)
    if not passwords.matches(user.password_hash, old):
        raise OldPasswordWrong
    attempts.forgive(act, user.email, purpose=attempts.CONSOLE)
    console.set_password(act, settings, user, new, stay=session)


class OldPasswordWrong(Refusal):
    def __init__(self) -> None:
        super().__init__(N_("This is not your present password."), "old_password")


def _users(condition) -> list[ConsoleUser]:
    query = (
        ConsoleUser.select(ConsoleUser, SubAccount, Customer, Partner)
        .join(SubAccount)
        .join(Customer)
        .switch(SubAccount)
        .join(Partner)
        .where(condition, ConsoleUser.removed_at.is_null())
    )
    return list(query.order_by(ConsoleUser.id.desc()).limit(MOST_OF_ONE_ADDRESS))


def _renew_hash(user: ConsoleUser, password: str) -> None:
    if passwords.needs_rehash(user.password_hash):
        user.password_hash = passwords.hashed(password)
        with write_tx():
            user.save(only=["password_hash"])
