"""Erasures outlive a restored backup: a database that came out of one knows again who was erased after it was made.

The nightly purge writes who was erased lately into a file beside the database (numbers alone, no names). After a
restore the first purge reads it and erases them again. The file is kept apart from the backups (docs/retention.md).
"""

import json
import logging
import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from models.archive import Erasure
from models.partner import Member, Partner
from services import erasure
from services.audit import Act
from services.settings import Settings

KEPT = timedelta(days=40)  # backups are kept for 35
NAME = "erasures.jsonl"

log = logging.getLogger("portal.erasure")


def path(settings: Settings) -> Path:
    return settings.var_dir / NAME


def write(settings: Settings, at: datetime) -> int:
    """Adds what is new, and lets go what every backup has forgotten; returns how many erasures the file holds."""
    known = {(line["kind"], line["id"]): line for line in _lines(settings)}
    for row in Erasure.select().where(Erasure.asked_at > at - KEPT).order_by(Erasure.id):
        known[row.kind, row.subject_id] = {
            "kind": row.kind, "id": row.subject_id, "public_id": row.public_id, "keeps": row.keeps,
            "asked_at": row.asked_at.isoformat(),
        }  # fmt: skip
    young = [line for line in known.values() if datetime.fromisoformat(line["asked_at"]) > at - KEPT]
    target = path(settings)
    if young or target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        written = target.with_suffix(".new")
        written.write_text("".join(json.dumps(line) + "\n" for line in young))
        os.replace(written, target)
    return len(young)


def repeat(act: Act, settings: Settings) -> int:
    """Erases again whom the database has back; returns how many that were."""
    repeated = 0
    for line in _lines(settings):
        table: Any = Partner if line["kind"] == "partner" else Member
        row = table.get_or_none(id=line["id"], public_id=line["public_id"])
        if row is None or Erasure.get_or_none(kind=line["kind"], subject_id=line["id"]):
            continue
        log.warning("%s %s was erased before the backup came back: erased again", line["kind"], line["id"])
        if line["kind"] == "partner":
            erasure.erase_partner(act, settings, row, keeps=bool(line["keeps"]))
        else:
            _again(act, settings, row)
        repeated += 1
    return repeated


def _again(act: Act, settings: Settings, member: Member) -> None:
    try:
        erasure.erase_member(act, settings, member)
    except erasure.ErasureRefused as refused:
        log.warning("member %s: %s", member.id, refused.text)


def _lines(settings: Settings) -> Iterator[dict]:
    target = path(settings)
    if target.exists():
        yield from (json.loads(line) for line in target.read_text().splitlines() if line.strip())
