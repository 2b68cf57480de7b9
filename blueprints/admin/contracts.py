"""A contract for an active partner: entered, checked on a page of its own, then created."""

import secrets

from flask import current_app, flash, g, request, url_for
from flask_babel import gettext as _

from blueprints.access import Permission, act, requires
from blueprints.admin import bp
from blueprints.admin.contract_forms import ContractForm, new_form
from blueprints.admin.partners import known_partner
from blueprints.errors import put_refusal
from blueprints.partials import answer, leave_to
from models.partner import Partner
from services import contracts
from services.clock import local_day
from services.refusal import Refusal


@bp.route("/partners/<int:partner_id>/contracts/new", methods=["GET", "POST"])
@requires(Permission.CONTRACT_CREATE)
def new_contract(partner_id: int):
    partner = known_partner(partner_id)
    if partner.state != "active":
        flash(_("Only an active partner gets a contract. Decide the application first."), "info")
        return leave_to(url_for("admin.partner", partner_id=partner.id))
    form = new_form(_today(), secrets.token_urlsafe(16))
    step = request.form.get("step", "check")
    if step == "change" or not form.validate_on_submit():
        return _entry(form, partner)
    try:
        return _create(form, partner) if step == "create" else _check(form, partner)
    except Refusal as refusal:
        put_refusal(form, refusal)
        return _entry(form, partner)


def _create(form: ContractForm, partner: Partner):
    contract = contracts.create(act(), current_app.settings, partner.id, form.terms(), form.once.data or "")
    flash(_("Contract %(number)s was created and the partner told by mail.", number=contract.number), "good")
    return leave_to(url_for("admin.partner", partner_id=partner.id))


def _check(form: ContractForm, partner: Partner):
    """Shows what will be created. Raises the refusal that creating would."""
    terms = form.terms()
    contracts.check(act(), current_app.settings, partner, terms)
    state = contracts.state_on(_today(), terms)
    return answer("admin/contract_check.html", partner=partner, terms=terms, typed=form.typed(), state=state)


def _entry(form: ContractForm, partner: Partner):
    return answer("admin/contract_new.html", status=422 if form.errors else 200, form=form, partner=partner)


def _today():
    return local_day(g.clock.now(), current_app.settings.provider.time_zone)
