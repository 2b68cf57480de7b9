"""Forms of the verification desk."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import HiddenField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length

from services.verification import DETAILS, NOTE_LENGTH


class SeenForm(FlaskForm):
    """`seen` names what the operator looked at, so that a decision about something else is refused."""

    seen = HiddenField()


class ApproveForm(SeenForm):
    """`rest`: accept in the same act every detail that is not accepted yet."""

    rest = HiddenField()


class RefuseForm(SeenForm):
    reason = TextAreaField(
        _l("Reason"),
        validators=[
            InputRequired(_l("Write down why, so that colleagues can understand it later.")),
            Length(max=2000, message=_l("Write at most 2000 characters.")),
        ],
    )


NOTE_PREFIX = "note_"
NoteFields = {
    NOTE_PREFIX + name: StringField(
        _l(label),
        validators=[Length(max=NOTE_LENGTH, message=_l("Write at most %(most)s characters.", most=NOTE_LENGTH))],
    )
    for name, label in DETAILS.items()
}
QueryForm = type("QueryForm", (SeenForm,), NoteFields)
