"""Persons of the provider."""

from peewee import AutoField, BooleanField, ForeignKeyField, TextField

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


class OperatorRequest(Table):
    """What an owner wants of an operator's access and another owner has to confirm: another right, to take the access
    away, to give it back. Outcomes: confirmed, declined, void (who asked is no owner any more)."""

    id = AutoField()
    operator = ForeignKeyField(Operator, backref="requests")
    operator_id: int
    kind = TextField()
    right = TextField(default="")
    asked_by = ForeignKeyField(Operator, backref="+")
    asked_by_id: int
    asked_at = UtcDateTimeField()
    ended_at = UtcDateTimeField(null=True)
    ended_by = ForeignKeyField(Operator, null=True, backref="+")
    ended_by_id: int | None
    outcome = TextField(default="")
