"""What an administrator decides about a member: role, relation, end date, access, removal."""

from collections.abc import Callable

from flask import Response, current_app, flash, url_for
from flask_babel import gettext as _

from blueprints.access import Permission, act, requires, viewer
from blueprints.errors import put_refusal, words
from blueprints.partials import answer, leave_to
from blueprints.team import known_member, of_partner, pages
from blueprints.team.forms import ROLE_HINTS, AccessForm, access_form
from blueprints.team.listing import page
from models.partner import Member
from services import team
from services.refusal import NotFound, Refusal


@pages.route("/<name:public_id>", methods=["GET", "POST"])
@requires(Permission.TEAM_MANAGE, proof=True)
def member(public_id: str):
    known = known_member(public_id)
    form = access_form(known)
    if not form.is_submitted():
        return member_page(known, form)
    if not form.validate():
        return member_page(known, form, 422)
    try:
        team.change(
            act(), current_app.settings, known, role=form.role.data or "", relation=form.relation.data or "",
            until_on=form.until_on, seen=form.seen.data or "",
        )  # fmt: skip
    except NotFound:
        raise
    except Refusal as refusal:
        return refused(known, form, refusal)
    flash(_("Saved. %(name)s is told by mail.", name=known.name), "good")
    return leave_to(url_for(".show"))


@pages.post("/<name:public_id>/deactivate")
@requires(Permission.TEAM_REMOVE, least="export", proof=True)
def deactivate(public_id: str):
    known = known_member(public_id)
    told = _("%(name)s is signed out everywhere and cannot sign in any more.", name=known.name)
    return carry_out(lambda: team.deactivate(act(), current_app.settings, known), told)


@pages.post("/<name:public_id>/activate")
@requires(Permission.TEAM_MANAGE, proof=True)
def activate(public_id: str):
    known = known_member(public_id)
    told = _("%(name)s can sign in again.", name=known.name)
    return carry_out(lambda: team.reactivate(act(), current_app.settings, known), told)


@pages.route("/<name:public_id>/remove", methods=["GET", "POST"])
@requires(Permission.TEAM_REMOVE, least="export", proof=True)
def remove(public_id: str):
    known = known_member(public_id)
    form = AccessForm(formdata=None)
    if not form.is_submitted():
        return answer("team/remove.html", member=known, partner=of_partner())
    told = _("%(name)s is removed. The log-in and everything that was open are closed.", name=known.name)
    return carry_out(lambda: team.remove(act(), current_app.settings, known), told)


def carry_out(change: Callable[[], Member], told: str) -> Response:
    """Makes the change, or says why not beside the list."""
    try:
        change()
    except NotFound:
        raise
    except Refusal as refusal:
        return page(422, words(refusal))
    flash(told, "good")
    return leave_to(url_for(".show"))


def refused(known: Member, form: AccessForm, refusal: Refusal) -> Response:
    """What was chosen stays; the next try starts from what stands there now."""
    put_refusal(form, refusal)
    fresh = known_member(known.public_id)
    form.seen.data = team.worded(fresh)
    stale = isinstance(refusal, team.TeamStale)
    return member_page(fresh, form, 409 if stale else 422, fresh if stale else None)


def member_page(known: Member, form: AccessForm, status: int = 200, now: Member | None = None) -> Response:
    return answer(
        "team/member.html",
        status=status,
        form=form,
        member=known,
        partner=of_partner(),
        now=now,
        hints=ROLE_HINTS,
        oneself=known.id == viewer.person.id,
    )
