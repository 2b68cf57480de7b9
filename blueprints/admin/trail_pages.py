"""The trail as staff reads it: of one partner and of all, with the filters that partners have too."""

from flask import current_app, request, url_for

from blueprints.access import Permission, requires
from blueprints.admin import bp
from blueprints.admin.partners import known_partner
from blueprints.admin.trail import changes
from blueprints.partials import answer
from blueprints.trail_filters import KINDS, SOURCES, people, read
from models.partner import Partner
from services import trail as trails


@bp.get("/partners/<int:partner_id>/trail")
@requires(Permission.APPLICATION_VIEW)
def trail(partner_id: int):
    return page(known_partner(partner_id))


@bp.get("/trail")
@requires(Permission.APPLICATION_VIEW)
def whole_trail():
    return page(None)


def page(partner: Partner | None):
    filters = read()
    listing = trails.page(filters.wanted, partner, filters.before, staff=True)
    return answer(
        "admin/trail.html",
        "admin/_trail_rows.html",
        partner=partner,
        filters=filters,
        action=url_for(request.endpoint, **request.view_args),
        events=listing.events,
        older=listing.older,
        changes=changes,
        kinds=KINDS,
        sources=SOURCES,
        people=people(partner, current_app.settings.provider.name),
    )
