"""The database itself refuses what the rules forbid, whoever writes."""

import re

import pytest
from peewee import IntegrityError

from models.base import database
from models.contract import Contract
from models.sub_account import Customer, SubAccount
from tests.models import rows
from tests.models.forbidden_people import PEOPLE

TB = 10**12
# Table, and columns that break exactly one rule of it.
FORBIDDEN = [
    *PEOPLE,
    ("partner", {"kind": "friend"}),
    ("partner", {"state": "asleep"}),
    ("terms_version", {"state": "lost"}),
    ("terms_version", {"grace_days": -1}),
    ("terms_version", {"effective_at": "2026-03-02 09:00:00", "grace_until_at": "2026-03-01 09:00:00"}),
    ("terms_version", {"author_operator_id": 1, "approver_operator_id": 1}),
    ("terms_version", {"revision": -1}),
    ("portal_change", {"revision": -1}),
    ("contract", {"kind": "gift"}),
    ("contract", {"state": "lost"}),
    ("contract", {"reserved_bytes": -1, "allocated_bytes": 0, "allow_overdraft": True}),
    ("contract", {"allocated_bytes": -1}),
    ("contract", {"reserved_bytes": TB, "allocated_bytes": TB + 1}),
    ("contract", {"ends_on": "2026-03-01"}),
    ("contract", {"fair_use_window_days": 0}),
    ("contract", {"fair_use_decreases": -1}),
    ("contract", {"fair_use_percent": 101}),
    ("allocation_entry", {"cause": "mood"}),
    ("allocation_entry", {"sub_account_id": None}),
    ("allocation_entry", {"before_bytes": -1}),
    ("sub_account", {"billing": "barter"}),
    ("sub_account", {"wanted_state": "lost"}),
    ("sub_account", {"phase": "lost"}),
    ("sub_account", {"allocated_bytes": -1}),
    ("sub_account", {"used_bytes": -1}),
    ("sub_account", {"observed_generation": 2}),
    ("sub_account", {"billing": "pay_per_use", "allocated_bytes": TB}),
    ("flow_down", {"way": "by word"}),
    ("flow_down", {"way": "accepted", "document_id": 1}),
    ("flow_down", {"acceptance_id": 1}),
    ("flow_down_link", {"cause": "mood"}),
    ("flow_down_link", {"outcome": "lost", "ended_at": "2026-03-02 09:00:00"}),
    ("flow_down_link", {"outcome": "accepted"}),
    ("flow_down_link", {"mailed_at": "2026-03-02 09:00:00"}),
    ("flow_down_link", {"expires_at": "2026-03-02 09:00:00"}),
    ("customer_acceptance", {"outcome": "perhaps"}),
    ("access_key", {"origin": "found"}),
    ("access_key", {"wanted": "lost"}),
    ("access_key", {"phase": "lost"}),
    ("access_key", {"origin": "rotation", "retained_ct": "sealed"}),
    ("hand_over", {"sealed": "sealed", "used_at": "2026-03-02 09:00:00"}),
    ("usage_day", {"peak_bytes": 0}),
    ("usage_day", {"hours": 2}),
    ("usage_day", {"object_count": -1}),
    ("usage_day", {"noncurrent_bytes": -1}),
    ("usage_day", {"unfinished_bytes": -1}),
    ("usage_hour", {"peak_bytes": 0}),
    ("usage_hour", {"rest_bytes": 1}),
    ("usage_hour", {"object_count": -1}),
    ("account_use", {"unfinished_bytes": -1}),
    ("traffic_hour", {"received_bytes": -1}),
    ("traffic_day", {"requests": -1}),
    ("drift", {"kind": "mood"}),
    ("drift", {"resolution": "prayed", "resolved_at": "2026-03-02 09:00:00"}),
    ("drift", {"resolution": "gone"}),
    ("drift", {"seen_count": 0}),
    ("restoration", {"cause": "mood"}),
    ("restoration", {"ended_by": ""}),
    ("database_home", {"id": 2}),
    ("installation", {"id": 2}),
    ("installation", {"code": "short"}),
    ("erasure", {"kind": "operator"}),
    ("erasure", {"keeps": 2}),
    ("erasure", {"erased_rows": -1}),
    ("erasure", {"archived_rows": -1}),
    ("erasure", {"waits_for": "sub_accounts", "finished_at": "2026-03-02 09:00:00"}),
    ("archive_record", {"record_class": "person"}),
    ("archive_record", {"rows": 0}),
    ("purge_report", {"waiting": -1}),
    ("stored_file", {"media_type": "text/html"}),
    ("audit_head", {"id": 2}),
    ("audit_head", {"number": -1}),
    ("audit_event", {"number": 0}),
    ("audit_event", {"actor_kind": ""}),
    ("audit_event", {"action": ""}),
    ("audit_event", {"thing_kind": ""}),
    ("evidence_head", {"id": 2}),
    ("evidence", {"number": 0}),
    ("evidence", {"kind": ""}),
    ("evidence", {"kind": "erased"}),
    ("evidence_personal", {"salt": ""}),
    ("consent_event", {"kind": "gossip"}),
    ("mail_attachment", {"name": ""}),
    ("mail_attachment", {"media_type": ""}),
    ("partner_document", {"kind": "gift"}),
    ("partner_document", {"readers": "nobody"}),
    ("partner_document", {"title": ""}),
    ("partner_document", {"withdrawn_by": "Olga Olsen"}),
    ("integration", {"url": "http://example.com"}),
    ("feature_switch", {"off_until_at": "2026-03-02 08:00:00.000000"}),
    ("feature_switch", {"ended_at": "2026-03-02 09:00:00.000000"}),
    ("notice", {"kind": "gossip"}),
    (
        "notice",
        {
            "state": "lost",
            "published_at": "2026-03-02 09:00:00",
            "starts_at": "2026-03-02 09:00:00",
            "asked_under_id": 1,
        },
    ),
    ("notice", {"state": "published"}),
    ("notice", {"starts_at": "2026-03-02 09:00:00.000000", "ends_at": "2026-03-02 09:00:00.000000"}),
    ("change_request", {"kind": "wish"}),
    ("change_request", {"state": "lost", "decided_at": "2026-03-02 09:00:00"}),
    ("change_request", {"kind": "contract_change", "contract_id": None}),
    ("change_request", {"kind": "more_capacity", "contract_id": 1, "wanted": None}),
    ("change_request", {"state": "approved"}),
    ("request_message", {"text": ""}),
    ("request_message", {"member_id": None}),
    ("partner", {"suspension_level": "full"}),
    ("partner", {"details_due_at": "2026-03-02 09:00:00"}),
    ("detail_check", {"verdict": "guessed"}),
    ("detail_change", {"verdict": "guessed", "decided_at": "2026-03-02 09:00:00"}),
    ("detail_change", {"verdict": "accepted"}),
    ("measure", {"kind": "scolding", "level": ""}),
    ("measure", {"level": "full"}),
    ("measure", {"level": ""}),
    ("measure", {"confirmed_by": "operator:1"}),
    ("barred_key", {"kind": "face"}),
    ("sub_account", {"read_only": True}),
    ("contract_notice", {"days": 5}),
    ("closure", {"cause": "mood"}),
    ("closure", {"cause": "expired"}),
    ("closure", {"asked_by": ""}),
    ("closure", {"state": "lost"}),
    ("closure", {"state": "purging"}),
    ("closure", {"state": "withdrawn"}),
    ("closure", {"asked_at": "2026-03-02 10:00:00.000000"}),
    ("closure", {"transition_until_at": "2026-03-01 09:00:00.000000"}),
    ("closure", {"state": "purging", "purge_from_at": "2026-03-03 09:00:00.000000"}),
    (
        "closure",
        {"state": "purging", "purge_from_at": "2026-06-01 09:00:00.000000", "closed_at": "2026-06-02 09:00:00"},
    ),
    ("closure", {"state": "closed", "purge_from_at": "2026-06-02 09:00:00.000000", "closed_at": "2026-06-01 09:00:00"}),
    ("closure", {"certificate": "{}"}),
    ("closure", {"erased_at": "2026-06-02 09:00:00.000000"}),
    ("closure_account", {"removed_bytes": -1}),
    ("closure_account", {"verified": "NoSuchUser"}),
    ("closure_account", {"ended_at": "2026-06-02 09:00:00.000000", "verified": "NoSuchUser"}),
    ("deletion", {"removed_bytes": -1}),
    ("deletion", {"started_at": "2026-03-02 09:00:00", "found_bytes": -1, "found_objects": 0}),
    ("deletion", {"released_at": "2026-03-02 09:00:00"}),
    ("deletion", {"cursor": "page 2"}),
    ("deletion", {"held_reason": "somebody"}),
    ("deletion", {"seen_at": "2026-03-02 09:00:00"}),
    ("deletion", {"gone_name": "Olga Olsen"}),
    ("deletion", {"started_at": "2026-03-02 09:00:00", "ended_at": "2026-03-02 09:00:00", "cursor": "page 2"}),
]
# a trigger refuses every change of their rows before a check could
NEVER_CHANGED = ("audit_event", "audit_head", "consent_event", "customer_acceptance", "evidence", "evidence_personal")
ALSO_FORBIDDEN = [
    ("allocation_entry", {"after_bytes": -1}),
    ("sub_account", {"object_count": -1}),
    ("usage_day", {"average_bytes": -1}),
    ("usage_day", {"allocated_bytes": -1}),
    ("usage_day", {"samples": 0}),
    ("usage_day", {"hours": 0}),
    ("usage_hour", {"last_bytes": 2}),
    ("usage_hour", {"last_bytes": -1}),
    ("usage_hour", {"rest_bytes": -1}),
    ("usage_hour", {"noncurrent_bytes": -1}),
    ("usage_hour", {"unfinished_bytes": -1}),
    ("account_use", {"noncurrent_bytes": -1}),
    ("traffic_hour", {"sent_bytes": -1}),
    ("traffic_day", {"sent_bytes": -1}),
    ("stored_file", {"size_bytes": 0}),
    ("evidence_head", {"number": -1}),
]


