"""Deletions of sub-accounts: asked for, held back, running, and in the end what proves them."""

from peewee import AutoField, BigIntegerField, ForeignKeyField, TextField

from models.base import Table, UtcDateTimeField
from models.sub_account import Region, SubAccount


class Deletion(Table):
    """One per sub-account that is to be deleted; restoring it takes the row away again.

    `held_at`: it was due while too many others were begun, and waits for a second person until `released_at`. From
    `started_at` on nothing can be restored. `found_*` is what lay there then, `removed_*` what the storage service has
    confirmed so far; it may miss a page whose answer was lost. `asked_by` and `released_by` are "kind:id".
    """

    id = AutoField()
    sub_account = ForeignKeyField(SubAccount, backref="deletions", unique=True)
    sub_account_id: int
    region = ForeignKeyField(Region)
    region_id: int
    asked_at = UtcDateTimeField()
    asked_by = TextField()
    asked_name = TextField()
    held_at = UtcDateTimeField(null=True)
    released_at = UtcDateTimeField(null=True)
    released_by = TextField(default="")
    released_name = TextField(default="")
    started_at = UtcDateTimeField(null=True)
    cursor = TextField(null=True)
    found_bytes = BigIntegerField(null=True)
    found_objects = BigIntegerField(null=True)
    removed_bytes = BigIntegerField(default=0)
    removed_objects = BigIntegerField(default=0)
    locked_until_at = UtcDateTimeField(null=True)
    ended_at = UtcDateTimeField(null=True)

    @property
    def waits_for_second(self) -> bool:
        """Due, and held back until a second person lets it begin."""
        return self.held_at is not None and self.released_at is None and self.started_at is None
