"""What operators do about a partner: suspend, reinstate, terminate with a second operator, bar (T9)."""

from collections.abc import Callable
from datetime import datetime

from flask import current_app, flash, g, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, RadioField, SelectField, TextAreaField
from wtforms.fields.choices import SelectChoice

from blueprints.access import Permission, act, requires
from blueprints.admin import bp
from blueprints.admin.decision_forms import SeenForm
from blueprints.admin.partners import known_partner, show_partner
from blueprints.errors import put_refusal, words
from blueprints.partials import answer, leave_to
from models.partner import Partner
from services import closing, desk, measures
from services.refusal import NotFound, Refusal

LEVELS = {
    "read": _l("Reading only: lists, pages and exports stay open"),
    "application": _l("Closed: only the reason is shown"),
}
# what the page of a measure says first
WARNINGS = {
    "suspend": _l("The partner is told by mail at once, with your words. It goes on until somebody reinstates it."),
    "reinstate": _l("The partner is told by mail at once. What it had paused itself stays paused."),
    "terminate": _l("Nothing happens until a second operator confirms it."),
    "bar": _l(
        "Nobody of the company can sign in any more, and a new application of it is refused. It is told by mail."
    ),
    "lift": _l("The company may apply again. What it had before does not come back."),
}


class NoteForm(SeenForm):
    note = TextAreaField(_l("What the partner is told"), render_kw={"maxlength": measures.NOTE_LENGTH, "rows": 4})


class MeasureForm(NoteForm):
    reason = SelectField(
        _l("Reason"),
        choices=[
            SelectChoice("", _l("Choose a reason")),
            *(SelectChoice(code, _l(text)) for code, text in measures.REASONS.items()),
        ],
        validate_choice=False,
    )


class SuspendForm(MeasureForm):
    level = RadioField(
        _l("What stays open"),
        choices=[SelectChoice(*pair) for pair in LEVELS.items()],
        default="read",
        validate_choice=False,
    )
    storage = BooleanField(_l("Keep the partner's customers from their data as well"))


@bp.route("/partners/<int:partner_id>/suspend", methods=["GET", "POST"])
@requires(Permission.PARTNER_SUSPEND)
def suspend(partner_id: int):
    def carry_out(form, seen):
        level = form.level.data if form.level.data in LEVELS else "read"
        wanted = measures.Wanted(form.reason.data or "", form.note.data or "", level, form.storage.data)
        measures.suspend(act(), current_app.settings, partner_id, wanted, seen)

    return measure_page("suspend", partner_id, SuspendForm, carry_out, _("The partner is suspended."))


@bp.route("/partners/<int:partner_id>/reinstate", methods=["GET", "POST"])
@requires(Permission.PARTNER_SUSPEND)
def reinstate(partner_id: int):
    def carry_out(form, seen):
        measures.reinstate(act(), current_app.settings, partner_id, form.note.data or "", seen)

    return measure_page("reinstate", partner_id, NoteForm, carry_out, _("The partner is reinstated."))


@bp.route("/partners/<int:partner_id>/terminate", methods=["GET", "POST"])
@requires(Permission.PARTNER_TERMINATE, proof=True)
def terminate(partner_id: int):
    def carry_out(form, seen):
        wanted = measures.Wanted(form.reason.data or "", form.note.data or "")
        measures.ask_termination(act(), partner_id, wanted, seen)

    told = _("A second operator has to confirm the termination.")
    return measure_page("terminate", partner_id, MeasureForm, carry_out, told)


@bp.route("/partners/<int:partner_id>/bar", methods=["GET", "POST"])
@requires(Permission.PARTNER_BAR, proof=True)
def bar(partner_id: int):
    def carry_out(form, seen):
        wanted = measures.Wanted(form.reason.data or "", form.note.data or "")
        measures.bar(act(), current_app.settings, partner_id, wanted, seen)

    return measure_page("bar", partner_id, MeasureForm, carry_out, _("The company is barred."))


@bp.route("/partners/<int:partner_id>/lift-bar", methods=["GET", "POST"])
@requires(Permission.PARTNER_BAR, proof=True)
def lift(partner_id: int):
    def carry_out(form, seen):
        measures.lift_bar(act(), partner_id, form.note.data or "", seen)

    return measure_page("lift", partner_id, NoteForm, carry_out, _("The bar is lifted."))


@bp.post("/partners/<int:partner_id>/terminate/confirm")
@requires(Permission.PARTNER_TERMINATE, proof=True)
def confirm_termination(partner_id: int):
    settings = current_app.settings
    return at_once(
        partner_id,
        lambda seen: measures.confirm_termination(act(), settings, partner_id, seen),
        _("The termination is confirmed. The closure has begun, and the partner was told."),
    )


@bp.post("/partners/<int:partner_id>/terminate/withdraw")
@requires(Permission.PARTNER_TERMINATE)
def withdraw_termination(partner_id: int):
    told = _("The termination was taken back. The partner was not told of it.")
    return at_once(partner_id, lambda seen: measures.withdraw_termination(act(), partner_id, seen), told)


def measure_page(way: str, partner_id: int, form_class: type[SeenForm], carry_out: Callable, told: str):
    """The form, what is wrong with it, or what was done. A refused form gets the present state."""
    partner = known_partner(partner_id)
    form = form_class(seen=desk.fingerprint(partner))
    status = 200
    if form.is_submitted():
        try:
            carry_out(form, request.form.get("seen", ""))
        except NotFound:
            raise
        except Refusal as refusal:
            put_refusal(form, refusal)
            status = 409 if refusal.field is None else 422
        else:
            flash(told, "good")
            return leave_to(file_of(partner))
    form.seen.data = desk.fingerprint(known_partner(partner_id))
    ends_at = planned_end(partner) if way == "terminate" else None
    return answer(
        "admin/measure.html", status=status, form=form, partner=partner, way=way, warning=WARNINGS[way],
        ends_at=ends_at,
    )  # fmt: skip


def planned_end(partner: Partner) -> datetime:
    """When the notice would be over if the termination were confirmed now; as announced where a closure is open."""
    standing = closing.open_for(partner)
    if standing is not None:
        return standing.notice_until_at
    return closing.notice_end(partner.contracts, g.clock.now(), current_app.settings)


def at_once(partner_id: int, carry_out: Callable, told: str):
    partner, form = known_partner(partner_id), SeenForm()
    try:
        carry_out(form.seen.data or "")
    except NotFound:
        raise
    except Refusal as refusal:
        return show_partner(partner, 409, words(refusal))
    flash(told, "good")
    return leave_to(file_of(partner))


def file_of(partner: Partner) -> str:
    return url_for("admin.partner", partner_id=partner.id)
