"""Staff change a contract, renew it by another last day, or announce its end (T14, T19)."""

from babel.numbers import format_decimal
from flask import current_app, flash, g, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, HiddenField
from wtforms.validators import InputRequired, Optional

from blueprints.access import Permission, act, requires
from blueprints.admin import bp
from blueprints.admin.contract_forms import CapacityField, DayField, WholeNumberField, price_field
from blueprints.admin.storage_forms import ReasonForm
from blueprints.errors import put_refusal
from blueprints.formats import language
from blueprints.partials import answer, leave_to
from blueprints.whole_numbers import whole
from models.contract import Contract
from services import closing, contracts_changes
from services.capacity import split_bytes
from services.clock import local_day
from services.contracts_changes import Edit
from services.refusal import NotFound, Refusal


class EditForm(ReasonForm):
    """`version` is that of the contract that the operator looked at."""

    version = HiddenField()
    reserved_bytes = CapacityField(_l("Capacity"))
    allow_overdraft = BooleanField(_l("Allow more than the package; the excess is billed"))
    price_cents = price_field(_l("Price"), _l("Enter the price in cents, 0 for none."))
    excess_price_cents = price_field(_l("Price of excess"), _l("Enter the price of excess in cents, 0 for none."))
    egress_price_cents = price_field(_l("Price of egress"), _l("Enter the price of egress in cents, 0 for none."))
    ends_on = DayField(_l("Last day"), validators=[Optional()])
    notice_days = WholeNumberField(_l("Notice"), validators=[InputRequired(_l("Enter a number of days."))])

    def edit(self, contract: Contract) -> Edit:
        """What was entered; pay-per-use has no capacity to enter. Call after the form was found valid."""
        package = contract.kind == "reserved"
        return Edit(
            reserved_bytes=self.reserved_bytes.amount_bytes if package else contract.reserved_bytes,
            allow_overdraft=self.allow_overdraft.data if package else contract.allow_overdraft,
            price_cents=self.price_cents.cents,
            excess_price_cents=self.excess_price_cents.cents,
            egress_price_cents=self.egress_price_cents.cents,
            ends_on=self.ends_on.data,
            notice_days=self.notice_days.data,
        )


class EndContractForm(ReasonForm):
    last_on = DayField(_l("Last day"), validators=[InputRequired(_l("Enter the last day."))])


@bp.get("/contracts/<name:number>/edit")
@requires(Permission.CONTRACT_CHANGE)
def edit_contract(number: str):
    contract = contracts_changes.known(number)
    return _entry(EditForm(formdata=None, **_typed(contract)), contract)


@bp.post("/contracts/<name:number>/edit")
@requires(Permission.CONTRACT_CHANGE)
def change_contract(number: str):
    contract, form = contracts_changes.known(number), EditForm()
    if not form.validate():
        return _entry(form, contract)
    seen = whole(form.version.data or "") or 0
    try:
        contracts_changes.change(act(), current_app.settings, number, form.edit(contract), form.reason.data, seen)
    except NotFound:
        raise
    except Refusal as refusal:
        now = contracts_changes.known(number)
        if now.version != seen:  # shown as it is now, what was typed would undo somebody's change
            form = EditForm(formdata=None, **_typed(now), reason=form.reason.data)
        put_refusal(form, refusal)
        return _entry(form, now)
    flash(_("Contract %(number)s was changed and the partner told by mail.", number=number), "good")
    return leave_to(url_for("admin.partner", partner_id=contract.partner_id))


@bp.route("/contracts/<name:number>/end", methods=["GET", "POST"])
@requires(Permission.CONTRACT_CHANGE)
def end_contract(number: str):
    contract, form = contracts_changes.known(number), EndContractForm()
    if form.validate_on_submit():
        try:
            closure = contracts_changes.terminate(
                act(), current_app.settings, number, form.last_on.data, form.reason.data
            )
        except NotFound:
            raise
        except Refusal as refusal:
            put_refusal(form, refusal)
        else:
            flash(
                _("The end of contract %(number)s is announced, and the partner told by mail.", number=number), "good"
            )
            return leave_to(url_for("admin.closure", public_id=closure.public_id))
    today = local_day(g.clock.now(), current_app.settings.provider.time_zone)
    planned = closing.times(closing.notice_end([contract], g.clock.now(), current_app.settings), current_app.settings)
    values = {"contract": contract, "form": form, "today": today, "planned": planned}
    return answer("admin/contract_end.html", status=422 if form.errors else 200, **values)


def _typed(contract: Contract) -> dict:
    """The contract as the fields show it."""
    amount, unit = split_bytes(contract.reserved_bytes, language())
    prices = {
        name: format_decimal(getattr(contract, name), "0.######", locale=language())
        for name in ("price_cents", "excess_price_cents", "egress_price_cents")
    }
    return {
        **prices,
        "version": contract.version,
        "reserved_bytes": f"{amount} {unit}" if contract.reserved_bytes else "",
        "allow_overdraft": contract.allow_overdraft,
        "ends_on": contract.ends_on,
        "notice_days": contract.notice_days,
    }


def _entry(form: EditForm, contract: Contract):
    return answer(
        "admin/contract_edit.html",
        status=422 if form.errors else 200,
        form=form,
        contract=contract,
        closure=closing.open_for(contract.partner, contract),
    )
