"""The customer's access to the console, on the page of its sub-account: invited, deactivated, given back, removed."""

import secrets
from collections.abc import Callable

from flask import current_app, flash, g, request, url_for
from flask_babel import gettext as _

from blueprints.access import Permission, act, requires, viewer
from blueprints.errors import words
from blueprints.formats import language
from blueprints.partials import leave_to
from blueprints.sub_accounts import bp
from models.sub_account import SubAccount
from services import console, console_links, console_standing, people
from services.refusal import NotFound, Refusal


def card(account: SubAccount) -> dict:
    """`console_user`: who has access or was invited; `console_invitation`: the link that waits; `console_state`: one of
    none, invited (the link waits), lapsed (it was not used in time), on, off, other (not the contact any more), held
    (not while the sub-account and the company are as they are)."""
    user = console.of_account(account)
    invitation = console_links.open_invitation(user, g.clock.now()) if user else None
    return {
        "console_user": user,
        "console_invitation": invitation,
        "console_state": state(account, user, invitation is not None),
        "console_ids": console.ids_of(account),
    }


def state(account: SubAccount, user, waits: bool) -> str:
    if user is None:
        return "none"
    if user.email_key != people.email_key(account.contact_email):
        return "other"
    if not user.active:
        return "off"
    if user.confirmed_at is None:
        return "invited" if waits else "lapsed"
    user.sub_account = account
    return "on" if console_standing.is_open(user) else "held"


@bp.post("/<account:number>/console/invite")
@requires(Permission.SUB_ACCOUNT_CHANGE, area="console")
def console_invite(number: str):
    """The customer is written to in the language that was chosen on the card, else in the reader's."""
    once_key = request.form.get("once", "")[:64] or secrets.token_urlsafe(16)
    locale, settings = request.form.get("locale") or language(), current_app.settings
    done = _("The invitation is on its way. It can be used for 48 hours.")
    return carry_out(number, done, lambda: console.invite(act(), settings, viewer.partner, number, locale, once_key))


@bp.post("/<account:number>/console/withdraw")
@requires(Permission.SUB_ACCOUNT_CHANGE)
def console_withdraw(number: str):
    done = _("The invitation does not work any more.")
    return carry_out(number, done, lambda: console.withdraw(act(), viewer.partner, number))


@bp.post("/<account:number>/console/off")
@requires(Permission.SUB_ACCOUNT_CHANGE)
def console_off(number: str):
    done = _("The access is taken away. Log-ins to the console are ended.")
    return carry_out(number, done, lambda: console.set_active(act(), viewer.partner, number, False))


@bp.post("/<account:number>/console/on")
@requires(Permission.SUB_ACCOUNT_CHANGE, area="console")
def console_on(number: str):
    done = _("The access is given back, with the password of before.")
    return carry_out(number, done, lambda: console.set_active(act(), viewer.partner, number, True))


@bp.post("/<account:number>/console/remove")
@requires(Permission.SUB_ACCOUNT_CHANGE)
def console_remove(number: str):
    done = _("The access is removed. The contact can be invited again.")
    return carry_out(number, done, lambda: console.remove(act(), viewer.partner, number))


def carry_out(number: str, done: str, change: Callable[[], object]):
    """Back to the card either way: it shows how it stands."""
    try:
        change()
    except NotFound:
        raise
    except Refusal as refusal:
        flash(words(refusal), "bad")
    else:
        flash(done, "good")
    return leave_to(url_for("sub_accounts.show", number=number, _anchor="console"))
