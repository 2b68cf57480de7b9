"""Legal documents, their versions, and who accepted which text."""

from peewee import AutoField, BooleanField, ForeignKeyField, TextField

from models.base import JsonField, Table, UtcDateTimeField
from models.partner import Member, Partner

TERMS_STATES = ("draft", "approved", "published", "superseded")


class TermsVersion(Table):
    """One text in one language, immutable once published. `body` is canonical (UTF-8, NFC, LF), `sha256` its digest."""

    id = AutoField()
    kind = TextField()
    label = TextField()
    language = TextField()
    title = TextField()
    body = TextField()
    sha256 = TextField()
    state = TextField(default="draft")
    requires_acceptance = BooleanField(default=True)
    change_summary = TextField(default="")
    author = TextField(default="")
    approver = TextField(default="")
    published_at = UtcDateTimeField(null=True)
    effective_at = UtcDateTimeField(null=True)


class Acceptance(Table):
    """The evidence of one click on one document (legal.md 4.2). Names and addresses as they were then."""

    id = AutoField()
    version = ForeignKeyField(TermsVersion, backref="acceptances")
    version_id: int
    sha256 = TextField()
    partner = ForeignKeyField(Partner, backref="acceptances")
    partner_id: int
    partner_name = TextField()
    register_number = TextField()
    member = ForeignKeyField(Member, backref="acceptances")
    member_id: int
    member_name = TextField()
    member_email = TextField()
    member_role = TextField()
    declared_authority = BooleanField()
    method = TextField()
    accepted_at = UtcDateTimeField()
    ip = TextField()
    user_agent = TextField()
    session_hash = TextField(default="")
    shown = JsonField()
    request_id = TextField()
    prev_hash = TextField(default="")
    hash = TextField(default="")
