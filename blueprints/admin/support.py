"""What operators do for a partner's people: see what the partner sees, while it allows that, and end log-ins."""

from flask import current_app, flash, g, session, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import TextAreaField

from blueprints.access import Permission, act, requires, viewer
from blueprints.admin import bp
from blueprints.admin.partners import known_partner
from blueprints.errors import put_refusal
from blueprints.partials import answer, leave_to
from blueprints.seeing import BROWSERS_LOOK
from services import signing_out, support_looks, support_rules
from services.refusal import NotFound, Refusal


class LookForm(FlaskForm):
    reason = TextAreaField(_l("Why you look"), render_kw={"maxlength": support_rules.LONGEST_REASON, "rows": 3})


@bp.route("/partners/<int:partner_id>/look", methods=["GET", "POST"])
@requires(Permission.SUPPORT_LOOK, proof=True)
def look(partner_id: int):
    partner, form, status = known_partner(partner_id), LookForm(), 200
    if form.is_submitted():
        try:
            support_looks.begin(act(), current_app.settings, viewer.operator, partner_id, form.reason.data or "")
        except NotFound:
            raise
        except Refusal as refusal:
            put_refusal(form, refusal)
            status = 409 if refusal.field is None else 422
        else:
            session[BROWSERS_LOOK] = partner_id
            return leave_to(url_for("public.front"))
    access = support_rules.standing(partner_id, g.clock.now())
    if access is None and not form.errors:
        flash(_("The partner does not allow a look at present."), "info")
        return leave_to(url_for("admin.partner", partner_id=partner_id))
    return answer("admin/look.html", status=status, form=form, partner=partner, access=access)


@bp.post("/partners/<int:partner_id>/people/<name:public_id>/sign-out")
@requires(Permission.SESSION_END, proof=True)
def sign_out_member(partner_id: int, public_id: str):
    member = signing_out.sign_out(act(), current_app.settings, known_partner(partner_id), public_id)
    flash(_("%(name)s is signed out everywhere, and may sign in again.", name=member.name), "good")
    return leave_to(url_for("admin.partner", partner_id=partner_id))
