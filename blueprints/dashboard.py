"""Home: how much is left, what wants attention, what happened last."""

from datetime import timedelta

from flask import Blueprint, current_app, g

from blueprints.access import Permission, requires, viewer
from blueprints.partials import answer
from blueprints.todo import todos
from models.overview import contracts_of, counts_of, keys_of, latest_events

bp = Blueprint("dashboard", __name__)

RECENT = 8


@bp.get("/home")
@requires(Permission.PORTAL_USE)
def show():
    partner, old = viewer.partner, timedelta(days=current_app.settings.key_age_days)
    return answer(
        "dashboard/home.html",
        partner=partner,
        contracts=contracts_of(partner),
        counts=counts_of(partner),
        todos=todos(viewer, g.clock.now()),
        keys=keys_of(partner, g.clock.now() - old) if viewer.may(Permission.KEY_REVEAL) else None,
        key_age_days=old.days,
        recent=latest_events(partner, RECENT),
    )
