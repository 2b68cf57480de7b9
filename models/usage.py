"""Measured use and traffic: rows by the hour, kept for some weeks; rows by the day, kept for good.

An hour without a measurement has no row, and neither has a day: gaps stay gaps. Hours and days are those of UTC.
"""

from peewee import AutoField, BigIntegerField, DateField, ForeignKeyField, IntegerField

from models.base import JsonField, Table, UtcDateTimeField
from models.sub_account import Region, SubAccount


class UsageHour(Table):
    """What was measured within one hour. The mean is exact: `average_bytes * samples + rest_bytes` is the sum, which
    itself might not fit into 64 bits. What the service did not tell is None."""

    id = AutoField()
    sub_account = ForeignKeyField(SubAccount, backref="usage_hours")
    sub_account_id: int
    hour_at = UtcDateTimeField()
    samples = IntegerField()
    average_bytes = BigIntegerField()
    rest_bytes = BigIntegerField(default=0)
    peak_bytes = BigIntegerField()
    last_bytes = BigIntegerField()
    object_count = BigIntegerField(null=True)
    noncurrent_bytes = BigIntegerField(null=True)
    unfinished_bytes = BigIntegerField(null=True)
    measured_at = UtcDateTimeField()


class UsageDay(Table):
    """One UTC day of one sub-account. `average_bytes` is byte-hours over hours: each of the `hours` in which something
    was measured counts once, with its own mean. `allocated_bytes`, `object_count`, old versions and unfinished uploads
    are those of the last measurement of the day."""

    id = AutoField()
    sub_account = ForeignKeyField(SubAccount, backref="usage_days")
    sub_account_id: int
    day_on = DateField()
    samples = IntegerField()
    hours = IntegerField(null=True)  # None: from before hours were kept
    average_bytes = BigIntegerField()
    peak_bytes = BigIntegerField()
    last_bytes = BigIntegerField()
    allocated_bytes = BigIntegerField()
    object_count = BigIntegerField(null=True)
    noncurrent_bytes = BigIntegerField(null=True)
    unfinished_bytes = BigIntegerField(null=True)
    measured_at = UtcDateTimeField()


class AccountUse(Table):
    """The last measurement of a sub-account, bucket by bucket. `buckets`: by name, each with `name`, `used_bytes`,
    `objects` and, None where the service does not tell it, `noncurrent_bytes` and `unfinished_bytes`."""

    id = AutoField()
    sub_account = ForeignKeyField(SubAccount, unique=True)
    sub_account_id: int
    measured_at = UtcDateTimeField()
    noncurrent_bytes = BigIntegerField(null=True)
    unfinished_bytes = BigIntegerField(null=True)
    buckets = JsonField()


class TrafficHour(Table):
    """What went to and from a sub-account's buckets in one hour. An hour without a row had no traffic if it is one of
    TrafficTold, else it is not known."""

    id = AutoField()
    sub_account = ForeignKeyField(SubAccount, backref="traffic_hours")
    sub_account_id: int
    hour_at = UtcDateTimeField()
    received_bytes = BigIntegerField()
    sent_bytes = BigIntegerField()
    requests = BigIntegerField()


class TrafficDay(Table):
    """The sums of a UTC day's known hours."""

    id = AutoField()
    sub_account = ForeignKeyField(SubAccount, backref="traffic_days")
    sub_account_id: int
    day_on = DateField()
    received_bytes = BigIntegerField()
    sent_bytes = BigIntegerField()
    requests = BigIntegerField()


class TrafficTold(Table):
    """An hour for which a region's service has told the traffic, of whoever had any."""

    id = AutoField()
    region = ForeignKeyField(Region)
    region_id: int
    hour_at = UtcDateTimeField()
