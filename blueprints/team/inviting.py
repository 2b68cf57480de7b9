"""Inviting people into a team: by mail, sent again, withdrawn."""

from flask import Response, current_app, flash, request, url_for
from flask_babel import gettext as _

from blueprints.access import Permission, act, requires
from blueprints.errors import put_refusal, words
from blueprints.formats import language
from blueprints.partials import answer, leave_to
from blueprints.team import of_partner, pages
from blueprints.team.forms import ROLE_HINTS, InviteForm, invite_form
from blueprints.team.listing import page
from services import invitations
from services.refusal import NotFound, Refusal


@pages.route("/invite", methods=["GET", "POST"])
@requires(Permission.TEAM_MANAGE, proof=True)
def invite():
    partner, form = of_partner(), invite_form(language())
    if not form.is_submitted():
        return form_page(form)
    if not form.validate():
        return form_page(form, 422)
    wish = invitations.Wish(
        form.email.data or "", form.role.data or "", form.relation.data or "", form.until_on, form.locale.data or ""
    )
    try:
        invitations.invite(act(), current_app.settings, partner, wish, form.once.data or "")
    except NotFound:
        raise
    except Refusal as refusal:
        put_refusal(form, refusal)
        return form_page(form, 422)
    flash(_("An invitation is on its way to %(address)s. It works for 48 hours.", address=wish.email.strip()), "good")
    return leave_to(url_for(".show"))


@pages.post("/invitations/<name:public_id>/again")
@requires(Permission.TEAM_MANAGE, proof=True)
def invite_again(public_id: str):
    try:
        once_key = request.form.get("once", "")
        invitations.resend(act(), current_app.settings, of_partner(), public_id, once_key)
    except NotFound:
        raise
    except Refusal as refusal:
        return page(422, words(refusal))
    flash(_("A new invitation is on its way. The older link no longer works."), "good")
    return leave_to(url_for(".show"))


@pages.post("/invitations/<name:public_id>/withdraw")
@requires(Permission.TEAM_REMOVE, least="export", proof=True)
def withdraw(public_id: str):
    invitations.withdraw(act(), current_app.settings, of_partner(), public_id)
    flash(_("The invitation is withdrawn. Its link no longer works."), "good")
    return leave_to(url_for(".show"))


def form_page(form: InviteForm, status: int = 200) -> Response:
    return answer("team/invite.html", status=status, form=form, partner=of_partner(), hints=ROLE_HINTS)
