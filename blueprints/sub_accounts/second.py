"""Deletions that wait for a second administrator: so many were asked for within a day (threats.md 28)."""

from flask import current_app, flash, request, url_for
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from flask_wtf import FlaskForm
from wtforms import SelectMultipleField

from blueprints.access import Permission, act, requires, viewer
from blueprints.errors import put_refusal
from blueprints.partials import answer, leave_to
from blueprints.sub_accounts import bp
from blueprints.whole_numbers import whole
from services import deletion_second
from services.people import id_of
from services.refusal import NotFound, Refusal


class AgreeForm(FlaskForm):
    """`chosen`: ids of deletions that the administrator looked at."""

    chosen = SelectMultipleField(_l("Agree"), coerce=whole, validate_choice=False)


@bp.route("/deletions", methods=["GET", "POST"])
@requires(Permission.SUB_ACCOUNT_DELETE, proof=True)
def deletions():
    form, status = AgreeForm(), 200
    if request.method == "POST":
        try:
            chosen = [one for one in form.chosen.data or [] if one is not None]
            number = deletion_second.agree(act(), current_app.settings, viewer.member, chosen)
        except NotFound:
            raise
        except Refusal as refusal:
            put_refusal(form, refusal)
            status = 422
        else:
            told = ngettext("You agreed to %(num)s deletion.", "You agreed to %(num)s deletions.", number)
            flash(told, "good")
            return leave_to(url_for("sub_accounts.index"))
    waiting = deletion_second.waiting(viewer.partner)
    values = {"waiting": waiting, "own": id_of(viewer.member)}
    return answer("sub_accounts/deletions.html", status=status, form=form, **values)
