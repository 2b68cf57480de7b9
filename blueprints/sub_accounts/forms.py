"""The forms of a sub-account: opening one, and changing what it is called."""

import secrets

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from wtforms import BooleanField, DateField, HiddenField, RadioField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import (
    DataRequired,
    Email,
    InputRequired,
    Length,
    Optional,
    Regexp,
    StopValidation,
    ValidationError,
)

from blueprints.errors import words
from blueprints.formats import bytes_text, language, money
from blueprints.uploading import sent_pdf
from models.contract import Contract
from services.capacity import CapacityRefused, parse_bytes
from services.names import LONGEST
from services.region_list import OfferedRegion
from services.sub_accounts import SubAccountWish

TOO_LONG = _l("Enter at most %(max)d characters.")


def mail_rules() -> list:
    return [
        InputRequired(_l("Enter the contact's mail address.")),
        Length(max=254, message=TOO_LONG),
        Email(_l("Enter a mail address such as name@example.com.")),
    ]


class DayField(DateField):
    """A day as browsers send it, or typed as 2026-03-01 or 1.3.2026."""

    def __init__(self, label=None, validators=None, **more):
        super().__init__(label, validators, format=["%Y-%m-%d", "%d.%m.%Y"], **more)

    def process_formdata(self, valuelist):
        try:
            super().process_formdata(valuelist)
        except ValueError:
            raise ValueError(_("Enter a day such as %(example)s.", example="2026-03-01")) from None


class DescribeForm(FlaskForm):
    name = StringField(
        _l("Name of the sub-account"), [InputRequired(_l("Enter a name.")), Length(max=LONGEST, message=TOO_LONG)]
    )
    contact_name = StringField(
        _l("Contact's name"), [InputRequired(_l("Enter the contact's name.")), Length(max=LONGEST, message=TOO_LONG)]
    )
    contact_email = StringField(_l("Contact's mail address"), mail_rules())


class Attested:
    """Needed where the partner confirms the agreement; with a link the field counts for nothing."""

    def __init__(self, message):
        self.message = message

    def __call__(self, form, field):
        if form.way.data == "link":
            field.errors = []
            raise StopValidation()
        if not field.raw_data or not field.raw_data[0]:
            raise StopValidation(self.message)


class NewForm(FlaskForm):
    once = HiddenField(validators=[Regexp(r"[A-Za-z0-9_-]{16,64}")], default=lambda: secrets.token_urlsafe(16))
    contract = SelectField(_l("Contract"))
    customer = StringField(
        _l("Customer"), [InputRequired(_l("Enter the customer's name.")), Length(max=LONGEST, message=TOO_LONG)]
    )
    name = StringField(_l("Name of the sub-account"), [Optional(), Length(max=LONGEST, message=TOO_LONG)])
    contact_name = DescribeForm.contact_name
    contact_email = DescribeForm.contact_email
    region = SelectField(_l("Region"), validate_choice=False)
    billing = RadioField(
        _l("How much capacity?"),
        choices=(
            SelectChoice("reserved", _l("A fixed allocation")),
            SelectChoice("pay_per_use", _l("No fixed allocation (pay per use)")),
        ),
        default="reserved",
        validators=[DataRequired(_l("Choose one of the two."))],
    )
    allocation = StringField(_l("Allocation"))
    overdraft = RadioField(
        _l("When the allocation is full"),
        choices=(SelectChoice("no"), SelectChoice("yes")),
        default="no",
        validators=[DataRequired(_l("Choose one of the two."))],
    )
    way = RadioField(
        _l("How does the customer agree?"),
        choices=(
            SelectChoice("attested", _l("It has agreed in a contract with us")),
            SelectChoice("link", _l("Send the customer a link")),
        ),
        default="attested",
        validators=[DataRequired(_l("Choose one of the two."))],
    )
    agreed = BooleanField(
        _l("The customer has agreed to these terms, or to equivalent ones in its contract with us."),
        [
            Attested(_l("Confirm that the customer has agreed. Or choose to send it a link.")),
        ],
    )
    reference = StringField(
        _l("Reference of that contract"),
        [
            Attested(_l("Enter the number or name by which you find that contract again.")),
            Length(max=LONGEST, message=TOO_LONG),
        ],
    )
    agreed_on = DayField(_l("Agreed on"), [Attested(_l("Enter the day on which the customer agreed."))])
    document = FileField(_l("Document that shows it (PDF)"))

    allocated_bytes = 0

    def offer(self, contracts: list[Contract], regions: list[OfferedRegion]) -> "NewForm":
        """Fills the choices from what the partner has. Where one region is open, it is not asked for; what was chosen
        stays chosen, for a region is never changed afterwards."""
        self.contract.choices = [SelectChoice(contract.number, contract_text(contract)) for contract in contracts]
        self.region.choices = [SelectChoice(region.name, region.label) for region in regions]
        if len(contracts) == 1:
            self.contract.data = contracts[0].number
            if contracts[0].kind == "pay_per_use":
                self.billing.choices = [choice for choice in self.billing.choices if choice.value == "pay_per_use"]
                self.billing.data, self.overdraft.data = "pay_per_use", "no"
        if len(regions) == 1 and not self.region.data:
            self.region.data = regions[0].name
        self.overdraft.choices = [
            SelectChoice("no", _("Writing stops. Nothing is deleted, and nothing extra is billed.")),
            SelectChoice("yes", excess_text(contracts)),
        ]
        return self

    def validate_region(self, field: SelectField) -> None:
        if field.data not in [choice.value for choice in field.choices]:
            words = _("This region takes no new sub-accounts. Choose another one.")
            raise ValidationError(words if field.data else _("Choose one of the regions."))

    def validate_allocation(self, field: StringField) -> None:
        if self.billing.data != "reserved":
            return
        try:
            self.allocated_bytes = parse_bytes(field.data or "", locale=language())
        except CapacityRefused as refusal:
            raise ValidationError(words(refusal)) from refusal

    def wish(self) -> SubAccountWish:
        attested = self.way.data != "link"
        return SubAccountWish(
            contract_number=self.contract.data,
            region=self.region.data,
            customer=self.customer.data,
            name=self.name.data or "",
            contact_name=self.contact_name.data,
            contact_email=self.contact_email.data,
            billing=self.billing.data,
            allocated_bytes=self.allocated_bytes,
            allow_overdraft=self.overdraft.data == "yes",
            flow_down_reference=self.reference.data if attested else "",
            flow_down_agreed_on=self.agreed_on.data if attested else None,
            flow_down_way="attested" if attested else "link",
            flow_down_document=sent_pdf(self.document) if attested else None,
            locale=language(),
        )


def contract_text(contract: Contract) -> str:
    if contract.kind == "pay_per_use":
        return _("%(number)s, pay per use", number=contract.number)
    free_bytes = max(0, contract.free_bytes)
    return _("%(number)s, %(free)s free", number=contract.number, free=bytes_text(free_bytes))


def excess_text(contracts: list[Contract]) -> str:
    """What more than the allocation costs, where that is one price."""
    prices = {money(contract.excess_price_cents, contract.currency) for contract in contracts}
    if len(prices) == 1:
        return _("More may be used. The excess is billed at %(price)s per GB and month.", price=prices.pop())
    return _("More may be used. The excess is billed at the excess price of the contract.")
