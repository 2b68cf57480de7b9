"""Home: how much is left, what wants attention, what happened last."""

from flask import Blueprint

from blueprints.access import Permission, requires, viewer
from blueprints.partials import answer
from models.overview import contracts_of, counts_of, keys_never_shown, latest_events

bp = Blueprint("dashboard", __name__)

RECENT = 8


@bp.get("/home")
@requires(Permission.PORTAL_USE)
def show():
    partner = viewer.partner
    return answer(
        "dashboard/home.html",
        partner=partner,
        contracts=contracts_of(partner),
        counts=counts_of(partner),
        keys_waiting=keys_never_shown(partner) if viewer.may(Permission.KEY_REVEAL) else 0,
        recent=latest_events(partner, RECENT),
    )
