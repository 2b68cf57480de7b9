"""What operators decide about requests, carried out in the same transaction (T14, T20)."""

from collections.abc import Mapping
from typing import Any, cast

from models.base import write_tx
from models.change_request import ChangeRequest, RequestMessage
from models.contract import Contract
from models.sub_account import SubAccount
from services import allocation, closing, request_mails
from services.audit import Act, record
from services.capacity import LARGEST_BYTES, SMALLEST_STEP_BYTES
from services.change_requests import RequestRefused, end, locked_undecided, plain, say
from services.refusal import N_
from services.settings import Settings

BY_HAND = ("contract_change", "correction")  # an operator does it elsewhere and notes what was done


def approve_decrease(
    act: Act, settings: Settings, number: str, figures: Mapping[str, int], *, seen_version: int, note: str = ""
) -> ChangeRequest:
    """Carries the rebalance out with these figures (bytes by sub-account number), by the same rules as any other but
    for fair use; its ledger lines name the request as their reason. Other figures than asked: approved in part.

    Raises what `allocation.rebalance` raises when it no longer fits or the operator saw other figures, RequestRefused
    for a figure outside of what was asked, RequestOver when somebody was faster: the request stays as it is.
    """
    note = plain(note, "note", optional=True)
    with write_tx():
        request = _of_kind(number, ("decrease",))
        asked = request.wanted["changes"]
        stands = _stands(request)
        for one in asked:
            _refuse_outside(one, figures, stands)
        changes = [allocation.Change(name, figures[name], below_use) for name, _before, _after, below_use in asked]
        contract = _contract(request)
        batch = allocation.rebalance(
            act, contract, changes, seen_version=seen_version, once_key=f"decide-{number}", reason=number
        )
        given = [[change.number, stands[change.number], change.after_bytes, change.below_use] for change in changes]
        as_asked = all(figures[name] == after for name, _before, after, _below in asked)
        state = "approved" if as_asked else "approved_in_part"
        _conclude(act, settings, request, state, note, granted={"changes": given}, batch=batch)
    return request


def approve_capacity(act: Act, settings: Settings, number: str, more_bytes: int, *, note: str = "") -> ChangeRequest:
    """Adds to the contract's package at once; less than asked: approved in part. Raises RequestRefused when the
    contract is over or the amount is not one that was asked for."""
    note = plain(note, "note", optional=True)
    with write_tx():
        request = _of_kind(number, ("more_capacity",))
        asked_bytes = request.wanted["more_bytes"]
        if not 0 < more_bytes <= asked_bytes or more_bytes % SMALLEST_STEP_BYTES:
            raise RequestRefused(
                N_("Enter whole gigabytes, more than 0 and at most %(asked_bytes)s."),
                "more_bytes",
                asked_bytes=asked_bytes,
            )
        _enlarge(act, _contract(request), more_bytes, number)
        state = "approved" if more_bytes == asked_bytes else "approved_in_part"
        _conclude(act, settings, request, state, note, granted={"more_bytes": more_bytes})
    return request


def approve_closure(act: Act, settings: Settings, number: str, *, note: str = "") -> ChangeRequest:
    """The partner, or the contract that it named, is closed step by step (services.closing)."""
    note = plain(note, "note", optional=True)
    with write_tx():
        request = _of_kind(number, ("closure",))
        asked = RequestMessage.select().where(RequestMessage.request == request).order_by(RequestMessage.id).get()
        closing.begin(
            act,
            settings,
            request.partner,
            reason=asked.text[: closing.LONGEST_REASON],
            asked_by=f"member:{request.asked_by_id}",
            contract=request.contract,
            cause="asked",
        )
        _conclude(act, settings, request, "approved", note)
    return request


def done(act: Act, settings: Settings, number: str, note: str) -> ChangeRequest:
    """A change or correction that an operator has made; `note` tells the partner what was done."""
    note = plain(note, "note")
    with write_tx():
        request = _of_kind(number, BY_HAND)
        _conclude(act, settings, request, "approved", note)
    return request


def decline(act: Act, settings: Settings, number: str, reason: str) -> ChangeRequest:
    """Nothing changes; the partner reads the reason."""
    reason = plain(reason, "note")
    with write_tx():
        request = locked_undecided(number)
        _conclude(act, settings, request, "declined", reason)
    return request


def _of_kind(number: str, kinds: tuple[str, ...]) -> ChangeRequest:
    request = locked_undecided(number)
    if request.kind not in kinds:
        raise RequestRefused(N_("This request is decided in another way. Reload the page."))
    return request


def _contract(request: ChangeRequest) -> Contract:
    """Locked already, with the request; a decrease and more capacity always have one."""
    return Contract.locked(cast(int, request.contract_id))


def _stands(request: ChangeRequest) -> dict[str, int]:
    """What is set aside now for the sub-accounts of a decrease; the contract is locked."""
    numbers = [one[0] for one in request.wanted["changes"]]
    own: Any = SubAccount.select(SubAccount.number, SubAccount.allocated_bytes).where(
        SubAccount.contract == request.contract_id, SubAccount.number.in_(numbers)
    )
    return dict(own.tuples())


def _refuse_outside(one: list, figures: Mapping[str, int], stands: Mapping[str, int]) -> None:
    """Nobody gets another direction than was asked for: each figure lies between what stands and what was wanted."""
    number, before_bytes, after_bytes, _below_use = one
    now_bytes = stands.get(number, before_bytes)
    least, most = sorted((now_bytes, after_bytes))
    if not least <= figures.get(number, -1) <= most:
        raise RequestRefused(
            N_("Enter an amount from %(least_bytes)s to %(most_bytes)s."),
            f"a-{number}",
            least_bytes=least,
            most_bytes=most,
        )


def _enlarge(act: Act, contract: Contract, more_bytes: int, number: str) -> None:
    if contract.state != "active" or contract.kind != "reserved":
        raise RequestRefused(N_("The contract is not active any more. Decline this request and say so."))
    before, after = contract.reserved_bytes, contract.reserved_bytes + more_bytes
    if after > LARGEST_BYTES:
        raise RequestRefused(
            N_("That is more than this portal can count. Enter at most %(most_bytes)s."),
            "more_bytes",
            most_bytes=LARGEST_BYTES - before,
        )
    contract.reserved_bytes = after
    contract.version += 1
    contract.save(only=[Contract.reserved_bytes, Contract.version])
    record(
        act, "contract.enlarged", contract, partner=contract.partner_id,
        before={"reserved_bytes": before}, after={"reserved_bytes": after, "request": number},
    )  # fmt: skip


def _conclude(act: Act, settings: Settings, request: ChangeRequest, state: str, note: str, **more: object) -> None:
    if note:
        say(act, request, note)
    end(act, request, state, **more)
    request_mails.tell_members(act, settings, request, note)
