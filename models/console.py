"""The customer console: who signs in for a sub-account, their log-ins, and the links by which they come."""

from peewee import AutoField, BooleanField, ForeignKeyField, TextField

from models.base import Table, UtcDateTimeField
from models.sub_account import SubAccount


class ConsoleUser(Table):
    """The contact of one sub-account who may sign in to the console. A sub-account has one at a time; one mail address
    may belong to several sub-accounts, also of different partners, and has a password for each. `confirmed_at`: when
    the first password was chosen. A row that was removed stays for the trail, without a password."""

    id = AutoField()
    sub_account = ForeignKeyField(SubAccount, backref="console_users")
    sub_account_id: int
    email = TextField()
    email_key = TextField()
    name = TextField()
    locale = TextField(default="en")
    password_hash = TextField(default="")
    active = BooleanField(default=True)
    created_at = UtcDateTimeField()
    created_by = TextField(default="")
    invited_at = UtcDateTimeField(null=True)
    confirmed_at = UtcDateTimeField(null=True)
    last_seen_at = UtcDateTimeField(null=True)
    removed_at = UtcDateTimeField(null=True)


class ConsoleSession(Table):
    """One log-in of one console user on one device. The cookie holds a random token, this row its hash."""

    id = AutoField()
    user = ForeignKeyField(ConsoleUser, backref="sessions")
    user_id: int
    token_hash = TextField(unique=True)
    created_at = UtcDateTimeField()
    last_seen_at = UtcDateTimeField()
    expires_at = UtcDateTimeField()
    ended_at = UtcDateTimeField(null=True)
    end_reason = TextField(default="")
    ip = TextField(default="")
    user_agent = TextField(default="")


class ConsoleLink(Table):
    """A link that lets a console user choose a password, once: the invitation, or after a forgotten one. Of each kind
    one at most is open; only the token's hash is kept. `ended_at`: withdrawn, or replaced by a newer one."""

    id = AutoField()
    user = ForeignKeyField(ConsoleUser, backref="links")
    user_id: int
    purpose = TextField()
    token_hash = TextField(unique=True)
    created_at = UtcDateTimeField()
    expires_at = UtcDateTimeField()
    used_at = UtcDateTimeField(null=True)
    ended_at = UtcDateTimeField(null=True)
