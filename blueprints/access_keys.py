"""The first key of a sub-account: shown once, then only its name (T13)."""

from flask import Blueprint, current_app, flash, g, url_for
from flask_babel import gettext as _

from blueprints.access import Permission, act, requires, viewer
from blueprints.errors import words
from blueprints.partials import answer, leave_to, wants_partial
from models.sub_account import AccessKey
from services import access_keys, connection
from services.access_keys import KeyNotShown
from services.sub_account_lookup import own_sub_account

bp = Blueprint("access_keys", __name__, url_prefix="/sub-accounts/<account:number>/keys/<int:key_id>")


@bp.post("/reveal")
@requires(Permission.KEY_REVEAL)
def reveal(number: str, key_id: int):
    """The pair itself is the answer of this POST: it stands in no address, and nothing keeps it."""
    key = access_keys.own_key(viewer.partner, number, key_id)
    account = own_sub_account(viewer.partner, number, g.clock.now())
    try:
        access_key_id, secret = access_keys.reveal(act(), current_app.settings, key.id)
    except KeyNotShown as refusal:
        return not_shown(key, words(refusal))
    to = connection.of(account, access_key_id)
    values = {"account": account, "key": key, "secret": secret, "connection": to}
    values["snippets"] = connection.snippets(to, secret)
    return answer("access_keys/revealed.html", "access_keys/_revealed.html", focus="#first-key h2", **values)


@bp.post("/stored")
@requires(Permission.KEY_REVEAL)
def stored(number: str, key_id: int):
    key = access_keys.own_key(viewer.partner, number, key_id)
    try:
        access_keys.note_stored(act(), key.id)
    except KeyNotShown as refusal:
        return not_shown(key, words(refusal))
    if wants_partial():
        return show_card(access_keys.own_key(viewer.partner, number, key_id))
    flash(_("Noted. The secret will not be shown again."), "success")
    return leave_to(url_for("sub_accounts.show", number=number))


def not_shown(key: AccessKey, sentence: str):
    if wants_partial():
        return show_card(key, sentence, status=409)
    flash(sentence, "error")
    return leave_to(url_for("sub_accounts.show", number=key.sub_account.number))


def show_card(key: AccessKey, problem: str = "", status: int = 200):
    values = {"account": key.sub_account, "key": key, "may_show": access_keys.may_show(act(), key), "problem": problem}
    return answer("", "access_keys/_first.html", status=status, focus="#first-key h2", **values)
