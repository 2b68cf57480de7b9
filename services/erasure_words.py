"""Names, addresses and numbers of persons where they stand in texts: notes, subjects, values of the trail.

What is looked for was typed by whoever is erased, and anybody can sign up under any word. So only the columns that are
named here are ever written to, of JSON only the texts in it, and in rows of others nothing but an address that its
owner has proved to read.
"""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from peewee import Cast, Expression, Field, TextField, Value, chunked, fn

from models.audit import AuditEvent, AuditPersonal
from models.base import JsonField, Table, write_tx
from models.outbox import Mail
from models.partner import Member, Partner
from models.stored_file import StoredFile
from services import audit_erasing, erasure_paths

SHORTEST = 4  # what is shorter stands in too many words
DIGITS_OF_A_NUMBER = 7
AT_ONCE = 10
ROWS_AT_ONCE = 500
# columns that hold a name or an address and nothing else: changed where all of it is that name
NAMES: dict[str, tuple[str, ...]] = {
    "access_key": ("revealed_by",),
    "audit_personal": ("actor_name",),
    "change_request": ("decided_by",),
    "closure": ("asked_name", "withdrawn_name"),
    "customer": ("name",),
    "deletion": ("asked_name", "released_name", "gone_name"),
    "detail_change": ("changed_by", "decided_name"),
    "detail_check": ("checked_name",),
    "detail_query": ("asked_by", "answered_by"),
    "drift": ("resolved_by",),
    "feature_switch": ("made_by", "ended_by"),
    "flow_down": ("attested_by",),
    "flow_down_link": ("created_by", "contact_name", "email"),
    "hand_over": ("created_by",),
    "mail": ("recipient",),
    "measure": ("asked_name", "confirmed_name", "ended_name"),
    "notice_acknowledgement": ("member_name", "partner_name"),
    "partner_document": ("created_by", "withdrawn_by"),
    "stored_file": ("created_by",),
    "sub_account": ("name", "contact_name", "contact_email", "suspended_by"),
}
# running text, and texts in JSON
TEXTS: dict[str, tuple[str, ...]] = {
    "allocation_entry": ("reason",),
    "audit_personal": ("before", "after"),
    "change_request": ("wanted",),
    "closure": ("reason",),
    "deletion": ("held_reason",),
    "detail_change": ("value_before", "value_after"),
    "detail_check": ("value", "note"),
    "detail_query": ("note", "value_before", "value_after", "answer"),
    "flow_down": ("reference",),
    "mail": ("subject", "text", "html", "attachment_name", "attachment"),
    "mail_attachment": ("name",),
    "measure": ("note", "ended_note"),
    "partner": ("decision_note",),
    "partner_document": ("title",),
    "request_message": ("text",),
    "stored_file": ("name",),
}


def of_member(member: Member, called: str) -> dict[str, str]:
    """What tells who the member is or was, and what stands there afterwards; nothing that tells of a colleague now."""
    values = {member.name, member.phone, *addresses(member)}
    for row in _own_trail(member).where(AuditEvent.action == "member.changed"):
        values |= {str((side or {}).get(name) or "") for side in (row.before, row.after) for name in ("name", "phone")}
    colleagues = Member.select().where(Member.partner == member.partner_id, Member.id != member.id)
    theirs = {value.casefold() for other in colleagues for value in (other.name, other.email, other.phone)}
    return {value: called for value in values if len(value) >= SHORTEST and value.casefold() not in theirs}


def addresses(member: Member) -> set[str]:
    """The member's address and those that it had before; without an unproved one, which may be somebody else's."""
    found = {member.email, member.email_key} if member.email_confirmed_at else set()
    for row in _own_trail(member).where(AuditEvent.action == "member.mail_changed"):
        found |= {str((side or {}).get("email") or "") for side in (row.before, row.after)}
    return found - {""}


def asked_addresses(member: Member) -> set[str]:
    """Those that the member wanted to have, whosever they are: a link went there."""
    asked = _own_trail(member).where(AuditEvent.action == "member.mail_asked")
    return {str((row.after or {}).get("wanted_email") or "") for row in asked} | {member.wanted_email} - {""}


def _own_trail(member: Member) -> Any:
    return AuditEvent.select().where(AuditEvent.thing_kind == "member", AuditEvent.thing_id == str(member.id))


def replace_of_member(member: Member, words: Mapping[str, str], at: datetime) -> int:
    """In the rows of the member's partner; of others only its addresses. Returns how many texts were changed."""
    changed = 0
    for name in sorted({*NAMES, *TEXTS}):
        table = erasure_paths.tables()[name]
        own = _own_rows(table, member.partner_id)
        changed += sum(_alone(table, table._meta.columns[column], own, words, at) for column in NAMES.get(name, ()))
        changed += _in_texts(table, own, _unmistakable(words), at)
    known = {word: words[word] for word in addresses(member) if word in words}
    return changed + _of_others(member.partner_id, known, at)


