"""Who signs in to the customer console for a sub-account: its contact, invited by the partner (T4, T13).

Locks: the sub-account's row, which owns whatever its contact may do.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from models.base import locked, write_tx
from models.console import ConsoleLink, ConsoleUser
from models.partner import Partner
from models.sub_account import SubAccount
from services import attempts, console_links, console_sessions, console_standing, mail, once, passwords, people
from services.audit import Act, record
from services.refusal import N_, NotFound, Refusal
from services.settings import Settings

INVITATIONS_A_DAY = 3
FORGOT_PATH = "/console/password/forgot"


class ConsoleRefused(Refusal):
    """Nobody was invited, and nobody's access changed."""


def of_account(account: SubAccount) -> ConsoleUser | None:
    """Who may sign in for the sub-account, or was invited to; None where nobody was, or after a removal."""
    return ConsoleUser.get_or_none(ConsoleUser.sub_account == account, ConsoleUser.removed_at.is_null())


def ids_of(account: SubAccount) -> list[int]:
    """Of all who ever could: for the sub-account's history."""
    own: Any = ConsoleUser.select(ConsoleUser.id).where(ConsoleUser.sub_account == account)
    return [user_id for (user_id,) in own.tuples()]


def invite(act: Act, settings: Settings, partner: Partner, number: str, locale: str, once_key: str) -> ConsoleUser:
    """Sends the sub-account's contact a link for 48 hours; an earlier one ends. Whoever had access before and is not
    the contact any more is removed. Raises ConsoleRefused, KeyReused and NotFound."""
    content = f"console {number}"
    with write_tx():
        account = _own_locked(partner, number)
        earlier = once.earlier_answer(act, once_key, content)
        if earlier is not None:
            return ConsoleUser.get(ConsoleUser.sub_account == account, ConsoleUser.id == int(earlier))
        _refuse_closed(account)
        user = of_account(account)
        if user is not None and user.email_key != people.email_key(account.contact_email):
            _remove(act, user, account, "not the contact any more")
            user = None
        if user is not None and user.confirmed_at is not None:
            raise ConsoleRefused(N_("%(name)s has access already."), name=user.name)
        _refuse_hurry(act, account)
        user = _invited(act, account, user, locale if locale in settings.locales else settings.locales[0])
        token, until_at = console_links.issue(act, user, "invitation")
        record(act, "console_user.invited", user, partner=partner, after={"email": user.email})
        tell(
            act, settings, user, "console_invitation", console_links.LINK_PATH + token, private=True,
            until_at=until_at, number=account.number, storage=account.customer.name,
        )  # fmt: skip
        once.remember(act, once_key, content, str(user.id))
    return user


def withdraw(act: Act, partner: Partner, number: str) -> bool:
    """The invitation stops working, and with it the access that nobody has yet; False when none was open. Raises
    ConsoleRefused once it was used, and NotFound."""
    with write_tx():
        account = _own_locked(partner, number)
        user = of_account(account)
        if user is None:
            return False
        if user.confirmed_at is not None:
            raise ConsoleRefused(N_("The invitation was used meanwhile. Deactivate or remove the access instead."))
        _remove(act, user, account, "invitation withdrawn")
    return True


def set_active(act: Act, partner: Partner, number: str, active: bool) -> ConsoleUser:
    """Deactivates the access at once, or gives it back with its password. Raises ConsoleRefused and NotFound."""
    with write_tx():
        account = _own_locked(partner, number)
        user = of_account(account)
        if user is None:
            raise ConsoleRefused(N_("Nobody has access to the console of this sub-account."))
        if bool(user.active) == active:
            return user
        user.active = active
        user.save(only=["active"])
        if not active:
            console_links.end(act, user)
            console_sessions.end_all(act, user, "deactivated")
        action = "console_user.reactivated" if active else "console_user.deactivated"
        record(act, action, user, partner=partner, before={"active": not active}, after={"active": active})
    return user


def remove(act: Act, partner: Partner, number: str) -> None:
    """The access ends for good; the contact can be invited again. Where nobody has one nothing happens. Raises
    NotFound."""
    with write_tx():
        account = _own_locked(partner, number)
        user = of_account(account)
        if user is not None:
            _remove(act, user, account, "removed")