@pytest.fixture
def tables():
    return {table._meta.table_name: table for table in rows.all_tables()}


def refusal_of(row, columns: dict) -> str:
    with pytest.raises(IntegrityError) as refused, database.atomic():
        rows.change(row, **columns)
    return str(refused.value)


def refusal_of_new(table, columns: dict) -> str:
    with pytest.raises(IntegrityError) as refused, database.atomic():
        rows.make(table, **columns)
    return str(refused.value)


def test_every_check_refuses(db, tables, engine):
    """Each CHECK of the live schema has a row that it was seen to refuse; a new one without a case here fails."""
    made, refused_by = {}, set()
    for name, columns in FORBIDDEN + ALSO_FORBIDDEN:
        row = made[name] = made.get(name) or rows.make(tables[name])
        words = refusal_of_new(tables[name], columns) if name in NEVER_CHANGED else refusal_of(row, columns)
        found = re.search(r"CHECK constraint failed: (.+)|violates check constraint \"(\w+)\"", words, re.DOTALL)
        assert found, f"{name} {columns} was refused by something else: {words}"
        refused_by.add((name, (found[1] or found[2]).strip()))
    assert refused_by == (checks_of_sqlite() if engine == "sqlite" else checks_of_postgres())


def checks_of_sqlite() -> set[tuple[str, str]]:
    tables = database.execute_sql("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall()
    return {(name, as_named(check)) for name, sql in tables for check in checks_in(sql)}


def as_named(check: str) -> str:
    """SQLite names a check by its text, but one that begins with a quoted column by that column alone."""
    quoted = re.match(r'"(\w+)"', check)
    return quoted[1] if quoted else check


def checks_in(sql: str) -> list[str]:
    """What stands between the outer brackets of each CHECK."""
    found = []
    for start in (match.end() for match in re.finditer(r"CHECK \(", sql)):
        depth, end = 1, start
        while depth:
            depth += {"(": 1, ")": -1}.get(sql[end], 0)
            end += 1
        found.append(sql[start : end - 1])
    return found


def checks_of_postgres() -> set[tuple[str, str]]:
    return set(
        database.execute_sql(
            "SELECT c.relname, k.conname FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid "
            "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE k.contype = 'c' AND n.nspname = 'public'"
        ).fetchall()
    )


def test_a_contract_holds_no_more_than_it_reserves_unless_overdraft_is_allowed(cast):
    assert "heck constraint" in refusal_of(cast.contract, {"allocated_bytes": 10 * TB + 1}).replace("CHECK", "check")
    rows.change(cast.contract, allow_overdraft=True)
    rows.change(cast.contract, allocated_bytes=10 * TB + 1)
    assert Contract.get_by_id(cast.contract.id).free_bytes == -1


def test_a_sub_account_cannot_stand_on_another_partners_contract(cast):
    row = sub_account_of(cast)
    assert "foreign key" in refusal_of(row, {"contract_id": cast.other_contract.id}).lower()


def test_a_sub_account_cannot_be_for_another_partners_customer(cast):
    row, foreign = sub_account_of(cast), rows.make(Customer, partner=cast.contoso)
    assert "foreign key" in refusal_of(row, {"customer_id": foreign.id}).lower()


def test_a_sub_account_cannot_move_to_another_partner(cast):
    assert "foreign key" in refusal_of(sub_account_of(cast), {"partner_id": cast.contoso.id}).lower()


def test_a_row_that_others_stand_on_is_not_deleted(cast):
    sub_account_of(cast)
    with pytest.raises(IntegrityError), database.atomic():
        cast.contract.delete_instance()


def test_no_row_points_at_nothing(cast):
    assert "foreign key" in refusal_of(sub_account_of(cast), {"region_id": 999}).lower()


def sub_account_of(cast) -> SubAccount:
    customer = rows.make(Customer, partner=cast.northwind)
    return rows.make(SubAccount, partner=cast.northwind, contract=cast.contract, customer=customer, region=cast.region)


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("member", ("email_key",)),
        ("operator", ("email_key",)),
        ("invitation", ("token_hash",)),
        ("invitation", ("partner_id", "email_key")),
        ("authority_offer", ("partner_id",)),
        ("access_told", ("member_id", "ends_on", "days")),
        ("session", ("token_hash",)),
        ("session", ("origin_hash",)),
        ("kept_form", ("token_hash",)),
        ("kept_form", ("member_id",)),
        ("console_session", ("token_hash",)),
        ("console_link", ("token_hash",)),
        ("incident", ("number",)),
        ("incident_partner", ("incident_id", "partner_id")),
        ("one_time_link", ("token_hash",)),
        ("sso", ("partner_id",)),
        ("sso_domain", ("partner_id", "domain")),
        ("sso_link", ("member_id",)),
        ("sso_link", ("issuer", "subject")),
        ("sso_flow", ("state_hash",)),
        ("totp", ("member_id",)),
        ("passkey", ("credential_id",)),
        ("passkey_challenge", ("challenge",)),
        ("recovery_code", ("code_hash",)),
        ("trusted_device", ("token_hash",)),
        ("factor_reset", ("member_id",)),
        ("contract", ("number",)),
        ("sub_account", ("number",)),
        ("sub_account", ("remote_uid",)),
        ("access_key", ("access_key_id",)),
        ("customer", ("partner_id", "name_key")),
        ("terms_version", ("kind", "label", "language")),
        ("contract_notice", ("contract_id", "ends_on", "days")),
        ("closure", ("partner_id",)),
        ("closure_account", ("closure_id", "sub_account_id")),
        ("usage_day", ("sub_account_id", "day_on")),
        ("usage_hour", ("sub_account_id", "hour_at")),
        ("account_use", ("sub_account_id",)),
        ("traffic_hour", ("sub_account_id", "hour_at")),
        ("traffic_day", ("sub_account_id", "day_on")),
        ("traffic_told", ("region_id", "hour_at")),
        ("detail_change", ("partner_id", "field")),
        ("measure", ("partner_id", "kind")),
        ("barred_key", ("key_hash", "partner_id")),
        ("one_time_key", ("principal", "key")),
        ("notice_partner", ("notice_id", "partner_id")),
        ("notice_reading", ("member_id", "notice_id")),
        ("notice_acknowledgement", ("member_id", "asked_under_id")),
        ("notice_mail", ("notice_id", "member_id")),
    ],
)
def test_what_is_unique_cannot_come_twice(db, tables, table, columns):
    first, second = (rows.make(tables[table]) for _ in (1, 2))
    if table == "access_key":
        rows.change(first, access_key_id="AKIA1")
        first.access_key_id = "AKIA1"
    mark = database.obj.param
    wheres = " AND ".join(f'"{name}" = {mark}' for name in columns)
    values = [first._meta.columns[name].db_value(getattr(first, name)) for name in columns]
    held = database.execute_sql(f'SELECT COUNT(*) FROM "{table}" WHERE {wheres}', values)  # noqa: S608 - own names
    assert held.fetchone() == (1,)
    assert "unique" in refusal_of(second, dict(zip(columns, values, strict=True))).lower()