def replace_everywhere_else(partner: Partner, called: str, at: datetime, *, known: bool) -> int:
    """In the trail and the mails of others, before the partner's own rows go: addresses of its people. `known`: staff
    have verified the company; then its name goes from mails to staff as well."""
    words: dict[str, str] = {}
    for member in Member.select().where(Member.partner == partner):
        words |= dict.fromkeys(addresses(member), f"former member #{member.id}")
    changed = _of_others(partner.id, words, at)
    if known:
        changed += _in_texts(Mail, Mail.partner.is_null(), _unmistakable({partner.legal_name: called}), at)
    return changed


def _of_others(partner_id: int, words: Mapping[str, str], at: datetime) -> int:
    nobodys = Mail.partner.is_null()
    others: Any = AuditEvent.partner.is_null() | (AuditEvent.partner != partner_id)
    in_trail = AuditPersonal.number.in_(AuditEvent.select(AuditEvent.number).where(others))
    changed = _alone(Mail, Mail.recipient, nobodys, words, at) + _in_texts(AuditPersonal, in_trail, words, at)
    return changed + _in_texts(Mail, nobodys | (Mail.partner != partner_id), words, at)


def _own_rows(table: type[Table], partner_id: int) -> Expression:
    if table is StoredFile:
        return StoredFile.id.in_(erasure_paths.file_ids(partner_id))
    condition = erasure_paths.of_partner(table, partner_id)
    if condition is None:
        raise ValueError(f"{table._meta.table_name} belongs to no partner")
    return condition


def _unmistakable(words: Mapping[str, str]) -> dict[str, str]:
    """What can be looked for in running text: addresses, numbers and names of several words."""
    return {
        word: called
        for word, called in words.items()
        if "@" in word or len(word.split()) > 1 or sum(sign.isdigit() for sign in word) >= DIGITS_OF_A_NUMBER
    }


def _alone(table: type[Table], field: Field, condition: Expression, words: Mapping[str, str], at: datetime) -> int:
    changed = 0
    for word, called in words.items():
        same = (field == word) | (fn.LOWER(field) == word.lower())
        with write_tx():
            if table is AuditPersonal:
                found: Any = table.select(AuditPersonal.number).where(condition, same).tuples()
                changed += audit_erasing.rename(at, [number for (number,) in found], called, "erasure")
            else:
                changed += table.update({field: called}).where(condition, same).execute()
    return changed


def _in_texts(table: type[Table], condition: Expression, words: Mapping[str, str], at: datetime) -> int:
    """Reads first and writes after, a few hundred rows at a time, so that nobody waits for a whole table."""
    columns = [table._meta.columns[column] for column in TEXTS.get(table._meta.table_name, ())]
    some = [dict(pairs) for pairs in chunked(words.items(), AT_ONCE)]
    return sum(_replace_in(table, field, condition, pairs, at) for field in columns for pairs in some)


def _replace_in(
    table: type[Table], field: TextField, condition: Expression, words: Mapping[str, str], at: datetime
) -> int:
    key: Any = table._meta.primary_key
    text = Cast(field, "text")
    holds: Any = None
    for value in {spelt for word in words for spelt in _spellings(word)}:
        holds = text.contains(value) if holds is None else holds | text.contains(value)
    found: list[Any] = list(table.select(key, text.alias("words")).where(condition, holds).tuples())
    for some in chunked(found, ROWS_AT_ONCE):
        replace = _in_json if isinstance(field, JsonField) else _in_text
        after = {row_key: replace(before, words) for row_key, before in some}
        changed = {row_key: after[row_key] for row_key, before in some if after[row_key] != before}
        with write_tx():
            if table is AuditPersonal:
                audit_erasing.rewrite(at, {number: {field.name: text} for number, text in changed.items()}, "erasure")
                continue
            for row_key, now in changed.items():
                table.update({field: Value(now, converter=False)}).where(key == row_key).execute()
    return len(found)


def _in_text(text: str, words: Mapping[str, str]) -> str:
    ordered: Iterable[str] = sorted(words, key=len, reverse=True)
    pattern = re.compile("|".join(rf"(?<!\w){re.escape(word)}(?!\w)" for word in ordered), re.IGNORECASE)
    folded = {word.casefold(): called for word, called in words.items()}
    return pattern.sub(lambda match: folded.get(match[0].casefold(), match[0]), text)


def _in_json(text: str, words: Mapping[str, str]) -> str:
    """Texts in it, and neither its keys nor its numbers."""

    def changed(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: changed(one) for name, one in value.items()}
        if isinstance(value, list):
            return [changed(one) for one in value]
        return _in_text(value, words) if isinstance(value, str) else value

    before = json.loads(text)
    after = changed(before)
    return text if after == before else json.dumps(after, ensure_ascii=False, sort_keys=True)


def _spellings(value: str) -> set[str]:
    """As it is, and as JSON writes it."""
    return {value, json.dumps(value, ensure_ascii=False)[1:-1]}
