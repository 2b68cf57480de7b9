"""Those who want capacity at the same time: they look, save, and look again when somebody was faster."""

import secrets

from models.base import open_database
from models.contract import Contract
from models.sub_account import SubAccount
from services import allocation
from services.allocation import AllocationRefused, AllocationStale, Change
from services.audit import Act

GB, TB = 10**9, 10**12


def raise_own(act: Act, contract_id: int, number: str, amount_bytes: int) -> str:
    """`raised`, or `full` when the contract has not that much left."""
    while True:
        contract = Contract.get_by_id(contract_id)
        change = [Change(number, amount_bytes)]
        form = {"seen_version": contract.version, "once_key": secrets.token_hex(8)}
        try:
            allocation.rebalance(act, contract, change, **form)
        except AllocationStale:
            continue
        except AllocationRefused:
            return "full"
        return "raised"


def change_many(act: Act, contract_id: int, numbers: list[str], index: int, times: int) -> int:
    """Moves 1 GB from its own sub-account to its neighbour's, so often; returns how many moves were acknowledged."""
    own, neighbour = numbers[index], numbers[(index + 1) % len(numbers)]
    done = 0
    while done < times:
        contract = Contract.get_by_id(contract_id)
        pair = SubAccount.select(SubAccount.number, SubAccount.allocated_bytes).where(
            SubAccount.number.in_([own, neighbour])
        )
        stands = dict(pair.tuples())
        changes = [Change(own, stands[own] - GB), Change(neighbour, stands[neighbour] + GB)]
        form = {"seen_version": contract.version, "once_key": secrets.token_hex(8)}
        try:
            allocation.rebalance(act, contract, changes, **form)
        except AllocationStale:
            continue
        done += 1
    return done


def raise_all(url: str, act: Act, contract_id: int, numbers: list[str]) -> list[str]:
    """In a process of its own: wants 1 TB for each of the sub-accounts."""
    opened = open_database(url)
    try:
        return [raise_own(act, contract_id, number, TB) for number in numbers]
    finally:
        opened.close_all()
