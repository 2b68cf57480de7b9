"""Forms of decisions about what got stuck on a storage service."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import HiddenField, RadioField, TextAreaField
from wtforms.validators import InputRequired, Length

from services.provisioning_desk import fingerprint, is_gone, is_gone_before_deletion, remote_bytes

WAYS = {
    "pause": _l("Put on hold: the worker leaves it alone until you let it go on"),
    "resume": _l("Let it go on: the worker brings the storage service to what is wanted, at once"),
    "accept": _l("Take over the amount that stands on the storage service"),
    "cancel": _l("Go back to the amount that was last in force"),
    "end": _l("It is known to be gone: the worker looks once more, then ends the deletion"),
    "anew": _l("Make the account anew, empty: what it held is lost, and its keys have to be replaced"),
}


class ReasonForm(FlaskForm):
    reason = TextAreaField(
        _l("Reason"),
        validators=[
            InputRequired(_l("Write down why, so that colleagues can understand it later.")),
            Length(max=500, message=_l("Write at most %(most)s characters.", most=500)),
        ],
    )


class DecideForm(ReasonForm):
    """`seen` names what the operator looked at, so that a decision about something else is refused."""

    seen = HiddenField()
    way = RadioField(_l("What is to happen"), validators=[InputRequired(_l("Choose one."))])


def ways_for(row) -> list[str]:
    """What can be decided about this sub-account as it stands."""
    ways = ["resume" if row.paused_at else "pause"]
    if remote_bytes(row) is not None:
        ways.append("accept")
    if row.in_force_bytes not in (None, row.allocated_bytes):
        ways.append("cancel")
    if is_gone(row):
        ways.append("anew")
    if is_gone_before_deletion(row):
        ways.append("end")
    return ways


def decide_form(row) -> DecideForm:
    """The form with the choices that fit; after a refusal it carries the present state, so that the next try can
    succeed."""
    form = DecideForm(seen=fingerprint(row))
    form.way.choices = [(way, WAYS[way]) for way in ways_for(row)]
    return form
