"""Leaving the company by an own act."""

from flask import current_app, flash, url_for
from flask_babel import gettext as _
from flask_wtf import FlaskForm

from blueprints.access import Permission, act, forget_viewer, requires, viewer
from blueprints.errors import put_refusal
from blueprints.partials import answer, leave_to
from blueprints.team import bp
from services import team
from services.refusal import NotFound, Refusal


@bp.route("/team/leave", methods=["GET", "POST"])
@requires(Permission.PROFILE_CHANGE, least="application", before_terms=True, proof=True)
def leave():
    form = FlaskForm()
    if not form.is_submitted():
        return answer("team/leave.html", form=form, company=viewer.partner.legal_name)
    try:
        team.leave(act(), current_app.settings, viewer.member)
    except NotFound:
        raise
    except Refusal as refusal:
        put_refusal(form, refusal)
        return answer("team/leave.html", form=form, company=viewer.partner.legal_name, status=422)
    forget_viewer()
    flash(_("You have left the company. Your log-in is closed."), "good")
    return leave_to(url_for("public.front"))
