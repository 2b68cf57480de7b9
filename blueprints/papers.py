"""What the provider laid into the partner's file: agreements, price lists (T17)."""

from flask import Blueprint

from blueprints.access import Permission, act, requires, viewer
from blueprints.partials import answer
from blueprints.uploading import as_download
from services import partner_documents

bp = Blueprint("papers", __name__, url_prefix="/documents")


@bp.get("/")
@requires(Permission.PAPER_VIEW, least="export")
def index():
    papers = partner_documents.listed(viewer.partner, viewer.role)
    return answer("papers/index.html", papers=papers)


@bp.get("/<name:public_id>")
@requires(Permission.PAPER_VIEW, least="export")
def download(public_id: str):
    return as_download(partner_documents.download(act(), viewer.partner, public_id, viewer.role))
