"""The customer console: what the contact of one sub-account sees of it and does with its keys. Nothing else of the
partner is reachable from here (T2, T13; design: docs/console.md)."""

import secrets

from flask import Blueprint, Response, current_app, g, request, session, url_for
from flask_babel import gettext as _

from blueprints import console_gate
from blueprints.console_gate import act, current, user
from blueprints.declarations import console_page, public
from blueprints.headers import own_path
from blueprints.partials import answer, leave_to
from models.base import write_tx
from models.console import ConsoleUser
from models.sub_account import AccessKey
from services import access_keys, connection, console_own_data, key_rules, usage_chart

bp = Blueprint("console", __name__, url_prefix="/console")


@bp.get("")
@console_page
def home():
    account = user().sub_account
    offers = key_offers()
    return answer(
        "console/home.html",
        account=account,
        chart=usage_chart.of_last_days(account, g.clock.now()),
        first_key=any(offer.key.origin == "initial" and offer.key.phase == "live" for offer in offers),
        terms=console_gate.terms(),
        connection=connection.of(account, None),
    )


@bp.get("/own-data.json")
@console_page(before_terms=True, area=None)
def own_data():
    pieces = console_own_data.as_json(act(), user())
    return Response(b"".join(pieces), mimetype="application/json", headers={
        "Content-Disposition": 'attachment; filename="own-data.json"'
    })  # fmt: skip


@bp.post("/language")
@public
def language():
    """Kept with this browser, and with who is signed in."""
    wanted = request.form.get("language", "")
    if wanted in current_app.settings.locales:
        session["language"] = wanted
        if current() is not None:
            with write_tx():
                ConsoleUser.update(locale=wanted).where(ConsoleUser.id == user().id).execute()
    return leave_to(own_path(request.form.get("next")) or url_for("console.home"))


def own_keys() -> list[AccessKey]:
    account = user().sub_account
    return access_keys.own_keys(account.partner, account)


def key_offers() -> list[key_rules.Offer]:
    return key_rules.offers(act(), user().sub_account, own_keys())


@bp.context_processor
def frame() -> dict:
    """In place of the portal's frame: the customer's own name and menu, and nothing of whoever is signed in there."""
    known = current()
    values = {
        "viewer": known,
        "viewer_name": known.user.name if known else "",
        "private": known is not None,
        "home_url": url_for("console.home"),
        "nav": [],
        "limit": None,
        "account_links": [],
        "sign_in_url": None if known else url_for("console.login"),
        "sign_out_url": url_for("console.log_out"),
        "language_url": url_for("console.language"),
        "now_present": None,
        "terms_news": None,
    }
    if known is None:
        return values
    menu = [(url_for("console.home"), _("Home")), (url_for("console.keys"), _("Keys"))]
    menu.append((url_for("console.terms"), _("Terms")))
    nav = [(url, label, request.path == url) for url, label in menu]
    links = [(url_for("console.password"), _("Password")), (url_for("console.log_ins"), _("Your log-ins"))]
    links.append((url_for("console.own_data"), _("Your data (JSON)")))
    change = {"may_change": console_gate.may_change(), "once": secrets.token_urlsafe(16), "in_console": True}
    return {**values, "nav": nav, "account_links": links, **change}


from blueprints.console import keys, own, signing, terms  # noqa: E402, F401  their pages need `bp`
