"""The verification desk: a verdict about each detail of a company (T9)."""

from flask import current_app, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from wtforms import SelectField, StringField
from wtforms.fields.choices import SelectChoice

from blueprints.access import Permission, act, requires
from blueprints.admin import bp
from blueprints.admin.decision_forms import SeenForm
from blueprints.admin.partners import known_partner
from blueprints.errors import put_refusal
from blueprints.partials import answer, leave_to
from models.partner import Partner
from services import desk, verdicts
from services.refusal import NotFound, Refusal

CHOICES = [
    SelectChoice("", _l("As it stands")),
    SelectChoice("accepted", _l("Accept")),
    SelectChoice("queried", _l("Ask")),
    SelectChoice("rejected", _l("Reject")),
]
Fields: dict = {}
for _name in desk.DETAILS:
    Fields[f"verdict_{_name}"] = SelectField(_l("Verdict"), choices=CHOICES, validate_choice=False)
    Fields[f"note_{_name}"] = StringField(_l("Note"), render_kw={"maxlength": desk.NOTE_LENGTH})
DetailsForm = type("DetailsForm", (SeenForm,), Fields)


@bp.route("/partners/<int:partner_id>/details", methods=["GET", "POST"])
@requires(Permission.APPLICATION_DECIDE)
def judge(partner_id: int):
    partner = known_partner(partner_id)
    file = url_for("admin.partner", partner_id=partner.id)
    if partner.state not in verdicts.JUDGED_STATES:
        flash(_("There is nothing to check here."), "info")
        return leave_to(file)
    form = DetailsForm(seen=desk.fingerprint(partner))
    if not form.is_submitted():
        return page(form, partner)
    try:
        found = chosen(form)
        verdicts.judge(act(), current_app.settings, partner.id, found, request.form.get("seen", ""))
    except NotFound:
        raise
    except Refusal as refusal:
        put_refusal(form, refusal)
        return page(form, partner, 409 if refusal.field is None else 422)
    flash(ngettext("%(num)s verdict was noted.", "%(num)s verdicts were noted.", len(found)), "good")
    return leave_to(file)


def chosen(form) -> dict[str, verdicts.Verdict]:
    """What was chosen; a detail without a verdict stays as it is."""
    found = {}
    for name in desk.DETAILS:
        verdict = form[f"verdict_{name}"].data or ""
        if verdict in verdicts.OUTCOMES:
            found[name] = verdicts.Verdict(verdict, form[f"note_{name}"].data or "")
    return found


def page(form, partner: Partner, status: int = 200):
    """A refused form gets the present state, so that the next try can succeed."""
    partner = known_partner(partner.id)
    form.seen.data = desk.fingerprint(partner)
    undecided = partner.state in desk.UNDECIDED
    details = desk.details(partner)
    return answer("admin/details.html", status=status, form=form, partner=partner, details=details, undecided=undecided)
