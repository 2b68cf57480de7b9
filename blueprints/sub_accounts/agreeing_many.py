"""The terms for end customers in the list: links to all that a filter shows, rows that change by themselves (T2)."""

import secrets

from flask import flash, g, make_response, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_wtf import FlaskForm
from wtforms import HiddenField
from wtforms.validators import Regexp

from blueprints import formats
from blueprints.access import Permission, act, requires, viewer
from blueprints.errors import words
from blueprints.partials import answer, leave_to
from blueprints.sub_accounts import asked, bp, cells, listing
from models.flow_down import of_numbers
from models.lists import PAGE_ROWS
from services import flow_down_bulk
from services.refusal import Refusal

MOST_WATCHED = PAGE_ROWS


class SendForm(FlaskForm):
    once = HiddenField(validators=[Regexp(r"[A-Za-z0-9_-]{16,64}")], default=lambda: secrets.token_urlsafe(16))


@bp.route("/terms/send", methods=["GET", "POST"])
@requires(Permission.SUB_ACCOUNT_CHANGE, area="flow_down")
def send_links():
    """First whom it concerns, in a number; then links to these. The filters stand in the address either way."""
    args, form = listing.read(request.args), SendForm()
    wanted = asked(args, viewer.may(Permission.SUB_ACCOUNT_VIEW))
    back = url_for("sub_accounts.index", **listing.kept(args))
    if not form.validate_on_submit():
        selection = flow_down_bulk.selection(viewer.partner, wanted, g.clock.now())
        values = {"form": form, "selection": selection, "back": back, "args": listing.kept(args)}
        return answer("sub_accounts/send_links.html", status=422 if form.errors else 200, **values)
    try:
        sent = flow_down_bulk.send(act(), viewer.partner, wanted, formats.language(), form.once.data)
    except Refusal as refusal:
        flash(words(refusal), "bad")
    else:
        say(sent)
    return leave_to(back)


def say(sent: flow_down_bulk.Sent | None) -> None:
    if sent is None:
        flash(_("These links were asked for already."), "good")
        return
    if sent.links or not sent.left_out:
        flash(ngettext("%(num)s link is on its way.", "%(num)s links are on their way.", sent.links), "good")
    if sent.left_out:
        flash(
            ngettext(
                "%(num)s customer got none: as many as one day allows went to its address, or out for your company. "
                "Send again tomorrow.",
                "%(num)s customers got none: as many as one day allows went to their addresses, or out for your "
                "company. Send again tomorrow.",
                sent.left_out,
            ),
            "warn",
        )


@bp.get("/terms/watch")
@requires(Permission.SUB_ACCOUNT_LIST, polled=True)
def watch_terms():
    """What a list asks again and again while links wait: the cells of those that were answered since."""
    numbers = [n for n in request.args.get("of", "").split(".") if listing.NUMBER.fullmatch(n)][:MOST_WATCHED]
    rows = of_numbers(viewer.partner, numbers, g.clock.now())
    changed = [row for row in rows if not row.flow_down_linked]
    if not changed:
        return make_response("", 204)
    heads, reader = cells.heads(), formats.reader()
    values = {"cells": [cells.terms_cell(row, heads, reader, rider=True) for row in changed]}
    waiting = ".".join(row.number for row in rows if row.flow_down_linked)
    return answer("", "sub_accounts/_watch.html", watched=waiting, **values)
