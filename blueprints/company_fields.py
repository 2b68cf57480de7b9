"""Form fields for the details of a company: sign-up, answers and changes ask for them in the same words.

What is right is decided by services.company_details.
"""

import unicodedata

from flask import request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import SelectField, StringField, TelField
from wtforms.fields.choices import SelectChoice

from blueprints.formats import language
from services import company_details

LIKELY = ("DE", "AT", "CH", "NL", "FR", "GB")
NEEDED = {"required": True}


def company_fields() -> dict:
    """Name of the detail -> field, in the order of the form."""
    return {
        "legal_name": StringField(_l("Company name"), render_kw=written(160, **NEEDED)),
        "country": SelectField(_l("Country"), choices=_choices, validate_choice=False, render_kw=NEEDED),
        "register_number": StringField(_l("Register number"), render_kw=written(40)),
        "vat_id": StringField(_l("VAT number"), render_kw=written(40, autocapitalize="characters", spellcheck="false")),
        "street": StringField(_l("Street and number"), render_kw=written(120, **NEEDED)),
        "postcode": StringField(_l("Postcode"), render_kw=written(20, **NEEDED)),
        "city": StringField(_l("City"), render_kw=written(80, **NEEDED)),
        "phone": TelField(_l("Phone number"), render_kw=written(40, **NEEDED)),
    }


def written(most: int, **more: object) -> dict:
    return {"maxlength": most, **more}


def _choices() -> list[SelectChoice]:
    return [SelectChoice("", _("Choose a country")), *country_choices()]


def country_choices() -> list[SelectChoice]:
    """Likely ones first, then all others by name: the browser's own country, then those of LIKELY."""
    names = company_details.countries(language())
    first = list(dict.fromkeys(code for code in (*_asked_for(), *LIKELY) if code in names))
    others = sorted((code for code in names if code not in first), key=lambda code: sort_key(names[code]))
    groups = ((_("Likely"), first), (_("All others"), others))
    return [SelectChoice(code, names[code], optgroup=label) for label, codes in groups for code in codes]


def sort_key(name: str) -> str:
    """Å and Ö stand with A and O, as in a printed list."""
    return "".join(sign for sign in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(sign))


def hints(country: str | None) -> dict[str, str]:
    """Why a detail is asked for and how the chosen country writes it, else the likeliest one."""
    known = company_details.examples(country or country_choices()[0].value)
    such_as = {name: _("Such as %(example)s.", example=text) if text else "" for name, text in known.items()}
    no_vat = such_as["vat_id"] or _("Leave it empty if your country has none.")
    return {
        "vat_id": _("For invoices, and to check the company. %(how)s", how=no_vat),
        "postcode": such_as["postcode"] or _("As it is written in your country."),
        "phone": _("For questions that do not suit a mail. %(how)s", how=such_as["phone"]),
    }


def _asked_for() -> list[str]:
    return [tag.partition("-")[2].upper() for tag, _quality in request.accept_languages if "-" in tag]
