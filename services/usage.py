"""Used capacity: asked of the storage service, kept with its time and, day by day, with that day's allocation."""

import logging
from datetime import UTC, datetime, timedelta

from peewee import Asc, fn

from models.base import locked, write_tx
from models.contract import Contract
from models.sub_account import SubAccount
from models.usage import UsageDay
from services import regions
from services.site import Site
from services.storage.contract import Measured, StorageAbsent, StorageError, StorageUnavailable

BATCH = 20

log = logging.getLogger("portal.worker")


def measure_due(site: Site, every: timedelta) -> int:
    """Measures the sub-accounts whose last sample is older than `every`, oldest first; returns how many were asked for.

    One that cannot be measured keeps its old figure and its old time: a gap stays a gap. It is put off for `every`, so
    that it does not stand in the way of the others.
    """
    now = site.clock.now()
    if regions.resting(site.region, now):
        return 0
    rows = _due(site, now, every)
    for row in rows:
        try:
            measured = site.storage.measure(row.remote_uid)
        except StorageUnavailable as failure:
            regions.note_failure(site.region, site.clock.now(), str(failure))
            site.put_off[row.id] = now + every
            if regions.resting(site.region, now):
                break
        except StorageAbsent:
            site.put_off[row.id] = now + every  # gone or not there yet: provisioning finds out why
        except StorageError as failure:
            log.warning("%s was not measured: %s", row.remote_uid, failure)
            site.put_off[row.id] = now + every
        else:
            regions.note_answer(site.region, site.clock.now())
            keep(row.id, measured, site.clock.now())
    for contract_id in {row.contract_id for row in rows}:
        sum_up(contract_id)
    return len(rows)


def _due(site: Site, now: datetime, every: timedelta) -> list[SubAccount]:
    """Judged by the day rows: `measured_at` of the sub-account is also moved by whoever holds quotas, and the history
    would then miss the fullest accounts."""
    site.put_off = {id: until_at for id, until_at in site.put_off.items() if until_at > now}
    since_at = now - every
    sampled = UsageDay.select().where(
        UsageDay.sub_account == SubAccount.id, UsageDay.day_on >= since_at.date(), UsageDay.measured_at > since_at
    )
    last = UsageDay.select(fn.MAX(UsageDay.measured_at)).where(UsageDay.sub_account == SubAccount.id)
    query = SubAccount.select(SubAccount.id, SubAccount.remote_uid, SubAccount.contract).where(
        SubAccount.region == site.region,
        SubAccount.observed_state.not_in(("", "deleted")),
        SubAccount.id.not_in(list(site.put_off)),
        ~fn.EXISTS(sampled),
    )
    return list(query.order_by(Asc(last, nulls="first"), SubAccount.id).limit(BATCH))


def sum_up(contract_id: int) -> None:
    """Brings a contract's total to the sum of its sub-accounts' figures and to the oldest of their times, so that pages
    read one row however many sub-accounts there are. In a reserved contract only those with an allocation count: the
    total is drawn against what is allocated, and pay-per-use is billed beside the package.

    Two loops sum up: the contract's lock comes before the sum, or the older sum could be written last.
    """
    with write_tx():
        contract = Contract.locked(contract_id)
        total_bytes, oldest_at = (
            SubAccount.select(fn.COALESCE(fn.SUM(SubAccount.used_bytes), 0), fn.MIN(SubAccount.measured_at))
            .where(
                SubAccount.contract == contract,
                SubAccount.billing == contract.kind,
                SubAccount.measured_at.is_null(False),
            )
            .scalar(as_tuple=True)
        )
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
    found = UsageDay.get_or_none(sub_account=row, day_on=day_on)
    day = found or UsageDay(sub_account=row, day_on=day_on, samples=0, sum_bytes=0, peak_bytes=0)
    day.samples += 1
    day.sum_bytes += row.used_bytes
    day.average_bytes = day.sum_bytes // day.samples
    day.peak_bytes = max(day.peak_bytes, row.used_bytes)
    day.last_bytes, day.allocated_bytes, day.measured_at = row.used_bytes, row.allocated_bytes, at
    day.save(force_insert=found is None)
