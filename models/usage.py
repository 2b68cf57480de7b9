"""Measured use: samples as they came, and one row a day with that day's allocation."""

from peewee import AutoField, BigIntegerField, DateField, ForeignKeyField, IntegerField

from models.base import Table, UtcDateTimeField
from models.sub_account import SubAccount


class UsageSample(Table):
    id = AutoField()
    sub_account = ForeignKeyField(SubAccount, backref="samples")
    measured_at = UtcDateTimeField()
    used_bytes = BigIntegerField()
    object_count = BigIntegerField()


class UsageDay(Table):
    """One UTC day: average over the time measured, peak, the last figure, and what was set aside that day."""

    id = AutoField()
    sub_account = ForeignKeyField(SubAccount, backref="usage_days")
    day_on = DateField()
    samples = IntegerField()
    average_bytes = BigIntegerField()
    peak_bytes = BigIntegerField()
    last_bytes = BigIntegerField()
    allocated_bytes = BigIntegerField()
