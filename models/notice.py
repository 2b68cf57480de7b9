"""Notices of the provider to its partners, who read them and who acknowledged them (T6)."""

from peewee import AutoField, BooleanField, ForeignKeyField, TextField

from models.base import JsonField, Table, UtcDateTimeField
from models.partner import Member, Partner

NOTICE_KINDS = ("information", "instruction", "regulation")


class Notice(Table):
    """One edition of a notice. Published texts never change (a trigger holds it): a correction is a new edition.

    `titles`, `bodies`: by language. `audience`: {"kinds": […], "roles": […]}, empty lists mean all; `chosen`: only the
    partners in notice_partner. `blocks`: areas that wait for the acknowledgement. `ends_at`: as planned, `over_at`:
    when it really is over. `corrects`: the edition before; `asked_under`: the edition whose acknowledgements count for
    this one, itself where it asks again. `mailed_at`: when the last mail about it was written.
    """

    id = AutoField()
    kind = TextField(default="information")
    state = TextField(default="draft")
    titles = JsonField()
    bodies = JsonField()
    audience = JsonField()
    chosen = BooleanField(default=False)
    pinned = BooleanField(default=False)
    asks = BooleanField(default=False)
    blocks = JsonField()
    important = BooleanField(default=False)
    asks_again = BooleanField(default=True)
    starts_at = UtcDateTimeField(null=True)
    ends_at = UtcDateTimeField(null=True)
    over_at = UtcDateTimeField(null=True)
    corrects = ForeignKeyField("self", null=True, column_name="corrects_id")
    corrects_id: int | None
    asked_under = ForeignKeyField("self", null=True, column_name="asked_under_id")
    asked_under_id: int | None
    made_at = UtcDateTimeField()
    made_by = TextField()
    changed_at = UtcDateTimeField()
    published_at = UtcDateTimeField(null=True)
    published_by = TextField(default="")
    ended_by = TextField(default="")
    mailed_at = UtcDateTimeField(null=True)


class NoticePartner(Table):
    """A partner that a notice is for, where it is for chosen ones."""

    id = AutoField()
    notice = ForeignKeyField(Notice)
    notice_id: int
    partner = ForeignKeyField(Partner)
    partner_id: int

    class Meta:
        table_name = "notice_partner"


class NoticeReading(Table):
    """A member opened this edition."""

    id = AutoField()
    notice = ForeignKeyField(Notice)
    notice_id: int
    member = ForeignKeyField(Member)
    member_id: int
    read_at = UtcDateTimeField()

    class Meta:
        table_name = "notice_reading"


class NoticeAcknowledgement(Table):
    """Evidence: who acknowledged exactly which text, when, from where. Names as they were then."""

    id = AutoField()
    notice = ForeignKeyField(Notice)
    notice_id: int
    asked_under = ForeignKeyField(Notice, column_name="asked_under_id", backref="acknowledgements")
    asked_under_id: int
    partner = ForeignKeyField(Partner)
    partner_id: int
    partner_name = TextField()
    member = ForeignKeyField(Member)
    member_id: int
    member_name = TextField()
    member_role = TextField()
    language = TextField()
    sha256 = TextField()
    acknowledged_at = UtcDateTimeField()
    ip = TextField(default="")
    user_agent = TextField(default="")

    class Meta:
        table_name = "notice_acknowledgement"


class NoticeMail(Table):
    """This member's mail about this notice is in the outbox: written together with it."""

    id = AutoField()
    notice = ForeignKeyField(Notice)
    notice_id: int
    member = ForeignKeyField(Member)
    member_id: int
    queued_at = UtcDateTimeField()

    class Meta:
        table_name = "notice_mail"
