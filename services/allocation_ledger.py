"""What an allocation change leaves behind: the contract's counter, the wish on each row, ledger and audit lines."""

import secrets
from dataclasses import dataclass
from datetime import timedelta

from models.contract import AllocationEntry, Contract
from models.sub_account import SubAccount
from services.audit import Act, record

APPLY_WITHIN = timedelta(minutes=15)


@dataclass(frozen=True)
class Step:
    sub_account: SubAccount
    before_bytes: int
    after_bytes: int


def new_batch() -> str:
    return secrets.token_hex(8)


def count(contract: Contract, grown_bytes: int) -> None:
    """Moves the contract's counter and its version; the row is locked by the caller."""
    contract.allocated_bytes += grown_bytes
    contract.version += 1
    contract.save(only=[Contract.allocated_bytes, Contract.version])


def want(act: Act, step: Step) -> None:
    """Writes the wish and makes the sub-account due for the worker."""
    row = step.sub_account
    row.allocated_bytes = step.after_bytes
    row.generation += 1
    if row.phase not in ("pending", "provisioning"):
        row.phase = "updating" if row.observed_state else "pending"
    row.attempts, row.next_attempt_at, row.deadline_at = 0, act.at, act.at + APPLY_WITHIN
    row.save(only=["allocated_bytes", "generation", "phase", "attempts", "next_attempt_at", "deadline_at"])


def write(act: Act, contract: Contract, steps: list[Step], batch: str, cause: str, reason: str) -> None:
    """One ledger line and one audit line per changed allocation."""
    for step in steps:
        AllocationEntry.create(
            contract=contract,
            sub_account_id=step.sub_account.id,
            before_bytes=step.before_bytes,
            after_bytes=step.after_bytes,
            actor=f"{act.kind}:{act.actor_id}",
            at=act.at,
            cause=cause,
            reason=reason,
            batch=batch,
        )
        record(
            act,
            f"allocation.{cause}",
            step.sub_account,
            partner=contract.partner_id,
            before={"allocated_bytes": step.before_bytes},
            after={"allocated_bytes": step.after_bytes, "batch": batch},
        )
