"""Days that an earlier release kept: the one in progress goes on, and the way back keeps as much as fits."""

from datetime import UTC, date, datetime

from models.base import database
from models.schema import migrate, runner
from models.usage import UsageDay, UsageHour
from tests.models import rows

BEFORE = "0008"
PB = 10**15


def back() -> None:
    """To the release before."""
    while (last := max(runner().applied())) >= BEFORE:
        runner().down(last)


def test_the_day_in_progress_stays_as_one_of_its_hours_and_older_days_as_they_are(db):
    measured_at = datetime(2026, 3, 2, 9, 35, 7, 123456, tzinfo=UTC)
    figures = {"samples": 12, "average_bytes": 40 * PB, "peak_bytes": 50 * PB, "last_bytes": 45 * PB}
    today = rows.make(UsageDay, day_on=date(2026, 3, 2), measured_at=measured_at, **figures)
    rows.make(UsageDay, sub_account=today.sub_account, day_on=date(2026, 3, 1), **figures)
    huge = {"samples": 288, "average_bytes": 100 * PB, "peak_bytes": 100 * PB}
    rows.make(UsageDay, day_on=date(2026, 2, 28), **huge)
    back()
    found = database.execute_sql("SELECT sum_bytes FROM usage_day ORDER BY id").fetchall()
    assert [row[0] for row in found] == [480 * PB, 480 * PB, 2**63 - 1]
    migrate()
    (hour,) = UsageHour.select()
    assert (hour.sub_account_id, hour.hour_at) == (today.sub_account_id, datetime(2026, 3, 2, 9, tzinfo=UTC))
    assert (hour.samples, hour.average_bytes, hour.rest_bytes) == (12, 40 * PB, 0)
    assert (hour.peak_bytes, hour.last_bytes, hour.measured_at) == (50 * PB, 45 * PB, measured_at)
    assert [day.average_bytes for day in UsageDay.select().order_by(UsageDay.id)] == [40 * PB, 40 * PB, 100 * PB]
    assert {day.hours for day in UsageDay.select()} == {None}
