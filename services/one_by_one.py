"""Things that are done one after another: a fault of one is kept for people and does not hold up the others."""

import logging
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from peewee import fn

from models.audit import AuditEvent
from models.base import DATABASE_AWAY, taken_back_alone, write_tx
from services.audit import Act, Thing, record

KIND = "job"
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=2)
SHOWN = timedelta(hours=25)  # somewhat more than the nightly purge needs to come again
FRAMES = 4

log = logging.getLogger("portal.worker")
Done = TypeVar("Done")


@dataclass(frozen=True)
class Failed:
    """What did not work, and since when."""

    name: str
    since_at: datetime


def tried(act: Act, name: str, work: Callable[[], Done], otherwise: Done) -> Done:
    """What `work` returns, or `otherwise` after a fault that nobody foresaw: it is logged and kept with `name`, and
    tried again after a pause; until then `otherwise` is the answer. Raises only what a database that is away raises:
    that is waited for. Call it outside of transactions."""
    return each(act, [(name, work)], otherwise)[0]


def each(act: Act, jobs: Sequence[tuple[str, Callable[[], Done]]], otherwise: Done) -> list[Done]:
    """What each of the named jobs returns, in their order; each as by `tried`."""
    resting = _resting(act, AuditEvent.thing_id.in_([name for name, _work in jobs]))
    return [otherwise if name in resting else _try(act, name, work, otherwise) for name, work in jobs]


def rows(act: Act, what: str, due: Any, work: Callable[[int], Any]) -> int:
    """Calls `work` with the id of each row of the query `due` (of ids alone, with its order and limit), each as by
    `tried` with the name `what` and the id; returns the sum of what it returns. Rows that rest take nobody's place."""
    ids = [number for (number,) in due.tuples()]
    if ids and (resting := resting_rows(act, what)):
        ids = [number for (number,) in due.where(due.model.id.not_in(resting)).tuples()]
    return sum(_try(act, f"{what} {number}", partial(work, number), 0) or 0 for number in ids)


def resting_rows(act: Act, what: str) -> list[int]:
    """The ids of the rows that `rows` leaves out for now."""
    start = f"{what} "
    ends = [name.removeprefix(start) for name in _resting(act, AuditEvent.thing_id.startswith(start))]
    return sorted(int(end) for end in ends if end.isdecimal())


def pause(faults: int) -> timedelta:
    """How long after the last of so many faults within SHOWN the next try comes: twice as long each time."""
    return min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(faults - 1, 10))


def failed(at: datetime) -> list[Failed]:
    """What did not work within the last day, the oldest first."""
    since: Any = fn.MIN(AuditEvent.at)
    found: Any = AuditEvent.select(AuditEvent.thing_id, since).where(AuditEvent.thing_kind == KIND)
    found = found.where(AuditEvent.at > at - SHOWN).group_by(AuditEvent.thing_id).order_by(since)
    return [Failed(name, AuditEvent.at.python_value(since_at)) for name, since_at in found.tuples()]


def _resting(act: Act, which: Any) -> set[str]:
    """The names of those whose pause is not over."""
    lately = (AuditEvent.thing_kind == KIND) & (AuditEvent.at > act.at - SHOWN) & (AuditEvent.at <= act.at)
    faults: Any = AuditEvent.select(AuditEvent.thing_id, fn.COUNT(AuditEvent.id), fn.MAX(AuditEvent.at))
    found = faults.where(lately, which).group_by(AuditEvent.thing_id).tuples()
    return {name for name, number, last in found if act.at < AuditEvent.at.python_value(last) + pause(number)}


def _try(act: Act, name: str, work: Callable[[], Done], otherwise: Done) -> Done:
    try:
        with taken_back_alone():  # a drill is one transaction
            return work()
    except DATABASE_AWAY:
        raise
    except Exception as fault:
        what = f"{type(fault).__name__} at {_place(fault)}"
        # its words may hold values of persons, so neither the log nor the trail has them: only its kind and its place
        log.error("%s failed, the others go on: %s", name, what)
        _keep(act, name, what)
    return otherwise


def _keep(act: Act, name: str, what: str) -> None:
    """Each fault is kept: from how many there were follows the pause, and that holds however often one tries."""
    with write_tx():
        record(act, "job.failed", Thing(KIND, name), after={"fault": what})


def _place(fault: Exception) -> str:
    frames = traceback.extract_tb(fault.__traceback__)[-FRAMES:]
    return " > ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames)
