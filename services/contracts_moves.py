"""A sub-account goes from one contract of its partner to another, with what is set aside for it (T14, T19).

Both contracts are locked in the order of their ids, then the sub-account, as everybody locks. The ledger gets a line on
either side, so that each contract's counter stays the sum of its lines.
"""

from peewee import fn

from models.base import locked, write_tx
from models.contract import Contract
from models.partner import Partner
from models.sub_account import SubAccount
from services import allocation_ledger as ledger
from services import contracts_access, once, usage_keeping
from services.allocation import open_allocation
from services.audit import Act, record
from services.refusal import N_, NotFound, Refusal


class MoveRefused(Refusal):
    """The sub-account stays in its contract."""


def move(act: Act, partner: Partner, number: str, to_number: str, once_key: str) -> SubAccount:
    """Moves the sub-account with its allocation. The storage service has nothing to do: the quota is the same.

    A repeat with the same `once_key` answers as the first time. Raises NotFound, MoveRefused (field "contract") for
    what does not fit the other contract, and AllocationRefused when that has not enough room."""
    found = own_sub_account(partner, number)
    target = Contract.get_or_none(Contract.partner == partner, Contract.number == to_number)
    if target is None:
        raise MoveRefused(N_("Choose one of your contracts."), "contract")
    with write_tx():
        locks = {row.id: row for row in _locked_both(found.contract_id, target.id)}
        content = f"move:{number}:{to_number}"
        if once.earlier_answer(act, once_key, content) is not None:
            return own_sub_account(partner, number)
        row = locked(SubAccount.select().where(SubAccount.id == found.id)).get()
        if row.contract_id != found.contract_id:
            raise MoveRefused(N_("%(name)s was moved meanwhile. Reload the page."), name=row.name)
        source, target = locks[row.contract_id], locks[target.id]
        _refuse_unfit(row, source, target)
        _carry_over(act, row, source, target)
        once.remember(act, once_key, content, row.number)
    return row


def targets(row: SubAccount) -> list[Contract]:
    """The partner's other contracts that run."""
    return list(Contract.select().where(_others(row)).order_by(Contract.number))


def has_targets(row: SubAccount) -> bool:
    return Contract.select().where(_others(row)).exists()


def _others(row: SubAccount):
    return (Contract.partner == row.partner_id) & (Contract.state == "active") & (Contract.id != row.contract_id)


def own_sub_account(partner: Partner, number: str) -> SubAccount:
    """Raises NotFound for unknown and foreign ones alike."""
    row = SubAccount.get_or_none(SubAccount.partner == partner, SubAccount.number == number)
    if row is None:
        raise NotFound()
    return row


def _locked_both(first: int, second: int) -> list[Contract]:
    return list(locked(Contract.select().where(Contract.id.in_([first, second])).order_by(Contract.id)))


def _refuse_unfit(row: SubAccount, source: Contract, target: Contract) -> None:
    if source.id == target.id:
        raise MoveRefused(N_("%(name)s belongs to this contract already."), "contract", name=row.name)
    if target.state != "active":
        raise MoveRefused(N_("This contract is not active. Choose another one."), "contract")
    if row.wanted_state == "deleted" or row.delete_after_at is not None or contracts_access.is_being_purged(row):
        raise MoveRefused(N_("%(name)s is to be deleted. It stays in its contract."), name=row.name)
    if target.kind == "pay_per_use" and row.billing != "pay_per_use":
        raise MoveRefused(
            N_(
                "This contract is pay per use, and %(name)s has a fixed allocation. Its kind cannot be changed: open a"
                " new sub-account there."
            ),
            "contract",
            name=row.name,
        )
    if not row.settled:
        raise MoveRefused(N_("A change of %(name)s is still being applied. Try again when it is done."), name=row.name)


def _refuse_room(row: SubAccount, target: Contract) -> None:
    """By what the storage service may still hold (capacity rule 6); `open_allocation` has looked at the wishes."""
    if target.kind != "reserved" or target.allow_overdraft or row.observed_quota_bytes is None:
        return
    held = SubAccount.select(fn.COALESCE(fn.SUM(SubAccount.observed_quota_bytes), 0))
    held_bytes = int(held.where(SubAccount.contract == target).scalar())
    if held_bytes + row.observed_quota_bytes > target.reserved_bytes:
        raise MoveRefused(
            N_("Room in this contract is still held by a change that is being applied. Try again when it is done."),
            "contract",
        )


def _carry_over(act: Act, row: SubAccount, source: Contract, target: Contract) -> None:
    amount_bytes, batch = row.allocated_bytes, ledger.new_batch()
    ledger.count(source, -amount_bytes)
    step = ledger.Step(row, amount_bytes, 0)
    ledger.write(act, source, [step], batch, "closed", f"{source.number} -> {target.number}")
    open_allocation(act, target, row, amount_bytes, batch)
    _refuse_room(row, target)
    row.contract = target
    row.save(only=["contract"])
    if row.barred_at is not None:  # its contract was over, and this one runs
        contracts_access.let_in(act, row.id)
    change = {"before": {"contract_number": source.number}, "after": {"contract_number": target.number}}
    record(act, "sub_account.moved", row, partner=row.partner_id, **change)
    for contract in (source, target):
        usage_keeping.sum_up(contract.id)
