"""An operator's hand on what the worker could not finish by itself (provisioning.md, staff see)."""

from models.base import locked, write_tx
from models.sub_account import SubAccount
from services.allocation_ledger import APPLY_WITHIN
from services.audit import Act, record
from services.refusal import N_, NotFound, Refusal


class NothingToTry(Refusal):
    """The storage service has followed meanwhile."""


def try_again(act: Act, number: str) -> SubAccount:
    """Gives a stuck sub-account back to the worker at once and with a fresh count of attempts.

    The worker reads the storage service anew, so this is safe at any time. Raises NotFound, and NothingToTry when the
    sub-account stands as wanted.
    """
    with write_tx():
        row = locked(SubAccount.select().where(SubAccount.number == number)).first()
        if row is None:
            raise NotFound()
        if row.settled:
            raise NothingToTry(N_("%(name)s is in order again. There is nothing to try."), name=row.name)
        before, row.phase = row.phase, phase_of_wish(row)
        row.attempts, row.next_attempt_at, row.deadline_at = 0, act.at, act.at + APPLY_WITHIN
        row.reason_code = ""
        row.save(only=["phase", "attempts", "next_attempt_at", "deadline_at", "reason_code"])
        record(
            act,
            "sub_account.retried",
            row,
            partner=row.partner_id,
            before={"phase": before},
            after={"phase": row.phase},
        )
    return row


def phase_of_wish(row: SubAccount) -> str:
    """The phase that says what the worker is to do for this row."""
    if row.wanted_state == "deleted":
        return "deleting"
    if not row.observed_state:
        return "pending"
    return "suspending" if row.wanted_state == "suspended" and row.observed_state != "suspended" else "updating"
