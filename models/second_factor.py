"""What somebody proves beside a password who they are with, and what stands in for it."""

from peewee import AutoField, BigIntegerField, BooleanField, ForeignKeyField, TextField

from models.base import Table, UtcDateTimeField
from models.operator import Operator
from models.partner import Member


class Totp(Table):
    """The app of one person that makes codes (RFC 6238). `seed_ct` and `wanted_ct` are sealed; `wanted_ct` counts once
    a code of it was entered. With `confirmed_at` the factor is on, also when its seed can no longer be opened."""

    id = AutoField()
    member = ForeignKeyField(Member, null=True, unique=True, backref="+")
    member_id: int | None
    operator = ForeignKeyField(Operator, null=True, unique=True, backref="+")
    operator_id: int | None
    seed_ct = TextField(null=True)
    wanted_ct = TextField(null=True)
    wanted_at = UtcDateTimeField(null=True)
    confirmed_at = UtcDateTimeField(null=True)
    last_step = BigIntegerField(default=0)


class Passkey(Table):
    """A WebAuthn credential; `credential_id`, `user_handle` and `public_key` are base64url."""

    id = AutoField()
    member = ForeignKeyField(Member, null=True, backref="+")
    member_id: int | None
    operator = ForeignKeyField(Operator, null=True, backref="+")
    operator_id: int | None
    credential_id = TextField(unique=True)
    user_handle = TextField()
    public_key = TextField()
    sign_count = BigIntegerField(default=0)
    name = TextField()
    created_at = UtcDateTimeField()
    last_used_at = UtcDateTimeField(null=True)


class PasskeyChallenge(Table):
    """What a passkey is asked to sign, until it is answered once; purposes sign_in, second, prove, add."""

    id = AutoField()
    purpose = TextField()
    challenge = TextField(unique=True)
    expires_at = UtcDateTimeField()


class RecoveryCode(Table):
    """One of ten codes that replace a lost factor once each; all of a set share the salt of their hashes."""

    id = AutoField()
    member = ForeignKeyField(Member, null=True, backref="+")
    member_id: int | None
    operator = ForeignKeyField(Operator, null=True, backref="+")
    operator_id: int | None
    salt = TextField()
    code_hash = TextField(unique=True)
    created_at = UtcDateTimeField()
    used_at = UtcDateTimeField(null=True)


class TrustedDevice(Table):
    """A browser that need not show the second factor at log-in for a while."""

    id = AutoField()
    member = ForeignKeyField(Member, null=True, backref="+")
    member_id: int | None
    operator = ForeignKeyField(Operator, null=True, backref="+")
    operator_id: int | None
    token_hash = TextField(unique=True)
    name = TextField()
    created_at = UtcDateTimeField()
    last_used_at = UtcDateTimeField()
    expires_at = UtcDateTimeField()
    ended_at = UtcDateTimeField(null=True)


class FactorReset(Table):
    """Somebody's lost factors go at `effective_at`, unless that somebody says no. `asked_by` and `seconded_by` are as
    operator:7; with `needs_two` it begins to count when a second one agreed."""

    id = AutoField()
    member = ForeignKeyField(Member, null=True, backref="+")
    member_id: int | None
    operator = ForeignKeyField(Operator, null=True, backref="+")
    operator_id: int | None
    reason = TextField()
    asked_at = UtcDateTimeField()
    asked_by = TextField()
    asked_name = TextField()
    needs_two = BooleanField(default=False)
    seconded_by = TextField(default="")
    seconded_name = TextField(default="")
    effective_at = UtcDateTimeField(null=True)
    cancelled_at = UtcDateTimeField(null=True)
    done_at = UtcDateTimeField(null=True)
