"""The desk of security reports: what was reported, what was done about it, who was told (T11)."""

from flask import current_app, flash, request, url_for
from flask_babel import gettext as _

from blueprints.access import Permission, act, requires, viewer
from blueprints.admin import bp, incident_forms
from blueprints.admin.incident_forms import AffectedForm, change_form, stop_form, tell_form
from blueprints.errors import put_refusal
from blueprints.partials import answer, leave_to
from blueprints.whole_numbers import whole
from models.incident import Incident
from services import incident_desk, security_report
from services.refusal import NotFound, Refusal


@bp.get("/incidents")
@requires(Permission.INCIDENT_VIEW)
def incidents():
    view = request.args.get("view", "open")
    view = view if view in incident_desk.VIEWS else "open"
    listing = incident_desk.page(view, request.args.get("before", type=whole))
    views = {"open": _("Not closed"), "all": _("All")}
    views |= {name: str(label) for name, (label, _kind) in incident_forms.STATES.items()}
    return answer("admin/incidents.html", listing=listing, view=view, views=views, **words())


@bp.get("/incidents/<name:number>")
@requires(Permission.INCIDENT_VIEW)
def incident(number: str):
    return show(incident_desk.known(number))


@bp.post("/incidents/<name:number>")
@requires(Permission.INCIDENT_CHANGE)
def change_incident(number: str):
    known = incident_desk.known(number)
    form = change_form(known, filled=False)
    try:
        incident_desk.change(
            act(), number, whole(form.seen.data) or 0, state=form.state.data or "",
            severity=form.severity.data or "", note=form.note.data or "", once_key=form.once.data or "",
        )  # fmt: skip
    except incident_desk.IncidentStale as refusal:
        form.seen.data = str(known.version)
        put_refusal(form, refusal)
        return show(known, 409, change=form)
    except Refusal as refusal:
        put_refusal(form, refusal)
        return show(known, 422, change=form)
    flash(_("Saved."), "good")
    return back(number)


@bp.post("/incidents/<name:number>/affected")
@requires(Permission.INCIDENT_CHANGE)
def name_affected(number: str):
    known, form = incident_desk.known(number), AffectedForm()
    try:
        incident_desk.name_affected(act(), number, form.ids())
    except Refusal as refusal:
        put_refusal(form, refusal)
        return show(known, 422, affected_form=form)
    flash(_("Named as affected. They are not told by this."), "good")
    return back(number)


@bp.post("/incidents/<name:number>/stop")
@requires(Permission.INCIDENT_CONTAIN, proof=True)
def stop_at_partner(number: str):
    known = incident_desk.known(number)
    form = stop_form(incident_desk.affected(known))
    if not form.sure.data:
        form.sure.errors = [_("Tick this box when you have checked it.")]
        return show(known, 422, stop=form)
    try:
        incident_desk.contain(act(), current_app.settings, number, whole(form.partner.data) or 0, form.stops.data or ())
    except NotFound:
        raise
    except Refusal as refusal:
        put_refusal(form, refusal)
        return show(known, 422, stop=form)
    flash(_("Stopped. What was done stands in the history."), "good")
    return back(number)


@bp.route("/incidents/<name:number>/tell", methods=["GET", "POST"])
@requires(Permission.INCIDENT_CONTAIN, proof=True)
def tell_affected(number: str):
    known, languages = incident_desk.known(number), current_app.settings.locales
    form = tell_form(languages)
    if form.is_submitted():
        texts = form.texts("title", languages), form.texts("body", languages)
        try:
            incident_desk.tell(
                act(), current_app.settings, number, *texts, everybody=form.whose.data == "all",
                once_key=form.once.data or "",
            )  # fmt: skip
        except Refusal as refusal:
            put_refusal(form, refusal)
        else:
            flash(_("Told. The notice stands on their pages, and the mails are on their way."), "good")
            return back(number)
    rows = incident_desk.affected(known)
    return answer(
        "admin/incident_tell.html", form=form, known=known, codes=languages, affected=rows,
        status=422 if form.errors else 200,
    )  # fmt: skip


def back(number: str):
    return leave_to(url_for("admin.incident", number=number))


def words() -> dict:
    return {
        "kinds": {name: _(text) for name, text in security_report.KINDS.items()},
        "severities": {name: str(label) for name, label in incident_forms.SEVERITIES.items()},
        "state_word": incident_forms.state_word,
        "note_text": incident_forms.note_text,
        "note_kinds": incident_forms.NOTES,
    }


def show(known: Incident, status: int = 200, **forms):
    rows = incident_desk.affected(known)
    forms.setdefault("change", change_form(known))
    forms.setdefault("affected_form", AffectedForm(formdata=None))
    forms.setdefault("stop", stop_form(rows, formdata=None))
    return answer(
        "admin/incident.html",
        status=status,
        has_errors=status != 200,
        known=known,
        notes=incident_desk.notes(known),
        affected=rows,
        may_contain=viewer.may(Permission.INCIDENT_CONTAIN),
        **words(),
        **forms,
    )
