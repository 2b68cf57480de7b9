"""Measured use: one row a day with that day's allocation."""

from peewee import AutoField, BigIntegerField, DateField, ForeignKeyField, IntegerField

from models.base import Table, UtcDateTimeField
from models.sub_account import SubAccount


class UsageDay(Table):
    """One UTC day of one sub-account. Measurements come at even distances, so their mean is the average over time;
    `sum_bytes` keeps it exact. `allocated_bytes` is what was set aside at the last measurement of the day."""

    id = AutoField()
    sub_account = ForeignKeyField(SubAccount, backref="usage_days")
    sub_account_id: int
    day_on = DateField()
    samples = IntegerField()
    sum_bytes = BigIntegerField()
    average_bytes = BigIntegerField()
    peak_bytes = BigIntegerField()
    last_bytes = BigIntegerField()
    allocated_bytes = BigIntegerField()
    measured_at = UtcDateTimeField()
