"""Proving who one is: log-in, a forgotten password, a new one (T10; threats 5 to 7)."""

import logging
from dataclasses import replace
from typing import Any

from models.base import locked, write_tx
from models.operator import Operator
from models.partner import Member
from services import (
    access_period,
    attempts,
    factor_resets,
    links,
    mail,
    passwords,
    people,
    second_factor,
    sessions,
    sso_rules,
    trusted_devices,
)
from services.audit import Act, record
from services.refusal import N_, Refusal
from services.settings import Settings

RESET_PATH = "/password/reset/"
FORGOT_PATH = "/password/forgot"

log = logging.getLogger("portal.log_in")


class LogInRefused(Refusal):
    """One sentence for an unknown address and for a wrong password."""

    def __init__(self) -> None:
        super().__init__(N_("The mail address or the password is not right."))


class AccessEnded(Refusal):
    """Said only after the right password."""

    def __init__(self) -> None:
        super().__init__(N_("This log-in is no longer active. An administrator of your company can tell you more."))


class PasswordDue(Refusal):
    """Said only after the right password, which others may know: the new one is chosen over a link by mail."""

    def __init__(self) -> None:
        super().__init__(
            N_("This password may be known to others and opens nothing any more. Have a link sent to choose a new one.")
        )


class MailNotConfirmed(Refusal):
    """Said only after the right password; `member` is whose address waits for confirmation."""

    def __init__(self, member: Member):
        self.member = member
        super().__init__(N_("Your mail address is not confirmed yet. Open the link in the mail that we sent you."))


def check(act: Act, settings: Settings, email: str, password: str, device: str = "") -> Member | Operator:
    """The person with this address and password, who may sign in now.

    The attempt is counted first, and the work is the same whether or not there is such a person. `device` as in
    attempts.count. Raises TooManyAttempts, NewPasswordNeeded, LogInRefused; after the right password only, AccessEnded,
    MailNotConfirmed, PasswordDue or OwnLogInOnly.
    """
    attempts.count(act, email, device=device)
    person = people.with_address(email)
    if not passwords.matches(person.password_hash if person else "", password) or person is None:
        log.info("log-in refused, request %s from %s", act.request_id, act.ip)
        raise LogInRefused
    attempts.forgive(act, email, device)
    refuse_closed(act, settings, person)
    if factor_resets.settle(act, settings, person) or person.password_due_at is not None:
        raise PasswordDue
    sso_rules.refuse_other_ways(act, person)
    _renew_hash(person, password)
    return person


def refuse_closed(act: Act, settings: Settings, person: Member | Operator) -> None:
    """For who has shown who they are. Raises AccessEnded, MailNotConfirmed."""
    if not may_sign_in(act, person, settings):
        raise AccessEnded
    if isinstance(person, Member) and person.email_confirmed_at is None:
        raise MailNotConfirmed(person)


def may_sign_in(act: Act, person: Member | Operator, settings: Settings) -> bool:
    """Active; a member also of a company that is not barred, and within the period of access (last day included)."""
    return access_period.may_enter(person, act.at, settings) if isinstance(person, Member) else person.active


def _renew_hash(person: Member | Operator, password: str) -> None:
    """Not in the trail: the password stays what it is, only its hash follows today's parameters."""
    if passwords.needs_rehash(person.password_hash):
        person.password_hash = passwords.hashed(password)
        with write_tx():
            person.save(only=["password_hash"])


def send_reset(act: Act, settings: Settings, email: str, locale: str) -> None:
    """Mails a link (1 h) to the address, or the news that it has no log-in; the caller learns neither.
    `locale` is for a stranger's mail. Raises TooManyAttempts."""
    attempts.count(act, email, attempts.MAIL)
    person = people.with_address(email)
    with write_tx():
        if person is None or not may_sign_in(act, person, settings):
            of_partner = people.partner_id_of(person) if person else None
            to = email.strip()
            mail.queue(act, settings, "password_reset_unknown", to=to, locale=locale, of_partner=of_partner, path="/")
        else:
            token = links.issue(act, "reset_password", person)
            until_at = links.look("reset_password", token, act.at).expires_at
            _mail(act, settings, "password_reset", person, RESET_PATH + token, private=True, until_at=until_at)


def choose_password(act: Act, settings: Settings, purpose: str, token: str, password: str) -> Member | Operator:
    """Uses the link up and sets its owner's password; ends every session of that person and says so by mail. A change
    of the mail address that waits is cancelled: whoever asked for it may be why the password is chosen anew.

    `purpose` is reset_password or operator_setup. Raises NotFound, LinkUsed, LinkExpired, PasswordRefused.
    """
    person = links.person_of(links.look(purpose, token, act.at))
    short_is_enough = second_factor.has(person)
    passwords.refuse_weak(password, known_words(person, settings), with_second_factor=short_is_enough)
    if person.password_due_at is not None and passwords.matches(person.password_hash, password):
        raise passwords.PasswordRefused(N_("Others may know this password. Choose another one."))
    new_hash = passwords.hashed(password)
    act = replace(act, kind=person._meta.table_name, actor_id=str(person.id), actor_name=person.name)
    with write_tx():
        kind = type(person)
        locked(kind.select().where(kind.id == person.id)).get()
        links.use(act, purpose, token)
        first = not person.password_hash
        person.password_hash, person.password_due_at = new_hash, None
        person.save(only=["password_hash", "password_due_at"])
        if isinstance(person, Member):
            links.cancel(act, "change_mail", person)
            person.wanted_email = ""
            person.save(only=["wanted_email"])
        if short_is_enough and not second_factor.has(person):
            passwords.refuse_short(password)  # the factor went meanwhile
        sessions.end_all(act, person, "password changed")
        trusted_devices.end_all(act, person)
        attempts.forgive(act, person.email)
        attempts.forgive(act, person.email, purpose=attempts.SECOND)
        record(act, "password.chosen" if first else "password.changed", person, partner=people.partner_id_of(person))
        if not first:
            _mail(act, settings, "password_changed", person, FORGOT_PATH, changed_at=act.at)
    return person


def fewest(person: Member | Operator) -> int:
    """So many characters a new password of this person needs at least."""
    return passwords.SHORTEST_WITH_SECOND_FACTOR if second_factor.has(person) else passwords.SHORTEST


def known_words(person: Member | Operator, settings: Settings) -> tuple[str, ...]:
    """What a guesser would try first for this person."""
    company = person.partner.legal_name if isinstance(person, Member) else ""
    return (person.name, person.email, company, settings.provider.name)


def _mail(act: Act, settings: Settings, template: str, person: Member | Operator, path: str, **values: Any) -> None:
    of_partner = people.partner_id_of(person)
    mail.queue(
        act, settings, template, to=person.email, locale=person.locale, of_partner=of_partner, path=path,
        name=person.name, **values,
    )  # fmt: skip
