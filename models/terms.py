"""Legal documents, their versions, and who accepted which text."""

from peewee import AutoField, BigIntegerField, BooleanField, DateField, ForeignKeyField, TextField

from models.base import JsonField, Table, UtcDateTimeField
from models.operator import Operator
from models.partner import Member, Partner

TERMS_STATES = ("draft", "approved", "published", "superseded")


class TermsVersion(Table):
    """One text in one language. `body` is canonical (UTF-8, NFC, LF), `sha256` its digest.

    Once published the database changes no word of it (migration 0012). `requires_acceptance`: it needs a fresh click,
    else using the portal after `effective_at` is enough; `reason` says why. Those bound by an earlier version may go on
    until `grace_until_at` (None: until `effective_at`). `supersedes` is the label of the version before. `written_by`
    lists the ids of all operators who worked on the draft; `revision` counts its changes. `told_at`: all were told.
    """

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
    reason = TextField(default="")
    required_by_law = BooleanField(default=False)
    supersedes = TextField(default="")
    binding = TextField(default="en")
    grace_days = BigIntegerField(default=0)
    grace_until_at = UtcDateTimeField(null=True)
    author_operator = ForeignKeyField(Operator, null=True, backref="+")
    author_operator_id: int | None
    approver_operator = ForeignKeyField(Operator, null=True, backref="+")
    approver_operator_id: int | None
    written_by = JsonField(default=list)
    note = TextField(default="")
    submitted_at = UtcDateTimeField(null=True)
    approved_at = UtcDateTimeField(null=True)
    told_at = UtcDateTimeField(null=True)
    revision = BigIntegerField(default=0)


class TermsTold(Table):
    """A member was told by mail of a published version: once, and evidence that it was (legal.md 4.2)."""

    id = AutoField()
    kind = TextField()
    label = TextField()
    member = ForeignKeyField(Member, backref="+")
    member_id: int
    told_at = UtcDateTimeField()

    class Meta:
        table_name = "terms_told"


class PortalChange(Table):
    """One entry of the public change log (T5). `texts`: language -> words; `code` names what came with a release."""

    id = AutoField()
    code = TextField(null=True, unique=True)
    changed_on = DateField()
    texts = JsonField()
    author = TextField(default="")
    created_at = UtcDateTimeField()
    revision = BigIntegerField(default=0)

    class Meta:
        table_name = "portal_change"


class Acceptance(Table):
    """The evidence of one click on one document (legal.md 4.2). Names and addresses as they were then; never changed,
    but for what an erasure blanks. `hash` is that of its row in the chain (models/evidence.py)."""

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
    authentication = TextField(default="")
    authenticated_at = UtcDateTimeField(null=True)
    prev_hash = TextField(default="")
    hash = TextField(default="")
