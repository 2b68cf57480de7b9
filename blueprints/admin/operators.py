"""The provider's own people: who is in, who comes, who goes."""

from collections.abc import Callable
from typing import Any

from flask import current_app, flash, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import EmailField, RadioField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length

from blueprints.access import Permission, act, requires
from blueprints.admin import bp
from blueprints.errors import put_refusal, words
from blueprints.partials import answer, leave_to
from services import operator_access
from services import operators as people
from services.refusal import NotFound, Refusal

RIGHTS = (
    ("support", _l("Support"), _l("Looks at everything, asks partners about their details.")),
    ("manager", _l("Manager"), _l("Also decides applications and creates contracts.")),
    ("owner", _l("Owner"), _l("Also adds and removes operators.")),
)


WAITS = _l("Another owner has to confirm this. Until then everything stays as it is.")


class RightForm(FlaskForm):
    right = RadioField(
        _l("Right"), choices=[SelectChoice(right, label) for right, label, _hint in RIGHTS], validate_choice=False
    )


class OperatorForm(FlaskForm):
    name = StringField(
        _l("Name"),
        validators=[
            InputRequired(_l("Enter the person's name.")),
            Length(max=100, message=_l("Write at most 100 characters.")),
        ],
    )
    email = EmailField(_l("Mail address"), validators=[InputRequired(_l("Enter the person's mail address."))])
    right = RadioField(
        _l("Right"), choices=[SelectChoice(right, label) for right, label, _hint in RIGHTS], default="support"
    )


@bp.get("/operators")
@requires(Permission.OPERATOR_MANAGE)
def operators():
    return _show()


@bp.route("/operators/new", methods=["GET", "POST"])
@requires(Permission.OPERATOR_MANAGE, proof=True)
def new_operator():
    form = OperatorForm()
    if form.validate_on_submit():
        try:
            people.add(act(), current_app.settings, form.email.data, form.name.data, form.right.data)
        except Refusal as refusal:
            put_refusal(form, refusal)
        else:
            flash(_("A link to set up the log-in was mailed to %(email)s.", email=form.email.data.strip()), "good")
            if form.right.data in operator_access.HIGH and operator_access.second_owner(act()):
                flash(_("Until another owner confirms the right, it is support."), "info")
            return leave_to(url_for("admin.operators"))
    hints = {right: hint for right, _label, hint in RIGHTS}
    return answer("admin/operator_new.html", status=422 if form.errors else 200, form=form, hints=hints)


@bp.post("/operators/<int:operator_id>/deactivate")
@requires(Permission.OPERATOR_MANAGE, proof=True)
def deactivate_operator(operator_id: int):
    done = _("%(name)s is signed out everywhere and cannot sign in any more.")
    return decided(operator_id, done, lambda: operator_access.deactivate(act(), current_app.settings, operator_id))


@bp.post("/operators/<int:operator_id>/activate")
@requires(Permission.OPERATOR_MANAGE, proof=True)
def activate_operator(operator_id: int):
    done = _("%(name)s can sign in again.")
    return decided(operator_id, done, lambda: operator_access.activate(act(), current_app.settings, operator_id))


@bp.route("/operators/<int:operator_id>/right", methods=["GET", "POST"])
@requires(Permission.OPERATOR_MANAGE, proof=True)
def operator_right(operator_id: int):
    operator = people.known(operator_id)
    form = RightForm(right=operator.right)
    if form.is_submitted():
        try:
            asked = operator_access.set_right(act(), current_app.settings, operator_id, form.right.data or "")
        except Refusal as refusal:
            put_refusal(form, refusal)
        else:
            flash(WAITS if asked else _("%(name)s has the right now.", name=operator.name), "good")
            return leave_to(url_for("admin.operators"))
    hints = {right: hint for right, _label, hint in RIGHTS}
    values = {"operator": operator, "hints": hints, "second": operator_access.second_owner(act())}
    return answer("admin/operator_right.html", status=422 if form.errors else 200, form=form, **values)


@bp.post("/operators/<int:operator_id>/sign-out")
@requires(Permission.OPERATOR_MANAGE, proof=True)
def sign_out_operator(operator_id: int):
    done = _("%(name)s is signed out everywhere, and may sign in again.")
    return decided(operator_id, done, lambda: operator_access.sign_out(act(), current_app.settings, operator_id))


@bp.post("/operators/<int:operator_id>/set-up")
@requires(Permission.OPERATOR_MANAGE, proof=True)
def set_up_operator(operator_id: int):
    done = _("A new link to set up the log-in was mailed to %(name)s.")
    return decided(operator_id, done, lambda: people.send_again(act(), current_app.settings, operator_id))


@bp.post("/operators/asked/<int:request_id>/confirm")
@requires(Permission.OPERATOR_MANAGE, proof=True)
def confirm_operator(request_id: int):
    return answered(lambda: operator_access.confirm(act(), current_app.settings, request_id), _("Confirmed and done."))


@bp.post("/operators/asked/<int:request_id>/decline")
@requires(Permission.OPERATOR_MANAGE, proof=True)
def decline_operator(request_id: int):
    told = _("Declined. Everything stays as it was.")
    return answered(lambda: operator_access.decline(act(), current_app.settings, request_id), told)


def decided(operator_id: int, done: str, carry_out: Callable[[], Any]):
    """Done at once, or asked of another owner; `done` names the person as %(name)s."""
    operator = people.known(operator_id)
    try:
        asked = carry_out()
    except NotFound:
        raise
    except Refusal as refusal:
        return _show(422, problem=words(refusal))
    flash(WAITS if asked else done % {"name": operator.name}, "good")
    return leave_to(url_for("admin.operators"))


def answered(carry_out: Callable[[], Any], told: str):
    try:
        carry_out()
    except NotFound:
        raise
    except Refusal as refusal:
        return _show(409, problem=words(refusal))
    flash(told, "good")
    return leave_to(url_for("admin.operators"))


def _show(status: int = 200, problem: str | None = None):
    rights = {right: label for right, label, _hint in RIGHTS}
    return answer(
        "admin/operators.html",
        status=status,
        problem=problem,
        has_errors=problem is not None,
        operators=people.listed(),
        rights=rights,
        waiting=operator_access.waiting(),
        second=operator_access.second_owner(act()),
    )
