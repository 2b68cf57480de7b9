"""What time brings about by itself: contracts begin and end, what was kept for a while goes (domain.md, States)."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from models.base import empty_log, write_tx
from models.outbox import OneTimeKey
from models.partner import SignUpDraft
from services import (
    access_ends,
    attempts,
    closing_retrieval,
    closing_steps,
    contracts,
    contracts_access,
    contracts_notices,
    document_publishing,
    factor_resets,
    housekeeping,
    key_rotation,
    passkeys,
    restored,
    sso_sign_in,
    support_access,
    usage_keeping,
    verification_sweep,
)
from services.audit import Act
from services.clock import local_day, midnight
from services.one_by_one import each
from services.settings import Settings

EVERY = timedelta(minutes=10)
Job = Callable[[Act, Settings], list[str]]
ONE_TIME_KEYS_KEPT = timedelta(hours=72)


def sweep(act: Act, settings: Settings) -> list[str]:
    """Does all that is due at `act.at`; safe to run at any time and as often as one likes. Returns a line for each."""
    jobs: list[tuple[str, Job]] = [
        ("erasure of those that left", closing_steps.erase_due),
        ("lost second factors", factor_resets.sweep),
        ("tidying", lambda act, _settings: _tidy(act)),
        ("keys that had been off for long", lambda act, _settings: _old_keys(act)),
        ("hours of use", lambda act, _settings: _old_hours(act)),
        ("verification", verification_sweep.sweep),
        ("ends of access", access_ends.sweep),
        ("looks of support", support_access.sweep),
        ("versions of documents", lambda act, _settings: document_publishing.supersede(act)),
    ]
    lines = on_contracts(act, settings) + _each(act, settings, jobs)
    empty_log()
    return lines + _each(act, settings, [("nightly purge", housekeeping.nightly)])


def on_contracts(act: Act, settings: Settings) -> list[str]:
    """The part of `sweep` that moves contracts, closures and what belongs to them."""
    jobs: list[tuple[str, Job]] = [
        ("terms of contracts", _contracts),
        ("notices about contracts", contracts_notices.tell_due),
        ("closures", closing_steps.step),
        ("access after contracts", lambda act, _settings: contracts_access.follow_contracts(act)),
        ("retrieval", lambda act, _settings: closing_retrieval.open_due(act)),
        ("retrieval that waits", closing_retrieval.hold_open),
    ]
    return _each(act, settings, jobs)


def _contracts(act: Act, settings: Settings) -> list[str]:
    return [f"contract {contract.number} is {contract.state}" for contract in contracts.sweep(act, settings)]


def _each(act: Act, settings: Settings, jobs: list[tuple[str, Job]]) -> list[str]:
    done = each(act, [(name, partial(job, act, settings)) for name, job in jobs], list[str]())
    return [line for lines in done for line in lines]


def next_at(at: datetime, settings: Settings) -> datetime:
    """When to look again: soon, and at the next midnight of the provider's calendar, when contracts begin and end."""
    zone = settings.provider.time_zone
    return min(at + EVERY, midnight(local_day(at, zone) + timedelta(days=1), zone))


def _tidy(act: Act) -> list[str]:
    with write_tx():
        drafts = SignUpDraft.delete().where(SignUpDraft.expires_at <= act.at).execute()
        keys = OneTimeKey.delete().where(OneTimeKey.created_at <= act.at - ONE_TIME_KEYS_KEPT).execute()
    counters = attempts.tidy(act.at)
    done = (
        (drafts, "unfinished sign-ups"),
        (keys, "one-time keys of forms"),
        (counters, "counters of attempts"),
        (passkeys.tidy(act.at), "questions to passkeys"),
        (sso_sign_in.tidy(act.at), "log-ins begun at a company"),
    )
    return [f"{number} {what} removed" for number, what in done if number]


def _old_keys(act: Act) -> list[str]:
    removed = 0 if restored.on() else key_rotation.delete_due(act)  # one may have been switched on again since
    return [f"{removed} keys that had been off for long removed"] if removed else []


def _old_hours(act: Act) -> list[str]:
    removed = usage_keeping.tidy(act.at)
    return [f"{removed} hours of use whose days are kept removed"] if removed else []
