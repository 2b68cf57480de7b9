"""Forms of requests: what is asked for, and what is written about it."""

import secrets

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import HiddenField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length, ValidationError

from blueprints.errors import words
from blueprints.formats import language
from models.contract import Contract
from services.capacity import CapacityRefused, parse_bytes
from services.change_requests import ABOUT_A_CONTRACT, LONGEST_TEXT

TOO_LONG = _l("Write at most %(most)s characters.", most=LONGEST_TEXT)
NONE = ""


def text_field(label, missing) -> TextAreaField:
    """The length is looked at in the service once more: a browser counts line breaks in another way."""
    return TextAreaField(label, validators=[DataRequired(missing), Length(max=2 * LONGEST_TEXT, message=TOO_LONG)])


class MessageForm(FlaskForm):
    text = text_field(_l("Your message"), _l("Write a message first."))
    once = HiddenField()


class RequestForm(FlaskForm):
    contract = SelectField(_l("Contract"), validate_choice=False)
    more_bytes = StringField(_l("How much more do you need?"))
    reason = text_field(_l("What do you need, and why?"), _l("Write in a sentence what you need and why."))
    once = HiddenField()

    wanted_bytes = 0

    def validate_more_bytes(self, field: StringField) -> None:
        try:
            self.wanted_bytes = parse_bytes(field.data or "", "TB", language())
        except CapacityRefused as refused:
            raise ValidationError(words(refused)) from refused


def request_form(kind: str, contracts: list[Contract]) -> RequestForm:
    """Only the fields of this kind. A contract need not be named for a correction."""
    form = RequestForm(once=new_key())
    form.contract.choices = [SelectChoice(row.number, row.number) for row in contracts]
    if kind not in ABOUT_A_CONTRACT:
        form.contract.choices.insert(0, SelectChoice(NONE, _l("No particular one")))
    if kind != "more_capacity":
        del form.more_bytes
    return form


def new_key() -> str:
    return secrets.token_urlsafe(16)
