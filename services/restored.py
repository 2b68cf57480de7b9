"""The restored mode: a database that came out of a backup knows nothing of what was decided after it (provisioning.md,
restore drill).

Until an operator ends the mode, the worker makes and deletes nothing on a storage service, and lets in nothing that is
barred there: each of these could undo a later decision. Quotas and keys that are wanted from now on follow as always.
Nobody has to remember the mode: a backup of SQLite is marked when it is made, and Postgres tells a restored database
from the one that the dump came from.
"""

from datetime import datetime, timedelta

from peewee import fn

from models.base import locked, write_tx
from models.deletion import Deletion
from models.recovery import Home, Restoration, is_elsewhere, mark_here
from models.session import OneTimeLink, Session
from models.sub_account import AccessKey, HandOver, Region, SubAccount
from services.audit import Act, record
from services.storage.contract import RemoteAccount

CODE = "restored"  # the reason code of sub-accounts that wait for the end of the mode
COMPARE_AFTER = timedelta(minutes=15)  # what is in use is measured first: a lower quota may stop a customer
SETTLED_KEYS = (("active", "live"), ("inactive", "inactive"))


def on() -> bool:
    """Whether the database was restored and no operator has ended the mode. Cheap enough to be asked at each step."""
    return current() is not None or is_elsewhere()


def current() -> Restoration | None:
    """The mode that is on, as far as it was noticed."""
    return Restoration.get_or_none(Restoration.ended_at.is_null())


def waits(row: SubAccount, remote: RemoteAccount | None) -> bool:
    """Whether the next step for this sub-account has to wait for the end of the mode. `remote`: as the service has it,
    None: it has none."""
    found = current()
    if found is None or found.prepared_at is None:
        return found is not None or is_elsewhere()
    if remote is None:
        # one that was there before calls for people by itself; one that is to be deleted is gone, as it should be
        return row.wanted_state != "deleted" and not row.observed_state
    if row.wanted_state == "deleted":
        return True
    if row.wanted_state == "suspended" and not remote.suspended:
        return False  # barring access undoes no decision
    if remote.suspended and row.wanted_state == row.observed_state == "active":
        return True
    return any(_was_switched_off(row, remote))


def _was_switched_off(row: SubAccount, remote: RemoteAccount):
    """Keys that work by what is written here, and that somebody has switched off there."""
    off = [key.id for key in remote.keys if not key.active]
    live = AccessKey.select().where(AccessKey.sub_account == row, AccessKey.phase == "live")
    return (key.access_key_id in off for key in live if key.wanted == "active")


def differs_by_decision(row: SubAccount, kinds: set[str]) -> bool:
    """Whether what the comparison found may be a decision that was made after the backup, and putting it right would
    let somebody in or stop a customer: barred or switched off there, or more in use than is set aside here, as far as
    was measured since. Another quota alone follows the allocation that is known."""
    if "quota" in kinds and row.hard_quota_bytes is not None:
        found = current()
        since_at = found and found.prepared_at
        measured = since_at is not None and row.measured_at is not None and row.measured_at >= since_at
        if not measured or row.used_bytes > row.hard_quota_bytes:
            return True
    return bool(kinds & {"suspension", "key_state"})


def notice(act: Act) -> list[str]:
    """For the start of every process: sees whether this database came out of a backup, and then puts on hold what
    could undo later decisions. Returns a line for people while the mode is on."""
    with write_tx():
        Home.insert(id=1).on_conflict_ignore().execute()
        home = locked(Home.select().where(Home.id == 1)).get()
        if is_elsewhere() and current() is None:
            Restoration.create(began_at=act.at, cause="moved")
        if home.mark != mark_here():
            Home.update(mark=mark_here()).where(Home.id == 1).execute()
        found = current()
        if found is None:
            return []
        if found.prepared_at is None:
            _prepare(act, found)
    since = f"{found.prepared_at or act.at:%Y-%m-%d %H:%M} UTC"
    return [
        f"restored mode since {since}: until an operator ends it, nothing is created or deleted on a storage service"
    ]


def begin(act: Act) -> bool:
    """By command, where nothing could notice it: after a restored snapshot of a disk, for one. False: it is on already.
    What `notice` does is done at once."""
    with write_tx():
        Home.insert(id=1).on_conflict_ignore().execute()
        locked(Home.select().where(Home.id == 1)).get()
        began = current() is None
        if began:
            Restoration.create(began_at=act.at, cause="command")
    notice(act)
    return began


def _prepare(act: Act, found: Restoration) -> None:
    """Log-ins and links that were ended after the backup would be open again; what was under way then has long been
    done, and would be done again."""
    before_at = found.began_at
    found.prepared_at = act.at
    found.save(only=["prepared_at"])
    Region.update(scan_next_at=act.at + COMPARE_AFTER).execute()
    done = {
        "sessions": _end_sessions(act.at),
        "links": _end_links(act.at),
        "deletions": _hold_deletions(act),
        "on_hold": _put_on_hold(act),
    }
    record(act, "database.restored", found, after={"cause": found.cause, "backup_at": before_at, **done})


def _end_sessions(at: datetime) -> int:
    return Session.update(ended_at=at, end_reason=CODE).where(Session.ended_at.is_null()).execute()


def _end_links(at: datetime) -> int:
    unused = OneTimeLink.used_at.is_null() & (OneTimeLink.expires_at > at)
    ended = OneTimeLink.update(expires_at=at).where(unused).execute()
    waiting = HandOver.sealed.is_null(False)
    return ended + HandOver.update(sealed=None, withdrawn_at=at).where(waiting).execute()


def _hold_deletions(act: Act) -> int:
    """Each may have been called off after the backup: a second person lets it begin, as when too many are due."""
    waiting = Deletion.select(Deletion, SubAccount).join(SubAccount).where(Deletion.started_at.is_null())
    deletions = list(waiting)
    for deletion in deletions:
        if not deletion.waits_for_second:
            deletion.hold(act.at, CODE)
        row = deletion.sub_account
        record(act, "sub_account.deletion_held", row, partner=row.partner_id, after={"reason": CODE})
    return len(deletions)


def _put_on_hold(act: Act) -> int:
    """Sub-accounts that were being made at the time of the backup, and those with a key that was on its way."""
    arrived = [(AccessKey.wanted == wanted) & (AccessKey.phase == phase) for wanted, phase in SETTLED_KEYS]
    moving = (AccessKey.wanted != "deleted") & (AccessKey.phase != "attention") & ~arrived[0] & ~arrived[1]
    with_moving_key = fn.EXISTS(AccessKey.select(1).where(AccessKey.sub_account == SubAccount.id, moving))
    made = SubAccount.observed_state != ""
    open_rows = SubAccount.select().where(
        SubAccount.wanted_state != "deleted", SubAccount.paused_at.is_null(), ~made | with_moving_key
    )
    rows = list(open_rows)
    for row in rows:
        row.phase, row.reason_code, row.paused_at = "attention", CODE, act.at
        if row.observed_generation == row.generation:
            row.generation += 1  # what is put on hold has something to be done
        row.save(only=["phase", "reason_code", "paused_at", "generation"])
        record(act, "sub_account.paused", row, partner=row.partner_id, after={"reason": CODE})
    return len(rows)
