"""Evidence that proves itself: rows chained by hashes, with their personal part beside them (legal.md 4.2)."""

from peewee import AutoField, BigIntegerField, ForeignKeyField, IntegerField, TextField

from models.base import JsonField, Table, UtcDateTimeField
from models.outbox import Mail
from models.partner import Member, Partner
from models.stored_file import StoredFile
from models.terms import TermsVersion


class EvidenceHead(Table):
    """The one row that every writer locks: which number came last, and its hash."""

    id = IntegerField(primary_key=True, default=1)
    number = BigIntegerField(default=0)
    hash = TextField()


class Evidence(Table):
    """What happened, without personal values; never changed, never deleted. `record` is JSON in its one form, `subject`
    the number of the row whose personal part an "erased" row is about."""

    number = BigIntegerField(primary_key=True)
    kind = TextField()
    at = UtcDateTimeField()
    partner = ForeignKeyField(Partner, null=True)
    partner_id: int | None
    subject = BigIntegerField(null=True)
    record = TextField()
    personal_digest = TextField()
    prev_hash = TextField(unique=True)
    hash = TextField(unique=True)


class EvidencePersonal(Table):
    """The personal values of one row and the salt of their digest: written once, or erased as a whole."""

    number = BigIntegerField(primary_key=True)
    salt = TextField()
    body = TextField()


class ConsentEvent(Table):
    """What happened around a version for one member: viewed, notified, declined, continued (used the portal after a
    version took effect by notice), overdue (told that the time to agree was over). Once each; `hash` is that of its
    evidence row."""

    id = AutoField()
    kind = TextField()
    version = ForeignKeyField(TermsVersion)
    version_id: int
    partner = ForeignKeyField(Partner)
    partner_id: int
    member = ForeignKeyField(Member)
    member_id: int
    at = UtcDateTimeField()
    hash = TextField(unique=True)


class ConsentReceipt(Table):
    """The receipt of one click: the PDF as it was mailed. `covers`: ids of the acceptances."""

    id = AutoField()
    partner = ForeignKeyField(Partner)
    partner_id: int
    member = ForeignKeyField(Member)
    member_id: int
    mail = ForeignKeyField(Mail, null=True)
    mail_id: int | None
    file = ForeignKeyField(StoredFile, null=True)
    file_id: int | None
    covers = JsonField()
    made_at = UtcDateTimeField()
    hash = TextField(unique=True)
