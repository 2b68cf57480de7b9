"""Deletion means deleted, and nothing is deleted before its time (provisioning.md, promise 10)."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from peewee import JOIN

from models.deletion import Deletion
from models.sub_account import AccessKey, SubAccount
from services import restored

BEGUN_WITHIN = timedelta(hours=1)  # the worker comes by in its own time


def deletions_astray(at: datetime) -> Iterator[str]:
    """What was begun is wanted, what is called deleted has its proof and holds nothing, what is due is begun or waits
    in the operators' list."""
    account, deletion = SubAccount, Deletion
    rows = account.select(account.number).join(deletion, JOIN.LEFT_OUTER)
    not_begun = deletion.started_at.is_null()
    for (number,) in rows.where(account.wanted_state == "deleted", not_begun).tuples().iterator():
        yield f"sub-account {number} is being deleted, and nobody began that"
    for (number,) in rows.where(account.wanted_state != "deleted", ~not_begun).tuples().iterator():
        yield f"the deletion of sub-account {number} has begun, and it is wanted again"
    gone = (account.phase == "deleted") & (account.observed_generation == account.generation)
    holds = (account.allocated_bytes != 0) | (account.used_bytes != 0) | account.observed_quota_bytes.is_null(False)
    for (number,) in rows.where(gone, deletion.ended_at.is_null() | holds).tuples().iterator():
        yield f"sub-account {number} is called deleted, and something of it is left or nothing proves it"
    keys = AccessKey.select(AccessKey.id).join(account).where(gone, AccessKey.phase != "deleted")
    for (key_id,) in keys.tuples().iterator():
        yield f"key {key_id} belongs to a deleted sub-account and is not deleted"
    if not restored.on():
        yield from _overdue(at)


def _overdue(at: datetime) -> Iterator[str]:
    account, deletion = SubAccount, Deletion
    due = account.delete_after_at <= at - BEGUN_WITHIN
    listed = deletion.held_at.is_null(False) & deletion.released_at.is_null() | account.paused_at.is_null(False)
    rows = account.select(account.number).join(deletion, JOIN.LEFT_OUTER).where(due, deletion.id.is_null() | ~listed)
    for (number,) in rows.tuples().iterator():
        yield f"sub-account {number} is due to be deleted, nobody has begun, and it is in nobody's list"
