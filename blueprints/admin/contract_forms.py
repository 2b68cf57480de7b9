"""The form of a new contract: amounts and prices as people type them."""

from datetime import date
from decimal import Decimal

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, DateField, HiddenField, IntegerField, RadioField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Optional, ValidationError

from blueprints.errors import words
from blueprints.formats import language
from services import capacity, contracts
from services.contracts import CURRENCIES, ContractTerms
from services.refusal import Refusal

KINDS = [SelectChoice("reserved", _l("Reserved package")), SelectChoice("pay_per_use", _l("Pay-per-use"))]


class DayField(DateField):
    def process_formdata(self, valuelist):
        try:
            super().process_formdata(valuelist)
        except ValueError as failure:
            raise ValueError(_("Enter a date such as 2026-03-31.")) from failure


class WholeNumberField(IntegerField):
    def process_formdata(self, valuelist):
        try:
            super().process_formdata(valuelist)
        except ValueError as failure:
            raise ValueError(_("Enter a whole number.")) from failure


class PriceField(StringField):
    """Keeps what was typed; `cents` is what it means."""

    cents: Decimal = Decimal(0)

    def post_validate(self, form, validation_stopped):
        if validation_stopped:
            return
        try:
            self.cents = contracts.parse_price_cents(self.data or "", language())
        except Refusal as refusal:
            raise ValidationError(words(refusal)) from refusal


class CapacityField(StringField):
    """Keeps what was typed; `amount_bytes` is what it means. A bare number is in TB."""

    amount_bytes: int = 0

    def post_validate(self, form, validation_stopped):
        if validation_stopped or not (self.data or "").strip():
            return
        try:
            self.amount_bytes = capacity.parse_bytes(self.data, "TB", language())
        except Refusal as refusal:
            raise ValidationError(words(refusal)) from refusal


def price_field(label, missing) -> PriceField:
    return PriceField(label, validators=[InputRequired(missing)])


class ContractForm(FlaskForm):
    number = StringField(_l("Contract number"), validators=[InputRequired(_l("Enter a contract number."))])
    kind = RadioField(_l("Kind"), choices=KINDS, default="reserved")
    reserved_bytes = CapacityField(_l("Capacity"))
    allow_overdraft = BooleanField(_l("Allow more than the package; the excess is billed"))
    currency = SelectField(_l("Currency"), choices=[SelectChoice(code, code) for code in CURRENCIES])
    price_cents = price_field(_l("Price"), _l("Enter the price in cents, 0 for none."))
    excess_price_cents = price_field(_l("Price of excess"), _l("Enter the price of excess in cents, 0 for none."))
    egress_price_cents = price_field(_l("Price of egress"), _l("Enter the price of egress in cents, 0 for none."))
    starts_on = DayField(_l("First day"), validators=[InputRequired(_l("Enter the first day."))])
    ends_on = DayField(_l("Last day"), validators=[Optional()])
    notice_days = WholeNumberField(_l("Notice"), validators=[InputRequired(_l("Enter a number of days."))], default=90)
    once = HiddenField()

    def validate_reserved_bytes(self, field: CapacityField):
        if self.kind.data == "reserved" and not (field.data or "").strip():
            raise ValidationError(_("Enter the capacity of the package, such as 10 TB."))

    def terms(self) -> ContractTerms:
        """What was entered, in whole bytes and exact cents. Call after the form was found valid."""
        return ContractTerms(
            number=self.number.data.strip(),
            kind=self.kind.data,
            reserved_bytes=self.reserved_bytes.amount_bytes,
            allow_overdraft=self.allow_overdraft.data,
            price_cents=self.price_cents.cents,
            excess_price_cents=self.excess_price_cents.cents,
            egress_price_cents=self.egress_price_cents.cents,
            currency=self.currency.data,
            starts_on=self.starts_on.data,
            ends_on=self.ends_on.data,
            notice_days=self.notice_days.data,
        )

    def typed(self) -> dict[str, str]:
        """Every field as it was typed, for the page between check and creation."""
        fields = [field for field in self if field.name != "csrf_token" and field.type != "BooleanField"]
        typed = {field.name: field._value() if hasattr(field, "_value") else str(field.data or "") for field in fields}
        return typed | ({"allow_overdraft": "y"} if self.allow_overdraft.data else {})


def new_form(today: date, once: str) -> ContractForm:
    return ContractForm(number=contracts.suggested_number(today), starts_on=today, egress_price_cents="0", once=once)
