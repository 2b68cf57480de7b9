"""An app that makes codes: set up, taken away; and recovery codes."""

from flask import Response, current_app, flash, url_for
from flask_babel import gettext as _

from blueprints.access import act, signed_in
from blueprints.errors import put_refusal, words
from blueprints.partials import answer, leave_to
from blueprints.second_forms import CodeForm, RemoveForm
from blueprints.security import added, bp, own
from services import second_factor, totp
from services.refusal import Refusal


@bp.get("/app")
@signed_in(proof=True, without_factor=True)
def app():
    return page(CodeForm(formdata=None))


@bp.post("/app")
@signed_in(proof=True, without_factor=True)
def confirm_app():
    form = CodeForm()
    if not form.validate():
        return page(form, 422)
    try:
        codes = second_factor.confirm_app(act(), current_app.settings, own(), form.code.data or "")
    except Refusal as refusal:
        put_refusal(form, refusal)
        return page(form, 422)
    return added(codes, _("The app is set up."), "code")


@bp.route("/app/remove", methods=["GET", "POST"])
@signed_in(proof=True)
def remove_app():
    form, person = RemoveForm(), own()
    if not totp.is_on(person):
        return leave_to(url_for("security.show"))
    last = second_factor.is_last(person, "app")
    if form.is_submitted():
        try:
            second_factor.remove_app(act(), current_app.settings, person, form.password.data or "")
        except Refusal as refusal:
            put_refusal(form, refusal)
        else:
            flash(_("The app is removed. Its codes work no longer."), "good")
            return leave_to(url_for("security.show"))
    status = 422 if form.errors else 200
    where = url_for("security.remove_app")
    return answer("security/remove.html", form=form, what=_("the app"), where=where, last=last, status=status)


@bp.post("/codes")
@signed_in(proof=True)
def new_codes():
    try:
        codes = second_factor.new_codes(act(), own())
    except Refusal as refusal:
        flash(words(refusal), "bad")
        return leave_to(url_for("security.show"))
    return answer("security/codes.html", codes=codes, heading=_("Your new recovery codes"))


def page(form: CodeForm, status: int = 200) -> Response:
    """The same key until its first code was entered: an app that scanned it already goes on working."""
    person = own()
    seed = totp.begin(act(), current_app.settings, person)
    picture = totp.picture(totp.address(current_app.settings, person, seed))
    shown = {"picture": picture, "key": totp.grouped(seed), "is_new": not totp.is_on(person)}
    return answer("security/app.html", form=form, status=status, **shown)
