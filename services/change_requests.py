"""What a partner asks for: opened with a reason, talked about, withdrawn (T14, T20). Decided in request_decisions.

Locks, in this order: contracts by id, the partner, the request, sub-accounts by id.
"""

import secrets
import unicodedata
from collections.abc import Iterable

from models.base import locked, write_tx
from models.change_request import REQUEST_KINDS, UNDECIDED, ChangeRequest, RequestMessage
from models.contract import Contract
from models.partner import Member, Partner
from services import allocation, closing, once, request_mails
from services.audit import Act, record
from services.capacity import LARGEST_BYTES, SMALLEST_STEP_BYTES
from services.refusal import N_, NotFound, Refusal
from services.settings import Settings

LONGEST_TEXT = 4000
MOST_OPEN = 20
MOST_UNANSWERED = 10  # messages of a partner that nobody has answered yet
ABOUT_A_CONTRACT = ("decrease", "more_capacity", "contract_change", "closure")  # everything: services/leaving.py
SIGNS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # none that is taken for another


class RequestRefused(Refusal):
    """Nothing was sent or decided."""


class RequestOver(RequestRefused):
    """It was decided or withdrawn already; a second decision never counts."""


def open_request(
    act: Act,
    settings: Settings,
    partner: Partner,
    kind: str,
    *,
    reason: str,
    contract: Contract | None = None,
    wanted: dict | None = None,
    once_key: str = "",
) -> ChangeRequest:
    """Sends a request of a member to the operators. `wanted`: {"more_bytes": n} for more capacity; a decrease is asked
    for by `ask_decrease`. The same `once_key` again gets the request that it made. Raises RequestRefused with the field
    that it concerns."""
    text = plain(reason, "reason")
    _refuse_unfit(partner, kind, contract, wanted)
    content = f"{kind}:{contract.id if contract else ''}:{wanted}:{text}"
    with write_tx():
        if contract is not None:
            Contract.locked(contract.id)
        if once_key and (earlier := once.earlier_answer(act, once_key, content)):
            return ChangeRequest.get(ChangeRequest.number == earlier)
        request = _open(act, settings, partner, kind, text, contract, wanted)
        if once_key:
            once.remember(act, once_key, content, request.number)
    return request


def ask_decrease(
    act: Act,
    settings: Settings,
    contract: Contract,
    changes: Iterable[allocation.Change],
    *,
    seen_version: int,
    reason: str,
    once_key: str = "",
) -> ChangeRequest:
    """Asks for a whole rebalance that goes beyond fair use; it is kept as it is, and nothing changes.

    Raises RequestRefused, and what `allocation.rebalance` raises for a change that nobody could carry out."""
    text = plain(reason, "why")
    choices = {change.number: change for change in changes}
    content = f"decrease:{contract.id}:{seen_version}:{sorted(choices.items())}:{text}"
    with write_tx():
        contract = Contract.locked(contract.id)
        if once_key and (earlier := once.earlier_answer(act, once_key, content)):
            return ChangeRequest.get(ChangeRequest.number == earlier)
        steps = allocation.plan(contract, choices.values(), seen_version=seen_version)
        asked = [(step.sub_account.number, step.before_bytes, step.after_bytes) for step in steps]
        wanted = {"changes": [[*figures, choices[figures[0]].below_use] for figures in asked]}
        request = _open(act, settings, contract.partner, "decrease", text, contract, wanted)
        if once_key:
            once.remember(act, once_key, content, request.number)
    return request


def write(act: Act, settings: Settings, number: str, text: str, once_key: str = "") -> ChangeRequest:
    """One more message, by a member or an operator; the other side gets a mail and has the next turn."""
    text = plain(text, "text")
    with write_tx():
        request = locked_undecided(number)
        if once_key and once.earlier_answer(act, once_key, f"{number}:{text}"):
            return request
        if act.kind == "member":
            _refuse_flood(request)
        request.state = "open" if act.kind == "member" else "answered"
        request.turn_at = act.at
        request.save(only=["state", "turn_at"])
        say(act, request, text)
        record(act, "change_request.written", request, partner=request.partner_id, after={"state": request.state})
        if act.kind == "member":
            request_mails.tell_operators(act, settings, request, text)
        else:
            request_mails.tell_members(act, settings, request, text)
        if once_key:
            once.remember(act, once_key, f"{number}:{text}", number)
    return request


def withdraw(act: Act, settings: Settings, number: str) -> ChangeRequest:
    """The partner no longer wants it. Raises RequestOver when an operator was faster."""
    with write_tx():
        request = locked_undecided(number)
        end(act, request, "withdrawn")
        request_mails.tell_operators(act, settings, request, "")
    return request


def own(partner: Partner, number: str) -> ChangeRequest:
    """The partner's request of that number; raises NotFound for unknown and foreign ones alike."""
    found = ChangeRequest.get_or_none(ChangeRequest.partner == partner, ChangeRequest.number == number)
    if found is None:
        raise NotFound()
    return found


