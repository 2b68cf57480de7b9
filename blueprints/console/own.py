"""The own password and the own log-ins of a customer."""

from flask import current_app, flash, url_for
from flask_babel import gettext as _

from blueprints import console_gate
from blueprints.console import bp
from blueprints.console.forms import ChangeForm
from blueprints.console.signing import refused
from blueprints.console_gate import act, current, user
from blueprints.declarations import console_page
from blueprints.partials import answer, leave_to
from services import console_log_in, console_sessions, passwords
from services.refusal import NotFound, Refusal


@bp.get("/password")
@console_page(before_terms=True)
def password():
    form = ChangeForm(formdata=None, email=user().email)
    return answer("console/password.html", form=form, fewest=passwords.SHORTEST)


@bp.post("/password")
@console_page(before_terms=True)
def change_password():
    form = ChangeForm()
    settings, who, here = current_app.settings, user(), current()
    if form.validate():
        try:
            console_log_in.change_password(act(), settings, who, here, form.old_password.data, form.password.data)
        except NotFound:
            raise
        except Refusal as refusal:
            form.email.data = who.email
            return refused("console/password.html", form, refusal, fewest=passwords.SHORTEST)
        flash(_("Your new password is set. All other log-ins are ended."), "good")
        return leave_to(url_for("console.home"))
    form.email.data = who.email
    return answer("console/password.html", form=form, fewest=passwords.SHORTEST, status=422)


@bp.get("/log-ins")
@console_page(before_terms=True, area=None)
def log_ins():
    return answer("console/log_ins.html", log_ins=console_sessions.own(act(), user()))


@bp.post("/log-ins/<int:session_id>/end")
@console_page(before_terms=True, area=None)
def end_log_in(session_id: int):
    console_sessions.end_one(act(), user(), session_id)
    if session_id == current().id:
        return console_gate.forget(leave_to(url_for("console.signed_out")))
    flash(_("That log-in is ended. The device is signed out at its next step."), "good")
    return leave_to(url_for("console.log_ins"))


@bp.post("/log-ins/end-others")
@console_page(before_terms=True, area=None)
def end_other_log_ins():
    console_sessions.end_all(act(), user(), "ended by its owner", but=current())
    flash(_("All other log-ins are ended. Only this device is signed in now."), "good")
    return leave_to(url_for("console.log_ins"))
