"""Rotation of the data key (threats.md 25): everything that is sealed is sealed anew with the newest one.

It runs while the portal works. Each value is replaced only if it is still what was read, so that nothing that happens
meanwhile is overwritten; what changed under its hand is looked at again. Killed, it goes on where something is left.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from peewee import TextField

from models.base import empty_log, write_tx
from models.recovery import Home
from models.second_factor import Totp
from models.session import Session
from models.sso import Sso
from models.sub_account import AccessKey, HandOver, Region
from services.audit import Act, record
from services.command_line import NotDone
from services.secret import SealBroken, Vault
from services.settings import Settings

# Every column that holds what a Vault has sealed; a test compares it with the schema and with what is really stored.
SEALED: tuple[TextField, ...] = (
    AccessKey.secret_ct,
    AccessKey.retained_ct,
    AccessKey.parked_ct,
    HandOver.sealed,
    Home.probe_ct,
    Sso.secret_ct,
    Totp.seed_ct,
    Totp.wanted_ct,
)
BATCH = 50
MOST_PASSES = 100
AT_WORK = timedelta(minutes=2)  # a worker at work is noted every half minute, a person every minute


class OlderKeyNeeded(NotDone):
    """An older data key is still needed."""


class NothingCleared(NotDone):
    """What no key opens is still there."""


@dataclass
class Standing:
    """Of one column: how many values the newest key opens, how many an older one of the settings, how many none."""

    column: str
    newest: int = 0
    older: int = 0
    lost: int = 0
    anew: int = 0

    def __str__(self) -> str:
        counted = f"{self.newest} with the newest key, {self.older} with an older one, {self.lost} that no key opens"
        return f"{self.column}: {counted}" + (f"; {self.anew} sealed anew" if self.anew else "")


class _Keys:
    """The newest key alone, and all of them."""

    def __init__(self, settings: Settings):
        self.newest, self.all = Vault(settings.data_keys[:1]), Vault(settings.data_keys)

    def sort_of(self, ciphertext: str) -> str:
        for sort, vault in (("newest", self.newest), ("older", self.all)):
            try:
                vault.open(ciphertext)
                return sort
            except SealBroken:
                continue
        return "lost"


def report(act: Act, settings: Settings, *, check: bool = False, forget: int | None = None) -> Iterator[str]:
    """The command: a line for each column. `check` changes nothing; `forget` first clears what no key opens, if it is
    so many values. Raises OlderKeyNeeded at the end when the newest key does not open everything, NothingCleared."""
    if forget is not None:
        yield from _forget(act, settings, forget, check=check)
    found = look(settings) if check else rekey(act, settings)
    yield from map(str, found)
    if lost := _lost(found):
        raise OlderKeyNeeded(f"No key of PORTAL_DATA_KEYS opens {lost} values. {_doubt(found)}See docs/operations.md.")
    if any(standing.older for standing in found):
        raise OlderKeyNeeded("An older key is still needed: run rekey.")
    yield "the newest data key opens everything: older ones are no longer needed"


def _forget(act: Act, settings: Settings, number: int, *, check: bool) -> Iterator[str]:
    """The keys in whoever's shell may be old or mistyped. So: never beside processes that may hold the right ones, and
    only by the number, which nobody knows who has not read what `check` says of these very keys."""
    if check:
        raise NothingCleared("--check changes nothing: run it first, then --forget without it.")
    _refuse_at_work(act)
    found = look(settings)
    lost = _lost(found)
    if lost != number:
        raise NothingCleared(f"Nothing was cleared: it is not {number} values that no key opens. Run rekey --check.")
    yield f"clearing {lost} values for good. {_doubt(found)}".strip()
    yield f"{forget_lost(act, settings)} values cleared that no key opens"


def _refuse_at_work(act: Act) -> None:
    since_at = act.at - AT_WORK
    if Region.select().where(Region.tended_at > since_at).exists():
        raise NothingCleared("A worker is at work. Stop both services, wait two minutes, then repeat.")
    if Session.select().where(Session.last_seen_at > since_at).exists():
        raise NothingCleared("Somebody uses the portal. Stop both services, wait two minutes, then repeat.")


def look(settings: Settings) -> list[Standing]:
    """What each sealed column needs; reads only."""
    keys = _Keys(settings)
    found = []
    for column in SEALED:
        standing = Standing(_name(column))
        for page in _pages(column):
            _count(standing, keys, page)
        found.append(standing)
    return found


def rekey(act: Act, settings: Settings) -> list[Standing]:
    """Seals anew, with the newest data key, whatever an older one has sealed; says how everything stands afterwards.

    Raises OlderKeyNeeded when something still needs an older key after many passes: then a process that was not started
    anew goes on sealing with one."""
    keys, anew = _Keys(settings), dict.fromkeys(map(_name, SEALED), 0)
    for _pass in range(MOST_PASSES):
        for column in SEALED:
            anew[_name(column)] += sum(_seal_page(column, keys, page) for page in _pages(column))
        standings = look(settings)
        if not any(standing.older for standing in standings):
            break
    else:
        raise OlderKeyNeeded(
            "Something is still sealed with an older key. Start every process with the new settings, then repeat."
        )
    if any(anew.values()):
        _note(act, anew)
    empty_log()
    for standing in standings:
        standing.anew = anew[standing.column]
    return standings


def forget_lost(act: Act, settings: Settings) -> int:
    """Clears what no key opens any more, after the loss of a data key; returns how many values. Those secrets are gone;
    the keys on the storage service go on working, and each can be replaced."""
    keys, cleared = _Keys(settings), 0
    for column in SEALED:
        for page in _pages(column):
            lost = [(row_id, text) for row_id, text in page if keys.sort_of(text) == "lost"]
            with write_tx():
                cleared += sum(_replace(column, row_id, text, None) for row_id, text in lost)
    if cleared:
        _note(act, {"forgotten": cleared})
    empty_log()
    return cleared


def _lost(found: list[Standing]) -> int:
    return sum(standing.lost for standing in found)


def _doubt(found: list[Standing]) -> str:
    """What speaks for wrong keys in the settings rather than for a lost one; a sentence with a blank behind it."""
    if not any(standing.newest or standing.older for standing in found):
        return "They open nothing at all in this database: with its own keys nothing would be lost. "
    if any(standing.lost for standing in found if standing.column == _name(Home.probe_ct)):
        return "With these keys the portal does not start: one that it worked with is missing. "
    return ""


def _pages(column: TextField) -> Iterator[list[tuple[int, str]]]:
    """Pairs of id and ciphertext, in order of id, a few at a time: no cursor stays open while others write."""
    table, last = column.model, 0
    while page := list(
        table.select(table.id, column)
        .where(column.is_null(False), table.id > last)
        .order_by(table.id)
        .limit(BATCH)
        .tuples()
    ):
        yield page
        last = page[-1][0]


def _count(standing: Standing, keys: _Keys, page: list[tuple[int, str]]) -> None:
    for _row_id, text in page:
        sort = keys.sort_of(text)
        setattr(standing, sort, getattr(standing, sort) + 1)


def _seal_page(column: TextField, keys: _Keys, page: list[tuple[int, str]]) -> int:
    """Opens and seals outside of the transaction, which is short; returns how many values were replaced."""
    pairs = [(row_id, text, keys.newest.seal(keys.all.open(text))) for row_id, text in page if _is_older(keys, text)]
    if not pairs:
        return 0
    with write_tx():
        return sum(_replace(column, *pair) for pair in pairs)


def _is_older(keys: _Keys, text: str) -> bool:
    return keys.sort_of(text) == "older"


def _replace(column: TextField, row_id: int, old: str, new: str | None) -> int:
    """Only what still is as it was read: a secret that was destroyed meanwhile stays destroyed."""
    table = column.model
    return table.update({column: new}).where(table.id == row_id, column == old).execute()


def _note(act: Act, after: dict) -> None:
    with write_tx():
        Home.insert(id=1).on_conflict_ignore().execute()
        record(
            act, "data_key.rotated", Home.get_by_id(1), after={name: number for name, number in after.items() if number}
        )


def _name(column: TextField) -> str:
    return f"{column.model._meta.table_name}.{column.column_name}"
