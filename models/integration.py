"""Programs and services of others that work with the storage."""

from peewee import AutoField, TextField

from models.base import JsonField, Table, UtcDateTimeField


class Integration(Table):
    """One entry of the list. `purposes`: language -> what it is good for, in a sentence."""

    id = AutoField()
    name = TextField(unique=True)
    url = TextField()
    purposes = JsonField()
    created_at = UtcDateTimeField()
    changed_at = UtcDateTimeField()
    changed_by = TextField()
