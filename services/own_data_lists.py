"""What a partner takes along when it leaves (T21): a list for each table that holds rows of it.

A table with rows of partners that is in no list fails a test, unless LEFT_OUT names it with a reason.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from peewee import Expression, Field

from models.audit import AuditEvent, AuditPersonal, personal_columns
from models.base import Table
from models.outbox import Mail
from models.verification import Measure
from services import erasure_paths
from services.record_classes import class_of
from services.trail_telling import without_staff

ROWS_AT_ONCE = 500
ROWS_OF_ACCOUNTS = 4000  # a few sub-accounts together rarely have more in one table

# name of the list -> the table that it is read from
LISTS = {
    "company": "partner",
    "members": "member",
    "invitations": "invitation",
    "authority_offers": "authority_offer",
    "access_ends_told": "access_told",
    "support_allowed": "support_access",
    "support_looks": "support_look",
    "support_pages": "support_page",
    "company_log_in": "sso",
    "company_domains": "sso_domain",
    "company_accounts": "sso_link",
    "contracts": "contract",
    "contract_notices": "contract_notice",
    "allocations": "allocation_entry",
    "customers": "customer",
    "sub_accounts": "sub_account",
    "console_users": "console_user",
    "keys": "access_key",
    "key_links": "hand_over",
    "deletions": "deletion",
    "usage_days": "usage_day",
    "usage_hours": "usage_hour",
    "traffic_days": "traffic_day",
    "traffic_hours": "traffic_hour",
    "buckets": "account_use",
    "consents": "acceptance",
    "consent_chain": "evidence",
    "consent_chain_persons": "evidence_personal",
    "consent_events": "consent_event",
    "consent_receipts": "consent_receipt",
    "documents_told": "terms_told",
    "flow_downs": "flow_down",
    "flow_down_links": "flow_down_link",
    "customer_answers": "customer_acceptance",
    "questions": "detail_query",
    "detail_changes": "detail_change",
    "requests": "change_request",
    "request_messages": "request_message",
    "closures": "closure",
    "closure_accounts": "closure_account",
    "measures": "measure",
    "notices_for_you": "notice_partner",
    "notices_read": "notice_reading",
    "notices_acknowledged": "notice_acknowledgement",
    "notice_mails": "notice_mail",
    "switched_off": "feature_switch",
    "papers": "partner_document",
    "security_reports": "incident",
    "incidents_told": "incident_partner",
    "mails": "mail",
    "trail": "audit_event",
}
LEFT_OUT = {
    "audit_personal": "stands with its line in the list of the trail",
    "session": "log-ins are those of persons: each finds them in its own export",
    "console_session": "log-ins are those of persons: each customer finds them in its own export",
    "console_link": "holds nothing but digests of links; that they were sent is in the trail",
    "one_time_link": "holds nothing but digests of links that are over; that they were sent is in the trail",
    "totp": "holds a secret and whether it is on; each person sees on its page Security what it has",
    "passkey": "log-ins are those of persons: each finds them in its own export",
    "recovery_code": "holds nothing but digests of secrets",
    "sso_flow": "log-ins at the company's own log-in that somebody began minutes ago",
    "trusted_device": "devices are those of persons: each finds them in its own export",
    "factor_reset": "lost factors are those of persons: each finds them in its own export",
    "drift": "findings of the provider about its own storage service",
    "detail_check": "notes of the provider's staff about details; what they asked is in the list of questions",
    "mail_attachment": "what went with the mails: receipts and certificates are in lists and files of their own",
    "incident_note": "notes of the provider's staff about a report; what was decided is in the list of reports",
    "kept_form": "what somebody typed, for a quarter of an hour, for that person alone",
    "barred_key": "digests by which a barred company is recognised",
}
_staff = "names of the provider's staff"
_chain = "its place in the one chain of all partners, which the provider verifies"
_both = "may be the name of one of the provider's staff; who of the company it was is in the trail"
COLUMNS_LEFT_OUT = {
    ("partner", "name_key"): "the name once more, for searching",
    ("member", "email_key"): "the address once more, for comparing",
    ("invitation", "email_key"): "the address once more, for comparing",
    ("console_user", "email_key"): "the address once more, for comparing",
    ("customer", "name_key"): "the name once more, for searching",
    ("sub_account", "name_key"): "the name once more, for searching",
    ("sub_account", "lease_owner"): "which worker was at it",
    ("access_key", "asked_session_hash"): "a digest of a log-in",
    ("access_key", "reveal_session_hash"): "a digest of a log-in",
    ("acceptance", "session_hash"): "a digest of a log-in",
    ("mail", "text"): "the mail itself has it, and it may hold a link",
    ("mail", "html"): "the mail itself has it, and it may hold a link",
    ("mail", "attachment"): "the mail itself has it",
    ("mail", "last_error"): "words of the mail server to the provider",
    ("audit_event", "number"): _chain,
    ("audit_event", "parts"): _chain,
    ("audit_event", "prev_hash"): _chain,
    ("audit_event", "hash"): _chain,
    ("partner", "decision_note"): "what the provider's staff noted for themselves",
    ("closure", "asked_name"): _both,
    ("closure", "withdrawn_name"): _both,
    ("deletion", "asked_name"): _both,
    ("detail_query", "asked_by"): _staff,
    ("detail_change", "decided_name"): _staff,
    ("change_request", "decided_by"): _staff,
    ("deletion", "second_name"): _both,
    ("deletion", "release_asked_name"): _staff,
    ("deletion", "released_name"): _staff,
    ("deletion", "gone_name"): _staff,
    ("measure", "asked_name"): _staff,
    ("measure", "confirmed_name"): _staff,
    ("measure", "ended_name"): _staff,
    ("measure", "ended_note"): "what the provider's staff noted for themselves",
    ("feature_switch", "made_by"): _staff,
    ("feature_switch", "ended_by"): _staff,
    ("partner_document", "created_by"): _staff,
    ("sso_domain", "confirmed_name"): _staff,
    ("factor_reset", "asked_name"): _both,
    ("factor_reset", "seconded_name"): _staff,
    ("partner_document", "withdrawn_by"): _staff,
}

# mails about a partner that are not for it
MAILS_LEFT_OUT = {
    "request_to_operator": "written to the provider's staff",
    "invitation": "that it was not sent would tell that another address has a log-in",
    "mail_change": "that it was not sent would tell that another address has a log-in",
}
# rows that are the provider's own business
ROWS_LEFT_OUT: dict[type[Table], Callable[[], Expression]] = {
    # a termination that waits for a second operator, or was taken back
    Measure: lambda: (Measure.kind != "termination") | Measure.confirmed_at.is_null(False),
    # a termination that staff asks for is told when a second one confirms it
    AuditEvent: lambda: AuditEvent.action.not_in(("partner.termination_asked", "partner.termination_withdrawn")),
    Mail: lambda: Mail.template.not_in(tuple(MAILS_LEFT_OUT)),
}


@dataclass(frozen=True)
class OwnList:
    """One list: where its rows come from and which columns they have, in the order of the table."""

    name: str
    table: type[Table]
    columns: tuple[str, ...]

    def rows(self, partner_id: int) -> Iterator[dict]:
        """The partner's rows in the order of their keys, or those of one sub-account after another; read some at a
        time, so that memory stays flat."""
        column = erasure_paths.account_column(self.table)
        if column is None:
            yield from rows(self.table, condition_of(self.table, partner_id), self.columns)
            return
        accounts = erasure_paths.accounts_after(column, partner_id, 0)
        while accounts:
            yield from rows(self.table, column.in_(accounts), self.columns, ROWS_OF_ACCOUNTS)
            accounts = erasure_paths.accounts_after(column, partner_id, accounts[-1])


def condition_of(table: type[Table], partner_id: int) -> Expression | None:
    """The partner's rows without those of ROWS_LEFT_OUT."""
    condition: Any = erasure_paths.of_partner(table, partner_id)
    return condition & ROWS_LEFT_OUT[table]() if table in ROWS_LEFT_OUT else condition


