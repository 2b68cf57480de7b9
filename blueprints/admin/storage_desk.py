"""Decisions about what got stuck on a storage service, and about what the comparison found there."""

from flask import current_app, flash, url_for
from flask_babel import gettext as _

from blueprints.access import Permission, act, requires
from blueprints.admin import bp
from blueprints.admin.reasons import advice, finding_advice, finding_words
from blueprints.admin.storage_forms import DecideForm, ReasonForm, decide_form
from blueprints.errors import put_refusal
from blueprints.partials import answer, leave_to
from services import provisioning_desk as desk
from services.refusal import NotFound, Refusal

DECISIONS = {
    "pause": desk.pause,
    "resume": desk.resume,
    "accept": desk.accept_remote,
    "cancel": desk.cancel,
    "end": desk.end_deletion,
    "anew": lambda who, *seen: desk.make_anew(who, current_app.settings, *seen),
}


@bp.route("/storage/<account:number>/decide", methods=["GET", "POST"])
@requires(Permission.STORAGE_DECIDE)
def decide(number: str):
    row = desk.known(number)
    if row.settled:
        flash(_("%(name)s is in order. There is nothing to decide.", name=row.name), "info")
        return leave_to(url_for("admin.storage"))
    form = decide_form(row)
    if form.validate_on_submit():
        try:
            row = DECISIONS[form.way.data](act(), number, form.seen.data or "", form.reason.data)
        except NotFound:
            raise
        except Refusal as refusal:
            put_refusal(form, refusal)
        else:
            flash(told(form.way.data, row.name), "good")
            return leave_to(url_for("admin.storage"))
    return _page(form, number)


@bp.route("/storage/findings/<int:finding_id>/settle", methods=["GET", "POST"])
@requires(Permission.STORAGE_DECIDE)
def settle(finding_id: int):
    finding = desk.open_finding(finding_id)
    form = ReasonForm()
    if form.validate_on_submit():
        desk.settle(act(), finding_id, form.reason.data)
        flash(_("Taken off the list."), "good")
        return leave_to(url_for("admin.storage"))
    return answer(
        "admin/settle.html",
        status=422 if form.errors else 200,
        form=form,
        finding=finding,
        what=finding_words(finding.kind),
        advice=finding_advice(finding.kind, finding.acted_at is not None),
    )


def told(way: str, name: str) -> str:
    return {
        "pause": _("%(name)s is on hold.", name=name),
        "resume": _("%(name)s goes on. This page shows when the storage service has followed.", name=name),
        "accept": _("The amount on the storage service is now the allocation of %(name)s.", name=name),
        "cancel": _("The change of %(name)s is taken back.", name=name),
        "end": _("The deletion of %(name)s ends as soon as the worker finds it gone once more.", name=name),
        "anew": _("%(name)s is made anew, empty. Tell the partner what happened to the data.", name=name),
    }[way]


def _page(form: DecideForm, number: str):
    row = desk.known(number)
    form.seen.data = desk.fingerprint(row)
    return answer(
        "admin/decide.html",
        status=422 if form.errors else 200,
        form=form,
        account=row,
        there_bytes=desk.remote_bytes(row),
        gone=desk.is_gone(row) or desk.is_gone_before_deletion(row),
        advice=advice(row.reason_code),
    )
