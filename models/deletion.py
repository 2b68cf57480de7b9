"""Deletions of sub-accounts: asked for, held back, running, and in the end what proves them."""

from datetime import datetime

from peewee import AutoField, BigIntegerField, ForeignKeyField, TextField

from models.base import Table, UtcDateTimeField
from models.sub_account import Region, SubAccount

# too many were due at once, the database came out of a backup, an operator did it or ended the contract, the partner
# was not active, no second administrator agreed
HELD_REASONS = ("many", "restored", "operator", "partner", "second")


class Deletion(Table):
    """One per sub-account that is to be deleted; restoring it takes the row away again.

    `held_at`: it is held back (HELD_REASONS) and waits for a second person until `released_at`; `release_asked_by` is
    the first of two operators who release many. `second_wanted_at`: so many were asked for within a day that somebody
    else has to agree, `second_by` did. From `started_at` on nothing can be restored. `seen_at`: the worker then saw the
    account there, before anything was removed; without that nothing proves that it was this deletion that removed it,
    and `gone_name` is who confirmed that it was gone.

    `found_*` is what lay there, if that was measured since access was barred; `removed_*` what the storage service has
    confirmed so far: it may miss a page whose answer was lost. `asked_by`, `second_by`, `release_asked_by` and
    `released_by` are "kind:id".
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
    held_reason = TextField(default="")
    released_at = UtcDateTimeField(null=True)
    released_by = TextField(default="")
    released_name = TextField(default="")
    second_wanted_at = UtcDateTimeField(null=True)
    second_at = UtcDateTimeField(null=True)
    second_by = TextField(default="")
    second_name = TextField(default="")
    release_asked_at = UtcDateTimeField(null=True)
    release_asked_by = TextField(default="")
    release_asked_name = TextField(default="")
    started_at = UtcDateTimeField(null=True)
    seen_at = UtcDateTimeField(null=True)
    gone_name = TextField(default="")
    cursor = TextField(null=True)
    found_bytes = BigIntegerField(null=True)
    found_objects = BigIntegerField(null=True)
    removed_bytes = BigIntegerField(default=0)
    removed_objects = BigIntegerField(default=0)
    locked_until_at = UtcDateTimeField(null=True)
    ended_at = UtcDateTimeField(null=True)

    def hold(self, at: datetime, reason: str) -> None:
        """Holds it back, also when it was released before. `reason`: one of HELD_REASONS."""
        self.held_at, self.held_reason = at, reason
        self.released_at, self.released_by, self.released_name = None, "", ""
        self.release_asked_at, self.release_asked_by, self.release_asked_name = None, "", ""
        released, asked = ("released_at", "released_by", "released_name"), ("at", "by", "name")
        self.save(only=["held_at", "held_reason", *released, *(f"release_asked_{part}" for part in asked)])

    @property
    def lacks_second(self) -> bool:
        """Somebody else has to agree, and nobody has yet."""
        return self.second_wanted_at is not None and self.second_at is None

    @property
    def waits_for_second(self) -> bool:
        """Held back until a second person lets it begin, whether it is due or not."""
        return self.held_at is not None and self.released_at is None and self.started_at is None
