"""Log-ins, one-time links and counted attempts."""

from peewee import AutoField, ForeignKeyField, IntegerField, TextField

from models.base import JsonField, Table, UtcDateTimeField
from models.operator import Operator
from models.partner import Member


class Session(Table):
    """One log-in of one person on one device. The cookie holds a random token, this row its hash. `origin_hash` is that
    of the first token and names the log-in also after the token was renewed; `role`: for which role it was given."""

    id = AutoField()
    token_hash = TextField(unique=True)
    origin_hash = TextField(unique=True)
    role = TextField(default="")
    member = ForeignKeyField(Member, null=True, backref="sessions")
    member_id: int | None
    operator = ForeignKeyField(Operator, null=True, backref="sessions")
    operator_id: int | None
    created_at = UtcDateTimeField()
    last_seen_at = UtcDateTimeField()
    expires_at = UtcDateTimeField()
    ended_at = UtcDateTimeField(null=True)
    end_reason = TextField(default="")
    ip = TextField(default="")
    user_agent = TextField(default="")
    method = TextField(default="password")  # password, passkey, sso, invitation
    proved_at = UtcDateTimeField(null=True)  # when its person last showed who they are
    second_factor_at = UtcDateTimeField(null=True)


class KeptForm(Table):
    """What somebody typed whose log-in had ended when they sent it: kept for them until they signed in again, for a
    quarter of an hour at most. The browser holds a random token, this row its hash. Never a secret."""

    id = AutoField()
    token_hash = TextField(unique=True)
    member = ForeignKeyField(Member, null=True, unique=True)
    member_id: int | None
    operator = ForeignKeyField(Operator, null=True, unique=True)
    operator_id: int | None
    path = TextField()
    fields = JsonField()
    expires_at = UtcDateTimeField()


class OneTimeLink(Table):
    """A link that works once: change_mail, confirm_mail, reset_password, operator_setup. Only the hash is kept."""

    id = AutoField()
    purpose = TextField()
    token_hash = TextField(unique=True)
    member = ForeignKeyField(Member, null=True)
    member_id: int | None
    operator = ForeignKeyField(Operator, null=True)
    operator_id: int | None
    created_at = UtcDateTimeField()
    expires_at = UtcDateTimeField()
    used_at = UtcDateTimeField(null=True)


class Attempt(Table):
    """Guesses at a secret, counted before they are checked; `subject` is an account or an address."""

    id = AutoField()
    subject = TextField(unique=True)
    failures = IntegerField(default=0)
    window_until = UtcDateTimeField()
