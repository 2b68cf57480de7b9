"""Reporting a security problem: for everybody, with what stops harm at once for who is signed in (T11)."""

from dataclasses import replace

from flask import Blueprint, Response, current_app, session, url_for
from flask_babel import gettext as _

from blueprints.access import act, forget_viewer, public, signed_in, viewer
from blueprints.errors import put_refusal
from blueprints.partials import answer, leave_to
from blueprints.report_forms import ReportForm, report_form
from services import security_report
from services.attempts import TooManyAttempts
from services.refusal import NotFound, Refusal

SENT = "security_report"  # where this browser keeps the number of what it sent

bp = Blueprint("report", __name__, url_prefix="/security")


@bp.get("/report")
@public
def new():
    return page(report_form(person()))


@bp.post("/report")
@public
def send():
    """A stranger's choices count for nothing, also where somebody was signed in when the page was opened: the report
    arrives all the same, and the answer says that nothing was stopped."""
    form, who = report_form(person()), person()
    report = form.report()
    wanted = bool(report.at_once or report.key_ids)
    if who is None:
        report = replace(report, numbers=(), key_ids=(), at_once=())
    try:
        incident = security_report.send(act(), current_app.settings, who, report, form.once.data or "")
    except NotFound:
        raise
    except Refusal as refusal:
        return refused(form, refusal)
    if set(report.at_once):
        forget_viewer()
    session[SENT] = {
        "number": incident.number,
        "done": [line["what"] for line in incident.contained],
        "missed": wanted and who is None,
    }
    return leave_to(url_for("report.sent"))


@bp.get("/report/sent")
@public
def sent():
    """Also for whoever signed out by it: the number stands in this browser alone."""
    if SENT not in session:
        return leave_to(url_for("report.new"))
    return answer("report/sent.html", sent=session[SENT], words=contained_words())


@bp.get("/reports")
@signed_in(without_factor=True)
def own():
    rows = security_report.own(viewer.person)
    return answer("report/own.html", rows=rows, kinds=kind_words(), states=state_words(), words=contained_words())


def person():
    return viewer.person if viewer.is_authenticated else None


def refused(form: ReportForm, refusal: Refusal) -> Response:
    """What was typed stays; a flood of one network is told where else to turn."""
    put_refusal(form, refusal)
    response = page(form, 422)
    if isinstance(refusal, TooManyAttempts):
        response.status_code = 429
        response.headers["Retry-After"] = str(refusal.wait_seconds)
    return response


def page(form: ReportForm, status: int = 200) -> Response:
    provider = current_app.settings.provider
    return answer("report/new.html", form=form, address=provider.security_address, status=status)


def kind_words() -> dict[str, str]:
    return {name: _(text) for name, text in security_report.KINDS.items()}


def contained_words() -> dict[str, str]:
    return {name: _(text) for name, text in security_report.CONTAINED.items()}


def state_words() -> dict[str, tuple[str, str]]:
    return {
        "new": (_("Not looked at yet"), "info"),
        "seen": (_("Being looked at"), "info"),
        "contained": (_("Harm is stopped"), "warn"),
        "closed": (_("Closed"), "good"),
    }