def every() -> list[OwnList]:
    """All lists, in the order of LISTS."""
    tables = erasure_paths.tables()
    return [OwnList(name, tables[table], columns_of(tables[table])) for name, table in LISTS.items()]


def columns_of(table: type[Table]) -> tuple[str, ...]:
    """What may leave the portal: no secret, and nothing of COLUMNS_LEFT_OUT."""
    name = table._meta.table_name
    return tuple(
        field.column_name
        for field in table._meta.sorted_fields
        if class_of(name, field.column_name) != "secret" and (name, field.column_name) not in COLUMNS_LEFT_OUT
    ) + tuple(_name(column) for column in FURTHER.get(table, list)())


def rows(
    table: type[Table], condition: Expression | None, columns: tuple[str, ...], at_once: int = ROWS_AT_ONCE
) -> Iterator[dict]:
    """By column name; times are aware, JSON is read. The provider's staff is not named in the trail."""
    key: Any = table._meta.primary_key
    shown = [field for field in table._meta.sorted_fields if field.column_name in columns]
    beside = [column for column in FURTHER.get(table, list)() if _name(column) in columns]
    names = [field.column_name for field in shown] + [_name(column) for column in beside]
    last: Any = None
    changed = CHANGED.get(table._meta.table_name, _same)
    while True:
        query = table.select(key.alias("own_key"), *shown, *beside)
        if beside:
            query = query.join(AuditPersonal, on=(AuditPersonal.number == AuditEvent.number))
        query = query.where(condition).order_by(key).limit(at_once)
        some: list[Any] = list((query if last is None else query.where(key > last)).tuples())
        for row in some:
            yield changed(dict(zip(names, row[1:], strict=True)))
        if len(some) < at_once:
            return
        last = some[-1][0]


def _same(row: dict) -> dict:
    return row


# columns that stand beside the table's own: what of the trail tells of persons
FURTHER: dict[type[Table], Callable[[], list]] = {AuditEvent: personal_columns}


def _name(column: Any) -> str:
    return column.column_name if isinstance(column, Field) else column._alias


CHANGED: dict[str, Callable[[dict], dict]] = {"audit_event": without_staff}
