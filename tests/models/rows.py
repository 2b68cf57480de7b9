"""One valid row of any table, with the rows that it stands on."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count

from peewee import BigIntegerField, BlobField, BooleanField, DateField, ForeignKeyField, IntegerField, TextField

from models.base import ExactDecimalField, JsonField, Table, UtcDateTimeField, database

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PLAIN = (
    (BlobField, b"content"),
    (UtcDateTimeField, NOW),
    (ExactDecimalField, Decimal(1)),
    (JsonField, {}),
    (DateField, date(2026, 3, 2)),
    (BooleanField, False),
    (BigIntegerField, 1),
    (IntegerField, 1),
)
# What a row needs beyond its column types to be true.
SENSIBLE = {
    "session": {"member": True},
    "one_time_link": {"member": True},
    "totp": {"member": True},
    "passkey": {"member": True},
    "passkey_challenge": {"purpose": "sign_in"},
    "recovery_code": {"member": True},
    "trusted_device": {"member": True, "expires_at": NOW + timedelta(days=30)},
    "factor_reset": {"member": True},
    "sso_domain": {"domain": "northwind.example", "asked_by": "member:1"},
    "sso_flow": {"purpose": "sign_in", "expires_at": NOW + timedelta(minutes=10)},
    "allocation_entry": {"sub_account_id": 1},
    "sub_account": {"observed_generation": 0},
    "flow_down": {"way": "attested"},
    "customer_acceptance": {"outcome": "accepted"},
    "flow_down_link": {"expires_at": NOW + timedelta(days=30)},
    "drift": {"kind": "quota"},
    "restoration": {"cause": "command", "prepared_at": NOW, "ended_at": NOW, "ended_by": "Olga"},
    "barred_key": {"kind": "vat"},
    "measure": {"kind": "suspension", "level": "read", "asked_by": "operator:1"},
    "consent_event": {"kind": "viewed"},
    "detail_check": {"verdict": "accepted"},
    "installation": {"code": "abc123"},
    "erasure": {"kind": "partner"},
    "archive_record": {"record_class": "voucher"},
    "integration": {"url": "https://example.com/"},
    "partner_document": {"kind": "agreement", "readers": "admin"},
    "stored_file": {"media_type": "application/pdf"},
    "change_request": {"kind": "closure"},
    "closure": {"retrieval_until_at": NOW + timedelta(days=30)},
    "request_message": {"member": True},
    "invitation": {"expires_at": NOW + timedelta(days=2)},
    "authority_offer": {"expires_at": NOW + timedelta(days=7)},
    "access_told": {"days": 7},
    "support_access": {"expires_at": NOW + timedelta(days=1)},
    "support_look": {"until_at": NOW + timedelta(hours=1)},
    "operator_request": {"kind": "deactivate"},
    "kept_form": {"member": True},
    "console_session": {"expires_at": NOW + timedelta(days=1)},
    "console_link": {"purpose": "reset", "expires_at": NOW + timedelta(hours=1)},
    "incident": {"kind": "access", "state": "new"},
    "incident_note": {"kind": "note"},
}
_number = count(1)


def all_tables() -> list[type[Table]]:
    """Every model, by walking the package as the product does."""
    import importlib
    import pkgutil

    import models

    for module in pkgutil.iter_modules(models.__path__):
        if not module.ispkg:
            importlib.import_module(f"models.{module.name}")
    return sorted(Table.__subclasses__(), key=lambda table: table._meta.table_name)


def make(table: type[Table], **given) -> Table:
    """A new row; what is not given gets a value of its type, and owners are made on the way."""
    values = dict(given)
    for name, field in table._meta.fields.items():
        wanted = SENSIBLE.get(table._meta.table_name, {}).get(name)
        counted = field.primary_key and not isinstance(field, BigIntegerField)  # evidence counts itself
        if name in values or counted or (wanted is None and (field.null or field.default is not None)):
            continue
        values[name] = make(field.rel_model) if isinstance(field, ForeignKeyField) else wanted or _plain(field)
    if table._meta.table_name == "sub_account" and not given:
        values["customer"].partner = values["contract"].partner = values["partner"]
        values["customer"].save()
        values["contract"].save()
    return table.create(**values)


def _plain(field):
    if isinstance(field, TextField) and type(field) is TextField:
        return f"{field.name}-{next(_number)}"
    return next(value for kind, value in PLAIN if isinstance(field, kind))


def change(row: Table, **columns) -> None:
    """Writes columns by plain SQL, past every rule of the models."""
    mark = database.obj.param
    sets = ", ".join(f'"{name}" = {mark}' for name in columns)
    database.execute_sql(f'UPDATE "{row._meta.table_name}" SET {sets} WHERE id = {mark}', (*columns.values(), row.id))  # noqa: S608 - own names
