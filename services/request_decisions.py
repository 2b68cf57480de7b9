"""What operators decide about requests, carried out in the same transaction (T14, T20)."""

from collections.abc import Mapping
from typing import cast

from models.base import write_tx
from models.change_request import ChangeRequest, RequestMessage
from models.contract import Contract
from services import allocation, closing, request_lines, request_mails
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
    for fair use; its ledger lines name the request as their reason. Figures are for the sub-accounts of which something
    can still be done (services.request_lines); why not of the others is kept with the decision. Other figures than
    asked, or not for all: approved in part.

    Raises what `allocation.rebalance` raises when it no longer fits or the operator saw other figures or sub-accounts,
    RequestRefused for a figure outside of what was asked and when nothing is left to do, RequestOver when somebody was
    faster: the request stays as it is.
    """
    note = plain(note, "note", optional=True)
    with write_tx():
        request = _of_kind(number, ("decrease",))
        contract, rows = _contract(request), request_lines.locked_rows(request)
        gone = request_lines.gone_now(request, contract, rows.values())
        asked = [one for one in request.wanted["changes"] if one[0] not in gone]
        if not asked:
            raise RequestRefused(N_("Nothing of this request is left to do. Close it and say so."))
        if contract.version != seen_version or gone.keys() & figures.keys():
            raise allocation.AllocationStale()
        for one in asked:
            _refuse_outside(one, figures, rows[one[0]].allocated_bytes)
        changes = [allocation.Change(name, figures[name], below_use) for name, _before, _after, below_use in asked]
        given = [[one.number, rows[one.number].allocated_bytes, one.after_bytes, one.below_use] for one in changes]
        batch = allocation.rebalance(
            act, contract, changes, seen_version=seen_version, once_key=f"decide-{number}", reason=number
        )
        as_asked = all(figures[name] == after for name, _before, after, _below in asked)
        whole = as_asked and set(gone.values()) <= {"reached"}
        granted = {"changes": given, **({"gone": gone} if gone else {})}
        state = "approved" if whole else "approved_in_part"
        _conclude(act, settings, request, state, note, granted=granted, batch=batch)
    return request


def close_decrease(act: Act, settings: Settings, number: str, note: str) -> ChangeRequest:
    """Nothing changes, because nothing of it is left to do; `note` tells the partner so, and why is kept for each
    sub-account. Raises RequestRefused when something can be done, RequestOver when somebody was faster."""
    note = plain(note, "note")
    with write_tx():
        request = _of_kind(number, ("decrease",))
        gone = request_lines.gone_now(request, _contract(request), request_lines.locked_rows(request).values())
        if len(gone) < len(request.wanted["changes"]):
            raise RequestRefused(N_("Something of this request can be done. Approve or decline it."))
        _conclude(act, settings, request, "approved", note, granted={"changes": [], "gone": gone})
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


def _refuse_outside(one: list, figures: Mapping[str, int], now_bytes: int) -> None:
    """Nobody gets another direction than was asked for: each figure lies between what stands and what was wanted."""
    number, _before_bytes, after_bytes, _below_use = one
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
