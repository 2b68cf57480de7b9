"""The page between the portal and the pages of others (T15)."""

from urllib.parse import urlsplit

from flask import Blueprint, abort, current_app, request

from blueprints.access import public
from blueprints.partials import answer
from services import outward

bp = Blueprint("outward", __name__)


@bp.get("/out")
@public
def notice():
    url, given = request.args.get("to", ""), request.args.get("mark", "")
    if not outward.is_web(url) or not outward.is_marked(current_app.settings.secret_key, url, given):
        abort(404)
    return answer("outward/notice.html", url=url, host=urlsplit(url).hostname)
