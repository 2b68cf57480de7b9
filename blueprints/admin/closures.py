"""Closures as staff see them: which are open, what holds them up; another end, taking back, opening (T19)."""

from flask import current_app, flash, g, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import HiddenField, TextAreaField
from wtforms.validators import InputRequired, Length

from blueprints.access import Permission, act, requires
from blueprints.admin import bp
from blueprints.admin.contract_forms import DayField
from blueprints.admin.storage_forms import ReasonForm
from blueprints.certificates import certificate_file
from blueprints.errors import put_refusal, words
from blueprints.partials import answer, leave_to
from services import closing, closing_back, closing_desk, contracts_notices, leaving
from services.refusal import NotFound, Refusal


class EndForm(ReasonForm):
    looked = HiddenField()
    last_on = DayField(_l("Last day of this step"), validators=[InputRequired(_l("Enter the last day."))])


class BackForm(FlaskForm):
    """`reason` is for a termination; its prefix keeps it apart from that of another end."""

    reason = TextAreaField(_l("Why it is taken back"), [Length(max=closing.LONGEST_REASON)])

    def __init__(self, **more):
        super().__init__(prefix="back-", **more)


@bp.get("/closures")
@requires(Permission.CLOSURE_DESK)
def closures():
    found = closing_desk.open_closures()
    return answer(
        "admin/closures.html",
        closures=found,
        progress=closing_desk.progress(found),
        ended=closing_desk.ended_closures(),
        endings=contracts_notices.endings(g.clock.now(), current_app.settings),
    )


@bp.get("/closures/<name:public_id>")
@requires(Permission.CLOSURE_DESK)
def closure(public_id: str):
    return show(public_id, EndForm(formdata=None))


@bp.post("/closures/<name:public_id>/end")
@requires(Permission.CLOSURE_DECIDE)
def move_closure(public_id: str):
    form = EndForm()
    if not form.validate():
        return show(public_id, form, 422)
    try:
        closing.move_end(
            act(), current_app.settings, public_id, form.last_on.data, form.reason.data, form.looked.data or ""
        )
    except NotFound:
        raise
    except Refusal as refusal:
        put_refusal(form, refusal)
        return show(public_id, form, 422)
    flash(_("Saved. The partner's administrators are told by mail."), "good")
    return leave_to(url_for("admin.closure", public_id=public_id))


@bp.post("/closures/<name:public_id>/withdraw")
@requires(Permission.CLOSURE_DECIDE)
def withdraw_closure(public_id: str):
    found, form = closing.by_public_id(public_id), BackForm()
    try:
        closing_back.withdraw(act(), found, current_app.settings, form.reason.data or "")
    except Refusal as refusal:
        if refusal.field:
            put_refusal(form, refusal)
            return show(public_id, EndForm(formdata=None), 422, back=form)
        flash(words(refusal), "bad")
    else:
        flash(_("The closure is taken back, and the partner's administrators are told by mail."), "good")
    return leave_to(url_for("admin.closure", public_id=public_id))


@bp.post("/closures/<name:public_id>/seen")
@requires(Permission.CLOSURE_DECIDE)
def see_closure(public_id: str):
    leaving.see(act(), public_id)
    flash(_("Noted. It is no longer in the queue."), "good")
    return leave_to(url_for("admin.queue"))


@bp.post("/closures/<name:public_id>/open/<account:number>")
@requires(Permission.CLOSURE_DECIDE)
def open_account(public_id: str, number: str):
    try:
        row = closing_desk.open_account(act(), public_id, number)
    except NotFound:
        raise
    except Refusal as refusal:
        flash(words(refusal), "bad")
    else:
        flash(_("The data of %(name)s can be fetched in a moment.", name=row.name), "good")
    return leave_to(url_for("admin.closure", public_id=public_id))


@bp.get("/closures/<name:public_id>/certificate/<name:kind>")
@requires(Permission.CLOSURE_DESK)
def closure_certificate(public_id: str, kind: str):
    return certificate_file(closing.by_public_id(public_id), kind)


def show(public_id: str, form: EndForm, status: int = 200, back: BackForm | None = None):
    found = closing.by_public_id(public_id)
    return answer(
        "admin/closure.html",
        status=status,
        closure=found,
        form=form,
        looked=closing.seen(found),
        back=back or BackForm(formdata=None),
        is_news=leaving.is_news(found, g.clock.now()),
        progress=closing_desk.progress([found]).get(found.id),
        accounts=closing_desk.accounts(found) if found.open else [],
    )
