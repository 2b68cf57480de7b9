"""What the partner does while everything around dies, and what must stand in the end."""

from collections import Counter
from typing import Any

from models.audit import AuditEvent
from models.contract import Contract
from models.deletion import Deletion
from models.sub_account import AccessKey, HandOver, SubAccount
from services.secret import Secret
from services.storage.contract import Storage
from tests.crash.client import (
    TB,
    Client,
    filled,
    handed_over,
    lived,
    moved,
    opened,
    replaced,
    shown,
    stored,
    switched,
    taken_over,
)

LINK_OPENED = "open the link"
OPENED = (opened("A", 4 * TB), shown("A", "first"))
# the first key is replaced by a second one, which a customer gets by a link
KEYS = (
    *OPENED,
    stored("A", "first"),
    replaced("second", "A", "first"),
    handed_over("link", "A", "second"),
    taken_over(LINK_OPENED, "link"),
    switched("first off", "A", "first", "off"),
)
BACK = (
    switched("first on again", "A", "first", "on"),
    switched("first off again", "A", "first", "off"),
)
KEYS_END = (switched("delete first", "A", "first", "deleted"),)
CAPACITY = (
    moved("raise", ("A", 6 * TB), then="step"),
    moved("lower", ("A", 5 * TB)),
    opened("B", 5 * TB),
    moved("move", ("A", 2 * TB), ("B", 8 * TB), then="step"),
    moved("move back", ("A", 7 * TB), ("B", 3 * TB)),
)
LIFE = (
    lived("suspend", "A", "suspended"),
    lived("resume", "A", "reactivated", then="step"),
    lived("delete", "A", "deletion_asked"),
    lived("restore", "A", "restored"),
    lived("delete again", "A", "deletion_asked", then="time"),
)
STORIES = {
    "keys": (*KEYS, *BACK, *KEYS_END),
    "keys made there": (*KEYS, *KEYS_END),  # one that was off cannot come back there
    "capacity": (opened("A", 4 * TB), *CAPACITY),
    "life": (*OPENED, filled("A", 5), *LIFE),
    "all": (*KEYS, *BACK, *KEYS_END, *CAPACITY, *LIFE),
}
CAPABILITIES = {"keys made there": {"key_import": False, "key_inactive": False}}

# a lost answer is asked for again: the secret is shown again to the same session, a new link replaces the unseen one.
# What the worker says of itself depends on where it was killed: steps on the way may be noted or not.
FREE_TO_DIFFER = ("access_key.revealed", "hand_over.created", "hand_over.withdrawn", "sub_account.applied")


def ending(storage: Storage, client: Client) -> dict[str, Any]:
    """How the database and the service stand: the same after every way there."""
    rows = list(SubAccount.select().order_by(SubAccount.name))
    actions = AuditEvent.select(AuditEvent.action).where(AuditEvent.action.not_in(FREE_TO_DIFFER))
    return {
        "contract": Contract.get_by_id(client.cast.contract.id).allocated_bytes,
        "accounts": [(row.name, row.phase, row.wanted_state, row.allocated_bytes, row.in_force_bytes) for row in rows],
        "keys": [_keys(row) for row in rows],
        "there": [_there(storage, row) for row in rows],
        "trail": Counter(action for (action,) in actions.tuples()),
        "pairs": _pairs(storage, client),
        "deletions": list(Deletion.select(Deletion.seen_at.is_null(), Deletion.ended_at.is_null()).tuples()),
    }


def _keys(row: SubAccount) -> list[tuple]:
    keys = AccessKey.select().where(AccessKey.sub_account == row).order_by(AccessKey.id)
    return [
        (key.origin, key.wanted, key.phase, bool(key.retained_ct), bool(key.secret_ct), bool(key.revealed_at))
        for key in keys
    ]


def _there(storage: Storage, row: SubAccount) -> tuple | None:
    found = storage.read_account(row.remote_uid)
    if found is None:
        return None
    return found.display, found.quota_bytes, found.suspended, len(found.keys), len(found.buckets)


def _pairs(storage: Storage, client: Client) -> list[tuple[str, str]]:
    """Of each pair that somebody has: whether it works, as the customer sees it."""
    rows = list(SubAccount.select())
    bucket = rows[0].main_bucket if rows else ""
    found = []
    for name, answer in client.answers.items():
        if name == LINK_OPENED and answer.value is None:
            found.append((name, _unseen(storage)))
        elif isinstance(answer.value, list):
            found.append((name, storage.probe_key(answer.value[0], Secret(answer.value[1]), bucket)))
    return found


def _unseen(storage: Storage) -> str:
    """A pair that was shown once, to somebody who died before they saw it: nobody has it, the service tells of it."""
    key = HandOver.get(HandOver.used_at.is_null(False)).access_key
    there = storage.read_account(key.sub_account.remote_uid)
    works = (
        there is not None
        and not there.suspended
        and any(one.active and one.id == key.access_key_id for one in there.keys)
    )
    return "alive" if works else "dead"
