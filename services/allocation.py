"""The rules of capacity (T14; domain.md, Rules of capacity): who may set aside how much of a contract."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from models.base import locked, write_tx
from models.contract import AllocationEntry, Contract
from models.partner import Partner
from models.prepared import Blank, ask_one
from models.sub_account import SubAccount
from services import allocation_ledger as ledger
from services import fair_use, once
from services.audit import Act
from services.capacity import LARGEST_BYTES, SMALLEST_STEP_BYTES
from services.refusal import N_, NotFound, Refusal


class AllocationRefused(Refusal):
    """The allocation stays as it was. `number` names the sub-account that the refusal concerns, if it is one."""

    def __init__(self, text: str, number: str | None = None, **values: object):
        super().__init__(text, f"a-{number}" if number else "allocation", **values)
        self.number = number


class BelowUse(AllocationRefused):
    """Less is wanted than is used, and the member has not said that this is meant (capacity rule 4)."""


class AllocationStale(AllocationRefused):
    """The contract changed since the member saw it (capacity rule 2). Nothing was lost: the page shows both figures."""

    def __init__(self) -> None:
        super().__init__(
            N_("The allocation was changed elsewhere since you opened this page. Compare the figures and save again.")
        )


@dataclass(frozen=True)
class Change:
    """A wanted allocation. `below_use` says that the member knows that more is used than this."""

    number: str
    after_bytes: int
    below_use: bool = False


def open_allocation(act: Act, contract: Contract, sub_account: SubAccount, amount_bytes: int, batch: str) -> None:
    """The first ledger line of a new sub-account. Call inside write_tx with the contract locked.

    Raises AllocationRefused when the contract has not that much left.
    """
    _refuse_overdrawn(contract, amount_bytes)
    ledger.count(contract, amount_bytes)
    ledger.write(act, contract, [ledger.Step(sub_account, 0, amount_bytes)], batch, "opened", "")


def rebalance(
    act: Act,
    contract: Contract,
    changes: Iterable[Change],
    *,
    seen_version: int,
    once_key: str,
    reason: str = "",
) -> str:
    """Changes any number of allocations of one contract, all or nothing (capacity rule 3). Returns the batch id.

    The storage service follows afterwards, decreases first. Raises AllocationStale when the contract changed since
    `seen_version`, BelowUse or AllocationRefused when a change may not be, fair_use.BeyondFairUse when a partner lowers
    more than it may at once; then nothing is changed. A repeat with the same `once_key` answers as the first time.
    """
    wanted = {change.number: change for change in changes}
    content = f"{contract.id}:{seen_version}:" + ",".join(f"{n}={c.after_bytes}" for n, c in sorted(wanted.items()))
    with write_tx():
        contract = Contract.locked(contract.id)
        earlier = once.earlier_answer(act, once_key, content)
        if earlier is not None:
            return earlier
        steps = plan(contract, wanted.values(), seen_version=seen_version)
        if act.kind != "operator":
            fair_use.refuse_beyond(contract, steps, act.at)
        batch = _carry_out(act, contract, steps, "changed", reason)
        once.remember(act, once_key, content, batch)
    return batch


def rehearse(act: Act, contract: Contract, changes: Iterable[Change], *, seen_version: int) -> None:
    """Refuses exactly as `rebalance` would, and leaves nothing behind."""
    with write_tx():
        contract = Contract.locked(contract.id)
        steps = plan(contract, changes, seen_version=seen_version)
        fair_use.refuse_beyond(contract, steps, act.at)


def plan(contract: Contract, changes: Iterable[Change], *, seen_version: int) -> list[ledger.Step]:
    """The real changes, found to be possible but for fair use, their rows locked. Call with the contract locked.

    Raises as `rebalance` does.
    """
    _refuse_closed(contract)
    if contract.version != seen_version:
        raise AllocationStale()
    steps = _steps(contract, {change.number: change for change in changes})
    _refuse_unfitting(contract, steps)
    return steps


def undo(act: Act, contract: Contract, batch: str, *, within: timedelta) -> str:
    """Takes back the contract's last change within the time allowed, by the same rules. Returns the new batch id."""
    with write_tx():
        contract = Contract.locked(contract.id)
        _refuse_closed(contract)
        if undoable_batch(contract, act.at, within) != batch:
            raise AllocationRefused(N_("This change can no longer be undone. Set the figures by hand and save."))
        lines = AllocationEntry.select().where(AllocationEntry.contract == contract, AllocationEntry.batch == batch)
        before_bytes = {line.sub_account_id: line.before_bytes for line in lines}
        numbers = SubAccount.select(SubAccount.id, SubAccount.number).where(SubAccount.id.in_(list(before_bytes)))
        wanted = {row.number: Change(row.number, before_bytes[row.id]) for row in numbers}
        steps = _steps(contract, wanted)
        _refuse_unfitting(contract, steps)
        return _carry_out(act, contract, steps, "undone", "")


