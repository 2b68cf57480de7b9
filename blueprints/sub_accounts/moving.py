"""A sub-account goes to another contract of the company, with its allocation."""

import secrets

from flask import flash, g, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import HiddenField, RadioField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Regexp

from blueprints.access import Permission, act, requires, viewer
from blueprints.errors import put_refusal
from blueprints.formats import bytes_text
from blueprints.partials import answer, leave_to
from blueprints.sub_accounts import bp
from models.contract import Contract
from services import contracts_moves
from services.once import KeyReused
from services.refusal import NotFound, Refusal
from services.sub_account_lookup import own_sub_account


class MoveForm(FlaskForm):
    once = HiddenField(validators=[Regexp(r"[A-Za-z0-9_-]{16,64}")], default=lambda: secrets.token_urlsafe(16))
    contract = RadioField(_l("To which contract?"), [InputRequired(_l("Choose a contract."))], validate_choice=False)

    def offer(self, contracts: list[Contract]) -> "MoveForm":
        self.contract.choices = [SelectChoice(contract.number, _text(contract)) for contract in contracts]
        return self


@bp.route("/<account:number>/move", methods=["GET", "POST"])
@requires(Permission.ALLOCATION_CHANGE)
def move(number: str):
    account = own_sub_account(viewer.partner, number, g.clock.now())
    targets = contracts_moves.targets(account)
    form = MoveForm().offer(targets)
    if form.validate_on_submit():
        try:
            contracts_moves.move(act(), viewer.partner, number, form.contract.data, form.once.data)
        except NotFound:
            raise
        except Refusal as refusal:
            if isinstance(refusal, KeyReused):
                form.once.data = secrets.token_urlsafe(16)
            put_refusal(form, refusal)
        else:
            flash(
                _("%(name)s belongs to contract %(number)s now.", name=account.name, number=form.contract.data), "good"
            )
            return leave_to(url_for("sub_accounts.show", number=number))
    status = 422 if form.errors else 200
    return answer("sub_accounts/move.html", status=status, account=account, targets=targets, form=form)


def _text(contract: Contract) -> str:
    if contract.kind == "pay_per_use":
        return _("%(number)s, pay per use", number=contract.number)
    return _("%(number)s, %(amount)s free", number=contract.number, amount=bytes_text(max(0, contract.free_bytes)))
