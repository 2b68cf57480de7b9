"""The forms about people. What is right is decided by the services; here stand the words."""

import secrets
from datetime import date

from flask import current_app
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import DateField, EmailField, HiddenField, PasswordField, RadioField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Optional

from blueprints.company_fields import NEEDED, written
from blueprints.consent_boxes import ConsentForm
from blueprints.people_words import RELATIONS, ROLES
from models.partner import Member
from services import team

NAMES = {"en": "English", "de": "Deutsch"}
ROLE_HINTS = {
    "admin": _l("Everything, people and terms included."),
    "staff": _l("Sub-accounts, allocations, keys and requests."),
    "viewer": _l("Looks at lists and use; no keys."),
}


def _choices(words: dict) -> list[SelectChoice]:
    return [SelectChoice(value, label) for value, label in words.items()]


class AccessForm(FlaskForm):
    role = RadioField(_l("Role"), choices=_choices(ROLES), validate_choice=False)
    relation = RadioField(_l("Relation to the company"), choices=_choices(RELATIONS), validate_choice=False)
    access_until_on = DateField(_l("Last day of access"), [Optional()])
    seen = HiddenField()

    @property
    def until_on(self) -> date | None:
        return self.access_until_on.data


class InviteForm(AccessForm):
    email = EmailField(_l("Mail address"), render_kw=written(254, autocapitalize="none", spellcheck="false", **NEEDED))
    locale = SelectField(_l("Language of the mail"), validate_choice=False)
    once = HiddenField()


class JoinForm(ConsentForm):
    """With a box for each document. `email` is shown so that password managers know for whom they keep the password;
    what comes back is not read."""

    email = EmailField(_l("Mail address"))
    name = StringField(_l("Your name"), render_kw=written(100, autocomplete="name", **NEEDED))
    password = PasswordField(_l("Password"), render_kw={"maxlength": 200, **NEEDED})
    locale = SelectField(_l("Language"), validate_choice=False)


def languages() -> list[SelectChoice]:
    return [SelectChoice(code, NAMES.get(code, code)) for code in current_app.settings.locales]


def access_form(member: Member) -> AccessForm:
    return AccessForm(data={**team.decided(member), "seen": team.worded(member)})


def invite_form(locale: str) -> InviteForm:
    values = {"role": "viewer", "relation": "employee", "locale": locale, "once": secrets.token_urlsafe(16)}
    form = InviteForm(data=values)
    form.locale.choices = languages()
    return form
