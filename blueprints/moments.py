"""A day and a time as people enter them, in their own zone."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from wtforms import StringField
from wtforms.validators import ValidationError
from wtforms.widgets import DateTimeLocalInput

from blueprints.formats import chosen_zone


class MomentField(StringField):
    """Keeps what was typed; `at` is what it means, in UTC; None when it was left empty."""

    widget = DateTimeLocalInput()
    at: datetime | None = None

    def post_validate(self, form, validation_stopped):
        self.at = None
        if validation_stopped or not (self.data or "").strip():
            return
        try:
            typed = datetime.fromisoformat(self.data.strip().replace(" ", "T"))
        except ValueError as failure:
            raise ValidationError(_("Enter a day and a time such as 2026-03-31 14:00.")) from failure
        zone = ZoneInfo(chosen_zone())
        self.at = (typed if typed.tzinfo else typed.replace(tzinfo=zone)).astimezone(UTC)

    def show(self, at: datetime | None) -> None:
        """Fills the field."""
        self.data = at.astimezone(ZoneInfo(chosen_zone())).strftime("%Y-%m-%dT%H:%M") if at else ""