def locked_undecided(number: str) -> ChangeRequest:
    """The request with all that it concerns locked. Raises NotFound, and RequestOver with who decided."""
    known = ChangeRequest.get_or_none(ChangeRequest.number == number)
    if known is None:
        raise NotFound()
    if known.kind == "closure" or known.contract_id:
        closing.lock_scope(known.partner_id, known.contract_id)
    locked(Partner.select().where(Partner.id == known.partner_id)).get()
    request = locked(ChangeRequest.select().where(ChangeRequest.id == known.id)).get()
    if not request.undecided:
        text = {
            "withdrawn": N_("%(who)s withdrew this request on %(decided_at)s. Nothing was changed now."),
            "declined": N_("%(who)s declined this request on %(decided_at)s. Nothing was changed now."),
            "overtaken": N_("%(who)s closed this request on %(decided_at)s. Nothing was changed now."),
        }.get(request.outcome, N_("%(who)s approved this request on %(decided_at)s. Nothing was changed now."))
        raise RequestOver(text, who=request.decided_by, decided_at=request.decided_at)
    return request


def end(act: Act, request: ChangeRequest, state: str, **more: object) -> None:
    """Writes the decision into the locked row; the trail tells it."""
    before, request.state = request.state, state
    request.decided_at = request.turn_at = act.at
    request.decided_by = act.actor_name
    for name, value in more.items():
        setattr(request, name, value)
    request.save(only=["state", "decided_at", "turn_at", "decided_by", *more])
    action = {"approved_in_part": "approved", "overtaken": "closed"}.get(request.outcome, state)
    after = {"state": state, **_told(request.granted)}
    record(act, f"change_request.{action}", request, partner=request.partner_id, before={"state": before}, after=after)


def new_number() -> str:
    return "R-" + "".join(secrets.choice(SIGNS) for _ in range(8))


def say(act: Act, request: ChangeRequest, text: str) -> None:
    writer = {"member": int(act.actor_id)} if act.kind == "member" else {"operator": int(act.actor_id)}
    RequestMessage.create(request=request, text=text, at=act.at, **writer)


def plain(text: str, field: str, *, optional: bool = False) -> str:
    """Plain text with line breaks, as it is kept. Raises RequestRefused for nothing and for too much."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    kept = "".join(sign for sign in lines if sign in "\n\t" or unicodedata.category(sign) not in ("Cc", "Cs")).strip()
    if not kept and not optional:
        raise RequestRefused(N_("Write in a sentence what you need and why."), field)
    if len(kept) > LONGEST_TEXT:
        raise RequestRefused(N_("Write at most %(most)s characters."), field, most=LONGEST_TEXT)
    return kept


def _open(
    act: Act,
    settings: Settings,
    partner: Partner,
    kind: str,
    text: str,
    contract: Contract | None,
    wanted: dict | None,
) -> ChangeRequest:
    locked(Partner.select().where(Partner.id == partner.id)).get()
    own_open = ChangeRequest.select().where(ChangeRequest.partner == partner, ChangeRequest.state.in_(UNDECIDED))
    if own_open.count() >= MOST_OPEN:
        raise RequestRefused(
            N_("%(most)s requests of your company are open already. Wait for a decision or withdraw one."),
            most=MOST_OPEN,
        )
    request = ChangeRequest.create(
        number=new_number(),
        partner=partner,
        contract=contract,
        kind=kind,
        wanted=wanted,
        asked_by=Member.get_by_id(int(act.actor_id)),
        asked_at=act.at,
        turn_at=act.at,
    )
    say(act, request, text)
    after = {"kind": kind, **_told(wanted), **({"contract_number": contract.number} if contract else {})}
    record(act, "change_request.opened", request, partner=partner, after=after)
    request_mails.tell_operators(act, settings, request, text)
    return request


def _told(figures: dict | None) -> dict:
    """What the trail says of figures; the single allocations of a decrease stand in the ledger."""
    figures = figures or {}
    return {"sub_accounts": len(figures["changes"])} if "changes" in figures else dict(figures)


def _refuse_unfit(partner: Partner, kind: str, contract: Contract | None, wanted: dict | None) -> None:
    if kind not in REQUEST_KINDS or kind == "decrease":
        raise RequestRefused(N_("Choose what you want to ask for."), "kind")
    if contract is not None and contract.partner_id != partner.id:
        raise NotFound()
    if kind in ABOUT_A_CONTRACT and contract is None:
        raise RequestRefused(N_("Choose the contract that this is about."), "contract")
    if kind == "more_capacity":
        if contract is None or contract.kind != "reserved" or contract.state != "active":
            raise RequestRefused(N_("Choose an active contract with a package."), "contract")
        more_bytes = (wanted or {}).get("more_bytes", 0)
        if more_bytes <= 0 or more_bytes % SMALLEST_STEP_BYTES or more_bytes > LARGEST_BYTES:
            raise RequestRefused(N_("Enter whole gigabytes, such as 1 GB or 1.5 TB."), "more_bytes")


def _refuse_flood(request: ChangeRequest) -> None:
    """Each message is a mail to several people."""
    own = RequestMessage.select().where(RequestMessage.request == request)
    latest = own.order_by(RequestMessage.id.desc()).limit(MOST_UNANSWERED)
    if sum(message.member_id is not None for message in latest) >= MOST_UNANSWERED:
        raise RequestRefused(N_("Wait for an answer before you write more. What you wrote so far has arrived."), "text")
