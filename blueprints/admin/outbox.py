"""Mails as they wait, fail and go out."""

from flask import abort, current_app, flash, request, url_for
from flask_babel import gettext as _

from blueprints.access import Permission, act, requires
from blueprints.admin import bp
from blueprints.errors import words
from blueprints.partials import answer, leave_to
from blueprints.whole_numbers import whole
from services import outbox_desk
from services.refusal import NotFound, Refusal


@bp.get("/outbox")
@requires(Permission.OUTBOX_VIEW)
def outbox():
    state = request.args.get("state", "")
    listing = outbox_desk.page(state, request.args.get("before", type=whole))
    return answer("admin/outbox.html", "admin/_mails.html", listing=listing, state=state, **_where())


@bp.get("/outbox/<int:mail_id>")
@requires(Permission.OUTBOX_VIEW)
def mail(mail_id: int):
    return _show(mail_id)


@bp.post("/outbox/<int:mail_id>/send-again")
@requires(Permission.OUTBOX_VIEW)
def send_again(mail_id: int):
    try:
        outbox_desk.send_again(act(), mail_id)
    except NotFound:
        raise
    except Refusal as refusal:
        return _show(mail_id, 422, problem=words(refusal))
    flash(_("The mail is due now. The worker sends it within seconds."), "good")
    return leave_to(url_for("admin.mail", mail_id=mail_id))


def _show(mail_id: int, status: int = 200, **values):
    try:
        row, text = outbox_desk.one(mail_id)
    except NotFound:
        abort(404)
    return answer("admin/mail.html", status=status, mail=row, text=text, **_where(), **values)


def _where() -> dict:
    """Without SMTP_URL mails land as files; the page says where."""
    settings = current_app.settings
    return {"mail_dir": None if settings.smtp_url else settings.mail_dir}
