"""The page that asks again who one is, before a sensitive act: for the second factor, else for the password."""

from flask import Blueprint, Response, current_app, g, request, session, url_for
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import HiddenField, PasswordField
from wtforms.validators import InputRequired

from blueprints import known_device
from blueprints.access import act, renew_token, signed_in, viewer
from blueprints.errors import put_refusal
from blueprints.headers import own_path
from blueprints.partials import answer, leave_to
from blueprints.proving import is_proved, lacks_factor
from blueprints.second_forms import CodeForm, PasskeyForm
from services import passkeys, recovery_codes, second_factor, sso_rules, step_up, totp
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
    if is_proved() and not lacks_factor():
        return leave_to(wanted or url_for("prove.done"))
    return page(asking()(formdata=None, next=wanted or ""))


@bp.post("/prove")
@signed_in(without_factor=True)
def confirm():
    form = asking()()
    if not form.validate():
        return page(form, 422)
    device = known_device.number_for(viewer.person.email)
    try:
        if isinstance(form, CodeForm):
            step_up.with_code(act(), current_app.settings, viewer.session, form.code.data or "", device)
        else:
            step_up.with_password(act(), viewer.session, form.password.data, device)
    except Refusal as refusal:
        return refused(form, refusal)
    return proved(form)


@bp.post("/prove/passkey")
@signed_in(without_factor=True)
def passkey():
    form = PasskeyForm()
    number, credential = session.pop("passkey_question", 0), form.credential.data or ""
    try:
        step_up.with_passkey(act(), current_app.settings, viewer.session, number, credential)
    except Refusal as refusal:
        return refused(asking()(formdata=None, next=form.next.data or ""), refusal)
    return proved(form)


@bp.get("/prove/done")
@signed_in(without_factor=True)
def done():
    """Where a tab ends that was opened only to confirm."""
    return answer("prove/done.html") if is_proved() else leave_to(url_for("prove.show"))


def asking() -> type[CodeForm] | type[PasswordForm]:
    return CodeForm if second_factor.has(viewer.person) else PasswordForm


def proved(form) -> Response:
    """What somebody may have learnt of the session before does not reach further now."""
    renew_token()
    return leave_to(own_path(form.next.data) or url_for("prove.done"))


def refused(form: FlaskForm, refusal: Refusal) -> Response:
    put_refusal(form, refusal)
    response = page(form, 422)
    if isinstance(refusal, TooManyAttempts):
        response.status_code = 429
        response.headers["Retry-After"] = str(refusal.wait_seconds)
    return response


def page(form: FlaskForm, status: int = 200) -> Response:
    person = viewer.person
    ways = {"app": totp.is_on(person), "passkey": passkeys.has(person), "codes": recovery_codes.left(person)}
    own = viewer.member is not None and sso_rules.of_member(viewer.member, g.clock.now()) is not None
    values = {"company_log_in": own, "ways": ways, "passkey_form": PasskeyForm(formdata=None, next=form["next"].data or "")}
    return answer("prove/show.html", form=form, email=person.email, status=status, **values)
