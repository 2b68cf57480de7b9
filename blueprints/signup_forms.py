"""The forms of the sign-up. What is right is decided by services.company_details; here stand the words."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import EmailField, PasswordField, RadioField, StringField, TelField
from wtforms.fields.choices import SelectChoice

from blueprints.company_fields import NEEDED, company_fields, written

CompanyForm = type("CompanyForm", (FlaskForm,), company_fields())


class PersonForm(FlaskForm):
    name = StringField(_l("Your name"), render_kw=written(100, **NEEDED))
    email = EmailField(
        _l("Work mail address"), render_kw=written(254, autocapitalize="none", spellcheck="false", **NEEDED)
    )
    person_phone = TelField(_l("Your phone number"), render_kw=written(40))
    job_title = StringField(_l("Job title"), render_kw=written(80))
    relation = RadioField(
        _l("What are you to the company?"),
        choices=[
            SelectChoice("employee", _l("Employee")),
            SelectChoice("contractor", _l("Contractor")),
            SelectChoice("agent", _l("Agent")),
        ],
        default="employee",
        validate_choice=False,
    )
    password = PasswordField(_l("Password"), render_kw={"maxlength": 200})


class ConfirmForm(FlaskForm):
    password = PasswordField(_l("Your password"), render_kw={"maxlength": 200, **NEEDED})