def set_password(
    act: Act, settings: Settings, user: ConsoleUser, password: str, *, stay: Any = None, told: bool = True
) -> None:
    """Gives the user this password: by an invitation, after a forgotten one, by the user, or by a program of the
    partner. Every log-in but `stay` ends, open links end, failures are forgiven; a change is told by mail. The user's
    sub-account and its partner are loaded. Raises PasswordRefused (field "password"), NotFound for who was removed."""
    passwords.refuse_weak(password, known_words(user, settings))
    password_hash = passwords.hashed(password)
    with write_tx():
        account = locked(SubAccount.select().where(SubAccount.id == user.sub_account_id)).get()
        row = of_account(account)
        if row is None or row.id != user.id:
            raise NotFound
        first = row.confirmed_at is None
        row.password_hash, row.confirmed_at = password_hash, row.confirmed_at or act.at
        row.save(only=["password_hash", "confirmed_at"])
        console_links.end(act, row)
        console_sessions.end_all(act, row, "password changed", but=stay)
        attempts.forgive(act, row.email, purpose=attempts.CONSOLE)
        action = "console_user.password_chosen" if first else "console_user.password_changed"
        record(act, action, row, partner=account.partner_id)
        if told and not first:
            tell(act, settings, row, "console_password_changed", FORGOT_PATH, changed_at=act.at, number=account.number)
    user.password_hash, user.confirmed_at = row.password_hash, row.confirmed_at


def known_words(user: ConsoleUser, settings: Settings) -> tuple[str, ...]:
    """What a guesser would try first for this user."""
    account = user.sub_account
    names = (account.name, account.customer.name, account.contact_name, account.partner.legal_name)
    return (user.name, user.email, *names, settings.provider.name, "console")


def tell(act: Act, settings: Settings, user: ConsoleUser, template: str, path: str, **values: Any) -> None:
    """A mail to the user, in the caller's transaction."""
    account = user.sub_account
    mail.queue(
        act, settings, template, to=user.email, locale=user.locale, of_partner=account.partner_id, path=path,
        name=user.name, partner=account.partner.legal_name, **values,
    )  # fmt: skip


def acting(act: Act, user: ConsoleUser) -> Act:
    """The act as this user's, who has shown who they are."""
    return replace(act, kind="console_user", actor_id=str(user.id), actor_name=user.name)


def _own_locked(partner: Partner, number: str) -> SubAccount:
    account = locked(SubAccount.select().where(SubAccount.partner == partner, SubAccount.number == number)).first()
    if account is None:
        raise NotFound
    return account


def _refuse_closed(account: SubAccount) -> None:
    if account.wanted_state != "active" or account.delete_after_at is not None or account.held_at is not None:
        raise ConsoleRefused(N_("This sub-account is paused or being deleted. Its contact cannot be invited now."))
    if account.partner.state not in console_standing.PARTNER_STATES:
        raise ConsoleRefused(N_("Nobody can be invited while the company is not active here."))
    if not account.contact_email:
        raise ConsoleRefused(N_("This sub-account has no contact with a mail address. Enter one first."))


def _refuse_hurry(act: Act, account: SubAccount) -> None:
    """Counted over everybody who was ever invited for the sub-account: an address is not changed back and forth."""
    lately = (ConsoleLink.purpose == "invitation") & (ConsoleLink.created_at > act.at - timedelta(days=1))
    sent = ConsoleLink.select().join(ConsoleUser).where(ConsoleUser.sub_account == account, lately).count()
    if sent >= INVITATIONS_A_DAY:
        raise ConsoleRefused(
            N_("%(most)s invitations went out within a day. Wait until tomorrow."), most=INVITATIONS_A_DAY
        )


def _invited(act: Act, account: SubAccount, user: ConsoleUser | None, locale: str) -> ConsoleUser:
    values = {"email": account.contact_email, "name": account.contact_name, "locale": locale, "invited_at": act.at}
    if user is None:
        key = people.email_key(account.contact_email)
        made_by = f"{act.kind}:{act.actor_id}"
        return ConsoleUser.create(sub_account=account, email_key=key, created_at=act.at, created_by=made_by, **values)
    for name, value in values.items():
        setattr(user, name, value)
    user.active = True
    user.save(only=[*values, "active"])
    return user


def _remove(act: Act, user: ConsoleUser, account: SubAccount, reason: str) -> None:
    console_links.end(act, user)
    console_sessions.end_all(act, user, reason)
    user.active, user.password_hash, user.removed_at = False, "", act.at
    user.save(only=["active", "password_hash", "removed_at"])
    record(act, "console_user.removed", user, partner=account.partner_id, after={"reason": reason})
