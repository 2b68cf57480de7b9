"""Persons of the provider."""

from peewee import AutoField, BooleanField, TextField

from models.base import Table, UtcDateTimeField

OPERATOR_RIGHTS = ("support", "manager", "owner")


class Operator(Table):
    """Rights: support (look, answer, query), manager (decide), owner (settings, other operators)."""

    id = AutoField()
    name = TextField()
    email = TextField()
    email_key = TextField(unique=True)
    right = TextField(default="support")
    password_hash = TextField(default="")
    password_due_at = UtcDateTimeField(null=True)  # since then a new password has to be chosen
    locale = TextField(default="en")
    time_zone = TextField(default="UTC")
    active = BooleanField(default=True)
    created_at = UtcDateTimeField()
