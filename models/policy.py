"""What the provider's staff decide while the portal runs."""

from peewee import TextField

from models.base import JsonField, Table, UtcDateTimeField


class PolicyValue(Table):
    """One rule that differs from its default; services/policy.py names the rules."""

    name = TextField(primary_key=True)
    value = JsonField()
    changed_at = UtcDateTimeField()
    changed_by = TextField()

    class Meta:
        table_name = "policy"
