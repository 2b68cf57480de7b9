"""The list of a team, and the partners of a distributor."""

import secrets

from flask import Response, current_app, g, url_for

from blueprints.access import Permission, requires, viewer
from blueprints.partials import answer, leave_to
from blueprints.people_words import RELATIONS, ROLES
from blueprints.team import bp, of_partner, pages
from models.partner import Partner
from services import authority, invitations, team


@pages.get("")
@requires(Permission.TEAM_VIEW, least="export")
def show():
    return page()


@bp.get("/partners")
@requires(Permission.TEAM_VIEW, least="export")
def partners():
    """The partners below a distributor; others have none, and are led to their own team."""
    if viewer.partner.kind != "distributor":
        return leave_to(url_for("team.own.show"))
    rows = Partner.select().where(Partner.parent == viewer.partner).order_by(Partner.name_key, Partner.id)
    return answer("team/partners.html", partners=list(rows))


def page(status: int = 200, problem: str | None = None) -> Response:
    """The list; `problem` is what was refused just now."""
    partner, now = of_partner(), g.clock.now()
    own = partner.id == viewer.partner.id
    return answer(
        "team/show.html",
        status=status,
        problem=problem,
        has_errors=problem is not None,
        partner=partner,
        own=own,
        entries=team.entries(partner, now, current_app.settings),
        invitations=invitations.open_ones(partner, now) if viewer.holds(Permission.TEAM_MANAGE) else [],
        offer=authority.open_offer(partner, now) if own else None,
        may_manage=viewer.may(Permission.TEAM_MANAGE),
        may_remove=viewer.may(Permission.TEAM_REMOVE),
        roles=ROLES,
        relations=RELATIONS,
        once=secrets.token_urlsafe(16),
    )
