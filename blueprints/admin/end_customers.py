"""How a partner's customers agreed to the terms for end customers: figures, records, documents to look at (T2)."""

from flask import g, request

from blueprints.access import Permission, act, requires
from blueprints.admin import bp
from blueprints.admin.partners import known_partner
from blueprints.partials import answer
from blueprints.uploading import as_download
from blueprints.whole_numbers import whole
from models.flow_down import PAGE_ROWS, of_partner
from services import flow_down, flow_down_figures


@bp.get("/partners/<int:partner_id>/end-customers")
@requires(Permission.APPLICATION_VIEW)
def end_customers(partner_id: int):
    partner = known_partner(partner_id)
    rows = of_partner(partner, request.args.get("before", type=whole))
    figures = flow_down_figures.of_partner(partner, g.clock.now())
    more = rows[PAGE_ROWS - 1].id if len(rows) > PAGE_ROWS else None
    return answer("admin/end_customers.html", partner=partner, rows=rows[:PAGE_ROWS], figures=figures, more=more)


@bp.get("/partners/<int:partner_id>/end-customers/<account:number>/<name:public_id>")
@requires(Permission.APPLICATION_VIEW)
def end_customer_document(partner_id: int, number: str, public_id: str):
    return as_download(flow_down.document(act(), known_partner(partner_id), number, public_id))
