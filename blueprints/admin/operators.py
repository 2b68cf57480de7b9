"""The provider's own people: who is in, who comes, who goes."""

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
            return leave_to(url_for("admin.operators"))
    hints = {right: hint for right, _label, hint in RIGHTS}
    return answer("admin/operator_new.html", status=422 if form.errors else 200, form=form, hints=hints)


@bp.post("/operators/<int:operator_id>/deactivate")
@requires(Permission.OPERATOR_MANAGE, proof=True)
def deactivate_operator(operator_id: int):
    try:
        gone = operator_access.deactivate(act(), operator_id)
    except NotFound:
        raise
    except Refusal as refusal:
        return _show(422, problem=words(refusal))
    flash(_("%(name)s is signed out everywhere and cannot sign in any more.", name=gone.name), "good")
    return leave_to(url_for("admin.operators"))


@bp.post("/operators/<int:operator_id>/activate")
@requires(Permission.OPERATOR_MANAGE, proof=True)
def activate_operator(operator_id: int):
    back = operator_access.activate(act(), operator_id)
    flash(_("%(name)s can sign in again.", name=back.name), "good")
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
    )
