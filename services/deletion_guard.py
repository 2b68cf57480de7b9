"""Which deletions may begin (domain.md, States; threats.md 27).

Until one begins, a sub-account is only suspended and can be restored. Beginning looks once more under the row's lock;
after it nothing can be restored. So many an hour begin by themselves, of partners that are active; the others wait for
a second person, and so does what an operator holds back.
"""

from datetime import datetime, timedelta
from typing import Literal

from models.base import locked, write_tx
from models.closure import Closure, ClosureAccount
from models.deletion import Deletion
from models.partner import Partner
from models.sub_account import AccessKey, Region, SubAccount
from services import features, restored
from services.audit import Act, record
from services.purging import PROGRESS_WITHIN, destroy_key
from services.refusal import N_, NotFound, Refusal
from services.settings import Settings
from services.site import Site

COUNTED = timedelta(hours=1)
BATCH = 50
MOST_ROWS = 200
Answer = Literal["begin", "wait", "many", "partner", "operator", "second"]


class HoldRefused(Refusal):
    """The deletion is not held back."""


def begin_due(site: Site, settings: Settings) -> int:
    """Begins the deletions of the region whose delay is over, or holds them back; returns how many it decided."""
    decided = 0
    while decided < BATCH and _due(site).exists() and _decide_next(site, settings):
        decided += 1
    return decided


def may_begin(at: datetime, settings: Settings, region: Region, deletion: Deletion, partner: Partner) -> Answer:
    """The one place that says whether a deletion that is due may begin. Call with the region's row locked, so that
    several workers count one after the other.

    wait: not now, ask again. Anything else is why a second person has to look; many: so many began within the hour
    (threats.md 27), partner: that is not active, operator: one of them ended its contract, second: no second
    administrator agreed (threats.md 28).
    """
    if restored.on():
        return "wait"
    if deletion.lacks_second:
        return "second"
    if deletion.released_at is not None:
        return "begin"
    if partner.state != "active":
        return "partner"
    if _terminated(deletion):
        return "operator"
    began = Deletion.select().where(
        Deletion.region == region, Deletion.started_at > at - COUNTED, Deletion.released_at.is_null()
    )
    return "begin" if began.count() < settings.deletions_per_hour else "many"


def _terminated(deletion: Deletion) -> bool:
    """Whether it comes from a contract that an operator ended: nobody removes data alone."""
    own = (ClosureAccount.sub_account == deletion.sub_account_id) & (Closure.cause == "terminated")
    return ClosureAccount.select().join(Closure).where(own, Closure.state == "purging").exists()


def _due(site: Site):
    """Those whose delay is over and which nobody holds: neither an operator, nor the guard, nor a switch (T5)."""
    held = Deletion.held_at.is_null(False) & Deletion.released_at.is_null()
    return (
        SubAccount.select(SubAccount.id)
        .join(Deletion)
        .where(
            SubAccount.region == site.region,
            SubAccount.delete_after_at <= site.clock.now(),
            SubAccount.wanted_state == "suspended",
            SubAccount.paused_at.is_null(),
            features.open_to("sub_account_deletion", SubAccount.partner, site.clock.now()),
            ~held,
        )
        .order_by(SubAccount.delete_after_at, SubAccount.id)
        .limit(1)
    )


def _decide_next(site: Site, settings: Settings) -> bool:
    """Begins or holds back the one that is due for longest; False when there is none, or it has to wait."""
    now = site.clock.now()
    with write_tx():
        locked(Region.select().where(Region.id == site.region.id)).get()
        found = _due(site).first()
        if found is None:
            return False
        row = locked(SubAccount.select().where(SubAccount.id == found.id)).get()
        deletion = Deletion.get_or_none(Deletion.sub_account == row)
        if deletion is None or row.wanted_state != "suspended" or row.delete_after_at is None:
            return True  # restored between the two looks
        if row.delete_after_at > now:
            return True
        answer = may_begin(now, settings, site.region, deletion, row.partner)
        if answer == "begin":
            _begin(site.act(), row, deletion)
        elif answer != "wait":
            deletion.hold(now, answer)
            record(site.act(), "sub_account.deletion_held", row, partner=row.partner_id, after={"reason": answer})
    return answer != "wait"


