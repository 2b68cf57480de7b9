"""The partner's own company: its details, what of them waits for us, and whether they are still right (T8)."""

from flask import Blueprint, Response, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_wtf import FlaskForm
from wtforms import HiddenField, TextAreaField

from blueprints.access import Permission, act, requires, viewer
from blueprints.company_fields import company_fields, hints
from blueprints.errors import put_refusal, words
from blueprints.partials import answer, leave_to
from models.partner import DetailQuery, Partner
from services import company_edit, confirmation, desk, measures
from services.company_details import shown_phone

bp = Blueprint("company", __name__, url_prefix="/company")


@bp.get("")
@requires(Permission.COMPANY_VIEW)
def show():
    return page()


@bp.post("/confirm")
@requires(Permission.COMPANY_CHANGE, least="read")
def confirm():
    form = type("ConfirmForm", (FlaskForm,), {"seen": HiddenField()})()
    try:
        confirmation.confirm(act(), viewer.partner, form.seen.data or "")
    except confirmation.ConfirmationRefused as refusal:
        return page(409, words(refusal))
    flash(_("Thank you. The details are confirmed."), "good")
    return leave_to(url_for("company.show"))


@bp.route("/edit", methods=["GET", "POST"])
@requires(Permission.COMPANY_CHANGE, least="read")
def edit():
    partner = current()
    asked = list(partner.open_queries.order_by(DetailQuery.id))
    form = edit_form(partner, asked)
    if not form.is_submitted():
        return form_page(form, partner, asked)
    given = {name: form[name].data or "" for name in company_edit.EDITABLE}
    remarks = {row.field: form[f"answer_{row.field}"].data or "" for row in asked}
    try:
        edited = company_edit.change(act(), viewer.member, given, remarks, request.form.get("seen", ""))
    except company_edit.EditStale as refusal:
        return stale(form, asked, words(refusal))
    except company_edit.EditRefused as refusals:
        for refusal in refusals.refused:
            put_refusal(form, refusal)
        return form_page(form, partner, asked, 422)
    flash(said(edited), "good")
    return leave_to(url_for("company.show"))


def current() -> Partner:
    """Read afresh: the row of the session is as old as the request."""
    return Partner.get(Partner.id == viewer.partner.id)


def page(status: int = 200, problem: str | None = None) -> Response:
    partner = current()
    details = desk.details(partner)
    return answer(
        "company/show.html",
        status=status,
        problem=problem,
        has_errors=problem is not None,
        partner=partner,
        details=details,
        asked=[detail for detail in details if detail.mark == "queried"],
        phone=shown_phone(partner.phone),
        seen=confirmation.worded(partner),
        due_at=partner.details_due_at,
        may_change=viewer.may(Permission.COMPANY_CHANGE),
        measure=measures.open_measure(partner, "suspension"),
        measure_reasons=measures.REASONS,
    )


def edit_form(partner: Partner, asked: list[DetailQuery]) -> FlaskForm:
    """The details that can be changed, and room for a remark about each that we asked about."""
    known = company_fields()
    fields = {name: known[name] for name in company_edit.EDITABLE}
    for row in asked:
        label = _("Remark about: %(detail)s", detail=_(desk.DETAILS[row.field]))
        extra = {"maxlength": company_edit.ANSWER_LENGTH, "rows": 3}
        fields[f"answer_{row.field}"] = TextAreaField(label, render_kw=extra)
    now = company_edit.present(partner)
    data = {**now, "phone": shown_phone(now["phone"]), "seen": confirmation.worded(partner)}
    return type("CompanyForm", (FlaskForm,), {**fields, "seen": HiddenField()})(data=data)


def stale(form: FlaskForm, asked: list[DetailQuery], problem: str) -> Response:
    """What was typed stays; the next try starts from what stands there now."""
    partner = current()
    form.form_errors.append(problem)
    form.seen.data = confirmation.worded(partner)
    return form_page(form, partner, asked, 409, company_edit.present(partner))


def form_page(
    form: FlaskForm, partner: Partner, asked: list[DetailQuery], status: int = 200, now: dict | None = None
) -> Response:
    return answer(
        "company/edit.html",
        status=status,
        form=form,
        partner=partner,
        asked=asked,
        held=company_edit.HELD,
        at_once=company_edit.AT_ONCE,
        hints=hints(partner.country),
        now=now,
    )


def said(edited: company_edit.Edited) -> str:
    if edited.waiting:
        return ngettext(
            "Saved. %(num)s change waits until we have checked it; the old value stays in force until then.",
            "Saved. %(num)s changes wait until we have checked them; the old values stay in force until then.",
            len(edited.waiting),
        )
    return _("Saved. Thank you for keeping the details right.")
