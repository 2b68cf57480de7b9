"""Is the portal up? For the process runner and the load balancer."""

from flask import Blueprint

from blueprints.access import public
from models.base import database

bp = Blueprint("health", __name__)


@bp.get("/health")
@public
def show():
    """200 while the database answers."""
    database.execute_sql("SELECT 1")
    return {"status": "ok"}
