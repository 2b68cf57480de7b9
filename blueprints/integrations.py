"""Programs of others that work with the storage (T15)."""

from flask import Blueprint

from blueprints.access import Permission, requires
from blueprints.formats import language
from blueprints.partials import answer
from services import integrations

bp = Blueprint("integrations", __name__)


@bp.get("/integrations")
@requires(Permission.PORTAL_USE)
def index():
    return answer("integrations/index.html", integrations=integrations.listed(), reader=language())
