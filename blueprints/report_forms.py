"""The form of a security report: short for everybody, with choices for who is signed in."""

import secrets

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import HiddenField, RadioField, SelectMultipleField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.widgets import CheckboxInput, ListWidget

from blueprints.whole_numbers import whole
from models.incident import INCIDENT_KINDS
from services import security_report
from services.security_report import KINDS, LONGEST_CONTACT, LONGEST_TEXT, Report

AT_ONCE = {
    "sessions_own": _l("End all my log-ins, on this device too"),
    "passwords_own": _l("Let me choose a new password before I sign in again"),
    "sessions_company": _l("End all log-ins of everybody in my company"),
    "passwords_company": _l("Let everybody in my company choose a new password"),
}


class Boxes(SelectMultipleField):
    """Any number of boxes to tick. What is not offered is for the service to refuse."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()

    def pre_validate(self, form) -> None:
        return None


class ReportForm(FlaskForm):
    kind = RadioField(_l("What happened?"), validate_choice=False)
    text = TextAreaField(_l("Tell us what you saw"), render_kw={"rows": 6, "maxlength": LONGEST_TEXT})
    contact = StringField(
        _l("How can we reach you?"), render_kw={"maxlength": LONGEST_CONTACT, "autocomplete": "email"}
    )
    numbers = Boxes(_l("Which sub-accounts are concerned?"))
    keys = Boxes(_l("Which keys shall be switched off at once?"))
    at_once = Boxes(_l("What shall happen at once?"))
    once = HiddenField(default=lambda: secrets.token_urlsafe(16))

    def report(self) -> Report:
        """What was entered. A key that is no number is one that nobody has."""
        return Report(
            kind=self.kind.data or "",
            text=(self.text.data or "").replace("\r\n", "\n"),
            contact=self.contact.data or "",
            numbers=tuple(self.numbers.data or ()),
            key_ids=tuple(whole(key) or 0 for key in self.keys.data or ()),
            at_once=tuple(self.at_once.data or ()),
        )


def report_form(person) -> ReportForm:
    """With what this person can choose; a stranger's has no choices."""
    form = ReportForm()
    form.kind.choices = [SelectChoice(name, _(KINDS[name])) for name in INCIDENT_KINDS]
    form.numbers.choices = [
        SelectChoice(row.number, f"{row.name} ({row.number})") for row in security_report.accounts(person)
    ]
    form.keys.choices = [
        SelectChoice(str(key.id), f"{key.access_key_id} ({key.sub_account.name})")
        for key in security_report.keys(person)
    ]
    form.at_once.choices = [SelectChoice(name, AT_ONCE[name]) for name in security_report.choices(person)]
    return form
