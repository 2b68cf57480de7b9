"""The allocation board: sliders over one contract, one check, one save, undo."""

import re
from datetime import timedelta

from flask import Blueprint, current_app, flash, g, request, url_for
from flask_babel import gettext as _

from blueprints.access import Permission, act, requires, viewer
from blueprints.allocations import board, row_states, wishes
from blueprints.errors import words
from blueprints.partials import answer, leave_to, wants_partial
from models.base import DATABASE_AWAY
from models.board import rows_by_number
from models.contract import Contract
from services import allocation, change_requests
from services.fair_use import BeyondFairUse
from services.once import KeyReused
from services.refusal import Refusal

bp = Blueprint("allocations", __name__, url_prefix="/allocations")
bp.record_once(lambda setup: setup.app.jinja_env.filters.update(board_badge=row_states.badge))


@bp.get("")
@requires(Permission.ALLOCATION_VIEW)
def index():
    """The contracts to choose from; with a single one, its board."""
    contracts = list(
        Contract.select().where(Contract.partner == viewer.partner).order_by(Contract.starts_on, Contract.id)
    )
    if len(contracts) == 1:
        return leave_to(url_for("allocations.show", number=contracts[0].number))
    return answer("allocations/index.html", contracts=contracts)


@bp.get("/<name:number>")
@requires(Permission.ALLOCATION_VIEW)
def show(number: str):
    contract = allocation.own_contract(viewer.partner, number)
    return show_board(contract, wishes.nothing(contract))


@bp.post("/<name:number>")
@requires(Permission.ALLOCATION_CHANGE)
def change(number: str):
    """One form, four ends: remainder (while moving), check, save, ask. Enter in the search field presses the form's
    first button, so a search text that is not the one shown means: search."""
    contract = allocation.own_contract(viewer.partner, number)
    wish, do = wishes.read(request.form), request.form.get("do")
    if do is None and request.form.get("q", "") != request.form.get("searched", ""):
        return show_board(contract, wish)
    end = {"remainder": remainder, "save": save, "ask": ask}.get(do or "check", check)
    try:
        return end(contract, wish)
    except DATABASE_AWAY:
        return show_away(contract, wish)


@bp.post("/<name:number>/rows")
@requires(Permission.ALLOCATION_VIEW, least="read")
def rows(number: str):
    """Another part of the board, found or leafed to; what was typed goes along. Stores nothing."""
    contract = allocation.own_contract(viewer.partner, number)
    return show_board(contract, wishes.read(request.form), partial="allocations/_board.html")


def show_board(
    contract: Contract, wish: wishes.Wish, *, status: int = 200, partial: str | None = None, refusal: str = ""
):
    undo = timedelta(minutes=current_app.settings.undo_minutes)
    values = board.page(contract, wish, asked=request.values, at=g.clock.now(), undo_within=undo)
    return answer("allocations/board.html", partial, status=status, refusal=refusal, **values)


def remainder(contract: Contract, wish: wishes.Wish):
    """What is left while the member moves things. Nothing is stored; 204 when it would say the same."""
    summary, stale = board.summary(contract, wish, g.clock.now()), wish.seen_version != contract.version
    if not wants_partial():
        return show_board(contract, wish)
    if request.form.get("shown") == summary.mark and not stale:
        return "", 204
    name = "allocations/_remainder.html"
    return answer(name, name, contract=contract, summary=summary, stale=stale)


def check(contract: Contract, wish: wishes.Wish, *, status: int = 200, refusal: str = "", problem: str = ""):
    """The step before saving: old and new figures, who is affected, what it costs. What is beyond fair use can be asked
    for here. `refusal` concerns the choices beside the figures, `problem` the reason."""
    if wish.problems:
        return show_board(contract, wish, status=422)
    steps, beyond = board.steps(contract, wish), ""
    try:
        changes = [wish.change(step.number, below_use=True) for step in steps]
        allocation.rehearse(act(), contract, changes, seen_version=wish.seen_version)
    except BeyondFairUse as refused:
        beyond = words(refused)
    except allocation.AllocationRefused as refused:
        return show_refused(contract, wish, refused)
    return answer(
        "allocations/check.html", status=status, contract=contract, steps=steps, wish=wish, refusal=refusal,
        problem=problem, beyond=beyond, summary=board.summary(contract, wish, g.clock.now()),
        most_letters=change_requests.LONGEST_TEXT,
    )  # fmt: skip


