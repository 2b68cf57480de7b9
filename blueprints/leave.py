"""Leaving: what happens when the account is closed, beginning it, taking it back, and the certificate (T19, T20)."""

from flask import Blueprint, Response, current_app, flash, g, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional

from blueprints.access import Permission, act, requires, viewer
from blueprints.certificates import certificate_file
from blueprints.errors import put_refusal, words
from blueprints.partials import answer, leave_to
from services import closing, closing_desk, leaving, names, policy
from services.refusal import NotFound, Refusal

bp = Blueprint("leave", __name__, url_prefix="/leave")


class LeaveForm(FlaskForm):
    typed = StringField(_l("Name of your company"), [InputRequired(_l("Type the name of your company."))])
    reason = TextAreaField(
        _l("Why you leave"),
        [Optional(), Length(max=closing.LONGEST_REASON, message=_l("Write at most %(max)d characters."))],
    )


@bp.get("")
@requires(Permission.CLOSURE_BEGIN, least="export", before_terms=True)
def show():
    return page(LeaveForm())


@bp.post("")
@requires(Permission.CLOSURE_BEGIN, least="export", before_terms=True, proof=True)
def begin():
    form = LeaveForm()
    if form.validate():
        if names.key(form.typed.data) == names.key(viewer.partner.legal_name):
            try:
                leaving.announce(act(), current_app.settings, viewer.partner, form.reason.data or "")
            except Refusal as refusal:
                put_refusal(form, refusal)
            else:
                flash(_("The closure is announced, and all administrators are told by mail."), "good")
                return leave_to(url_for("leave.show"))
        else:
            company = viewer.partner.legal_name
            form.typed.errors = [_("This is not the name of your company. Type %(name)s.", name=company)]
    return page(form, 422)


@bp.post("/withdraw")
@requires(Permission.CLOSURE_BEGIN, least="export", before_terms=True)
def withdraw():
    try:
        leaving.take_back(act(), current_app.settings, viewer.partner)
    except NotFound:
        raise
    except Refusal as refusal:
        flash(words(refusal), "bad")
    else:
        flash(_("The closure is taken back. Nothing will be removed."), "good")
    return leave_to(url_for("leave.show"))


@bp.get("/certificates/<name:public_id>/<name:kind>")
@requires(Permission.CLOSURE_BEGIN, least="application", before_terms=True)
def certificate(public_id: str, kind: str):
    return certificate_file(closing.own(viewer.partner, public_id), kind)


def page(form: LeaveForm, status: int = 200) -> Response:
    partner, settings = viewer.partner, current_app.settings
    closures = closing.of_partner(partner)
    contracts = list(partner.contracts)
    return answer(
        "leave/show.html",
        status=status,
        form=form,
        partner=partner,
        closures=[closure for closure in closures if closure.open],
        certificates=closing.certificates(partner),
        leaving=next((closure for closure in closures if closure.open and closure.contract_id is None), None),
        ended_by_us=any(closure.open and closure.cause == "terminated" for closure in closures),
        planned=closing.times(closing.notice_end(contracts, g.clock.now(), settings), settings),
        runs=any(contract.state == "active" for contract in contracts),
        ways=closing_desk.ways_to_fetch(partner),
        rules=policy.current(),
        progress=closing_desk.progress(closures),
    )
