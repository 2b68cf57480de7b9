"""Effects that happen once, after the commit that wanted them."""

from peewee import AutoField, BlobField, BooleanField, ForeignKeyField, IntegerField, TextField

from models.base import Table, UtcDateTimeField
from models.partner import Partner


class Mail(Table):
    """A mail, written in the transaction of its cause and sent by the worker. `private` mails carry a link: once sent,
    their text is blanked here. `partner`: of whose affairs it tells, whoever it went to; None for mails to strangers
    and to the provider's staff about several."""

    id = AutoField()
    partner = ForeignKeyField(Partner, null=True)
    partner_id: int | None
    template = TextField()
    recipient = TextField()
    subject = TextField()
    text = TextField()
    html = TextField(default="")
    attachment_name = TextField(default="")
    attachment = TextField(default="")
    private = BooleanField(default=False)
    created_at = UtcDateTimeField()
    sent_at = UtcDateTimeField(null=True)
    attempts = IntegerField(default=0)
    next_attempt_at = UtcDateTimeField()
    last_error = TextField(default="")


class MailAttachment(Table):
    """A file that goes with a mail, of any kind; gone with the mail's text."""

    id = AutoField()
    mail = ForeignKeyField(Mail, backref="attachments")
    mail_id: int
    name = TextField()
    media_type = TextField()
    content = BlobField()


class OneTimeKey(Table):
    """A form or request that was already carried out: the same key again gets the first answer."""

    id = AutoField()
    principal = TextField()
    key = TextField()
    request_hash = TextField()
    answer = TextField()
    created_at = UtcDateTimeField()
