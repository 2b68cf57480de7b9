"""Names, addresses and numbers of persons where they stand in texts: notes, subjects, values of the trail."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from peewee import Cast, Expression, ForeignKeyField, TextField, Value, chunked

from models.base import Table, write_tx
from models.partner import Member, Partner
from services import erasure_paths
from services.record_classes import TABLES, class_of

SHORTEST = 4  # what is shorter stands in too many words
AT_ONCE = 10
ROWS_AT_ONCE = 500
# texts that law or their digest keeps as they are, and the list of erasures itself, which names nobody
UNTOUCHED = (
    "terms_version", "acceptance", "customer_acceptance", "evidence", "evidence_personal", "consent_event",
    "archive_record", "erasure", "purge_report", "operator", "notice", "sign_up_draft", )  # fmt: skip


def of_member(member: Member, called: str) -> dict[str, str]:
    """What tells who the member is, and what stands there afterwards."""
    values = (member.name, member.email, member.email_key, member.phone)
    return {value: called for value in values if len(value) >= SHORTEST}


def of_partner(partner: Partner, called: str) -> dict[str, str]:
    """What tells which company it is, and who its people are."""
    values = (partner.legal_name, partner.register_number, partner.vat_id, partner.street, partner.phone)
    own = {value: called for value in values if len(value) >= SHORTEST}
    for member in Member.select().where(Member.partner == partner):
        own |= of_member(member, f"former member #{member.id}")
    return own


def replace_of_member(partner_id: int, words: Mapping[str, str]) -> int:
    """In the rows of the member's partner, and in those of nobody; returns how many texts were changed."""
    return sum(_replace(table, condition, words) for table, condition in _places(partner_id))


def replace_everywhere_else(words: Mapping[str, str]) -> int:
    """In the tables that belong to no partner, and in the trail and the mails of others."""
    others = [table for name, table in _named() if TABLES[name].fate == "none" or name in ("audit_event", "mail")]
    return sum(_replace(table, None, words) for table in others)


def _places(partner_id: int) -> Iterator[tuple[type[Table], Expression | None]]:
    for name, table in _named():
        condition = None if name == "mail" else erasure_paths.of_partner(table, partner_id)
        if condition is not None or TABLES[name].fate == "none" or name == "mail":
            yield table, condition


def _named() -> Iterable[tuple[str, type[Table]]]:
    return ((name, table) for name, table in erasure_paths.tables().items() if name not in UNTOUCHED)


def _replace(table: type[Table], condition: Expression | None, words: Mapping[str, str]) -> int:
    """Reads first and writes after, a few hundred rows at a time, so that nobody waits for a whole table."""
    changed = 0
    for field in table._meta.sorted_fields:
        secret = class_of(table._meta.table_name, field.column_name) == "secret"
        if isinstance(field, TextField) and not isinstance(field, ForeignKeyField) and not field.unique and not secret:
            changed += sum(_replace_in(table, field, condition, dict(some)) for some in chunked(words.items(), AT_ONCE))
    return changed


def _replace_in(table: type[Table], field: TextField, condition: Expression | None, words: Mapping[str, str]) -> int:
    key: Any = table._meta.primary_key
    text = Cast(field, "text")
    spoken = {spelt: called for value, called in words.items() for spelt in _spellings(value)}
    holds: Any = None
    for value in spoken:
        holds = text.contains(value) if holds is None else holds | text.contains(value)
    query = table.select(key, text.alias("words")).where(holds)
    found: list[Any] = list((query if condition is None else query.where(condition)).tuples())
    pattern = re.compile(
        "|".join(rf"(?<!\w){re.escape(value)}(?!\w)" for value in sorted(spoken, key=len, reverse=True)), re.IGNORECASE
    )
    folded = {value.casefold(): called for value, called in spoken.items()}
    for some in chunked(found, ROWS_AT_ONCE):
        with write_tx():
            for row_key, before in some:
                after = pattern.sub(lambda match: folded.get(match[0].casefold(), ""), before)
                if after != before:
                    table.update({field: Value(after, converter=False)}).where(key == row_key).execute()
    return len(found)


def _spellings(value: str) -> set[str]:
    """As it is, and as JSON writes it."""
    return {value, json.dumps(value, ensure_ascii=False)[1:-1]}
