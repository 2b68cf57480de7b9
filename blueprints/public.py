"""The front page: what the portal is for, and the ways in."""

from flask import Blueprint, url_for

from blueprints.access import public, viewer
from blueprints.partials import answer, leave_to

bp = Blueprint("public", __name__)


@bp.get("/")
@public
def front():
    """For strangers; whoever is signed in goes on to their own start page."""
    if not viewer.is_authenticated:
        return answer("public/front.html")
    if viewer.operator:
        return leave_to(url_for("admin.queue"))
    return leave_to(url_for("dashboard.show" if viewer.may_open("dashboard.show") else "application.show"))
