"""Lost second factors: asking for a reset, agreeing to one, and the link with which the person says no."""

from typing import Any

from flask import Response, current_app, flash, g, url_for
from flask_babel import gettext as _
from flask_wtf import FlaskForm

from blueprints.access import Permission, act, public, requires, viewer
from blueprints.errors import put_refusal, words
from blueprints.partials import answer, leave_to
from blueprints.second_forms import LostForm
from blueprints.security import bp, own
from services import factor_resets, links, people
from services.refusal import NotFound, Refusal

RESET: Any = {"least": "application", "before_terms": True, "proof": True}


@bp.get("/lost")
@requires(Permission.SECOND_FACTOR_RESET, **RESET)
def lost():
    return page(LostForm(formdata=None))


@bp.post("/lost")
@requires(Permission.SECOND_FACTOR_RESET, **RESET)
def ask_reset():
    form = LostForm()
    if not form.validate():
        return page(form, 422)
    person = people.with_address(form.email.data or "")
    try:
        if person is None:
            raise NotFound
        row = factor_resets.ask(act(), current_app.settings, own(), person, form.reason.data or "")
    except NotFound:
        form.email.errors = [_("There is nobody with this address whom you could do this for.")]
        return page(form, 422)
    except Refusal as refusal:
        put_refusal(form, refusal)
        return page(form, 422)
    later = _("Another operator has to agree now. Then it takes a day.")
    flash(later if row.needs_two else _("The person was told by mail. It takes effect in a day."), "good")
    return leave_to(url_for("security.lost"))


@bp.post("/lost/<int:reset_id>/agree")
@requires(Permission.SECOND_FACTOR_RESET, **RESET)
def agree_reset(reset_id: int):
    if viewer.operator is None:
        raise NotFound
    try:
        factor_resets.second(act(), current_app.settings, viewer.operator, reset_id)
    except NotFound:
        raise
    except Refusal as refusal:
        flash(words(refusal), "bad")
    else:
        flash(_("The person was told by mail. It takes effect in a day."), "good")
    return leave_to(url_for("security.lost"))


@bp.route("/keep/<token:token>", methods=["GET", "POST"])
@public
def keep(token: str):
    """GET only asks, because mail scanners open links."""
    form = FlaskForm()
    try:
        link = links.look(factor_resets.LINK, token, g.clock.now())
        if not form.validate_on_submit():
            return answer("security/keep.html", form=form, person=links.person_of(link), token=token, reason=None)
        factor_resets.keep_by_link(act(), token)
    except (NotFound, links.LinkUsed, links.LinkExpired) as refusal:
        unknown = isinstance(refusal, NotFound)
        reason = _("There is nothing here.") if unknown else words(refusal)
        return answer("security/keep.html", person=None, reason=reason, status=404 if unknown else 410)
    flash(_("Nothing is reset: your second factor stays as it is. Choose a new password if you did not ask."), "good")
    return leave_to(url_for("auth.login"))


def page(form: LostForm, status: int = 200) -> Response:
    waiting = factor_resets.waiting_for_second() if viewer.operator else []
    by_me = people.id_of(viewer.person)
    return answer("security/lost.html", form=form, waiting=waiting, by_me=by_me, status=status)
