"""The public log of changes to the portal (T5)."""

from flask import Blueprint

from blueprints import formats
from blueprints.access import public
from blueprints.partials import answer
from services import change_log

bp = Blueprint("change_log", __name__, url_prefix="/changes")


@bp.get("")
@public
def index():
    rows = [(row, *change_log.text_in(row, formats.language())) for row in change_log.listed()]
    return answer("changes/index.html", rows=rows)
