"""The form of the rules, made from the rules themselves, and that of a contract's own rules of fair use."""

from dataclasses import fields

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, HiddenField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Optional

from blueprints.admin.contract_forms import WholeNumberField
from blueprints.admin.policy_words import RULES
from blueprints.whole_numbers import whole
from services.policy import Policy

MISSING = _l("Enter a whole number.")
SEEN = "seen-"


def _fields() -> dict[str, object]:
    made: dict[str, object] = {}
    for rule in fields(Policy):
        label = RULES[rule.name].label
        if rule.type is bool:
            made[rule.name] = BooleanField(label)
        else:
            made[rule.name] = WholeNumberField(label, validators=[InputRequired(MISSING)])
        made[SEEN + rule.name] = HiddenField()
    return made


def policy_form(now: Policy) -> FlaskForm:
    """What was sent, else the rules in force; beside each field what its reader saw."""
    values = vars(now) | {SEEN + name: str(int(value)) for name, value in vars(now).items()}
    return type("PolicyForm", (FlaskForm,), _fields())(data=values)


def changed(form: FlaskForm) -> tuple[dict[str, int | bool], Policy]:
    """The rules that the reader has changed, and all as they were seen: what nobody touched is not sent back."""
    seen = {}
    for rule in fields(Policy):
        number = whole(form[SEEN + rule.name].data)
        seen[rule.name] = rule.type(number) if number is not None else form[rule.name].data  # type: ignore[operator]
    wanted = {name: form[name].data for name, value in seen.items() if form[name].data != value}
    return wanted, Policy(**seen)


class FairUseForm(FlaskForm):
    """Empty fields mean: as for everybody."""

    fair_use_window_days = WholeNumberField(_l("Window"), validators=[Optional()])
    fair_use_decreases = WholeNumberField(_l("Decreases of one sub-account"), validators=[Optional()])
    fair_use_percent = WholeNumberField(_l("Share of the package"), validators=[Optional()])
    reason = TextAreaField(
        _l("Reason"), validators=[DataRequired(_l("Write down why, so that colleagues can understand it later."))]
    )
    seen = HiddenField()
