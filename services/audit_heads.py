"""The head of the trail leaves the database each day: whoever cuts rows off at its end cannot take that back.

It goes by mail to PORTAL_AUDIT_HEAD_MAIL, and into a file in the folder PORTAL_AUDIT_HEAD_DIR, one line of JSON a day.
`portal.py audit verify --head FILE` reads such lines, wherever in a line they stand (mail text included).
"""

import json
import os
import re
from datetime import timedelta
from pathlib import Path

from models.audit import AuditEvent, AuditHead
from models.base import write_tx
from services import chain, mail
from services.audit import Act, Thing, record
from services.chain import Link
from services.command_line import NotDone
from services.settings import Settings

TOLD, KIND = "trail.head_told", "audit_head"
EVERY = timedelta(hours=24)
FILE = "audit-heads.jsonl"
WRITTEN = re.compile(r'\{"at": "[^"]+", "hash": "[0-9a-f]{64}", "number": \d+\}')


def tell(act: Act, settings: Settings) -> int:
    """Sends the head out when a day has passed since the last time, and notes that; returns 1 then. Raises OSError when
    the file cannot be written: the next round tries again."""
    if not (settings.audit_head_mail or settings.audit_head_dir) or not _due(act):
        return 0
    head = chain.head(AuditHead)
    line = line_of(act, head)
    if settings.audit_head_dir:
        _append(settings.audit_head_dir / FILE, line)
    with write_tx():
        if settings.audit_head_mail:
            mail.queue(
                act,
                settings,
                "audit_head",
                to=settings.audit_head_mail,
                locale="en",
                of_partner=None,
                line=line,
                head=head,
            )
        record(act, TOLD, Thing(KIND, str(head.number)), after={"number": head.number, "sha256": head.hash})
    return 1


def line_of(act: Act, head: Link) -> str:
    return json.dumps({"at": chain.moment(act.at), "hash": head.hash, "number": head.number}, sort_keys=True)


def read(file: Path) -> list[Link]:
    """The heads in a file. Raises NotDone when there is none."""
    found = [json.loads(text) for text in WRITTEN.findall(file.read_text(errors="replace"))]
    if not found:
        raise NotDone(f"{file} holds no head of the trail: give the file that the worker writes, or the mail it sends")
    return [Link(one["number"], "", one["hash"]) for one in found if one["number"]]


def _due(act: Act) -> bool:
    last = AuditEvent.select(AuditEvent.at).where(AuditEvent.thing_kind == KIND).order_by(AuditEvent.id.desc()).first()
    return last is None or last.at <= act.at - EVERY


def _append(file: Path, line: str) -> None:
    """On the disk before the database says that it was done."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a") as opened:
        opened.write(line + "\n")
        opened.flush()
        os.fsync(opened.fileno())
