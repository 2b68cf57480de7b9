"""Deletions that were asked for: an operator holds one back before it begins, and a second person lets those begin that
were held back."""

from flask import current_app, flash, g, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from wtforms import SelectMultipleField

from blueprints.access import Permission, act, requires
from blueprints.admin import bp
from blueprints.admin.storage_forms import ReasonForm
from blueprints.errors import put_refusal
from blueprints.partials import answer, leave_to
from blueprints.whole_numbers import whole
from models.sub_account import Region
from services import deletion_guard, deletion_release
from services.refusal import NotFound, Refusal


class ReleaseForm(ReasonForm):
    """`chosen`: ids of deletions that the operator looked at."""

    chosen = SelectMultipleField(_l("Release"), coerce=whole, validate_choice=False)


@bp.route("/storage/deletions/<int:region_id>", methods=["GET", "POST"])
@requires(Permission.STORAGE_DECIDE)
def release_deletions(region_id: int):
    region = Region.get_or_none(Region.id == region_id)
    if region is None:
        raise NotFound()
    form = ReleaseForm()
    if form.validate_on_submit():
        try:
            chosen = [one for one in form.chosen.data or [] if one is not None]
            number = deletion_release.release(act(), current_app.settings, region_id, chosen, form.reason.data)
        except Refusal as refusal:
            put_refusal(form, refusal)
        else:
            flash(ngettext("%(num)s deletion is released.", "%(num)s deletions are released.", number), "good")
            if number < len(chosen):
                flash(
                    _("The others are more than one operator releases a day. A second one has to release them."), "info"
                )
            return leave_to(url_for("admin.storage"))
    waiting = deletion_guard.held(region)
    if not waiting:
        flash(_("No deletion waits here any more."), "info")
        return leave_to(url_for("admin.storage"))
    chosen = form.chosen.data or [] if form.is_submitted() else [deletion.id for deletion in waiting]
    values = {"region": region, "form": form, "waiting": waiting, "chosen": chosen, "why": held_because}
    return answer("admin/release.html", status=422 if form.errors else 200, at=g.clock.now(), **values)


@bp.route("/storage/<account:number>/hold-deletion", methods=["GET", "POST"])
@requires(Permission.STORAGE_DECIDE)
def hold_deletion(number: str):
    deletion = deletion_guard.asked(number)
    form = ReasonForm()
    if form.validate_on_submit():
        try:
            row = deletion_guard.hold_back(act(), number, form.reason.data)
        except NotFound:
            raise
        except Refusal as refusal:
            put_refusal(form, refusal)
        else:
            flash(_("The deletion of %(name)s is held back until somebody releases it.", name=row.name), "good")
            return leave_to(url_for("admin.storage"))
    status = 422 if form.errors else 200
    return answer("admin/hold_deletion.html", status=status, form=form, deletion=deletion, account=deletion.sub_account)


def held_because(reason: str) -> str:
    """Why a deletion is held back, in a few words."""
    known = {
        "many": _("More were due within an hour than may begin by themselves"),
        "restored": _("The database was restored from a backup"),
        "operator": _("An operator held it back, or ended the contract"),
        "partner": _("The partner is not active"),
        "second": _("One administrator asked for many within a day, and no second one agreed"),
    }
    return known.get(reason, "–")
