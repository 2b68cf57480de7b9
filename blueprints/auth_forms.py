"""The forms of log-in and password."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import EmailField, HiddenField, PasswordField
from wtforms.validators import DataRequired, Email, InputRequired, Length


class LogInForm(FlaskForm):
    email = EmailField(_l("Mail address"), [DataRequired(_l("Enter your mail address."))])
    password = PasswordField(_l("Password"), [InputRequired(_l("Enter your password."))])
    next = HiddenField()


class ForgotForm(FlaskForm):
    email = EmailField(
        _l("Mail address"),
        [
            DataRequired(_l("Enter your mail address.")),
            Length(max=254, message=_l("Enter a mail address such as name@example.com.")),
            Email(_l("Enter a mail address such as name@example.com.")),
        ],
    )


class NewPasswordForm(FlaskForm):
    """`email` is shown so that password managers know for whom they keep the password; what comes back is not read."""

    email = EmailField(_l("Mail address"))
    password = PasswordField(_l("New password"), [InputRequired(_l("Enter a new password."))])
