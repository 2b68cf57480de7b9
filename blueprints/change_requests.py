"""What a partner asks the provider for: its list, a new request, and the conversation about one.

Open to partners that are leaving or may only read at present: what they need is asked for here.
"""

from flask import Blueprint, abort, current_app, flash, request, url_for
from flask_babel import gettext as _

from blueprints import request_words
from blueprints.access import Permission, act, requires, viewer
from blueprints.change_request_forms import MessageForm, RequestForm, new_key, request_form
from blueprints.errors import put_refusal, words
from blueprints.partials import answer, leave_to
from blueprints.whole_numbers import whole
from models.change_request import ChangeRequest
from models.contract import Contract
from services import change_requests, request_list
from services.refusal import NotFound, Refusal

bp = Blueprint("change_requests", __name__, url_prefix="/requests")
bp.record_once(lambda setup: request_words.init_app(setup.app))

NEW_KINDS = ("more_capacity", "contract_change", "correction")


@bp.get("")
@requires(Permission.REQUEST_VIEW, least="export")
def index():
    after = request.args.get("after", type=whole)
    return answer(
        "change_requests/index.html",
        open_ones=[] if after else request_list.open_of(viewer.partner),
        decided=request_list.decided_of(viewer.partner, after=after),
        after=after,
        may_open=viewer.may(Permission.REQUEST_OPEN),
        may_close=viewer.may(Permission.REQUEST_CLOSURE),
    )


@bp.get("/new")
@requires(Permission.REQUEST_OPEN, least="export")
def choose():
    """What can be asked for, with what becomes of it."""
    return answer("change_requests/choose.html", kinds=NEW_KINDS, may_close=viewer.may(Permission.REQUEST_CLOSURE))


@bp.route("/new/<name:kind>", methods=["GET", "POST"])
@requires(Permission.REQUEST_OPEN, least="export")
def new(kind: str):
    return form_of(kind) if kind in NEW_KINDS else abort(404)


@bp.route("/new/closure", methods=["GET", "POST"])
@requires(Permission.REQUEST_CLOSURE, least="export")
def new_closure():
    return form_of("closure")


@bp.get("/<name:number>")
@requires(Permission.REQUEST_VIEW, least="export")
def show(number: str):
    return show_request(change_requests.own(viewer.partner, number))


@bp.post("/<name:number>/messages")
@requires(Permission.REQUEST_WRITE, least="export")
def write(number: str):
    asked = change_requests.own(viewer.partner, number)
    form = MessageForm()
    if not form.validate_on_submit():
        return show_request(asked, form, 422)
    try:
        change_requests.write(act(), current_app.settings, asked.number, form.text.data, form.once.data or "")
    except Refusal as refusal:
        return show_refused(asked, form, refusal)
    flash(_("Your message was sent."), "good")
    return leave_to(url_for("change_requests.show", number=asked.number))


@bp.post("/<name:number>/withdraw")
@requires(Permission.REQUEST_WRITE, least="export")
def withdraw(number: str):
    asked = change_requests.own(viewer.partner, number)
    try:
        change_requests.withdraw(act(), current_app.settings, asked.number)
    except change_requests.RequestOver as over:
        return show_refused(asked, None, over)
    flash(_("The request was withdrawn. Nothing was changed."), "good")
    return leave_to(url_for("change_requests.show", number=asked.number))


def form_of(kind: str):
    contracts = possible_contracts(kind)
    form = request_form(kind, contracts)
    if form.validate_on_submit():
        try:
            return sent(kind, form, contracts)
        except NotFound:
            raise
        except Refusal as refusal:
            put_refusal(form, refusal)
    status = 422 if form.errors else 200
    return answer("change_requests/new.html", status=status, form=form, kind=kind, contracts=contracts)


def sent(kind: str, form: RequestForm, contracts: list[Contract]):
    asked = change_requests.open_request(
        act(),
        current_app.settings,
        viewer.partner,
        kind,
        reason=form.reason.data,
        contract=next((row for row in contracts if row.number == form.contract.data), None),
        wanted={"more_bytes": form.wanted_bytes} if kind == "more_capacity" else None,
        once_key=form.once.data or "",
    )
    flash(_("Request %(number)s was sent. You get a mail when there is an answer.", number=asked.number), "good")
    return leave_to(url_for("change_requests.show", number=asked.number))


def possible_contracts(kind: str) -> list[Contract]:
    own = Contract.select().where(Contract.partner == viewer.partner)
    if kind == "more_capacity":
        own = own.where(Contract.kind == "reserved", Contract.state == "active")
    if kind == "closure":
        own = own.where(Contract.state.in_(("draft", "active")))
    return list(own.order_by(Contract.starts_on, Contract.id))


def show_request(asked: ChangeRequest, form: MessageForm | None = None, status: int = 200, problem: str = ""):
    if form is None:
        form = MessageForm(formdata=None, once=new_key())
    return answer(
        "change_requests/show.html",
        status=status,
        asked=asked,
        lines=request_list.lines(asked),
        messages=request_list.conversation(asked),
        form=form,
        problem=problem,
        has_errors=bool(problem),
        may_write=viewer.may(Permission.REQUEST_WRITE),
    )


def show_refused(asked: ChangeRequest, form: MessageForm | None, refusal: Refusal):
    """What was typed stays; what somebody else did meanwhile is shown as it is now."""
    over = isinstance(refusal, change_requests.RequestOver)
    if form is not None and not over:
        put_refusal(form, refusal)
        return show_request(asked, form, 422)
    return show_request(change_requests.own(viewer.partner, asked.number), None, 409, words(refusal))
