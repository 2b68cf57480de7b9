"""A partner's agreements and price lists, as the provider's staff lay them in and take them out (T17)."""

import secrets
from typing import cast

from flask import current_app, flash, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import HiddenField, RadioField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length

from blueprints.access import Permission, act, requires, takes_files, viewer
from blueprints.admin import bp
from blueprints.admin.partners import known_partner
from blueprints.errors import put_refusal
from blueprints.partials import answer, leave_to
from blueprints.uploading import as_download, sent_pdf
from services import partner_documents
from services.partner_documents import LONGEST_TITLE
from services.refusal import Refusal
from services.uploads import LARGEST_BYTES, CheckedPdf

KINDS = {"agreement": _l("Agreement"), "price_list": _l("Price list"), "other": _l("Other document")}
READERS = {
    "admin": _l("Administrators"),
    "staff": _l("Administrators and staff"),
    "viewer": _l("Everybody of the partner"),
}


class PaperForm(FlaskForm):
    kind = RadioField(
        _l("Kind"),
        choices=[SelectChoice(code, label) for code, label in KINDS.items()],
        default="agreement",
        validate_choice=False,
    )
    title = StringField(
        _l("Title"),
        validators=[
            InputRequired(_l("Enter a title.")),
            Length(max=LONGEST_TITLE, message=_l("Write at most %(max)d characters.")),
        ],
    )
    readers = RadioField(
        _l("Who may read it"),
        choices=[SelectChoice(code, label) for code, label in READERS.items()],
        default="admin",
        validate_choice=False,
    )
    file = FileField(_l("PDF file"), validators=[FileRequired(_l("Choose a PDF file."))])
    once = HiddenField(default=lambda: secrets.token_urlsafe(16))


@bp.get("/partners/<int:partner_id>/documents")
@requires(Permission.APPLICATION_VIEW)
def papers(partner_id: int):
    partner = known_partner(partner_id)
    papers = partner_documents.listed(partner, withdrawn=True)
    may = viewer.may(Permission.PAPER_MANAGE)
    return answer("admin/papers.html", partner=partner, papers=papers, kinds=KINDS, readers=READERS, may_manage=may)


@bp.route("/partners/<int:partner_id>/documents/new", methods=["GET", "POST"])
@requires(Permission.PAPER_MANAGE)
@takes_files
def new_paper(partner_id: int):
    partner, form = known_partner(partner_id), PaperForm()
    if form.validate_on_submit():
        told = {name: form[name].data for name in ("kind", "title", "readers")}
        once_key = form.once.data or ""
        try:
            file = cast(CheckedPdf, sent_pdf(form.file))
            row = partner_documents.add(act(), current_app.settings, partner.id, **told, file=file, once_key=once_key)
        except Refusal as refusal:
            put_refusal(form, refusal)
        else:
            flash(_("“%(title)s” is in the file. Whoever may read it gets a mail.", title=row.title), "good")
            return leave_to(url_for("admin.papers", partner_id=partner.id))
    status = 422 if form.errors else 200
    return answer("admin/paper_new.html", status=status, partner=partner, form=form, most_bytes=LARGEST_BYTES)


@bp.get("/partners/<int:partner_id>/documents/<name:public_id>")
@requires(Permission.APPLICATION_VIEW)
def paper(partner_id: int, public_id: str):
    partner = known_partner(partner_id)
    return as_download(partner_documents.download(act(), partner, public_id, withdrawn=True))


@bp.post("/partners/<int:partner_id>/documents/<name:public_id>/withdraw")
@requires(Permission.PAPER_MANAGE)
def withdraw_paper(partner_id: int, public_id: str):
    row = partner_documents.withdraw(act(), known_partner(partner_id), public_id)
    flash(_("The partner does not see “%(title)s” any more.", title=row.title), "good")
    return leave_to(url_for("admin.papers", partner_id=partner_id))