def save(contract: Contract, wish: wishes.Wish):
    if wish.problems:
        return show_board(contract, wish, status=422)
    try:
        allocation.rebalance(
            act(), contract, wish.changes(), seen_version=wish.seen_version, once_key=wish.once_key, reason=wish.reason
        )
    except allocation.BelowUse:
        return check_again(contract, wish)
    except BeyondFairUse as refused:
        return check(contract, wish, status=422, problem=words(refused))
    except (allocation.AllocationRefused, KeyReused) as refused:
        return show_refused(contract, wish, refused)
    flash(_("Saved. The storage service is being told; each row says when it has followed."), "good")
    return leave_to(url_for("allocations.show", number=contract.number))


def check_again(contract: Contract, wish: wishes.Wish):
    return check(contract, wish, status=422, refusal=_("Choose what happens to the use above the allocation."))


def ask(contract: Contract, wish: wishes.Wish):
    """The whole change as a request: nothing moves before an operator decides."""
    if wish.problems:
        return show_board(contract, wish, status=422)
    if not viewer.may(Permission.REQUEST_OPEN):
        closed = _("Nothing can be asked for at present. Lower less, or come back later.")
        return check(contract, wish, status=403, problem=closed)
    try:
        asked = change_requests.ask_decrease(
            act(), current_app.settings, contract, wish.changes(), seen_version=wish.seen_version,
            once_key=wish.once_key, reason=wish.why,
        )  # fmt: skip
    except allocation.BelowUse:
        return check_again(contract, wish)
    except change_requests.RequestRefused as refused:
        return check(contract, wish, status=422, problem=words(refused))
    except (allocation.AllocationRefused, KeyReused) as refused:
        return show_refused(contract, wish, refused)
    flash(_("Request %(number)s was sent. Nothing changes before it is decided.", number=asked.number), "good")
    return leave_to(url_for("change_requests.show", number=asked.number))


def show_refused(contract: Contract, wish: wishes.Wish, refused: Refusal):
    """Back to the board with the fresh figures, the member's own ones kept beside them."""
    if isinstance(refused, allocation.AllocationRefused) and refused.number:
        wish.problems[refused.number] = words(refused)
        return show_board(contract, wish, status=422)
    contract = allocation.own_contract(viewer.partner, contract.number)
    stale = wish.seen_version != contract.version
    wish.seen_version, wish.once_key = contract.version, wishes.new_once_key()
    return show_board(contract, wish, status=409 if stale else 422, refusal=words(refused))


def show_away(contract: Contract, wish: wishes.Wish):
    """The database did not take the change in time. What was typed stays on the page, to be sent once more."""
    sentence = _("The portal is busy and saved nothing. Your figures are still here: press the button again.")
    response = show_board(contract, wish, status=503, refusal=sentence)
    response.headers["Retry-After"] = "5"
    return response


@bp.post("/<name:number>/undo")
@requires(Permission.ALLOCATION_CHANGE)
def undo(number: str):
    contract = allocation.own_contract(viewer.partner, number)
    within = timedelta(minutes=current_app.settings.undo_minutes)
    try:
        allocation.undo(act(), contract, request.form.get("batch", ""), within=within)
    except allocation.AllocationRefused as refused:
        return show_board(contract, wishes.nothing(contract), status=409, refusal=words(refused))
    flash(_("The last change was taken back."), "good")
    return leave_to(url_for("allocations.show", number=contract.number))


@bp.get("/<name:number>/states")
@requires(Permission.ALLOCATION_VIEW, polled=True)
def states(number: str):
    """The rows whose state is another than the page shows; asks again by itself until the storage service has followed
    all of them. One question for the whole board, however many rows wait."""
    contract = allocation.own_contract(viewer.partner, number)
    shown = dict(re.findall(r"([0-9]{12})-([0-9a-f]{8})", request.args.get("shown", "")[:2000]))
    accounts = rows_by_number(contract, list(shown))
    changed = [account for account in accounts.values() if board.state_mark(account) != shown[account.number]]
    if not changed:
        return "", 204
    name = "allocations/_states.html"
    return answer(name, name, contract=contract, waiting=board.waiting(accounts.values()), changed=changed)