def _begin(act: Act, row: SubAccount, deletion: Deletion) -> None:
    """From here on it ends irrevocably. The keys go first: nobody will use them again."""
    before = {"phase": row.phase, "delete_after_at": row.delete_after_at}
    deletion.started_at = act.at
    deletion.save(only=["started_at"])
    row.wanted_state, row.phase, row.generation = "deleted", "deleting", row.generation + 1
    row.delete_after_at, row.enforce_next_at = None, None
    row.attempts, row.reason_code, row.last_error = 0, "", ""
    row.next_attempt_at, row.deadline_at = act.at, act.at + PROGRESS_WITHIN
    row.save(
        only=[
            "wanted_state", "phase", "generation", "delete_after_at", "enforce_next_at", "attempts", "reason_code",
            "last_error", "next_attempt_at", "deadline_at",
        ]
    )  # fmt: skip
    record(act, "sub_account.deletion_begun", row, partner=row.partner_id, before=before, after={"phase": row.phase})
    for key in locked(AccessKey.select().where(AccessKey.sub_account == row, AccessKey.wanted != "deleted")):
        destroy_key(act, row, key)


def held(region: Region) -> list[Deletion]:
    """What waits for a second person in the region, the first held back first, each with its sub-account and
    partner."""
    query = Deletion.select(Deletion, SubAccount, Partner).join(SubAccount).join(Partner)
    waiting = Deletion.held_at.is_null(False) & Deletion.released_at.is_null() & Deletion.started_at.is_null()
    return list(query.where(Deletion.region == region, waiting).order_by(Deletion.held_at, Deletion.id))


def pending(region: Region) -> list[Deletion]:
    """What was asked for in the region, has not begun and is not held back, the next due first, each with its
    sub-account and partner; at most MOST_ROWS."""
    query = Deletion.select(Deletion, SubAccount, Partner).join(SubAccount).join(Partner)
    waits = Deletion.held_at.is_null() | Deletion.released_at.is_null(False)
    rows = query.where(Deletion.region == region, Deletion.started_at.is_null(), waits)
    return list(rows.order_by(SubAccount.delete_after_at, Deletion.id).limit(MOST_ROWS))


def asked(number: str) -> Deletion:
    """The deletion of that sub-account, whoever's it is: for operators alone. Raises NotFound."""
    query = Deletion.select(Deletion, SubAccount, Partner).join(SubAccount).join(Partner)
    found = query.where(SubAccount.number == number).first()
    if found is None:
        raise NotFound()
    return found


def hold_back(act: Act, number: str, reason: str) -> SubAccount:
    """An operator stops a deletion before it begins: until somebody releases it, the partner can restore everything.

    Raises NotFound, also for one that was restored, and HoldRefused when it has begun or is held back already."""
    with write_tx():
        found = asked(number)
        locked(Region.select().where(Region.id == found.region_id)).get()  # a worker may be about to begin
        locked(SubAccount.select().where(SubAccount.id == found.sub_account_id)).get()  # and the partner to restore
        deletion = asked(number)
        row = deletion.sub_account
        if deletion.started_at is not None:
            raise HoldRefused(
                N_("The deletion of %(name)s has begun. It can no longer be stopped or taken back."), name=row.name
            )
        if deletion.waits_for_second:
            raise HoldRefused(N_("The deletion of %(name)s is held back already."), name=row.name)
        deletion.hold(act.at, "operator")
        record(act, "sub_account.deletion_held", row, partner=row.partner_id, after={"reason": reason})
    return row


def under_way(region: Region) -> list[Deletion]:
    """Deletions of the region that have begun, the oldest first, each with its sub-account and partner; at most
    MOST_ROWS."""
    query = Deletion.select(Deletion, SubAccount, Partner).join(SubAccount).join(Partner)
    running = (Deletion.region == region) & Deletion.started_at.is_null(False) & Deletion.ended_at.is_null()
    return list(query.where(running).order_by(Deletion.started_at, Deletion.id).limit(MOST_ROWS))


def waiting_regions() -> list[tuple[Region, int, datetime]]:
    """Regions in which deletions wait for a second person: how many, and since when."""
    found = ((region, held(region)) for region in Region.select().order_by(Region.name))
    return [(region, len(rows), rows[0].held_at) for region, rows in found if rows]
