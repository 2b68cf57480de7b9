"""The operators' queue of requests, and the page on which one is answered and decided."""

from flask import abort, current_app, flash, g, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from blueprints.access import Permission, act, requires, viewer
from blueprints.admin import bp
from blueprints.admin.change_request_forms import ApproveForm, CloseForm, DeclineForm, approve_form
from blueprints.change_request_forms import MessageForm, new_key
from blueprints.errors import put_refusal, words
from blueprints.partials import answer, leave_to
from blueprints.whole_numbers import whole
from models.change_request import REQUEST_KINDS, ChangeRequest
from services import allocation, change_requests, fair_use, request_decisions, request_list
from services.refusal import NotFound, Refusal

HISTORY = 10


@bp.get("/requests")
@requires(Permission.REQUEST_LIST)
def change_requests_index():
    view, kind = request.args.get("view", "open"), request.args.get("kind", "")
    search, after = request.args.get("q", "").strip()[:100], request.args.get("after", type=whole)
    view = view if view in request_list.VIEWS else "open"
    kind = kind if kind in REQUEST_KINDS else ""
    return answer(
        "admin/requests.html",
        "admin/_requests.html",
        page=request_list.queue(view, kind, search, after=after),
        view=view,
        kind=kind,
        search=search,
        views=request_list.VIEWS,
        kinds=REQUEST_KINDS,
        now=g.clock.now(),
    )


@bp.get("/requests/<name:number>")
@requires(Permission.REQUEST_LIST)
def change_request(number: str):
    return show_request(known_request(number))


@bp.post("/requests/<name:number>/messages")
@requires(Permission.REQUEST_ANSWER)
def answer_request(number: str):
    asked, form = known_request(number), MessageForm()
    if not form.validate_on_submit():
        return show_request(asked, 422, message=form)
    try:
        change_requests.write(act(), current_app.settings, number, form.text.data, form.once.data or "")
    except Refusal as refusal:
        put_refusal(form, refusal)
        return show_refused(asked, refusal, message=form)
    flash(_("Your message was sent to the partner."), "good")
    return leave_to(url_for("admin.change_request", number=number))


@bp.post("/requests/<name:number>/approve")
@requires(Permission.REQUEST_DECIDE)
def approve_request(number: str):
    asked = known_request(number)
    form = approve_form(asked, request_list.lines(asked), filled=True)
    if not form.validate_on_submit():
        return show_request(asked, 422, approve=form)
    try:
        decided = approved(asked, form)
    except NotFound:
        raise
    except Refusal as refusal:
        put_refusal(form, refusal)
        return show_refused(asked, refusal, approve=form)
    flash(approval_text(decided), "good")
    return leave_to(url_for("admin.change_request", number=number))


@bp.post("/requests/<name:number>/decline")
@requires(Permission.REQUEST_DECIDE)
def decline_request(number: str):
    asked, form = known_request(number), DeclineForm(prefix="decline-")
    if not form.validate_on_submit():
        return show_request(asked, 422, decline=form)
    try:
        request_decisions.decline(act(), current_app.settings, number, form.note.data)
    except Refusal as refusal:
        put_refusal(form, refusal)
        return show_refused(asked, refusal, decline=form)
    flash(_("Declined; the partner is told why."), "good")
    return leave_to(url_for("admin.change_request", number=number))


@bp.post("/requests/<name:number>/close")
@requires(Permission.REQUEST_DECIDE)
def close_request(number: str):
    asked, form = known_request(number), CloseForm(prefix="close-")
    if not form.validate_on_submit():
        return show_request(asked, 422, close=form)
    try:
        request_decisions.close_decrease(act(), current_app.settings, number, form.note.data)
    except Refusal as refusal:
        put_refusal(form, refusal)
        return show_refused(asked, refusal, close=form)
    flash(_("Closed; the partner is told why."), "good")
    return leave_to(url_for("admin.change_request", number=number))


def approved(asked: ChangeRequest, form: ApproveForm) -> ChangeRequest:
    """Decides by the rules of the request's kind; raises their refusals."""
    who, settings, number, note = act(), current_app.settings, asked.number, form.note.data or ""
    if asked.kind == "decrease":
        figures = {number_of: form[name].amount_bytes for name, number_of in form.amounts.items()}
        seen = whole(form.version.data) or 0
        return request_decisions.approve_decrease(who, settings, number, figures, seen_version=seen, note=note)
    if asked.kind == "more_capacity":
        return request_decisions.approve_capacity(who, settings, number, form["more_bytes"].amount_bytes, note=note)
    if asked.kind == "closure":
        return request_decisions.approve_closure(who, settings, number, note=note)
    return request_decisions.done(who, settings, number, note)


def approval_text(decided: ChangeRequest) -> str:
    """What was done, and of how much nothing could be done."""
    if decided.state == "approved":
        return _("Approved; the partner is told.")
    undone = [reason for reason in (decided.granted or {}).get("gone", {}).values() if reason != "reached"]
    if not undone:
        return _("Approved in part; the partner is told.")
    return ngettext(
        "Approved in part; for %(num)s sub-account nothing could be done. The partner is told.",
        "Approved in part; for %(num)s sub-accounts nothing could be done. The partner is told.",
        len(undone),
    )


def known_request(number: str) -> ChangeRequest:
    return ChangeRequest.get_or_none(ChangeRequest.number == number) or abort(404)


def show_refused(asked: ChangeRequest, refusal: Refusal, **forms):
    """The page as it is now, what was typed kept: a decision about other figures needs a new look."""
    over = isinstance(refusal, change_requests.RequestOver | allocation.AllocationStale)
    asked = known_request(asked.number)
    if forms.get("approve") and asked.contract_id:
        forms["approve"].version.data = str(asked.contract.version)
    return show_request(asked, 409 if over else 422, problem=words(refusal) if not asked.undecided else "", **forms)


def show_request(asked: ChangeRequest, status: int = 200, *, problem: str = "", **forms):
    lines, at = request_list.lines(asked), g.clock.now()
    forms.setdefault("message", MessageForm(formdata=None, once=new_key()))
    forms.setdefault("approve", approve_form(asked, lines, filled=False))
    forms.setdefault("close", CloseForm(formdata=None, prefix="close-"))
    forms.setdefault("decline", DeclineForm(formdata=None, prefix="decline-"))
    contract = asked.contract if asked.contract_id else None
    return answer(
        "admin/request.html",
        status=status,
        problem=problem,
        has_errors=status != 200,
        asked=asked,
        lines=lines,
        contract=contract,
        room=fair_use.room(contract, at) if contract else None,
        decreases=fair_use.decreases(contract, HISTORY) if contract else [],
        others=request_list.history(asked, HISTORY),
        messages=request_list.conversation(asked),
        may_decide=viewer.may(Permission.REQUEST_DECIDE),
        **forms,
    )
