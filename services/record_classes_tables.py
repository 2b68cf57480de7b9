"""The class of every table and column. Read by services/record_classes.py and by the erasure.

A new table gets one line: the class of its rows, and what happens to a row of an erased partner:

remove  it goes; first it is copied to the archive if its class is kept by law
stay    it stays as a tombstone that others refer to: columns of the classes person and secret and those of `blank`
        are emptied (after the copy to the archive, if its class is kept by law)
none    it belongs to no partner

`columns` names those of another class: "person" and "secret" never get into the archive, "operational" and "statistic"
neither; every other column of a row that is kept does. `since` is the column from which the period counts; without it
the period begins when the account was erased.
"""

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Classed:
    record_class: str
    fate: Literal["remove", "stay", "none"] = "remove"
    columns: dict[str, str] = field(default_factory=dict)
    since: str = ""
    blank: tuple[str, ...] = ()


def columns_of(record_class: str, *names: str) -> dict[str, str]:
    return dict.fromkeys(names, record_class)


_person, _secret = "person", "secret"
STAFF = columns_of(_person, "name", "email", "email_key") | {"password_hash": _secret}
COMPANY = ("legal_name", "name_key", "register_number", "vat_id", "street", "postcode", "city", "phone")

TABLES: dict[str, Classed] = {
    # partners and people
    "partner": Classed("commercial_letter", "stay", blank=(*COMPANY, "decision_note")),
    "member": Classed("operational", "stay", {**STAFF, **columns_of(_person, "wanted_email", "phone", "job_title")}),
    "invitation": Classed("operational", "stay", columns_of(_person, "email", "email_key") | {"token_hash": _secret}),
    "authority_offer": Classed("operational"),
    "access_told": Classed("operational"),
    "detail_query": Classed("commercial_letter", since="asked_at"),
    "sign_up_draft": Classed("person", "none", columns_of(_secret, "token_hash", "password_hash")),
    "operator": Classed("operational", "none", STAFF),
    "operator_request": Classed("security_log", "none"),
    "support_access": Classed("security_log", columns=columns_of(_person, "reason")),
    "support_look": Classed("security_log", columns={"session_hash": _secret, "reason": _person}),
    "support_page": Classed("security_log"),
    "session": Classed(
        "security_log",
        columns={"token_hash": _secret, "origin_hash": _secret, **columns_of(_person, "ip", "user_agent")},
    ),
    "one_time_link": Classed("security_log", columns={"token_hash": _secret}),
    "attempt": Classed("security_log", "none"),
    "totp": Classed("operational", columns=columns_of(_secret, "seed_ct", "wanted_ct")),
    "passkey": Classed("operational", columns=columns_of(_person, "name", "user_handle")),
    "passkey_challenge": Classed("operational", "none"),
    "recovery_code": Classed("operational", columns=columns_of(_secret, "salt", "code_hash")),
    "trusted_device": Classed("operational", columns={"token_hash": _secret, "name": _person}),
    "factor_reset": Classed("security_log", columns=columns_of(_person, "reason", "asked_name", "seconded_name")),
    "sso": Classed("operational", columns={"secret_ct": _secret}),
    "sso_domain": Classed("operational", columns=columns_of(_person, "asked_name", "confirmed_name")),
    "sso_link": Classed("operational", columns=columns_of(_person, "subject")),
    "sso_flow": Classed("operational", columns={"state_hash": _secret}),
    "one_time_key": Classed("operational", "none"),
    "kept_form": Classed("operational", columns={"token_hash": _secret, "fields": _person, "path": _person}),
    # the customer console
    "console_user": Classed(
        "operational", columns=columns_of(_person, "name", "email", "email_key") | {"password_hash": _secret}
    ),
    "console_session": Classed(
        "security_log", columns={"token_hash": _secret, **columns_of(_person, "ip", "user_agent")}
    ),
    "console_link": Classed("security_log", columns={"token_hash": _secret}),
    # reports of security problems
    "incident": Classed(
        "evidence",
        "stay",
        columns=columns_of(_person, "contact", "reporter_name", "ip", "user_agent"),
        blank=("text", "things"),
    ),
    "incident_note": Classed("evidence", "stay", columns=columns_of(_person, "made_name"), blank=("text",)),
    "incident_partner": Classed("evidence"),
    # documents and what was agreed
    "terms_version": Classed("evidence", "none"),
    "acceptance": Classed(
        "evidence",
        "stay",
        blank=(
            "partner_name",
            "register_number",
            "member_name",
            "member_email",
            "ip",
            "user_agent",
            "session_hash",
            "shown",
            "request_id",
        ),
    ),
    "evidence_head": Classed("statistic", "none"),
    "evidence": Classed("statistic", "stay"),
    "evidence_personal": Classed("evidence"),
    "consent_event": Classed("evidence", "stay"),
    "consent_receipt": Classed("evidence"),
    "terms_told": Classed("evidence"),
    "portal_change": Classed("statistic", "none"),
    "flow_down": Classed("evidence"),
    "flow_down_link": Classed(
        "operational",
        "stay",
        columns=columns_of(_person, "email", "contact_name", "created_by") | {"token_hash": _secret},
    ),
    "customer_acceptance": Classed(
        "evidence",
        "stay",
        blank=(
            "partner_name",
            "customer_name",
            "company",
            "person_name",
            "email",
            "reason",
            "ip",
            "user_agent",
            "shown",
            "request_id",
        ),
    ),
    "stored_file": Classed("commercial_letter", "none"),
    # contracts and what was set aside
    "contract": Classed("voucher", "stay", since="ends_on"),
    "contract_notice": Classed("commercial_letter", since="at"),
    "allocation_entry": Classed("voucher", since="at"),
    "change_request": Classed("commercial_letter", since="asked_at"),
    "request_message": Classed("commercial_letter", since="at"),
    "partner_document": Classed("commercial_letter"),
    "closure": Classed("evidence", "stay", blank=("reason", "asked_name", "withdrawn_name", "certificate", "file_id")),
    "closure_account": Classed("evidence"),
    # the desk, notices, switches
    "detail_check": Classed("commercial_letter", since="checked_at"),
    "detail_change": Classed("commercial_letter", since="changed_at"),
    "measure": Classed("commercial_letter", since="asked_at"),
    "barred_key": Classed("operational", "stay"),
    "notice": Classed("commercial_letter", "none"),
    "notice_partner": Classed("operational"),
    "notice_reading": Classed("operational"),
    "notice_acknowledgement": Classed("evidence"),
    "notice_mail": Classed("operational"),
    "feature_switch": Classed("operational"),
    "integration": Classed("operational", "none"),
    # storage
    "region": Classed("operational", "none"),
    "installation": Classed("operational", "none"),
    "customer": Classed("operational", "stay", columns_of(_person, "name", "name_key")),
    "sub_account": Classed(
        "voucher",
        "stay",
        columns=columns_of(_person, "name", "name_key", "contact_name", "contact_email", "suspended_by"),
    ),
    "access_key": Classed("operational", columns=columns_of(_secret, "secret_ct", "retained_ct", "parked_ct")),
    "hand_over": Classed("operational", columns=columns_of(_secret, "token_hash", "sealed")),
    "deletion": Classed(
        "evidence",
        "stay",
        columns_of(_person, "asked_name", "second_name", "release_asked_name", "released_name", "gone_name"),
    ),
    "drift": Classed("operational"),
    # use
    "usage_hour": Classed("operational"),
    "usage_day": Classed("voucher", since="day_on"),
    "account_use": Classed("operational"),
    "traffic_hour": Classed("operational"),
    "traffic_day": Classed("voucher", since="day_on"),
    "traffic_told": Classed("statistic", "none"),
    # what was written down
    "audit_head": Classed("statistic", "none"),
    "audit_event": Classed("commercial_letter", "stay", since="at"),
    "audit_personal": Classed("person", "stay"),
    "mail": Classed(
        "commercial_letter",
        columns=columns_of("operational", "text", "html", "attachment", "last_error"),
        since="created_at",
    ),
    "mail_attachment": Classed("operational"),
    # the portal itself
    "policy": Classed("operational", "none"),
    "database_home": Classed("operational", "none", {"probe_ct": _secret}),
    "restoration": Classed("security_log", "none"),
    "erasure": Classed("evidence", "none"),
    "archive_record": Classed("evidence", "none"),
    "purge_report": Classed("statistic", "none"),
}
