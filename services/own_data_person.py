"""What the portal knows of one person (Art. 15, 20 GDPR): profile, log-ins, what they agreed to, mails, own acts. No
secret, and nothing of other persons: of own acts that, what and when, not the values of others that they changed."""

import json
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from peewee import Expression

from models.audit import AuditEvent
from models.base import Table, write_tx
from models.operator import Operator
from models.outbox import Mail
from models.partner import Member
from models.session import OneTimeLink, Session
from services import erasure_paths, mail, own_data_lists, people
from services.audit import Act, record
from services.command_line import NotDone
from services.own_data import plain
from services.settings import Settings

Person = Member | Operator
# of an act: what, when, from where; `before` and `after` may hold what belongs to others
ACT_COLUMNS = ("id", "at", "action", "thing_kind", "thing_id", "source", "ip")
MAIL_COLUMNS_OF_STAFF = ("id", "template", "recipient", "created_at", "sent_at")
MAIL_COLUMNS = (*MAIL_COLUMNS_OF_STAFF, "subject")


def lists(person: Person) -> Iterator[tuple[str, Iterator[dict]]]:
    """Name of each list and its rows, the profile first."""
    table: Any = type(person)
    yield "profile", _rows(table, table.id == person.id)
    yield "log_ins", _rows(Session, (Session.member if table is Member else Session.operator) == person.id)
    yield "links", _rows(OneTimeLink, (OneTimeLink.member if table is Member else OneTimeLink.operator) == person.id)
    mails = (Mail.recipient == person.email) | (Mail.recipient == person.email_key)
    # what an operator is written to is about partners: that it was written is theirs, what about is not
    yield "mails", own_data_lists.rows(Mail, mails, MAIL_COLUMNS if table is Member else MAIL_COLUMNS_OF_STAFF)
    if table is Member:
        yield from _of_member(person.id)
    acts = (AuditEvent.actor_kind == table._meta.table_name) & (AuditEvent.actor_id == str(person.id))
    yield "acts", own_data_lists.rows(AuditEvent, acts, ACT_COLUMNS)


def _of_member(member_id: int) -> Iterator[tuple[str, Iterator[dict]]]:
    """Whatever else refers to the member, under the names that the lists of its partner have."""
    names = {table: name for name, table in own_data_lists.LISTS.items()}
    for name, table in erasure_paths.tables().items():
        condition = erasure_paths.of_member(table, member_id)
        if condition is not None and table not in (Session, OneTimeLink):
            yield names.get(name, name), _rows(table, condition)


def _rows(table: type[Table], condition: Expression) -> Iterator[dict]:
    return own_data_lists.rows(table, condition, own_data_lists.columns_of(table))


def as_json(person: Person, at: datetime) -> Iterator[bytes]:
    """One JSON object: each list under its name; in pieces, a row at a time."""
    yield json.dumps({"made_at": plain(at)}, ensure_ascii=False)[:-1].encode()
    for name, rows in lists(person):
        yield f', "{name}": ['.encode()
        for number, row in enumerate(rows):
            yield (",\n" if number else "\n").encode() + json.dumps(row, ensure_ascii=False, default=plain).encode()
        yield b"]"
    yield b"}\n"


def as_text(person: Person, settings: Settings, at: datetime) -> Iterator[bytes]:
    """The same to be read, in the person's language; what is empty is left out."""
    template = mail.environment(person.locale, settings.provider.time_zone).get_template("own_data/person.txt")
    readable = ((name, (_filled(row) for row in rows)) for name, rows in lists(person))
    values = {"person": person, "provider": settings.provider, "at": at, "lists": readable}
    return (piece.encode() for piece in template.generate(values))


def _filled(row: dict) -> dict[str, str]:
    texts = {
        name: json.dumps(value, ensure_ascii=False, default=plain) if isinstance(value, dict | list) else value
        for name, value in row.items()
    }
    return {name: plain(value) for name, value in texts.items() if value not in (None, "")}


def note(act: Act, person: Person) -> None:
    """The trail tells that the person's data were given out. Call inside write_tx."""
    record(act, "own_data.given", person, partner=people.partner_id_of(person))


def from_command(act: Act, settings: Settings, email: str, file: Path) -> list[str]:
    """Writes both forms into a new ZIP at `file`, readable by its owner alone. Raises NotDone."""
    person = people.with_address(email)
    if person is None:
        raise NotDone("nobody has this mail address: look in the list of members or operators")
    if file.exists():
        raise NotDone(f"{file} is there already: name a new file")
    file.touch(mode=0o600)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, pieces in (
            ("person.json", as_json(person, act.at)),
            ("person.txt", as_text(person, settings, act.at)),
        ):
            with archive.open(name, "w", force_zip64=True) as entry:
                for piece in pieces:
                    entry.write(piece)
    with write_tx():
        note(act, person)
    return [f"written to {file}: send it only to whoever you know to be this person"]
