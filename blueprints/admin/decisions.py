"""The verification desk: ask, approve, refuse (T9)."""

from flask import current_app, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from blueprints.access import Permission, act, requires
from blueprints.admin import bp
from blueprints.admin.decision_forms import NOTE_PREFIX, ApproveForm, QueryForm, RefuseForm, SeenForm
from blueprints.admin.partners import known_partner, show_partner
from blueprints.errors import put_refusal, words
from blueprints.partials import answer, leave_to
from models.partner import Partner
from services import verification
from services.refusal import NotFound, Refusal


@bp.route("/partners/<int:partner_id>/query", methods=["GET", "POST"])
@requires(Permission.APPLICATION_QUERY)
def query(partner_id: int):
    partner = known_partner(partner_id)
    if request.method == "GET" and partner.state not in verification.UNDECIDED:
        return _nothing_to_decide(partner)
    form = QueryForm(seen=verification.fingerprint(partner))
    if form.validate_on_submit():
        notes = {name: form[NOTE_PREFIX + name].data or "" for name in verification.DETAILS}
        try:
            asked = verification.query(act(), current_app.settings, partner.id, notes, form.seen.data)
        except Refusal as refusal:
            put_refusal(form, refusal)
        else:
            flash(
                ngettext(
                    "%(num)s question was sent to the partner.",
                    "%(num)s questions were sent to the partner.",
                    len(asked),
                ),
                "good",
            )
            return leave_to(_file(partner))
    return _form_page("admin/query.html", form, partner, details=verification.details(partner))


@bp.post("/partners/<int:partner_id>/approve")
@requires(Permission.APPLICATION_DECIDE)
def approve(partner_id: int):
    form = ApproveForm()
    rest = form.rest.data == "accept"
    try:
        partner = verification.approve(act(), current_app.settings, partner_id, form.seen.data or "", rest=rest)
    except NotFound:
        raise
    except Refusal as refusal:
        return show_partner(known_partner(partner_id), 409, words(refusal))
    flash(
        _("%(name)s is a partner now and was told by mail. Next: create a contract.", name=partner.legal_name), "good"
    )
    return leave_to(_file(partner))


@bp.route("/partners/<int:partner_id>/refuse", methods=["GET", "POST"])
@requires(Permission.APPLICATION_DECIDE)
def refuse(partner_id: int):
    partner = known_partner(partner_id)
    if request.method == "GET" and partner.state not in verification.UNDECIDED:
        return _nothing_to_decide(partner)
    form = RefuseForm(seen=verification.fingerprint(partner))
    if form.validate_on_submit():
        try:
            verification.refuse(act(), current_app.settings, partner.id, form.reason.data, form.seen.data)
        except Refusal as refusal:
            put_refusal(form, refusal)
        else:
            flash(_("The application of %(name)s was refused.", name=partner.legal_name), "good")
            return leave_to(_file(partner))
    return _form_page("admin/refuse.html", form, partner)


def _form_page(template: str, form: SeenForm, partner: Partner, **values):
    """The form, or what is wrong with it. A refused form gets the present state, so that the next try can succeed."""
    form.seen.data = verification.fingerprint(known_partner(partner.id))
    return answer(template, status=422 if form.errors else 200, form=form, partner=partner, **values)


def _nothing_to_decide(partner: Partner):
    flash(_("There is no open application here."), "info")
    return leave_to(_file(partner))


def _file(partner: Partner) -> str:
    return url_for("admin.partner", partner_id=partner.id)
