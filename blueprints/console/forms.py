"""The forms of the customer console."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, EmailField, HiddenField, PasswordField, StringField, TextAreaField
from wtforms.validators import DataRequired, Email, InputRequired, Length

from services.flow_down_answers import LONGEST_REASON
from services.names import LONGEST

TOO_LONG = _l("Enter at most %(max)d characters.")
NO_ADDRESS = _l("Enter a mail address such as name@example.com.")


class LogInForm(FlaskForm):
    email = EmailField(_l("Mail address"), [DataRequired(_l("Enter your mail address."))])
    password = PasswordField(_l("Password"), [InputRequired(_l("Enter your password."))])


class ForgotForm(FlaskForm):
    email = EmailField(
        _l("Mail address"),
        [DataRequired(_l("Enter your mail address.")), Length(max=254, message=NO_ADDRESS), Email(NO_ADDRESS)],
    )


class ChooseForm(FlaskForm):
    """`email` is shown so that password managers know for whom they keep the password; what comes back is not read."""

    email = EmailField(_l("Mail address"))
    password = PasswordField(_l("New password"), [InputRequired(_l("Enter a new password."))])


class ChangeForm(ChooseForm):
    old_password = PasswordField(_l("Present password"), [InputRequired(_l("Enter your present password."))])


class AgreeForm(FlaskForm):
    """`agree` gets its words from the text that is shown; `seen` is what was shown."""

    seen = HiddenField()
    company = StringField(
        _l("Company"),
        [InputRequired(_l("Enter the company that agrees.")), Length(max=LONGEST, message=TOO_LONG)],
    )
    agree = BooleanField("", [InputRequired(_l("Tick the box if you agree."))])


class DeclineForm(FlaskForm):
    seen = HiddenField()
    reason = TextAreaField(_l("Reason"), [Length(max=LONGEST_REASON, message=TOO_LONG)])
