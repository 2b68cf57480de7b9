"""The page that asks again who one is, before a sensitive act."""

from flask import Blueprint, Response, request, url_for
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import HiddenField, PasswordField
from wtforms.validators import InputRequired

from blueprints import known_device
from blueprints.access import act, signed_in, viewer
from blueprints.errors import put_refusal
from blueprints.headers import own_path
from blueprints.partials import answer, leave_to
from blueprints.proving import is_proved
from services import step_up
from services.attempts import TooManyAttempts
from services.refusal import Refusal

bp = Blueprint("prove", __name__)


class PasswordForm(FlaskForm):
    password = PasswordField(_l("Your password"), [InputRequired(_l("Enter your password."))])
    next = HiddenField()


@bp.get("/prove")
@signed_in(without_factor=True)
def show():
    wanted = own_path(request.args.get("next"))
    if is_proved():
        return leave_to(wanted or url_for("prove.done"))
    return page(PasswordForm(formdata=None, next=wanted or ""))


@bp.post("/prove")
@signed_in(without_factor=True)
def confirm():
    form = PasswordForm()
    if not form.validate():
        return page(form, 422)
    try:
        device = known_device.number_for(viewer.person.email)
        step_up.with_password(act(), viewer.session, form.password.data, device)
    except Refusal as refusal:
        return refused(form, refusal)
    return leave_to(own_path(form.next.data) or url_for("prove.done"))


@bp.get("/prove/done")
@signed_in(without_factor=True)
def done():
    """Where a tab ends that was opened only to confirm."""
    return answer("prove/done.html") if is_proved() else leave_to(url_for("prove.show"))


def refused(form: FlaskForm, refusal: Refusal) -> Response:
    put_refusal(form, refusal)
    response = page(form, 422)
    if isinstance(refusal, TooManyAttempts):
        response.status_code = 429
        response.headers["Retry-After"] = str(refusal.wait_seconds)
    return response


def page(form: FlaskForm, status: int = 200) -> Response:
    return answer("prove/show.html", form=form, email=viewer.person.email, status=status)
