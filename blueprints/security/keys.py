"""Passkeys: made, named, removed."""

from flask import Response, current_app, flash, session, url_for
from flask_babel import gettext as _

from blueprints.access import act, signed_in
from blueprints.errors import put_refusal
from blueprints.partials import answer, leave_to
from blueprints.second_forms import NewPasskeyForm, RemoveForm
from blueprints.security import added, bp, own
from models.second_factor import Passkey
from services import attempts, passkeys, people, second_factor
from services.refusal import NotFound, Refusal

QUESTION = "new_passkey_question"


@bp.get("/passkeys/new")
@signed_in(proof=True, without_factor=True)
def new_passkey():
    return answer("security/passkey_new.html", form=NewPasskeyForm(formdata=None))


@bp.post("/passkeys/question")
@signed_in(proof=True, without_factor=True)
def ask_passkey():
    attempts.count_of_network(act(), attempts.PASSKEY)
    question = passkeys.ask_new(act(), current_app.settings, own())
    session[QUESTION] = question.challenge_id
    return Response(question.options, mimetype="application/json")


@bp.post("/passkeys")
@signed_in(proof=True, without_factor=True)
def add_passkey():
    form = NewPasskeyForm()
    if not form.validate():
        return answer("security/passkey_new.html", form=form, status=422)
    given = (session.pop(QUESTION, 0), form.credential.data or "", form.name.data or "")
    try:
        codes = second_factor.add_passkey(act(), current_app.settings, own(), *given)
    except Refusal as refusal:
        put_refusal(form, refusal)
        return answer("security/passkey_new.html", form=form, status=422)
    return added(codes, _("The passkey is set up."), "passkey")


@bp.route("/passkeys/<int:passkey_id>/remove", methods=["GET", "POST"])
@signed_in(proof=True)
def remove_passkey(passkey_id: int):
    form, person = RemoveForm(), own()
    row = Passkey.get_or_none(Passkey.id == passkey_id, people.owned(Passkey, person))
    if row is None:
        raise NotFound
    last = second_factor.is_last(person, "passkey")
    if form.is_submitted():
        try:
            second_factor.remove_passkey(act(), current_app.settings, person, row.id, form.password.data or "")
        except Refusal as refusal:
            put_refusal(form, refusal)
        else:
            flash(_("The passkey is removed and opens nothing here any more."), "good")
            return leave_to(url_for("security.show"))
    where, status = url_for("security.remove_passkey", passkey_id=row.id), 422 if form.errors else 200
    return answer("security/remove.html", form=form, what=row.name, where=where, last=last, status=status)
