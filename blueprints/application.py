"""Where an application stands, for members whose company is not active; questions about it are answered here (T9)."""

from flask import Blueprint, Response, flash, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import TextAreaField

from blueprints.access import Permission, act, requires, viewer
from blueprints.company_fields import company_fields, hints
from blueprints.errors import put_refusal, words
from blueprints.partials import answer, leave_to
from blueprints.standings import standing_words
from models.partner import PARTNER_STATES, DetailQuery
from services import applications, closing, measures
from services.company_details import shown_phone
from services.refusal import Refusal

PARTS = {
    "draft": "draft",
    "applied": "applied",
    "query": "query_waiting",
    "suspended": "suspended",
    "closing": "open",
    "active": "open",
}
# what may still be open while the rest is not: endpoint, what its link says
STILL_OPEN = (
    ("own_data.show", _l("Your data, and a complete export")),
    ("sub_accounts.export", _l("Sub-accounts as a file")),
    ("usage.export", _l("Usage as a file")),
    ("papers.index", _l("Documents")),
    ("change_requests.index", _l("Requests")),
    ("leave.show", _l("The closure of your account")),
    ("company.show", _l("Company")),
    ("profile.show", _l("Your profile")),
)

bp = Blueprint("application", __name__, url_prefix="/application")


@bp.get("")
@requires(Permission.PORTAL_USE, states=PARTNER_STATES)
def show():
    """Everyone of the company may look; what comes next depends on the state."""
    partner = viewer.partner
    if viewer.may_open("dashboard.show"):
        return leave_to(url_for("dashboard.show"))
    asked = applications.questions(partner) if partner.state == "query" else []
    return page(answer_form(asked, filled=True) if asked else None, asked)


@bp.post("")
@requires(Permission.APPLICATION_ANSWER, states=("query", "applied"))
def send_answers():
    asked = applications.questions(viewer.partner)
    form = answer_form(asked)
    given = {name: value or "" for name, value in form.data.items() if not name.startswith("answer_")}
    remarks = {row.field: form[f"answer_{row.field}"].data or "" for row in asked}
    try:
        applications.answer(act(), viewer.member, given, remarks)
    except applications.AnswersRefused as refusals:
        for refusal in refusals.refused:
            put(form, refusal)
        return page(form, asked, 422)
    except applications.NothingAsked as refusal:
        flash(words(refusal), "info")
        return leave_to(url_for("application.show"))
    flash(_("Thank you. Your answers are with us."), "good")
    return leave_to(url_for("application.show"))


def page(form: FlaskForm | None, asked: list[DetailQuery], status: int = 200) -> Response:
    partner = viewer.partner
    alone = [name for name in applications.editable(asked) if name not in {row.field for row in asked}]
    return answer(
        "application/show.html",
        form=form,
        asked=asked,
        alone=alone,
        part="query" if form else PARTS.get(partner.state, "ended"),
        partner=partner,
        phone=shown_phone(partner.phone),
        hints=hints(partner.country),
        certificates=closing.certificates(partner) if viewer.may_open("leave.certificate") else [],
        heading=standing_words(viewer.standing.reason),
        open_pages=[(url_for(name), str(label)) for name, label in STILL_OPEN if viewer.may_open(name)],
        measure=measures.open_measure(partner, "suspension"),
        measure_reasons=measures.REASONS,
        may_answer=viewer.may(Permission.APPLICATION_ANSWER),
        status=status,
    )


def put(form: FlaskForm, refusal: Refusal) -> None:
    """Several details may go unexplained: each says which one it is."""
    if isinstance(refusal, applications.Unexplained) and refusal.field:
        label = form[refusal.field.removeprefix("answer_")].label.text
        form[refusal.field].errors = [
            _("%(detail)s: correct it, or write here why it is right as it is.", detail=label)
        ]
    else:
        put_refusal(form, refusal)


def answer_form(asked: list[DetailQuery], *, filled: bool = False) -> FlaskForm:
    """The fields of the details that were asked about, each with room for a remark."""
    known = company_fields()
    fields = {name: known[name] for name in applications.editable(asked)}
    for row in asked:
        label = _("Remark about: %(detail)s", detail=known[row.field].args[0])
        fields[f"answer_{row.field}"] = TextAreaField(
            label, render_kw={"maxlength": applications.ANSWER_LENGTH, "rows": 3}
        )
    form = type("AnswerForm", (FlaskForm,), fields)(**({"formdata": None, "obj": viewer.partner} if filled else {}))
    if filled and "phone" in form:
        form.phone.data = shown_phone(viewer.partner.phone)
    return form
