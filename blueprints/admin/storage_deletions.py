"""The second person's look at deletions that were held back because many came at once."""

from flask import flash, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from wtforms import HiddenField

from blueprints.access import Permission, act, requires
from blueprints.admin import bp
from blueprints.admin.storage_forms import ReasonForm
from blueprints.errors import put_refusal
from blueprints.partials import answer, leave_to
from models.sub_account import Region
from services import deletion_guard
from services.refusal import NotFound, Refusal


class ReleaseForm(ReasonForm):
    """`seen` names the batch that the operator looked at."""

    seen = HiddenField()


@bp.route("/storage/deletions/<int:region_id>", methods=["GET", "POST"])
@requires(Permission.STORAGE_DECIDE)
def release_deletions(region_id: int):
    region = Region.get_or_none(Region.id == region_id)
    if region is None:
        raise NotFound()
    form = ReleaseForm()
    if form.validate_on_submit():
        try:
            number = deletion_guard.release(act(), region_id, form.seen.data or "", form.reason.data)
        except Refusal as refusal:
            put_refusal(form, refusal)
        else:
            flash(ngettext("%(num)s deletion is released.", "%(num)s deletions are released.", number), "good")
            return leave_to(url_for("admin.storage"))
    waiting = deletion_guard.held(region)
    if not waiting:
        flash(_("No deletion waits here any more."), "info")
        return leave_to(url_for("admin.storage"))
    form.seen.data = deletion_guard.seen(waiting)
    values = {"region": region, "form": form, "waiting": waiting}
    return answer("admin/release.html", status=422 if form.errors else 200, **values)
