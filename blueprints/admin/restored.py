"""After a restored backup: what the operators see of the mode, and its end."""

from flask import flash, url_for
from flask_babel import gettext as _

from blueprints.access import Permission, act, requires, viewer
from blueprints.admin import bp
from blueprints.admin.storage_forms import ReasonForm
from blueprints.errors import put_refusal
from blueprints.partials import answer, leave_to
from services import restored, restored_desk
from services.refusal import Refusal


@bp.route("/storage/restored", methods=["GET", "POST"])
@requires(Permission.STORAGE_DECIDE)
def restored_mode():
    form = ReasonForm()
    if form.validate_on_submit():
        try:
            restored_desk.end(act(), form.reason.data)
        except Refusal as refusal:
            put_refusal(form, refusal)
        else:
            flash(_("The restored mode has ended. The worker does everything again."), "good")
            return leave_to(url_for("admin.storage"))
    standing = restored_desk.standing()
    if standing is None:
        flash(_("The restored mode is not on."), "info")
        return leave_to(url_for("admin.storage"))
    return answer("admin/restored.html", status=422 if form.errors else 200, form=form, standing=standing)


@bp.context_processor
def banner() -> dict:
    """For each page of the operators: whether the mode is on, and where it ends for whoever may end it."""
    if not viewer.is_authenticated or restored.current() is None:
        return {"restored_mode": False, "restored_url": None}
    allowed = viewer.may(Permission.STORAGE_DECIDE)
    return {"restored_mode": True, "restored_url": url_for("admin.restored_mode") if allowed else None}
