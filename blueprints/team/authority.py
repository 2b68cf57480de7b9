"""Handing over whose word binds the company: offered by who holds it, taken by an act of the other administrator."""

from flask import current_app, flash, g, url_for
from flask_babel import gettext as _

from blueprints.access import Permission, act, requires, viewer
from blueprints.errors import words
from blueprints.partials import leave_to
from blueprints.team import bp
from blueprints.team.listing import page
from services import authority
from services.refusal import NotFound, Refusal


@bp.post("/team/<name:public_id>/authority")
@requires(Permission.TEAM_MANAGE, proof=True)
def offer_authority(public_id: str):
    g.team_of = None
    try:
        authority.offer(act(), current_app.settings, viewer.member, public_id)
    except NotFound:
        raise
    except Refusal as refusal:
        return page(422, words(refusal))
    flash(_("Offered. It counts as soon as the other administrator accepts; all administrators are told."), "good")
    return leave_to(url_for("team.own.show"))


@bp.post("/team/authority/accept")
@requires(Permission.TEAM_MANAGE, proof=True)
def accept_authority():
    g.team_of = None
    try:
        authority.accept(act(), current_app.settings, viewer.member)
    except NotFound:
        raise
    except Refusal as refusal:
        return page(422, words(refusal))
    flash(_("From now on you are the one who may bind the company here."), "good")
    return leave_to(url_for("team.own.show"))


@bp.post("/team/authority/decline")
@requires(Permission.TEAM_MANAGE)
def decline_authority():
    authority.decline(act(), viewer.member)
    flash(_("The offer is over. Nothing has changed."), "good")
    return leave_to(url_for("team.own.show"))
