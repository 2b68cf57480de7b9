"""A partner's own log-in (OpenID Connect): where it is, for which mail domains, and who of its provider is who here."""

from peewee import AutoField, BooleanField, ForeignKeyField, TextField

from models.base import Table, UtcDateTimeField
from models.partner import Member, Partner


class Sso(Table):
    """What a partner entered. `only_way`: members of its domains sign in with it alone, except `kept_by`, an
    administrator whose password stays a way in. `counts_second`: what the provider says of a second factor is
    believed; `acr_values`: further values of `acr` that say so, separated by blanks."""

    id = AutoField()
    partner = ForeignKeyField(Partner, unique=True, backref="+")
    partner_id: int
    issuer = TextField()
    client_id = TextField()
    secret_ct = TextField(null=True)
    enabled = BooleanField(default=False)
    only_way = BooleanField(default=False)
    kept_by = ForeignKeyField(Member, null=True, backref="+")
    kept_by_id: int | None
    counts_second = BooleanField(default=False)
    acr_values = TextField(default="")
    created_at = UtcDateTimeField()
    changed_at = UtcDateTimeField()


class SsoDomain(Table):
    """A mail domain that a partner says is its own. It counts once the provider's staff has confirmed it; a domain is
    confirmed for one partner at most."""

    id = AutoField()
    partner = ForeignKeyField(Partner, backref="+")
    partner_id: int
    domain = TextField()
    asked_by = TextField()
    asked_name = TextField()
    asked_at = UtcDateTimeField()
    confirmed_at = UtcDateTimeField(null=True)
    confirmed_by = TextField(default="")
    confirmed_name = TextField(default="")


class SsoLink(Table):
    """Who at the provider (issuer and subject) is which member: bound at the first log-in."""

    id = AutoField()
    member = ForeignKeyField(Member, unique=True, backref="+")
    member_id: int
    issuer = TextField()
    subject = TextField()
    created_at = UtcDateTimeField()
    last_used_at = UtcDateTimeField()


class SsoFlow(Table):
    """A log-in that a browser has begun and not come back from: gone when it comes back, or after some minutes."""

    id = AutoField()
    sso = ForeignKeyField(Sso, backref="+")
    sso_id: int
    purpose = TextField()  # sign_in, prove
    state_hash = TextField(unique=True)
    began_at = UtcDateTimeField()
    expires_at = UtcDateTimeField()
