"""Writes down what was measured: the present figure with its buckets, the hour, the day; and lets old hours go."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from peewee import fn

from models.base import locked, write_tx
from models.contract import Contract
from models.sub_account import SubAccount
from models.usage import AccountUse, TrafficHour, UsageDay, UsageHour
from services.storage.contract import Measured

HOURS_KEPT = timedelta(days=35)
TIDY_ROWS = 2000  # in one transaction
TIDY_PAGES = 50  # at a time of each kind: 14 million rows a day, where 100,000 sub-accounts make 2.4 million

_KEYS = {UsageHour: "hour_at", UsageDay: "day_on"}


@dataclass(frozen=True)
class Answer:
    """What the storage service told of one sub-account, and when; `next_at`: when it is to be asked again."""

    sub_account_id: int
    measured: Measured
    at: datetime
    next_at: datetime | None = None


def keep(sub_account_id: int, measured: Measured, at: datetime) -> None:
    """Writes one measurement; see `keep_all`."""
    contract_id = SubAccount.select(SubAccount.contract).where(SubAccount.id == sub_account_id).scalar()
    keep_all(contract_id, [Answer(sub_account_id, measured, at)])


def keep_all(contract_id: int, answers: Sequence[Answer]) -> None:
    """Writes measurements of one contract's sub-accounts in one transaction, and the contract's total.

    The lock of the contract comes first, as everywhere: whoever changes allocations holds it too, so a day gets the
    allocation that was in force, and several workers may write at once. An older answer never replaces a newer one.
    """
    with write_tx():
        Contract.locked(contract_id)
        there = SubAccount.observed_state != "deleted"  # meanwhile
        wanted = SubAccount.id.in_([answer.sub_account_id for answer in answers]) & there
        rows = {row.id: row for row in locked(SubAccount.select().where(wanted).order_by(SubAccount.id))}
        known = sorted((one for one in answers if one.sub_account_id in rows), key=lambda one: one.at)
        for answer in known:
            _keep_figure(rows[answer.sub_account_id], answer)
            _keep_buckets(answer)
        if known:
            _keep_history(rows, known)
        sum_up(contract_id)


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


def tidy(at: datetime) -> int:
    """Removes hours that are older than HOURS_KEPT; their days stay. Returns how many. A page at a time, so that nobody
    waits long for a turn to write, and a bounded number: what is left goes at the next time."""
    return sum(_tidied(table, at - HOURS_KEPT) for table in (UsageHour, TrafficHour))


def _tidied(table: Any, before_at: datetime) -> int:
    removed = 0
    for _page in range(TIDY_PAGES):
        old = table.select(table.id).where(table.hour_at < before_at).order_by(table.hour_at).limit(TIDY_ROWS)
        ids = [row_id for (row_id,) in old.tuples()]
        if ids:
            with write_tx():
                removed += table.delete().where(table.id.in_(ids)).execute()
        if len(ids) < TIDY_ROWS:
            break
    return removed


def _keep_figure(row: SubAccount, answer: Answer) -> None:
    """What was counted to hold a quota meanwhile is newer than an answer that was long on its way."""
    values: dict[str, Any] = {} if answer.next_at is None else {"measure_next_at": answer.next_at}
    measured, at = answer.measured, answer.at
    if row.measured_at is None or row.measured_at <= at:
        row.measured_at = at
        values |= {"used_bytes": measured.used_bytes, "object_count": measured.objects, "measured_at": at}
    if values:
        SubAccount.update(**values).where(SubAccount.id == row.id).execute()


def _keep_buckets(answer: Answer) -> None:
    measured = answer.measured
    use = {
        "measured_at": answer.at,
        "noncurrent_bytes": measured.noncurrent_bytes,
        "unfinished_bytes": measured.unfinished_bytes,
        "buckets": [asdict(bucket) for bucket in measured.buckets],
    }
    older = AccountUse.measured_at <= answer.at
    query = AccountUse.insert(sub_account=answer.sub_account_id, **use)
    query.on_conflict(conflict_target=[AccountUse.sub_account], preserve=list(use), where=older).execute()


def _keep_history(rows: dict[int, SubAccount], answers: Sequence[Answer]) -> None:
    """The hours first; each day is then summed up anew from its hours, so that doing it twice changes nothing."""
    known = _hours(answers)
    changed = {(answer.sub_account_id, full_hour(answer.at)) for answer in answers}
    for answer in answers:
        key = (answer.sub_account_id, full_hour(answer.at))
        known[key] = _with(known.get(key), answer)
    _put(UsageHour, [hour for key, hour in known.items() if key in changed])
    days = {(account_id, hour_at.date()) for account_id, hour_at in changed}
    by_day: dict[tuple, list[dict[str, Any]]] = {}
    for (account_id, hour_at), hour in known.items():
        by_day.setdefault((account_id, hour_at.date()), []).append(hour)
    _put(UsageDay, [_day(by_day[key], key[1], rows[key[0]].allocated_bytes) for key in sorted(days)])


def _hours(answers: Sequence[Answer]) -> dict[tuple[int, datetime], dict[str, Any]]:
    """All hours of the days that the answers fall into."""
    days = sorted(answer.at.astimezone(UTC).date() for answer in answers)
    first_at = datetime.combine(days[0], time(), UTC)
    end_at = datetime.combine(days[-1] + timedelta(days=1), time(), UTC)
    names = [field for field in UsageHour._meta.sorted_fields if field.name != "id"]
    query: Any = UsageHour.select(*names).where(
        UsageHour.sub_account.in_([answer.sub_account_id for answer in answers]),
        UsageHour.hour_at >= first_at,
        UsageHour.hour_at < end_at,
    )
    return {(hour["sub_account"], hour["hour_at"]): hour for hour in query.dicts()}


def _with(hour: dict[str, Any] | None, answer: Answer) -> dict[str, Any]:
    """The hour with one more sample. Whole numbers throughout, of any size."""
    measured, used_bytes = answer.measured, answer.measured.used_bytes
    last = {
        "last_bytes": used_bytes,
        "object_count": measured.objects,
        "noncurrent_bytes": measured.noncurrent_bytes,
        "unfinished_bytes": measured.unfinished_bytes,
        "measured_at": answer.at,
    }
    if hour is None:
        first = {"sub_account": answer.sub_account_id, "hour_at": full_hour(answer.at), "samples": 1, "rest_bytes": 0}
        return {**first, "average_bytes": used_bytes, "peak_bytes": used_bytes, **last}
    samples = hour["samples"] + 1
    sum_bytes = hour["average_bytes"] * hour["samples"] + hour["rest_bytes"] + used_bytes
    average_bytes, rest_bytes = divmod(sum_bytes, samples)
    sums = {"samples": samples, "average_bytes": average_bytes, "rest_bytes": rest_bytes}
    newer = last if hour["measured_at"] <= answer.at else {}
    return {**hour, **sums, "peak_bytes": max(hour["peak_bytes"], used_bytes), **newer}


def _day(hours: list[dict[str, Any]], day_on: Any, allocated_bytes: int) -> dict[str, Any]:
    """Byte-hours over hours: an hour that was measured twelve times weighs as much as one that was measured once."""
    last = max(hours, key=lambda hour: hour["measured_at"])
    return {
        "sub_account": last["sub_account"],
        "day_on": day_on,
        "samples": sum(hour["samples"] for hour in hours),
        "hours": len(hours),
        "average_bytes": sum(hour["average_bytes"] for hour in hours) // len(hours),
        "peak_bytes": max(hour["peak_bytes"] for hour in hours),
        "allocated_bytes": allocated_bytes,
        **{name: last[name] for name in ("last_bytes", "object_count", "noncurrent_bytes", "unfinished_bytes")},
        "measured_at": last["measured_at"],
    }


def _put(table: type[UsageHour] | type[UsageDay], rows: Iterable[dict[str, Any]]) -> None:
    values, key = list(rows), _KEYS[table]
    if values:
        preserve = [name for name in values[0] if name not in ("sub_account", key)]
        target = [table.sub_account, getattr(table, key)]
        table.insert_many(values).on_conflict(conflict_target=target, preserve=preserve).execute()


def full_hour(at: datetime) -> datetime:
    """The beginning of the UTC hour that `at` falls into."""
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
