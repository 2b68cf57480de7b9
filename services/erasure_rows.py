"""One batch of rows of an erased partner or person: what law keeps goes to the archive, what stays is emptied, the rest
goes. Call inside write_tx."""

import base64
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from peewee import Case, Expression, Field, ForeignKeyField, TextField, Value, chunked

from models.archive import ArchiveRecord, Erasure
from models.audit import AuditEvent, AuditPersonal
from models.base import ExactDecimalField, JsonField, Table
from models.evidence import Evidence, EvidencePersonal
from models.stored_file import StoredFile
from services import audit_erasing, erasure_paths, evidence
from services.record_classes import CLASSES, TABLES, class_of, delete_after

# of the trail, what tells of log-ins and secrets is kept no longer than the account (docs/retention.md)
SECURITY_ACTIONS = (
    "session.",
    "password.",
    "link.",
    "console_session.",
    "hand_over.",
    "access_key.revealed",
    "own_data.",
)
NEVER_ARCHIVED = ("person", "secret", "operational", "statistic", "security_log")
LINES_OF_A_RECORD = 200
KEYS_AT_ONCE = 500  # a statement has so many places for values


def archive(erasure: Erasure, partner_id: int, table: type[Table], rows: Sequence, at: datetime, ended_on: date | None):
    """Copies what law keeps of these rows; returns how many. `ended_on`: when the relationship ended, None while it
    goes on (then the period has no end yet)."""
    kept: dict[tuple[str, date | None], list[dict]] = defaultdict(list)
    for row in rows:
        record_class = _class_of_row(table, row)
        if CLASSES[record_class].archived:
            until_on = _until(table, row, record_class, ended_on)
            if until_on is None or until_on >= at.date():
                kept[record_class, until_on].append(_as_kept(table, row))
    for (record_class, until_on), lines in kept.items():
        for start in range(0, len(lines), LINES_OF_A_RECORD):
            some = lines[start : start + LINES_OF_A_RECORD]
            ArchiveRecord.create(
                erasure=erasure,
                former_partner_id=partner_id,
                record_class=record_class,
                source_table=table._meta.table_name,
                rows=len(some),
                payload=some,
                archived_at=at,
                delete_after_on=until_on,
            )
    return sum(len(lines) for lines in kept.values())


def remove(table: type[Table], rows: Sequence, at: datetime) -> int:
    """Deletes the rows, and the files that nothing else refers to. Personal parts of evidence go by the chain's own
    way, which leaves a row that says so."""
    if table is EvidencePersonal:
        hashes = Evidence.select(Evidence.hash).where(Evidence.number.in_([row.number for row in rows]))
        return evidence.erase(at, [row.hash for row in hashes], "erasure")
    columns = [field.object_id_name for field in erasure_paths.references(table, StoredFile)]
    files = {getattr(row, name) for name in columns for row in rows}
    key: Any = table._meta.primary_key
    some = chunked([row._pk for row in rows], KEYS_AT_ONCE)
    gone = sum(table.delete().where(key.in_(keys)).execute() for keys in some)
    _remove_files(file_id for file_id in files if file_id is not None)
    return gone


def empty(table: type[Table], ids: Sequence, at: datetime) -> None:
    """Empties what must not stay of rows that others refer to, and deletes the files that nothing refers to then. The
    trail has a way of its own, which leaves a row that says so."""
    if table is AuditPersonal:
        audit_erasing.erase(at, ids, audit_erasing.ALL, "erasure", called=audit_erasing.FORMER)
        return
    name = table._meta.table_name
    own = [
        field
        for field in table._meta.sorted_fields
        if class_of(name, field.column_name) in ("person", "secret") or field.column_name in TABLES[name].blank
    ]
    key: Any = table._meta.primary_key
    for some in chunked(ids, KEYS_AT_ONCE) if own else ():
        files: set[int] = set()
        for column in erasure_paths.references(table, StoredFile):
            found: Any = table.select(column).where(key.in_(some), column.is_null(False)).tuples()
            files |= {number for (number,) in found}
        table.update({field: blank(table, field) for field in own}).where(key.in_(some)).execute()
        _remove_files(files)


def blank(table: type[Table], field: Field):
    """What stands in a column of a tombstone."""
    place = (table._meta.table_name, field.column_name)
    key: Any = table._meta.primary_key
    number = key.cast("text")
    if place in (("member", "name"), ("partner", "legal_name")):
        return Value(f"former {place[0]} #").concat(number)
    own = Value("erased-").concat(number)
    if field.unique:
        return Case(None, [(field.is_null(), None)], own)
    if field.null:
        return None
    if field.name == "name_key":
        return own  # one of a kind for its partner
    return _nothing(field)


def former(member_id: int) -> str:
    """What an erased person is called where something of what they did stays."""
    return f"former member #{member_id}"


def _nothing(field: Field):
    if isinstance(field, JsonField):
        return {}
    if isinstance(field, ExactDecimalField):
        return 0
    if isinstance(field, TextField):
        return ""
    raise TypeError(f"{field.model.__name__}.{field.name} cannot be emptied: let it be null")


def _class_of_row(table: type[Table], row) -> str:
    if isinstance(row, AuditEvent) and row.action.startswith(SECURITY_ACTIONS):
        return "security_log"
    return TABLES[table._meta.table_name].record_class


def _until(table: type[Table], row, record_class: str, ended_on: date | None) -> date | None:
    since = TABLES[table._meta.table_name].since
    value = getattr(row, since) if since else None
    if value is None:
        return None if ended_on is None else delete_after(record_class, ended_on)
    value_on = value.date() if isinstance(value, datetime) else value
    return delete_after(record_class, min(value_on, ended_on or value_on))


def _as_kept(table: type[Table], row) -> dict:
    name = table._meta.table_name
    default = TABLES[name].record_class
    kept: dict[str, Any] = {}
    if isinstance(row, AuditEvent):  # what stood there is kept as long as the line; who and from where is not
        kept = {"before": row.before, "after": row.after}
    for field in table._meta.sorted_fields:
        own = class_of(name, field.column_name)
        if own not in NEVER_ARCHIVED or own == default:
            kept[field.column_name] = _plain(row, field)
        if isinstance(field, ForeignKeyField) and field.rel_model is StoredFile and kept.get(field.column_name):
            kept[f"{field.name}_file"] = _file(kept[field.column_name])
    return kept


def _plain(row, field: Field):
    value = row.__data__.get(field.name)
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value if isinstance(value, str | int | list | dict | None) else str(value)


def _file(file_id: int) -> dict:
    found = StoredFile.get_by_id(file_id)
    content = base64.b64encode(bytes(found.content)).decode()
    return {"name": found.name, "sha256": found.sha256, "media_type": found.media_type, "content_base64": content}


def _remove_files(ids: Iterable[int]) -> None:
    for file_id in ids:
        used = any(table.select().where(field == file_id).exists() for table, field in erasure_paths.file_columns())
        if not used:
            StoredFile.delete().where(StoredFile.id == file_id).execute()


def some_after(table: type[Table], condition: Expression, last_id, most: int) -> list:
    """The next rows of a table in the order of their keys."""
    key: Any = table._meta.primary_key
    return list(table.select().where(condition, key > last_id).order_by(key).limit(most))
