"""The second person lets deletions begin that are held back; many of them need two operators (threats.md 27 and 28)."""

from collections.abc import Iterable
from datetime import timedelta

from models.base import locked, write_tx
from models.deletion import Deletion
from models.operator import Operator
from models.sub_account import Region
from services import deletion_second, policy
from services.audit import Act, record
from services.deletion_guard import held
from services.refusal import N_, NotFound, Refusal
from services.settings import Settings

WINDOW = timedelta(hours=24)
RIGHTS = ("manager", "owner")


class ReleaseRefused(Refusal):
    """The deletions go on waiting."""


def release(act: Act, settings: Settings, region_id: int, chosen: Iterable[int], reason: str) -> int:
    """The second person lets these held deletions of the region begin, by their ids; returns how many. Beyond so many a
    day (the rule releases_alone) they begin once another operator has released them too.

    Raises NotFound, ReleaseRefused (field "chosen" when none is chosen) when nothing waits, when one of them waits no
    more, for what the same person has asked for, and for what a second administrator of the partner can agree to."""
    own = f"{act.kind}:{act.actor_id}"
    with write_tx():
        region = locked(Region.select().where(Region.id == region_id)).first()
        if region is None:
            raise NotFound()
        wanted = _wanted(act, settings, region, set(chosen), own)
        alone = _may_alone(act, own, len(wanted))
        done = 0
        for deletion in wanted:
            if alone or deletion.release_asked_by not in ("", own):
                done += _release(act, own, deletion, reason)
            elif not deletion.release_asked_by:
                _ask(act, own, deletion, reason)
        return done


def _wanted(act: Act, settings: Settings, region: Region, ids: set[int], own: str) -> list[Deletion]:
    waiting = held(region)
    if not waiting:
        raise ReleaseRefused(N_("No deletion waits here any more."))
    if not ids:
        raise ReleaseRefused(N_("Choose at least one deletion."), "chosen")
    wanted = [deletion for deletion in waiting if deletion.id in ids]
    if len(wanted) < len(ids):
        raise ReleaseRefused(N_("Other deletions wait here by now. Look at the list again."))
    if any(deletion.asked_by == own for deletion in wanted):
        raise ReleaseRefused(N_("You asked for some of these deletions yourself. Somebody else has to release them."))
    for deletion in wanted:
        partner_id = deletion.sub_account.partner_id
        if deletion.lacks_second and deletion_second.others(partner_id, deletion.asked_by, act.at, settings):
            raise ReleaseRefused(
                N_("A second administrator of the partner has to agree to the deletion of %(name)s."),
                name=deletion.sub_account.name,
            )
    return wanted


def _may_alone(act: Act, own: str, number: int) -> bool:
    """Few of them, or nobody else is there who could agree."""
    lately = Deletion.select().where(Deletion.released_by == own, Deletion.released_at > act.at - WINDOW).count()
    if lately + number <= policy.current().releases_alone:
        return True
    others = Operator.select().where(Operator.active, Operator.right.in_(RIGHTS), Operator.password_hash != "")
    return not any(f"operator:{other.id}" != own for other in others)


def _ask(act: Act, own: str, deletion: Deletion, reason: str) -> None:
    """The first of two: nothing begins yet."""
    deletion.release_asked_at, deletion.release_asked_by, deletion.release_asked_name = act.at, own, act.actor_name
    deletion.save(only=["release_asked_at", "release_asked_by", "release_asked_name"])
    row = deletion.sub_account
    record(act, "sub_account.deletion_release_asked", row, partner=row.partner_id, after={"reason": reason})


def _release(act: Act, own: str, deletion: Deletion, reason: str) -> bool:
    """False when it was restored at this moment."""
    row, released = deletion.sub_account, {"released_at": act.at, "released_by": own, "released_name": act.actor_name}
    if not Deletion.update(**released).where(Deletion.id == deletion.id).execute():
        return False
    if deletion.lacks_second:
        deletion_second.note(act, deletion)
    after = {"asked_by": deletion.asked_name, "reason": reason}
    record(act, "sub_account.deletion_released", row, partner=row.partner_id, after=after)
    return True
