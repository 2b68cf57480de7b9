"""Everything that a partner has in the portal, as one ZIP in open formats (T21; Regulation (EU) 2023/2854, Art. 25).

It is written while it is sent: memory stays flat, and no copy of it lies anywhere. Each list is a CSV file (RFC 4180)
for people and a file of JSON lines for programs; the manifest at the end has rows and SHA-256 of each file.
"""

import hashlib
import json
import zipfile
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from string import Template
from typing import Any

from models.audit import AuditEvent
from models.base import write_tx
from models.partner import Partner
from models.stored_file import StoredFile
from models.terms import Acceptance, TermsVersion
from services import csv_export, erasure_paths, own_data_lists
from services.audit import Act, record
from services.refusal import N_, Refusal
from services.settings import Settings

EXPORTED = "own_data.exported"
MOST_AN_HOUR = 6
README = Path(__file__).resolve().parent.parent / "templates" / "own_data" / "readme.txt"
LINES_AT_ONCE = 200


class ExportRefused(Refusal):
    """No file is made now."""


def begin(act: Act, partner: Partner) -> None:
    """Writes into the trail that a file was asked for. Raises ExportRefused after MOST_AN_HOUR of them."""
    with write_tx():
        lately = AuditEvent.select().where(
            AuditEvent.partner == partner, AuditEvent.action == EXPORTED, AuditEvent.at > act.at - timedelta(hours=1)
        )
        if lately.count() >= MOST_AN_HOUR:
            raise ExportRefused(
                N_("This file was made %(most)s times within an hour. Try again later."), most=MOST_AN_HOUR
            )
        record(act, EXPORTED, partner, partner=partner)


def export(partner: Partner, settings: Settings, at: datetime) -> Iterator[bytes]:
    """The ZIP in pieces. `manifest.json` comes last: a file without it was broken off."""
    out: Any = _Pieces()
    manifest: dict[str, Any] = {"company": partner.legal_name, "made_at": plain(at), "files": {}}
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, count, content in _files(partner, settings, at):
            digest = hashlib.sha256()
            with archive.open(zipfile.ZipInfo(name, at.timetuple()[:6]), "w", force_zip64=True) as entry:
                for piece in content:
                    digest.update(piece)
                    entry.write(piece)
                    yield out.take()
            manifest["files"][name] = {"sha256": digest.hexdigest()} | ({"rows": count.rows} if count else {})
        archive.writestr("manifest.json", json.dumps(manifest, ensure_ascii=False, indent=1))
    yield out.take()


class _Pieces:
    """What a ZIP writes into: only forwards."""

    def __init__(self) -> None:
        self._written: list[bytes] = []

    def write(self, piece: bytes) -> int:
        self._written.append(bytes(piece))
        return len(piece)

    def flush(self) -> None:
        pass

    def take(self) -> bytes:
        piece, self._written = b"".join(self._written), []
        return piece


class _Count:
    rows = 0

    def of(self, rows: Iterable[dict]) -> Iterator[dict]:
        for row in rows:
            self.rows += 1
            yield row


def _files(partner: Partner, settings: Settings, at: datetime) -> Iterator[tuple[str, _Count | None, Iterable[bytes]]]:
    readme = Template(README.read_text()).substitute(
        company=partner.legal_name, provider=settings.provider.name, made_at=plain(at)
    )
    yield "README.txt", None, [readme.encode()]
    for own in own_data_lists.every():
        count = _Count()
        yield f"{own.name}.csv", count, _csv(own.columns, count.of(own.rows(partner.id)))
        count = _Count()
        yield f"{own.name}.jsonl", count, json_lines(count.of(own.rows(partner.id)))
    for version in _texts(partner):
        name = f"texts/{version.kind}-{version.label}-{version.language}.txt"
        yield name, None, [version.body.encode()]
    for file_id in erasure_paths.file_ids(partner.id):
        found = StoredFile.get_by_id(file_id)
        yield f"files/{found.public_id}.pdf", None, [bytes(found.content)]


def _csv(columns: tuple[str, ...], rows: Iterable[dict]) -> Iterator[bytes]:
    cells = ([_cell(row[name]) for name in columns] for row in rows)
    return (piece.encode() for piece in csv_export.lines(columns, cells))


def _cell(value: Any) -> csv_export.Cell:
    if value is None or isinstance(value, str | int | date):
        return value
    return str(value) if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False, default=plain)


def json_lines(rows: Iterable[dict]) -> Iterator[bytes]:
    """One JSON object in each line, some hundred lines at a time."""
    some: list[str] = []
    for row in rows:
        some.append(json.dumps(row, ensure_ascii=False, default=plain) + "\n")
        if len(some) == LINES_AT_ONCE:
            yield "".join(some).encode()
            some = []
    yield "".join(some).encode()


def plain(value: Any) -> str:
    """Times as ISO 8601 in UTC, days as ISO 8601, amounts exactly."""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else str(value)


def _texts(partner: Partner) -> Iterable[TermsVersion]:
    """Exactly what was agreed to, in each language in which it was."""
    agreed = Acceptance.select(Acceptance.version).where(Acceptance.partner == partner)
    return TermsVersion.select().where(TermsVersion.id.in_(agreed)).order_by(TermsVersion.id)
