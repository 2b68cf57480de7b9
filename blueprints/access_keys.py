"""The keys of a sub-account: each shown once, replaced with overlap, switched off and on, deleted (T13)."""

import secrets

from flask import Blueprint, current_app, flash, g, request, url_for
from flask_babel import gettext as _

from blueprints.access import Permission, act, requires, viewer
from blueprints.errors import words
from blueprints.partials import answer, leave_to, wants_partial
from blueprints.proving import refuse_unproved
from models.sub_account import SubAccount
from services import access_keys, connection, hand_over, key_rotation, key_rules
from services.access_keys import KeyNotShown
from services.refusal import NotFound, Refusal
from services.sub_account_lookup import own_sub_account

bp = Blueprint("access_keys", __name__, url_prefix="/sub-accounts/<account:number>/keys/<int:key_id>")


@bp.post("/reveal")
@requires(Permission.KEY_REVEAL)
def reveal(number: str, key_id: int):
    """The pair itself is the answer of this POST: it stands in no address, and nothing keeps it."""
    key = access_keys.own_key(viewer.partner, number, key_id)
    if key.revealed_at is not None:
        refuse_unproved()
    account = own_sub_account(viewer.partner, number, g.clock.now())
    try:
        access_key_id, secret = access_keys.reveal(act(), current_app.settings, key.id)
    except KeyNotShown as refusal:
        return refused(account, refusal)
    to = connection.of(account, access_key_id)
    values = {"account": account, "key": key, "secret": secret, "connection": to}
    values["snippets"] = connection.snippets(to, secret)
    return answer("access_keys/revealed.html", "access_keys/_revealed.html", focus="#keys h2", **values)


@bp.post("/stored")
@requires(Permission.KEY_REVEAL)
def stored(number: str, key_id: int):
    key = access_keys.own_key(viewer.partner, number, key_id)
    account = own_sub_account(viewer.partner, number, g.clock.now())
    try:
        access_keys.note_stored(act(), key.id)
    except KeyNotShown as refusal:
        return refused(account, refusal)
    if wants_partial():
        return show_keys(account)
    flash(_("Noted. The secret will not be shown again."), "success")
    return back(number)


@bp.post("/hand-over")
@requires(Permission.KEY_REVEAL, area="key_hand_over", proof=True)
def make_link(number: str, key_id: int):
    """The address is the answer of this POST, once: it is kept nowhere."""
    account = own_sub_account(viewer.partner, number, g.clock.now())
    try:
        token, until_at = hand_over.create(act(), current_app.settings, viewer.partner, number, key_id)
    except KeyNotShown as refusal:
        return refused(account, refusal)
    link = current_app.settings.public_url + url_for("hand_over.ask", token=token)
    values = {"account": account, "link": link, "until_at": until_at}
    return answer("access_keys/link.html", "access_keys/_link.html", focus="#keys h2", **values)


@bp.post("/withdraw")
@requires(Permission.KEY_REVEAL)
def withdraw_link(number: str, key_id: int):
    done = _("The link does not work any more.")
    return change(number, done, lambda: hand_over.withdraw(act(), viewer.partner, number, key_id))


@bp.post("/replace")
@requires(Permission.KEY_CHANGE)
def replace(number: str, key_id: int):
    once_key = request.form.get("once", "")[:64] or secrets.token_urlsafe(16)
    done = _("A new key is being made. As soon as it works, you can show it here, for ten minutes.")
    return change(number, done, lambda: key_rotation.replace(act(), viewer.partner, number, key_id, once_key))


@bp.post("/off")
@requires(Permission.KEY_CHANGE)
def switch_off(number: str, key_id: int):
    settings = current_app.settings
    done = _("The old key is being switched off. Whatever still uses it stops, and you see it then.")
    return change(number, done, lambda: key_rotation.switch_off(act(), settings, viewer.partner, number, key_id))


@bp.post("/on")
@requires(Permission.KEY_CHANGE)
def switch_on(number: str, key_id: int):
    done = _("The key is being switched on again.")
    return change(number, done, lambda: key_rotation.switch_on(act(), viewer.partner, number, key_id))


@bp.post("/delete")
@requires(Permission.KEY_CHANGE)
def delete(number: str, key_id: int):
    done = _("The key is deleted for good.")
    return change(number, done, lambda: key_rotation.delete(act(), viewer.partner, number, key_id))


def change(number: str, done: str, do):
    """Back to the page either way: it says what came of it and watches the storage service follow."""
    try:
        do()
    except NotFound:
        raise
    except Refusal as refusal:
        flash(words(refusal), "error")
    else:
        flash(done, "success")
    return back(number)


def back(number: str):
    return leave_to(url_for("sub_accounts.show", number=number, _anchor="keys"))


def refused(account: SubAccount, refusal: Refusal):
    if wants_partial():
        return show_keys(account, words(refusal), status=409)
    flash(words(refusal), "error")
    return back(account.number)


def show_keys(account: SubAccount, problem: str = "", status: int = 200):
    keys = access_keys.own_keys(viewer.partner, account)
    offers = key_rules.offers(act(), account, keys)
    values = {"account": account, "offers": offers, "rotation": key_rules.rotation(offers), "problem": problem}
    values["once"] = secrets.token_urlsafe(16)
    return answer("", "access_keys/_keys.html", status=status, focus="#keys h2", **values)
