"""What law keeps of partners that have gone, apart from everything else, and the list of who was erased."""

from peewee import AutoField, BigIntegerField, DateField, ForeignKeyField, IntegerField, TextField

from models.base import JsonField, Table, UtcDateTimeField

ERASED_KINDS = ("partner", "member")


class Erasure(Table):
    """The erasure of one partner or member. The list of them is repeated after a restored backup, so `public_id` (it
    names nobody) is kept beside the number: another row under the same number is left alone.

    `keeps`: whether what law keeps goes to the archive (not of sign-ups from which no contract came). `waits_for` says
    what stands in its way; `finished_at` is None until nothing is left to do. `step` is the table that is being
    worked on, `last_id` its last row that is done.
    """

    id = AutoField()
    kind = TextField()
    subject_id = BigIntegerField()
    public_id = TextField()
    keeps = IntegerField(default=1)
    asked_at = UtcDateTimeField()
    asked_by = TextField(default="")
    waits_for = TextField(default="")
    step = TextField(default="")
    last_id = BigIntegerField(default=0)
    erased_rows = IntegerField(default=0)
    archived_rows = IntegerField(default=0)
    finished_at = UtcDateTimeField(null=True)


class ArchiveRecord(Table):
    """Rows of one table as they were, kept by law until `delete_after_on`, then deleted. None: the period has not
    begun, because the contract of the erased person's company goes on. Normal pages never read this table."""

    id = AutoField()
    erasure = ForeignKeyField(Erasure)
    erasure_id: int
    former_partner_id = BigIntegerField()
    record_class = TextField()
    source_table = TextField()
    rows = IntegerField()
    payload = JsonField()
    archived_at = UtcDateTimeField()
    delete_after_on = DateField(null=True)


class PurgeReport(Table):
    """What one nightly run removed: `removed` by what it was, and `waiting`, the erasures that could not go on."""

    id = AutoField()
    at = UtcDateTimeField()
    removed = JsonField()
    waiting = IntegerField(default=0)
