"""The form that switches an area off."""

import secrets

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, HiddenField, RadioField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired

from blueprints.moments import MomentField
from models.partner import Partner
from services import features, partner_lookup
from services.feature_switching import TEXT_LENGTH, Wish

WHOSE = [SelectChoice("all", _l("All partners")), SelectChoice("one", _l("One partner"))]
OWN_NAMES = {"en": "English", "de": "Deutsch"}


class SwitchForm(FlaskForm):
    """Texts are added for each language: `text_en`, …"""

    area = RadioField(
        _l("What is switched off"),
        choices=[SelectChoice(name, _l(area.label)) for name, area in features.AREAS.items()],
        validators=[InputRequired(_l("Choose an area."))],
    )
    whose = RadioField(_l("For whom"), choices=WHOSE, default="all")
    partner = StringField(_l("Partner"))
    from_at = MomentField(_l("Off from"))
    until_at = MomentField(_l("Expected back on"))
    announced = BooleanField(_l("Tell members ahead of the time"))
    once = HiddenField(default=lambda: secrets.token_urlsafe(16))

    def wish(self, languages: tuple[str, ...]) -> Wish:
        """What was entered. Raises NotOne when the partner is not found."""
        one = partner_lookup.named(self.partner.data or "", "partner").id if self.whose.data == "one" else None
        texts = {language: self[f"text_{language}"].data or "" for language in languages}
        return Wish(self.area.data, one, self.from_at.at, self.until_at.at, texts, self.announced.data)


def switch_form(languages: tuple[str, ...], partner: Partner | None = None) -> SwitchForm:
    fields = {
        f"text_{language}": TextAreaField(
            _("What members read (%(language)s)", language=OWN_NAMES.get(language, language)),
            render_kw={"rows": 2, "maxlength": TEXT_LENGTH, "lang": language},
            validators=[InputRequired(_l("Write what members read in this language."))],
        )
        for language in languages
    }
    given = {"whose": "one", "partner": partner_lookup.written(partner)} if partner else {}
    return type("SwitchTextsForm", (SwitchForm,), fields)(**given)
