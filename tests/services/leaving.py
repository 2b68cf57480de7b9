"""A partner with something in every table, and a search for what must not be found."""

from datetime import datetime, timedelta

from peewee import ForeignKeyField, IntegrityError, TextField

from models.base import Table, database, write_tx
from models.evidence import ConsentEvent, ConsentReceipt
from models.flow_down import CustomerAcceptance
from models.outbox import Mail, MailAttachment
from models.partner import Member, Partner
from models.stored_file import StoredFile
from models.sub_account import SubAccount
from models.terms import Acceptance, TermsVersion
from services import erasure_paths, evidence
from services.audit import record
from tests.cast import act_of
from tests.models import rows

CUSTOMER = "Kim Kunde"
CUSTOMERS_MAIL = "kim.kunde@customer.example.com"
# columns that look like names of persons, and hold "kind:id", fixed words, or a name that goes with an id beside it
CONTROL = ("actor_name", "asked_by", "released_by", "confirmed_by", "checked_by")
CONTROL_OF = (("access_key", "created_by"), ("measure", "reason"))
FREE_TEXT = ("note", "reason", "answer", "text", "title", "words", "name", "before", "after", "subject")
# what a row needs beyond its column types to be true
SENSIBLE = {
    "incident": {"kind": "access", "operator": None},
    "incident_note": {"kind": "note"},
    "closure": {
        "notice_until_at": rows.NOW,
        "transition_until_at": rows.NOW,
        "retrieval_until_at": rows.NOW + timedelta(days=30),
    },
    "detail_check": {"verdict": "queried"},
    "measure": {"kind": "suspension", "level": "read"},
    "invitation": {"outcome": "accepted", "used_at": rows.NOW, "ended_at": rows.NOW},
}  # fmt: skip
CHAINED = (Acceptance, CustomerAcceptance, ConsentEvent, ConsentReceipt)


def fill(partner: Partner, member: Member, at: datetime) -> None:
    """At least one row in every table that can hold rows of a partner; free texts in them name the member."""
    for table in reversed(erasure_paths.in_order()):
        condition = erasure_paths.of_partner(table, partner.id)
        if (
            table in erasure_paths.OTHERWISE
            or table in CHAINED
            or table._meta.table_name in ("audit_event", "evidence")
        ):
            continue
        if not table.select().where(condition).exists():
            rows.make(table, **owners(table, partner, member), **SENSIBLE.get(table._meta.table_name, {}))
        for row in table.select().where(condition):
            _name_in_texts(row, member)
    SubAccount.update(contact_name=CUSTOMER, contact_email=CUSTOMERS_MAIL).where(
        SubAccount.partner == partner
    ).execute()
    for to in (member.email, CUSTOMERS_MAIL):
        letter = rows.make(
            Mail, partner=partner, recipient=to, subject=f"To {member.name}", text=f"Dear {member.name}", html="x"
        )
        rows.make(MailAttachment, mail=letter, name=f"{member.name}.pdf", content=b"content")
    to_staff = {"recipient": "olga@provider.example.com", "template": "request_to_operator"}
    rows.make(Mail, partner=partner, subject=f"{partner.legal_name} has asked", **to_staff)
    _chain(partner, member, at)


def owners(table: type[Table], partner: Partner, member: Member) -> dict:
    """The partner's own rows for each reference of the table; a file for each that can have one."""
    given = {"member": member} if "member" in table._meta.fields else {}
    for field in table._meta.refs:
        own = erasure_paths.of_partner(field.rel_model, partner.id)
        if field.rel_model is StoredFile:
            given[field.name] = rows.make(StoredFile, name=f"{member.name}.pdf", content=b"content")
        elif field.name == "to_member":  # somebody else than the one who gives
            given[field.name] = rows.make(Member, partner=partner, role="viewer")
        elif own is not None and field.name not in given:
            if field.null and field.rel_model not in (Partner, SubAccount):
                continue
            found = field.rel_model.select().where(own).first()
            given |= {field.name: found} if found is not None and field.rel_model is not table else {}
    return given


def _name_in_texts(row: Table, member: Member) -> None:
    table = type(row)
    for field in table._meta.sorted_fields:
        free = field.name in FREE_TEXT or field.name.endswith(("_name", "_by", "note"))
        if not free or not isinstance(field, TextField) or isinstance(field, ForeignKeyField) or table is Member:
            continue
        if table is Partner or field.name in CONTROL or (table._meta.table_name, field.name) in CONTROL_OF:
            continue
        if field.unique:
            continue
        try:
            with database.atomic():
                text = f'{{"words": "as {member.name} said"}}' if field.name in ("before", "after") else member.name
                rows.change(row, **{field.column_name: text})
        except IntegrityError:
            pass  # a column of fixed words


def _chain(partner: Partner, member: Member, at: datetime) -> None:
    with write_tx():
        words = {"words": f"as {member.name} said"}
        record(act_of(member, at), "contract.changed", partner, partner=partner, before=words, after=words)
    version = TermsVersion.get(TermsVersion.kind == "portal_terms")
    account = SubAccount.get(SubAccount.partner == partner)
    names = {"partner_name": partner.legal_name, "member_name": member.name, "member_email": member.email}
    with write_tx():
        _linked(at, partner, Acceptance, version=version, partner=partner, member=member, **names)
        _linked(at, partner, ConsentEvent, kind="declined", version=version, partner=partner, member=member)
        file = rows.make(StoredFile, name="receipt.pdf", content=member.name.encode())
        mail = Mail.get(Mail.recipient == member.email)
        _linked(at, partner, ConsentReceipt, partner=partner, member=member, file=file, mail=mail)
        given = {"person_name": CUSTOMER, "email": CUSTOMERS_MAIL, "partner_name": partner.legal_name}
        _linked(at, partner, CustomerAcceptance, sub_account=account, version=version, **SENSIBLE_ANSWER, **given)


SENSIBLE_ANSWER = {"method": "link", "outcome": "accepted"}


def _linked(at: datetime, owner: Partner, table: type[Table], **values) -> None:
    personal = {name: value for name, value in values.items() if isinstance(value, str)}
    link = evidence.chain(at, table._meta.table_name, owner.id, record={"table": "x"}, personal=personal)
    chained = {"prev_hash": link.prev_hash} if "prev_hash" in table._meta.fields else {}
    rows.make(table, hash=link.hash, **chained, **values)


def places_of(words: list[str], without: tuple[str, ...] = ()) -> set[tuple[str, str]]:
    """Which word stands in which column of the whole database: (table.column, word)."""
    found = set()
    for table in database.get_tables():
        if table in without:
            continue
        cursor = database.execute_sql(f'SELECT * FROM "{table}"')  # noqa: S608 - own names
        names = [column[0] for column in cursor.description]
        for row in cursor.fetchall():
            for name, value in zip(names, row, strict=True):
                text = bytes(value).decode(errors="replace") if isinstance(value, bytes | memoryview) else str(value)
                found |= {(f"{table}.{name}", word) for word in words if word in text}
    return found


def personal_words(partner: Partner) -> list[str]:
    """What tells who the company, its people and its customers are."""
    members = list(Member.select().where(Member.partner == partner))
    own = [partner.legal_name, CUSTOMER, CUSTOMERS_MAIL]
    return own + [word for member in members for word in (member.name, member.email)]
