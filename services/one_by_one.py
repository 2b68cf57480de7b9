"""Things that are done one after another: a fault of one is kept for people and does not hold up the others."""

import logging
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from peewee import InterfaceError, OperationalError, fn

from models.audit import AuditEvent
from models.base import write_tx
from services.audit import Act, Thing, record

KIND = "job"
NOTED_EVERY = timedelta(hours=12)
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
    """What `work` returns, or `otherwise` after a fault that nobody foresaw: it is logged and kept with `name`, and the
    next round tries again. Raises only what a database that is away raises: that is waited for. Call it outside of
    transactions."""
    try:
        return work()
    except (OperationalError, InterfaceError):
        raise
    except Exception as fault:
        what = f"{type(fault).__name__} at {_place(fault)}"
        # its words may hold values of persons, so neither the log nor the trail has them: only its kind and its place
        log.error("%s failed, the others go on: %s", name, what)
        _keep(act, name, what)
    return otherwise


def failed(at: datetime) -> list[Failed]:
    """What did not work within the last day, the oldest first."""
    since: Any = fn.MIN(AuditEvent.at)
    rows: Any = AuditEvent.select(AuditEvent.thing_id, since).where(AuditEvent.thing_kind == KIND)
    rows = rows.where(AuditEvent.at > at - SHOWN).group_by(AuditEvent.thing_id).order_by(since)
    return [Failed(name, AuditEvent.at.python_value(since_at)) for name, since_at in rows.tuples()]


def _keep(act: Act, name: str, what: str) -> None:
    lately = (AuditEvent.thing_id == name) & (AuditEvent.at > act.at - NOTED_EVERY)
    with write_tx():
        if not AuditEvent.select().where(AuditEvent.thing_kind == KIND, lately).exists():
            record(act, "job.failed", Thing(KIND, name), after={"fault": what})


def _place(fault: Exception) -> str:
    frames = traceback.extract_tb(fault.__traceback__)[-FRAMES:]
    return " > ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames)
