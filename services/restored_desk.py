"""The operators' side of the restored mode: what is known of it, and its end."""

from dataclasses import dataclass
from datetime import datetime

from models.base import locked, write_tx
from models.deletion import Deletion
from models.drift import Drift
from models.recovery import Restoration
from models.sub_account import Region, SubAccount
from services import restored
from services.audit import Act, record
from services.provisioning_desk import phase_of_wish
from services.purging import deadline
from services.refusal import N_, Refusal


class NotEnded(Refusal):
    """The restored mode stays as it is."""


@dataclass(frozen=True)
class Standing:
    """`backup_at`: the moment that the database knows of, as far as it is known. `not_compared`: regions whose service
    was not completely compared since. `findings`: open differences; `on_hold`: sub-accounts that wait for a decision
    each; `waiting`: those that go on when the mode ends; `deletions`: that a second person has to let begin."""

    mode: Restoration
    not_compared: list[Region]
    findings: int
    on_hold: int
    waiting: int
    deletions: int

    @property
    def backup_at(self) -> datetime | None:
        return self.mode.began_at if self.mode.cause == "backup" else None


def standing() -> Standing | None:
    """None: the mode is not on, or no process has noticed it yet."""
    mode = restored.current()
    if mode is None:
        return None
    held = SubAccount.paused_at.is_null(False) & (SubAccount.reason_code == restored.CODE)
    held_back = Deletion.held_at.is_null(False) & Deletion.released_at.is_null() & Deletion.started_at.is_null()
    return Standing(
        mode,
        _not_compared(mode),
        Drift.select().where(Drift.resolved_at.is_null()).count(),
        SubAccount.select().where(held).count(),
        SubAccount.select().where(_waiting()).count(),
        Deletion.select().where(held_back).count(),
    )


def end(act: Act, reason: str, *, anyway: bool = False) -> Restoration:
    """Ends the mode: what waited for it goes on, what was put on hold stays so until an operator decides about each.

    Raises NotEnded when it is not on, and, unless `anyway`, while a region was not compared since: what the storage
    service did after the backup would not be known."""
    with write_tx():
        mode = locked(Restoration.select().where(Restoration.ended_at.is_null())).first()
        if mode is None:
            raise NotEnded(N_("The restored mode is not on."))
        missing = _not_compared(mode)
        if missing and not anyway:
            raise NotEnded(
                N_("%(region)s was not completely compared yet. The worker does that within a quarter of an hour."),
                region=missing[0].name,
            )
        mode.ended_at, mode.ended_by, mode.reason = act.at, act.actor_name, reason
        mode.save(only=["ended_at", "ended_by", "reason"])
        released = [_hand_back(act, row) for row in SubAccount.select().where(_waiting()).order_by(SubAccount.id)]
        after = {"reason": reason, "released": len(released), "not_compared": [region.name for region in missing]}
        record(act, "database.restored_ended", mode, after=after)
    return mode


def from_command(act: Act, reason: str | None, *, anyway: bool = False) -> list[str]:
    """Begins the mode, or with a reason ends it; one line says which. Raises NotEnded."""
    if reason is None:
        return ["the restored mode is on" if restored.begin(act) else "the restored mode was on already"]
    end(act, reason, anyway=anyway)
    return ["the restored mode has ended"]


def _waiting():
    return (
        (SubAccount.phase == "attention") & (SubAccount.reason_code == restored.CODE) & SubAccount.paused_at.is_null()
    )


def _not_compared(mode: Restoration) -> list[Region]:
    """Regions in which something lives; one that is configured no more cannot be compared."""
    since_at = mode.prepared_at or mode.began_at
    missing = Region.scanned_at.is_null() | (Region.scanned_at < since_at)
    inhabited = SubAccount.select(SubAccount.region).where(SubAccount.phase != "deleted")
    rows = Region.select().where(missing, Region.removed_at.is_null(), Region.id.in_(inhabited))
    return list(rows.order_by(Region.name))


def _hand_back(act: Act, row: SubAccount) -> SubAccount:
    row.phase, row.reason_code, row.last_error = phase_of_wish(row), "", ""
    row.attempts, row.next_attempt_at, row.deadline_at = 0, act.at, deadline(row, act.at)
    row.save(only=["phase", "reason_code", "last_error", "attempts", "next_attempt_at", "deadline_at"])
    after = {"phase": row.phase, "reason": restored.CODE}
    record(act, "sub_account.retried", row, partner=row.partner_id, before={"phase": "attention"}, after=after)
    return row