def undoable_batch(contract: Contract, at: datetime, within: timedelta) -> str | None:
    """The batch that may still be taken back: the contract's last act, if it was a change and is recent."""
    last = ask_one(_last_entry, contract=contract.id)
    recent = last is not None and last.cause == "changed" and last.at > at - within
    return last.batch if recent else None


def own_contract(partner: Partner, number: str) -> Contract:
    """The partner's contract of that number; raises NotFound for unknown and foreign ones alike."""
    contract = ask_one(_own_contract, partner=partner.id, number=number)
    if contract is None:
        raise NotFound()
    return contract


def _own_contract():
    return Contract.select().where(Contract.partner == Blank("partner"), Contract.number == Blank("number"))


def _last_entry():
    own = AllocationEntry.select().where(AllocationEntry.contract == Blank("contract"))
    return own.order_by(AllocationEntry.id.desc()).limit(1)


def _steps(contract: Contract, wanted: Mapping[str, Change]) -> list[ledger.Step]:
    """The real changes, checked one by one and with the rows locked, in a fixed order."""
    query = (
        SubAccount.select()
        .where(SubAccount.contract == contract, SubAccount.number.in_(list(wanted)))
        .order_by(SubAccount.id)
    )
    found = list(locked(query))
    if len(found) < len(wanted):
        raise AllocationRefused(N_("One of these sub-accounts is not part of this contract. Reload the page."))
    for sub_account in found:
        _refuse_unfit(sub_account, wanted[sub_account.number])
    steps = [ledger.Step(row, row.allocated_bytes, wanted[row.number].after_bytes) for row in found]
    return [step for step in steps if step.before_bytes != step.after_bytes]


def _refuse_unfit(sub_account: SubAccount, change: Change) -> None:
    number, after_bytes = sub_account.number, change.after_bytes
    if sub_account.wanted_state == "deleted" or sub_account.billing != "reserved":
        raise AllocationRefused(
            N_("%(name)s has no fixed allocation that could be changed."), number, name=sub_account.name
        )
    if after_bytes < 0 or after_bytes % SMALLEST_STEP_BYTES:
        raise AllocationRefused(N_("Enter whole gigabytes, 0 or more, for %(name)s."), number, name=sub_account.name)
    lowered = after_bytes < sub_account.allocated_bytes
    if lowered and after_bytes < sub_account.used_bytes and not change.below_use:
        raise BelowUse(
            N_(
                "%(name)s uses %(used_bytes)s. Enter at least that, or choose what happens to use above the allocation."
            ),
            number,
            name=sub_account.name,
            used_bytes=sub_account.used_bytes,
        )


def _carry_out(act: Act, contract: Contract, steps: list[ledger.Step], cause: str, reason: str) -> str:
    batch = ledger.new_batch()
    ledger.count(contract, _grown_bytes(steps))
    ledger.want(act, steps)
    ledger.write(act, contract, steps, batch, cause, reason)
    return batch


def _grown_bytes(steps: list[ledger.Step]) -> int:
    return sum(step.after_bytes - step.before_bytes for step in steps)


def _refuse_unfitting(contract: Contract, steps: list[ledger.Step]) -> None:
    if not steps:
        raise AllocationRefused(N_("Nothing is different from what is saved already."))
    _refuse_overdrawn(contract, _grown_bytes(steps))


def _refuse_closed(contract: Contract) -> None:
    if contract.state != "active":
        raise AllocationRefused(N_("This contract is not active. Nothing can be set aside from it."))


def _refuse_overdrawn(contract: Contract, grown_bytes: int) -> None:
    """Growth must fit; an act that only lowers is allowed even while the contract is overdrawn."""
    over_bytes = contract.allocated_bytes + grown_bytes - contract.reserved_bytes
    bounded = contract.kind == "reserved" and not contract.allow_overdraft
    if bounded and grown_bytes > 0 and over_bytes > 0:
        raise AllocationRefused(
            N_("This is %(over_bytes)s more than the package holds. At most %(free_bytes)s is free."),
            over_bytes=over_bytes,
            free_bytes=max(0, contract.free_bytes),
        )
    if grown_bytes > 0 and contract.allocated_bytes + grown_bytes > LARGEST_BYTES:
        raise AllocationRefused(
            N_("That is more than this portal can count. Enter at most %(most_bytes)s."), most_bytes=LARGEST_BYTES
        )
