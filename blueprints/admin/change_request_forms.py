"""Forms with which operators answer and decide requests."""

import flask
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import HiddenField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length, Optional

from blueprints.admin.contract_forms import CapacityField
from blueprints.formats import language
from models.change_request import ChangeRequest
from services.capacity import split_bytes
from services.change_requests import LONGEST_TEXT
from services.request_list import Line

TOO_LONG = Length(max=2 * LONGEST_TEXT, message=_l("Write at most %(most)s characters.", most=LONGEST_TEXT))
WHY = DataRequired(_l("Write what the partner should know about it."))


class DeclineForm(FlaskForm):
    note = TextAreaField(_l("Why it is declined"), validators=[WHY, TOO_LONG])


class ApproveForm(FlaskForm):
    """Closing: nothing but a word with it."""

    note = TextAreaField(_l("Note for the partner"), validators=[Optional(), TOO_LONG])
    version = HiddenField()  # of the contract that the operator saw
    amounts: dict[str, str] = {}  # field name -> sub-account number


class CloseForm(FlaskForm):
    note = TextAreaField(_l("What the partner should know"), validators=[WHY, TOO_LONG])


class DoneForm(ApproveForm):
    note = TextAreaField(_l("What was done"), validators=[WHY, TOO_LONG])


def amount_field(label: str, amount_bytes: int) -> CapacityField:
    missing = InputRequired(_l('Enter an amount such as "1.5 TB" or "250 GB".'))
    return CapacityField(label, validators=[missing], default=" ".join(split_bytes(amount_bytes, language())))


def approve_form(asked: ChangeRequest, lines: list[Line], *, filled: bool) -> ApproveForm:
    """The form of this request's kind, with what was asked as proposal. `filled`: read what was sent."""
    fields: dict[str, object] = {}
    if asked.kind == "decrease":
        # what was sent for a sub-account that is gone since is kept: the decision was about something else
        left = [
            line for line in lines if not line.gone or (filled and f"approve-a-{line.number}" in flask.request.form)
        ]
        fields |= {f"a-{line.number}": amount_field(line.name, line.after_bytes) for line in left}
        fields["amounts"] = {f"a-{line.number}": line.number for line in left}
    if asked.kind == "more_capacity":
        fields["more_bytes"] = amount_field(_("Granted in addition"), asked.wanted["more_bytes"])
    base = DoneForm if asked.kind in ("contract_change", "correction") else ApproveForm
    form_class = type("FormOfKind", (base,), fields)
    if filled:
        return form_class(prefix="approve-")
    version = str(asked.contract.version) if asked.contract_id else ""
    return form_class(formdata=None, prefix="approve-", version=version)
