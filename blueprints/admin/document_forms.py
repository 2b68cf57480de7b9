"""The form in which a new version of a legal document is written: one set of texts for each language."""

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, HiddenField, RadioField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Optional

from blueprints.admin.contract_forms import DayField, WholeNumberField
from services.document_desk import Draft, own_day
from services.document_wanted import Text, Wanted
from services.settings import Settings

EFFECTS = {
    "click": _l("It needs a fresh click: an administrator of each partner agrees to it"),
    "use": _l("Notice is enough: whoever goes on using the portal agrees to it"),
}
PARTS = ("title", "body", "change_summary", "reason")


class DraftForm(FlaskForm):
    """Subclassed for each draft: `title_en`, `body_en`, `change_summary_en` and `reason_en` for each language."""

    label = StringField(_l("Number of the version"), validators=[InputRequired(_l("Enter a number, such as 1.1."))])
    effect = RadioField(
        _l("How it takes effect"),
        choices=[SelectChoice(code, label) for code, label in EFFECTS.items()],
        default="click",
        validate_choice=False,
    )
    effective_on = DayField(_l("In force from"), validators=[Optional()])
    grace_days = WholeNumberField(_l("Time to agree after that day, in days"), validators=[Optional()])
    required_by_law = BooleanField(_l("The law or a court requires the change sooner"))
    revision = HiddenField()

    languages: tuple[str, ...] = ()

    def texts(self) -> list[tuple]:
        """Each language with its fields."""
        return [(language, [self[f"{part}_{language}"] for part in PARTS]) for language in self.languages]

    def wanted(self) -> Wanted:
        return Wanted(
            label=(self.label.data or "").strip(),
            texts={language: Text(*(field.data or "" for field in fields)) for language, fields in self.texts()},
            by_click=self.effect.data != "use",
            required_by_law=bool(self.required_by_law.data),
            effective_on=self.effective_on.data,
            grace_days=self.grace_days.data or 0,
        )

    def fill(self, draft: Draft, settings: Settings) -> None:
        """What the draft says at present."""
        shared = draft.any
        self.label.data, self.revision.data = shared.label, str(draft.revision)
        self.effect.data = "click" if shared.requires_acceptance else "use"
        self.effective_on.data, self.grace_days.data = own_day(shared, settings), shared.grace_days
        self.required_by_law.data = shared.required_by_law
        for language, row in draft.rows.items():
            for part in PARTS:
                self[f"{part}_{language}"].data = getattr(row, part)


def draft_form(languages: list[str]) -> DraftForm:
    fields: dict = {"languages": tuple(languages)}
    for language in languages:
        fields[f"title_{language}"] = StringField(_("Title"), validators=[InputRequired(_("Enter a title."))])
        fields[f"body_{language}"] = TextAreaField(_("Text"), validators=[InputRequired(_("Enter the text."))])
        fields[f"change_summary_{language}"] = TextAreaField(_("What changes, in short"))
        fields[f"reason_{language}"] = TextAreaField(_("Why a fresh click is needed, or why notice is enough"))
    return type("Draft", (DraftForm,), fields)()


class StepForm(FlaskForm):
    """A step on the way of a draft. `revision`: what the operator has seen; `note`: what is to be changed."""

    revision = HiddenField()
    note = TextAreaField(_l("What is to be changed"))
