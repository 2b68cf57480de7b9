"""Forms of the incident desk, and what its states, weights and lines of history are called."""

import secrets
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, HiddenField, RadioField, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.widgets import CheckboxInput, ListWidget

from models.incident import Incident, IncidentNote, IncidentPartner
from services import partner_lookup, security_report
from services.incident_desk import NOTE_LENGTH
from services.notice_drafts import BODY_LENGTH, TITLE_LENGTH

OWN_NAMES = {"en": "English", "de": "Deutsch"}
STATES = {
    "new": (_l("Not looked at yet"), "bad"),
    "seen": (_l("Looked at"), "info"),
    "contained": (_l("Contained"), "warn"),
    "closed": (_l("Closed"), "good"),
}
SEVERITIES = {
    "": _l("Not judged"),
    "low": _l("Low"),
    "medium": _l("Medium"),
    "high": _l("High"),
    "critical": _l("Critical"),
}
STOPS = {
    "sessions": _l("End all log-ins of its people"),
    "passwords": _l("Let all of its people choose a new password"),
    "keys": _l("Switch off all keys of its customers: their programs are refused"),
}
STOPPED = {
    "sessions": _l("Log-ins of the company ended"),
    "passwords": _l("People who have to choose a new password"),
}
NOTES = {
    "reported": _l("Reported"),
    "contained": _l("Stopped"),
    "state": _l("State"),
    "severity": _l("Weight"),
    "note": _l("Note"),
    "affected": _l("Affected partner named"),
    "told": _l("Affected partners told"),
}


class ChangeForm(FlaskForm):
    state = SelectField(_l("State"), validate_choice=False)
    severity = SelectField(_l("Weight"), validate_choice=False)
    note = TextAreaField(_l("Note"), render_kw={"rows": 4, "maxlength": NOTE_LENGTH})
    seen = HiddenField()
    once = HiddenField(default=lambda: secrets.token_urlsafe(16))


class AffectedForm(FlaskForm):
    partners = TextAreaField(_l("Affected partners"), render_kw={"rows": 4})

    def ids(self) -> list[int]:
        """Raises NotOne for a partner that is not found."""
        lines = [line for line in (self.partners.data or "").splitlines() if line.strip()]
        return [partner_lookup.named(line, "partners").id for line in lines]


class StopForm(FlaskForm):
    partner = RadioField(_l("At which partner?"), validate_choice=False)
    stops = SelectMultipleField(
        _l("What shall be stopped?"),
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
        choices=[SelectChoice(name, label) for name, label in STOPS.items()],
        validate_choice=False,
    )
    sure = BooleanField(_l("I have checked that this is needed now"))


class TellForm(FlaskForm):
    """Added to it: `title_en`, `body_en`, … for each language."""

    whose = RadioField(
        _l("Who is told?"),
        choices=[SelectChoice("affected", _l("The affected partners")), SelectChoice("all", _l("All partners"))],
        default="affected",
    )
    once = HiddenField(default=lambda: secrets.token_urlsafe(16))

    def texts(self, prefix: str, languages: tuple[str, ...]) -> dict[str, str]:
        return {language: self[f"{prefix}_{language}"].data or "" for language in languages}


def change_form(incident: Incident, *, filled: bool = True) -> ChangeForm:
    form = ChangeForm(**({"formdata": None, "obj": incident} if filled else {}))
    form.state.choices = [SelectChoice(name, label) for name, (label, _kind) in STATES.items()]
    form.severity.choices = [SelectChoice(name, label) for name, label in SEVERITIES.items()]
    if filled:
        form.note.data, form.seen.data = "", str(incident.version)
    return form


def stop_form(affected: list[IncidentPartner], **values: Any) -> StopForm:
    form = StopForm(**values)
    form.partner.choices = [SelectChoice(str(row.partner_id), row.partner.legal_name) for row in affected]
    return form


def tell_form(languages: tuple[str, ...]) -> TellForm:
    fields: dict[str, Any] = {}
    for language in languages:
        named, lang = {"language": OWN_NAMES.get(language, language)}, {"lang": language}
        title = {"maxlength": TITLE_LENGTH, **lang}
        fields[f"title_{language}"] = StringField(_("Title (%(language)s)", **named), render_kw=title)
        body = {"rows": 8, "maxlength": BODY_LENGTH, **lang}
        fields[f"body_{language}"] = TextAreaField(_("Text (%(language)s)", **named), render_kw=body)
    return type("IncidentTellForm", (TellForm,), fields)()


def note_text(note: IncidentNote) -> str:
    """A line of the history as it is read."""
    if note.kind == "state":
        return str(STATES[note.text][0])
    if note.kind == "severity":
        return str(SEVERITIES[note.text])
    if note.kind == "told" and note.text == "*":
        return _("All partners")
    if note.kind != "contained":
        return note.text
    what, count, *more = note.text.split(", ")
    named = security_report.CONTAINED.get(what)
    label = _(named) if named else str(STOPPED.get(what, what))
    return _("%(what)s: %(count)s", what=label, count=", ".join([count, *more]))


def state_word(incident: Incident) -> tuple[str, str]:
    label, kind = STATES[incident.state]
    return str(label), kind
