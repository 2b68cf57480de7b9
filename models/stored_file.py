"""Files that were handed in."""

from peewee import AutoField, BigIntegerField, BlobField, TextField

from models.base import Table, UtcDateTimeField


class StoredFile(Table):
    """A PDF as it was uploaded, in the database: one backup holds it too. Who may see it, the row that refers to it
    knows."""

    id = AutoField()
    public_id = TextField(unique=True)
    name = TextField()
    media_type = TextField(default="application/pdf")
    size_bytes = BigIntegerField()
    sha256 = TextField()
    content = BlobField()
    created_at = UtcDateTimeField()
    created_by = TextField()
