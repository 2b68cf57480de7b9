"""What is asked for beside the password (T10; NIST SP 800-63B-4): an app that makes codes, passkeys, recovery codes.

Who has one is asked for it at log-in, whoever knows the password, and however it was chosen. Operators must have one,
and members of a partner whose administrator wants it.
"""

import logging
from collections.abc import Callable
from typing import Any

from models.base import locked, write_tx
from models.operator import Operator
from models.partner import Member, Partner
from models.second_factor import Passkey, Totp, TrustedDevice
from services import attempts, mail, passkeys, passwords, people, recovery_codes, sessions, totp, trusted_devices
from services.audit import Act, record
from services.refusal import N_, NotFound, Refusal
from services.settings import Settings

log = logging.getLogger("portal.log_in")

SECURITY_PATH = "/security"
HAVE_ANOTHER = N_("You have to have a second factor. Add another one first, then remove this one.")


class FactorNeeded(Refusal):
    """What was asked for needs a second factor, or would leave somebody without one who must have it."""


def has(person: Member | Operator) -> bool:
    return totp.is_on(person) or passkeys.has(person)


def must(person: Member | Operator) -> bool:
    """Whether this person has to have one: operators always, members when their partner wants it."""
    return isinstance(person, Operator) or person.partner.second_factor_required


def asked(act: Act, person: Member | Operator, tokens: list[str]) -> tuple[bool, TrustedDevice | None]:
    """Whether the second factor is asked for at log-in on the browser with these trust tokens; else the trust that
    stands for it, if any."""
    if not has(person):
        return False, None
    trusted = trusted_devices.recognised(act, person, tokens)
    return trusted is None, trusted


def check_code(act: Act, settings: Settings, person: Member | Operator, code: str, device: str = "") -> str:
    """Uses up a code of the person's app, or a recovery code; returns which: code or recovery code. The attempt is
    counted first. Raises TooManyAttempts, CodesClosed, CodeRefused."""
    attempts.count(act, person.email, attempts.SECOND, device)
    if recovery_codes.looks_like(code):
        _burn(act, settings, person, code)
        how = "recovery code"
    elif totp.matches(act, settings, person, code):
        how = "code"
    else:
        log.info("second factor refused, request %s from %s", act.request_id, act.ip)
        raise totp.CodeRefused
    attempts.forgive(act, person.email, device, attempts.SECOND)
    return how


def check_passkey(
    act: Act, settings: Settings, purpose: str, challenge_id: int, answer: str, person: Member | Operator | None = None
) -> Member | Operator:
    """The person whose passkey answered; `person`: only this one. Counted before it is looked at. Raises
    TooManyAttempts, PasskeyRefused."""
    attempts.count_of_network(act, attempts.PASSKEY)
    found = passkeys.check(act, settings, purpose, challenge_id, answer)
    if person is not None and found != person:
        raise passkeys.PasskeyRefused
    return found


def _burn(act: Act, settings: Settings, person: Member | Operator, code: str) -> None:
    with write_tx():
        row = recovery_codes.burn(act, person, code)
        if row is not None:
            left = recovery_codes.left(person)
            record(people.acting(act, person), "recovery_code.used", row, partner=people.partner_id_of(person))
            tell(act, settings, person, "recovery_code_used", left=left)
    if row is None:
        log.info("recovery code refused, request %s from %s", act.request_id, act.ip)
        raise totp.CodeRefused


def confirm_app(act: Act, settings: Settings, person: Member | Operator, code: str) -> list[str]:
    """The app that was begun counts from now on. Returns ten recovery codes where the person has none left. Raises
    TooManyAttempts, CodeRefused, NothingBegun."""
    attempts.count(act, person.email, attempts.SECOND)

    def confirm(person: Member | Operator) -> Totp:
        totp.confirm(act, settings, person, code)
        return Totp.get(people.owned(Totp, person))

    codes = _change(act, settings, person, "totp.added", "factor_added", "app", confirm)
    attempts.forgive(act, person.email, purpose=attempts.SECOND)
    return codes


def add_passkey(
    act: Act, settings: Settings, person: Member | Operator, challenge_id: int, answer: str, name: str
) -> list[str]:
    """As `confirm_app` with a passkey. Raises PasskeyRefused."""

    def add(person: Member | Operator) -> Passkey:
        return passkeys.add(act, settings, person, challenge_id, answer, name)

    return _change(act, settings, person, "passkey.added", "factor_added", "passkey", add)


def remove_app(act: Act, settings: Settings, person: Member | Operator, password: str) -> None:
    """Switches the app off. Where it was the last factor, `password` is asked for: shorter ones are for those with a
    factor alone. Raises FactorNeeded, PasswordRefused, NotFound."""

    def remove(person: Member | Operator) -> Totp:
        row = Totp.get_or_none(people.owned(Totp, person), Totp.confirmed_at.is_null(False))
        if row is None:
            raise NotFound
        row.delete_instance()
        return row

    refuse_to_lose(act, person, password, without="app")
    _change(act, settings, person, "totp.removed", "factor_removed", "app", remove)


