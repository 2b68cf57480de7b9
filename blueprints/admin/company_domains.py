"""Mail domains that partners say are theirs: confirmed, refused or taken back by the provider's staff."""

from flask import Response, current_app, flash, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import TextAreaField
from wtforms.validators import DataRequired, Length

from blueprints.access import Permission, act, requires
from blueprints.admin import bp
from blueprints.errors import put_refusal, words
from blueprints.partials import answer, leave_to
from models.partner import Partner
from models.sso import SsoDomain
from services import sso, sso_desk
from services.refusal import NotFound, Refusal


class RefuseForm(FlaskForm):
    note = TextAreaField(
        _l("Why"),
        [
            DataRequired(_l("Write why. The company reads it.")),
            Length(max=500, message=_l("Enter at most 500 characters.")),
        ],
    )


@bp.get("/company-log-ins")
@requires(Permission.SSO_DECIDE, proof=True)
def company_domains():
    rows = sso_desk.listed()
    return answer(
        "admin/company_domains.html", rows=rows, issuers={row.partner_id: sso.of(row.partner) for row in rows}
    )


@bp.post("/company-log-ins/<int:domain_id>/confirm")
@requires(Permission.SSO_DECIDE, proof=True)
def confirm_company_domain(domain_id: int):
    try:
        row = sso_desk.confirm(act(), current_app.settings, domain_id)
    except NotFound:
        raise
    except Refusal as refusal:
        flash(words(refusal), "bad")
    else:
        flash(_("%(domain)s is confirmed.", domain=row.domain), "good")
    return leave_to(url_for("admin.company_domains"))


@bp.get("/company-log-ins/<int:domain_id>/refuse")
@requires(Permission.SSO_DECIDE, proof=True)
def refuse_company_domain(domain_id: int):
    return refuse_page(known(domain_id), RefuseForm(formdata=None))


@bp.post("/company-log-ins/<int:domain_id>/refuse")
@requires(Permission.SSO_DECIDE, proof=True)
def refuse_company_domain_now(domain_id: int):
    form, row = RefuseForm(), known(domain_id)
    if not form.validate():
        return refuse_page(row, form, 422)
    try:
        sso_desk.refuse(act(), current_app.settings, domain_id, form.note.data or "")
    except NotFound:
        raise
    except Refusal as refusal:
        put_refusal(form, refusal)
        return refuse_page(row, form, 422)
    flash(_("%(domain)s signs nobody in. The company was told.", domain=row.domain), "good")
    return leave_to(url_for("admin.company_domains"))


def known(domain_id: int) -> SsoDomain:
    row = SsoDomain.select(SsoDomain, Partner).join(Partner).where(SsoDomain.id == domain_id).first()
    if row is None:
        raise NotFound
    return row


def refuse_page(row: SsoDomain, form: RefuseForm, status: int = 200) -> Response:
    return answer("admin/company_domain_refuse.html", row=row, form=form, status=status)
