"""Used capacity: asked of the storage service, kept with its time and, day by day, with that day's allocation."""

from datetime import UTC, datetime, timedelta

from peewee import fn

from models.base import locked, write_tx
from models.contract import Contract
from models.sub_account import SubAccount
from models.usage import UsageDay
from services import regions
from services.provisioning import Site
from services.storage.contract import Measured, StorageAbsent, StorageError

BATCH = 20


def measure_due(site: Site, every: timedelta) -> int:
    """Measures the sub-accounts whose figures are older than `every`, oldest first; returns how many were asked for.

    One that cannot be measured keeps its old figure and its old time: a gap stays a gap.
    """
    now = site.clock.now()
    if regions.resting(site.region, now):
        return 0
    stale = SubAccount.measured_at.is_null() | (SubAccount.measured_at <= now - every)
    query = (
        SubAccount.select(SubAccount.id, SubAccount.remote_uid, SubAccount.contract)
        .where(SubAccount.region == site.region, SubAccount.observed_state != "", stale)
        .order_by(SubAccount.measured_at.asc(nulls="first"))
        .limit(BATCH)
    )
    rows = list(query.tuples())
    for sub_account_id, uid, _contract_id in rows:
        try:
            keep(sub_account_id, site.storage.measure(uid), site.clock.now())
        except StorageAbsent:
            continue  # gone or not there yet: provisioning finds out why
        except StorageError as failure:
            regions.note_failure(site.region, site.clock.now(), str(failure))
            break
    for contract_id in {contract_id for _id, _uid, contract_id in rows}:
        sum_up(contract_id)
    return len(rows)


def sum_up(contract_id: int) -> None:
    """Brings a contract's total to the sum of its sub-accounts' figures and to the oldest of their times, so that pages
    read one row however many sub-accounts there are."""
    total_bytes, oldest_at = (
        SubAccount.select(fn.COALESCE(fn.SUM(SubAccount.used_bytes), 0), fn.MIN(SubAccount.measured_at))
        .where(SubAccount.contract == contract_id, SubAccount.measured_at.is_null(False))
        .scalar(as_tuple=True)
    )
    with write_tx():
        Contract.update(used_bytes=int(total_bytes), measured_at=oldest_at).where(Contract.id == contract_id).execute()


def keep(sub_account_id: int, measured: Measured, at: datetime) -> None:
    """Writes a measurement: the present figure, and the day's average, peak and last."""
    with write_tx():
        row = locked(SubAccount.select().where(SubAccount.id == sub_account_id)).get()
        row.used_bytes, row.object_count, row.measured_at = measured.used_bytes, measured.objects, at
        row.save(only=["used_bytes", "object_count", "measured_at"])
        _keep_day(row, at)


def _keep_day(row: SubAccount, at: datetime) -> None:
    day_on = at.astimezone(UTC).date()
    day = UsageDay.get_or_none(sub_account=row, day_on=day_on)
    if day is None:
        day = UsageDay(sub_account=row, day_on=day_on, samples=0, sum_bytes=0, peak_bytes=0)
    day.samples += 1
    day.sum_bytes += row.used_bytes
    day.average_bytes = day.sum_bytes // day.samples
    day.peak_bytes = max(day.peak_bytes, row.used_bytes)
    day.last_bytes, day.allocated_bytes, day.measured_at = row.used_bytes, row.allocated_bytes, at
    day.save()
