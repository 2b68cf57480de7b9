"""Forms of second factors: at log-in, for the step-up, and on the page Security."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, EmailField, HiddenField, PasswordField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length

CODE = {"autocomplete": "one-time-code", "autocapitalize": "none", "spellcheck": "false", "maxlength": "40"}


class CodeForm(FlaskForm):
    code = StringField(_l("Code"), [InputRequired(_l("Enter the code.")), Length(max=40)], render_kw=CODE)
    trust = BooleanField(_l("Do not ask for a code on this device for 30 days"))
    next = HiddenField()


class PasskeyForm(FlaskForm):
    """`credential` is what the browser's script puts in; without scripts there are no passkeys."""

    credential = HiddenField()
    trust = HiddenField()
    next = HiddenField()


class NewPasskeyForm(FlaskForm):
    name = StringField(
        _l("Name of the passkey"),
        [InputRequired(_l("Give it a name, such as the device that it is on.")), Length(max=60)],
        render_kw={"autocomplete": "off", "maxlength": "60"},
    )
    credential = HiddenField()


class RemoveForm(FlaskForm):
    password = PasswordField(_l("Your password"))


class LostForm(FlaskForm):
    email = EmailField(
        _l("Mail address of the person"),
        [InputRequired(_l("Enter the mail address.")), Length(max=254)],
        render_kw={"autocomplete": "off"},
    )
    reason = TextAreaField(
        _l("How do you know that it is this person who asks?"),
        [InputRequired(_l("Say how you know it, such as: we spoke in person."))],
        render_kw={"rows": "3", "maxlength": "500"},
    )
