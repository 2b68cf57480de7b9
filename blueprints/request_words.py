"""What kinds and states of requests are called, for both sides."""

from flask import Flask
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from models.change_request import ChangeRequest
from services.request_mails import KINDS

STATES = {
    "open": (_l("Waits for us"), "info"),
    "answered": (_l("Waits for the partner"), "warn"),
    "approved": (_l("Approved"), "good"),
    "approved_in_part": (_l("Approved in part"), "good"),
    "declined": (_l("Declined"), "bad"),
    "withdrawn": (_l("Withdrawn"), "neutral"),
}
FOR_PARTNERS = {"open": (_l("Being looked at"), "info"), "answered": (_l("Waits for your answer"), "warn")}
OVERTAKEN = (_l("Nothing left to do"), "neutral")
DONE = (_l("Done"), "good")
ANNOUNCED = (_l("Announced"), "info")  # by the partner itself: nobody had to agree
# what each kind is for, and what becomes of it
HINTS = {
    "more_capacity": _l("A larger package. Once approved, it is there at once."),
    "contract_change": _l("Another term, price or kind of contract. We answer with what is possible."),
    "correction": _l("Something about your company, a contract or a statement is wrong."),
    "closure": _l("One contract ends, step by step. Data can be fetched before anything is removed."),
}

# why nothing is left to do for a sub-account of a decrease
GONE = {
    "contract_over": _l("The contract is over."),
    "moved": _l("Moved to another contract."),
    "deleted": _l("Deleted, or being deleted."),
    "no_allocation": _l("Has no fixed allocation."),
    "reached": _l("Stood at this amount already."),
}


def kind_text(kind: str) -> str:
    return _(KINDS[kind])


def state_text(asked: ChangeRequest, partner: bool = False) -> tuple[str, str]:
    """Words and kind of the badge."""
    if asked.state == "approved" and asked.kind in ("contract_change", "correction"):
        text, kind = DONE
    elif asked.state == "approved" and asked.kind == "closure" and asked.contract_id is None:
        text, kind = ANNOUNCED
    elif asked.outcome == "overtaken":
        text, kind = OVERTAKEN
    else:
        text, kind = (FOR_PARTNERS if partner else {}).get(asked.state) or STATES[asked.state]
    return str(text), kind


def gone_text(reason: str) -> str:
    return str(GONE[reason])


def hint_text(kind: str) -> str:
    return str(HINTS[kind])


def init_app(app: Flask) -> None:
    app.jinja_env.filters.update(
        request_kind=kind_text, request_state=state_text, request_hint=hint_text, request_gone=gone_text
    )