def remove_passkey(act: Act, settings: Settings, person: Member | Operator, passkey_id: int, password: str) -> None:
    """As `remove_app` with a passkey."""

    def remove(person: Member | Operator) -> Passkey:
        row = Passkey.get_or_none(Passkey.id == passkey_id, people.owned(Passkey, person))
        if row is None:
            raise NotFound
        row.delete_instance()
        return row

    refuse_to_lose(act, person, password, without="passkey")
    _change(act, settings, person, "passkey.removed", "factor_removed", "passkey", remove)


def is_last(person: Member | Operator, without: str) -> bool:
    """Whether nothing is left when the app, or one passkey, goes."""
    if without == "app":
        return not passkeys.has(person)
    return not totp.is_on(person) and len(passkeys.of(person)) <= 1


def refuse_to_lose(act: Act, person: Member | Operator, password: str, without: str) -> None:
    """Raises FactorNeeded or PasswordRefused where the person would be left without a factor and must not be."""
    if not is_last(person, without):
        return
    if must(person):
        raise FactorNeeded(HAVE_ANOTHER)
    attempts.count(act, person.email)
    if not passwords.matches(person.password_hash, password):
        raise passwords.PasswordRefused(N_("The password is not right."))
    passwords.refuse_short(password)


def new_codes(act: Act, person: Member | Operator) -> list[str]:
    """Ten new recovery codes; the older ones work no longer. Raises FactorNeeded."""
    codes = recovery_codes.made()
    with write_tx():
        person = people.locked_afresh(person)
        if not has(person):
            raise FactorNeeded(N_("Recovery codes stand in for a second factor. Set one up first."))
        recovery_codes.keep(act, person, codes)
        record(
            act, "recovery_code.made", person, partner=people.partner_id_of(person), after={"number": len(codes.shown)}
        )
    return codes.shown


def want_of_all(act: Act, settings: Settings, member: Member, wanted: bool) -> None:
    """A partner's administrator asks everybody of the partner for a second factor, or does so no longer. Raises
    FactorNeeded when the administrator has none."""
    with write_tx():
        partner: Any = locked(Partner.select().where(Partner.id == member.partner_id)).get()
        if wanted and not has(member):
            raise FactorNeeded(N_("Set up a second factor for yourself first."))
        if partner.second_factor_required == wanted:
            return
        partner.second_factor_required = wanted
        partner.save(only=["second_factor_required"])
        record(act, "partner.second_factor", partner, partner=partner, before={"required": not wanted},
               after={"required": wanted})  # fmt: skip


def drop_all(act: Act, person: Member | Operator) -> None:
    """Nothing of what the person had is left: for a reset, and for whoever is cut off. In the caller's transaction."""
    Totp.delete().where(people.owned(Totp, person)).execute()
    Passkey.delete().where(people.owned(Passkey, person)).execute()
    recovery_codes.remove(person)
    trusted_devices.end_all(act, person)


def tell(act: Act, settings: Settings, person: Member | Operator, template: str, **values: Any) -> None:
    """A mail to the person about their own log-in."""
    mail.queue(
        act, settings, template, to=person.email, locale=person.locale, of_partner=people.partner_id_of(person),
        path=SECURITY_PATH, name=person.name, at=act.at, **values,
    )  # fmt: skip


def tell_privately(
    act: Act, settings: Settings, person: Member | Operator, template: str, path: str, **values: Any
) -> None:
    """A mail with a link that works once."""
    mail.queue(
        act, settings, template, to=person.email, locale=person.locale, of_partner=people.partner_id_of(person),
        private=True, path=path, name=person.name, at=act.at, **values,
    )  # fmt: skip


def _change(
    act: Act,
    settings: Settings,
    person: Member | Operator,
    action: str,
    template: str,
    factor: str,
    change: Callable[[Member | Operator], Any],
) -> list[str]:
    """One change of factors: the trail, the mail, no trust and no other log-in from before. Returns new recovery codes
    where there is a factor and no code."""
    codes = None if recovery_codes.left(person) else recovery_codes.made()
    with write_tx():
        person = people.locked_afresh(person)
        row = change(person)
        if not has(person):
            if must(person):
                raise FactorNeeded(HAVE_ANOTHER)
            recovery_codes.remove(person)
            codes = None
        if codes is not None:
            recovery_codes.keep(act, person, codes)
        record(act, action, row, partner=people.partner_id_of(person))
        trusted_devices.end_all(act, person)
        sessions.end_others(act, person, "second factor changed")
        tell(act, settings, person, template, factor=factor)
    return codes.shown if codes else []
