"""A customer's own keys: replaced with overlap, shown once, switched off and on, deleted; all stopped at once (T13)."""

import secrets

from flask import current_app, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from blueprints.console import bp, key_offers
from blueprints.console_gate import act, user
from blueprints.declarations import console_page
from blueprints.errors import words
from blueprints.partials import answer, leave_to
from services import access_keys, connection, console_keys, key_rotation, key_rules
from services.access_keys import KeyNotShown
from services.refusal import NotFound, Refusal

KEY = "/keys/<int:key_id>"


@bp.get("/keys")
@console_page
def keys():
    offers = key_offers()
    values = {"account": user().sub_account, "offers": offers, "rotation": key_rules.rotation(offers)}
    return answer("console/keys.html", **values)


@bp.post(f"{KEY}/reveal")
@console_page(least="full", area="keys")
def reveal(key_id: int):
    """The pair itself is the answer of this POST: it stands in no address, and nothing keeps it."""
    account = user().sub_account
    key = access_keys.own_key(account.partner, account.number, key_id)
    try:
        access_key_id, secret = access_keys.reveal(act(), current_app.settings, key.id)
    except KeyNotShown as refusal:
        flash(words(refusal), "bad")
        return leave_to(url_for("console.keys"))
    to = connection.of(account, access_key_id)
    values = {"key": key, "secret": secret, "connection": to, "snippets": connection.snippets(to, secret)}
    return answer("console/revealed.html", **values)


@bp.post(f"{KEY}/stored")
@console_page(least="full", area="keys")
def stored(key_id: int):
    account = user().sub_account
    key = access_keys.own_key(account.partner, account.number, key_id)
    done = _("Noted. The secret will not be shown again.")
    return change(done, lambda: access_keys.note_stored(act(), key.id))


@bp.post(f"{KEY}/replace")
@console_page(least="full", area="keys")
def replace(key_id: int):
    account, once_key = user().sub_account, request.form.get("once", "")[:64] or secrets.token_urlsafe(16)
    done = _("A new key is being made. As soon as it works, you can show it here, for ten minutes.")
    partner, number = account.partner, account.number
    return change(done, lambda: key_rotation.replace(act(), partner, number, key_id, once_key))


@bp.post(f"{KEY}/off")
@console_page(area=None)
def switch_off(key_id: int):
    account, settings = user().sub_account, current_app.settings
    done = _("The old key is being switched off. Whatever still uses it stops, and you see it then.")
    partner, number = account.partner, account.number
    return change(done, lambda: key_rotation.switch_off(act(), settings, partner, number, key_id))


@bp.post(f"{KEY}/on")
@console_page(least="full", area="keys")
def switch_on(key_id: int):
    account, done = user().sub_account, _("The key is being switched on again.")
    return change(done, lambda: key_rotation.switch_on(act(), account.partner, account.number, key_id))


@bp.post(f"{KEY}/delete")
@console_page(least="full", area="keys")
def delete(key_id: int):
    account, done = user().sub_account, _("The key is deleted for good.")
    return change(done, lambda: key_rotation.delete(act(), account.partner, account.number, key_id))


@bp.get("/keys/stop")
@console_page(before_terms=True, area=None)
def stop_keys():
    """Says first what happens."""
    working = [offer.key for offer in key_offers() if offer.key.wanted == "active" and offer.key.phase == "live"]
    return answer("console/stop.html", account=user().sub_account, working=working)


@bp.post("/keys/stop")
@console_page(before_terms=True, area=None)
def stop_keys_now():
    number = console_keys.stop_all(act(), current_app.settings, user())
    if number:
        done = ngettext("%(num)s key is being switched off.", "%(num)s keys are being switched off.", number)
        flash(done, "good")
    else:
        flash(_("No key was on. Nothing was changed."), "info")
    return leave_to(url_for("console.keys"))


def change(done: str, do):
    """Back to the keys either way: the page says what came of it."""
    try:
        do()
    except NotFound:
        raise
    except Refusal as refusal:
        flash(words(refusal), "bad")
    else:
        flash(done, "good")
    return leave_to(url_for("console.keys"))
