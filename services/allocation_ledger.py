"""What an allocation change leaves behind: the contract's counter, the wish on each row, ledger and audit lines."""

import secrets
from dataclasses import dataclass
from datetime import timedelta

from peewee import Case, chunked

from models.contract import AllocationEntry, Contract
from models.sub_account import SubAccount
from services.audit import MOST_AT_ONCE, Act, Change, record_many

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


def want(act: Act, steps: list[Step]) -> None:
    """Writes the wishes and makes the sub-accounts due for the worker. The rows are locked by the caller."""
    own = SubAccount
    for some in chunked(steps, MOST_AT_ONCE):
        ids = [step.sub_account.id for step in some]
        own.update(
            allocated_bytes=Case(own.id, [(step.sub_account.id, step.after_bytes) for step in some]),
            phase=Case(own.id, [(step.sub_account.id, _phase(step.sub_account)) for step in some]),
            generation=own.generation + 1,
            attempts=0,
            next_attempt_at=act.at,
            deadline_at=act.at + APPLY_WITHIN,
        ).where(own.id.in_(ids)).execute()


def _phase(row: SubAccount) -> str:
    if row.phase in ("pending", "provisioning"):
        return row.phase
    return "updating" if row.observed_state else "pending"


def write(act: Act, contract: Contract, steps: list[Step], batch: str, cause: str, reason: str) -> None:
    """One ledger line and one audit line per changed allocation."""
    fixed = {
        "contract": contract.id, "actor": f"{act.kind}:{act.actor_id}", "at": act.at, "cause": cause, "reason": reason,
        "batch": batch,
    }  # fmt: skip
    for some in chunked(steps, MOST_AT_ONCE):
        AllocationEntry.insert_many(
            {
                **fixed,
                "sub_account_id": step.sub_account.id,
                "before_bytes": step.before_bytes,
                "after_bytes": step.after_bytes,
            }
            for step in some
        ).execute()
    changes = [
        Change(
            step.sub_account,
            {"allocated_bytes": step.before_bytes},
            {"allocated_bytes": step.after_bytes, "batch": batch},
        )
        for step in steps
    ]
    record_many(act, f"allocation.{cause}", changes, partner=contract.partner_id)
