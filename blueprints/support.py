"""What the provider's people may see as somebody of the company: allowed here, taken back here, and who looked when."""

from flask import Blueprint, current_app, flash, g, request, session, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import SelectField, TextAreaField
from wtforms.fields.choices import SelectChoice

from blueprints.access import Permission, act, requires, signed_in, viewer
from blueprints.errors import put_refusal
from blueprints.partials import answer, leave_to
from blueprints.seeing import BROWSERS_LOOK
from blueprints.whole_numbers import whole
from services import support_access, support_looks, support_rules
from services.refusal import NotFound, Refusal

bp = Blueprint("support", __name__)

PERIODS = {
    1: _l("1 hour"),
    4: _l("4 hours"),
    24: _l("1 day"),
    72: _l("3 days"),
    168: _l("7 days"),
    support_access.MOST_HOURS: _l("14 days"),
}


class AllowForm(FlaskForm):
    hours = SelectField(
        _l("For how long"),
        choices=[SelectChoice(str(hours), label) for hours, label in PERIODS.items()],
        default="24",
        validate_choice=False,
    )
    reason = TextAreaField(_l("What it is about"), render_kw={"maxlength": support_rules.LONGEST_REASON, "rows": 3})


@bp.get("/support-access")
@requires(Permission.SUPPORT_VIEW, least="application")
def show():
    return page(AllowForm())


@bp.post("/support-access")
@requires(Permission.SUPPORT_ALLOW, least="application", proof=True)
def allow():
    form = AllowForm()
    try:
        hours = whole(form.hours.data or "") or 0
        support_access.grant(act(), current_app.settings, viewer.member, hours, form.reason.data or "")
    except NotFound:
        raise
    except Refusal as refusal:
        put_refusal(form, refusal)
        return page(form, 409 if refusal.field is None else 422)
    flash(_("Support may look now. You can take it back here at any time."), "good")
    return leave_to(url_for("support.show"))


@bp.post("/support-access/<name:public_id>/revoke")
@requires(Permission.SUPPORT_ALLOW, least="application")
def revoke(public_id: str):
    support_access.revoke(act(), current_app.settings, viewer.member, public_id)
    flash(_("Taken back. Nobody of support looks any more."), "good")
    return leave_to(url_for("support.show"))


@bp.post("/support-look/end")
@signed_in(without_factor=True)
def end():
    """The operator's own way out of a look; the partner's file is where it began."""
    look = viewer.look
    session.pop(BROWSERS_LOOK, None)
    if look is None:
        return leave_to(url_for("public.front"))
    support_looks.leave(act(), look)
    flash(_("The look is ended."), "good")
    return leave_to(url_for("admin.partner", partner_id=look.access.partner_id))


def page(form: AllowForm, status: int = 200):
    past = support_access.history(viewer.partner)
    return answer(
        "support/show.html",
        status=status,
        form=form,
        standing=support_rules.standing(viewer.partner.id, g.clock.now()),
        past=past,
        pages=support_looks.pages_of([look for _access, looks in past for look in looks]),
        may_allow=viewer.may(Permission.SUPPORT_ALLOW),
        longest_hours=support_looks.LONGEST.total_seconds() // 3600,
    )


@bp.app_context_processor
def frame() -> dict:
    """The banner of a look: for the operator who looks, and for the partner's people while somebody does."""
    if request.endpoint is None or not viewer.is_authenticated or viewer.member is None:
        return {}
    now = g.clock.now()
    if viewer.look:
        left = viewer.look.until_at - now
        return {"look": viewer.look, "minutes_left": max(1, int(left.total_seconds() // 60))}
    return {"looks_here": support_looks.going_on(viewer.member.partner_id, now)}
