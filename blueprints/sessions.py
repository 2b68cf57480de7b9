"""A person's own log-ins, staying signed in, and what was typed while one ended (T12; WCAG 2.2, 2.2.1)."""

from flask import Blueprint, Response, current_app, flash, g, jsonify, request, session, url_for
from flask_babel import gettext as _

from blueprints.access import act, forget_viewer, signed_in, viewer
from blueprints.partials import answer, leave_to
from blueprints.typed import KEPT_FORM
from models.session import Session
from services import kept_forms, session_limits, session_list, sessions

# what no person typed, or would recognise
SILENT = ("csrf_token", "once", "seen", "version", "next")

bp = Blueprint("sessions", __name__)


@bp.get("/security/sessions")
@signed_in(without_factor=True)
def index():
    rows = session_list.own(act(), current_app.settings, viewer.person)
    return answer("security/sessions.html", "security/_sessions.html", log_ins=rows)


@bp.post("/security/sessions/<int:session_id>/end")
@signed_in(without_factor=True)
def end(session_id: int):
    own = session_list.end_one(act(), viewer.person, session_id)
    if own:
        forget_viewer()
        return cleared(leave_to(url_for("auth.signed_out")))
    flash(_("That log-in is ended. The device is signed out at its next step."), "good")
    return leave_to(url_for("sessions.index"))


@bp.post("/security/sessions/end-others")
@signed_in(without_factor=True)
def end_others():
    sessions.end_others(act(), viewer.person, "ended by its owner")
    flash(_("All other log-ins are ended. Only this device is signed in now."), "good")
    return leave_to(url_for("sessions.index"))


@bp.get("/session/left")
@signed_in(polled=True, without_factor=True)
def left():
    """Asked by the script before it warns, and while it does: another page may have kept the log-in alive."""
    return seconds_left(viewer.session)


@bp.post("/session/stay")
@signed_in(without_factor=True)
def stay():
    """The gate has noted already that the person is here."""
    return seconds_left(viewer.session)


def seconds_left(row: Session) -> Response:
    """`seconds` until it ends if nothing is done, `whole` until it ends anyway."""
    ends = (session_limits.idle_end, session_limits.whole_end)
    idle, whole = (int((end(current_app.settings, row) - g.clock.now()).total_seconds()) for end in ends)
    return jsonify(seconds=idle, whole=whole)


@bp.get("/session/form")
@signed_in(without_factor=True)
def form():
    """What was sent when nobody was signed in any more; it is sent again with a button, never by itself."""
    kept = kept_forms.find(session.get(KEPT_FORM), viewer.person, g.clock.now())
    if kept is None:
        session.pop(KEPT_FORM, None)
    typed = [value for name, value in kept.fields if name not in SILENT and value.strip()] if kept else []
    return answer("security/kept_form.html", kept=kept, typed=typed)


@bp.post("/session/form/drop")
@signed_in(without_factor=True)
def drop():
    session.pop(KEPT_FORM, None)
    kept_forms.forget(viewer.person)
    flash(_("Thrown away. Nothing was changed."), "info")
    return leave_to(url_for("public.front"))


def cleared(response: Response) -> Response:
    """What the browser kept of this origin goes: a shared computer shows nothing afterwards."""
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


@bp.app_context_processor
def frame() -> dict:
    """When the log-in ends, for the sentence at the foot of each page and for the script that warns."""
    if request.endpoint is None or not viewer.is_authenticated or viewer.look:  # a look says its own end
        return {}
    settings, row, now = current_app.settings, viewer.session, g.clock.now()
    idle_at, whole_at = session_limits.idle_end(settings, row), session_limits.whole_end(settings, row)
    seconds = int((idle_at - now).total_seconds())
    return {"session_ends": {"idle_at": idle_at, "whole_at": whole_at, "seconds": seconds}}


@bp.record_once
def offer_frame(state) -> None:
    state.app.context_processor(frame)
