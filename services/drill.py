"""The `sweep` command: what time brings about, now or, as a drill, at another time (T19).

A drill changes nothing unless it is told to: everything happens in one transaction that is taken back, mails too. What
removes or erases for good is only named. With `keep` the changes stay, and the mails are marked as not to be sent: for
a copy of the database or a test installation. Where a mistake would cost most, in production or with a year mistyped, a
drill is run only by who says `anyway`: while it runs, what it looks at is locked, on SQLite for all who write.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlparse

from peewee import fn

from models.audit import AuditEvent
from models.base import write_tx
from models.outbox import Mail
from services import closing_steps, one_by_one, sweep
from services.audit import Act
from services.clock import Clock
from services.command_line import NotDone
from services.settings import Settings

FURTHEST = timedelta(days=800)  # two years and the longest closure that follows
NOT_SENT = "not sent: a drill wrote it"


class _TakenBack(Exception):
    """Rolls the drill back."""


def from_command(
    settings: Settings, clock: Clock, time: str | None, *, keep: bool = False, anyway: bool = False
) -> Iterator[str]:
    """Lines for whoever runs it. Raises NotDone with a sentence that says what to do."""
    if time is None:
        if keep or anyway:
            raise NotDone("--keep and --anyway belong to --now: without that it is no drill.")
        yield from sweep.sweep(Act(at=clock.now(), actor_name="sweep", source="cli"), settings)
        return
    at, now = _read(time), clock.now()
    if keep and settings.production:
        raise NotDone("A drill is not kept in production. Run it without --keep, or on a copy of the database.")
    if settings.production and not anyway:
        raise NotDone("PORTAL_ENV says production. Run the drill on a copy of the database, or here with --anyway.")
    if at > now + FURTHEST and not anyway:
        raise NotDone(f"{at:%Y-%m-%d} is more than {FURTHEST.days} days ahead. With --anyway the drill is run for it.")
    kind = "kept" if keep else "taken back"
    ahead = (at - now).days
    yield f"a drill for {at.isoformat(timespec='minutes')}, {ahead} days ahead, on {_place(settings)}, to be {kind}"
    yield from drill(settings, at, keep=keep)


def drill(settings: Settings, at: datetime, *, keep: bool) -> list[str]:
    """What would happen at `at`, line by line, to whom would be written and what could not be done; kept only with
    `keep`."""
    act, lines = Act(at=at, actor_name="drill", source="cli"), []
    try:
        with write_tx():
            last, last_event = _last(Mail), _last(AuditEvent)
            lines += sweep.on_contracts(act, settings)
            written = list(Mail.select().where(Mail.id > last, Mail.created_at == at).order_by(Mail.id))
            lines += [f"mail to {mail.recipient}: {mail.subject}" for mail in written]
            lines += [f"closure {closure}: its partner would be erased" for closure in closing_steps.to_be_erased(at)]
            failed = AuditEvent.select().where(AuditEvent.id > last_event, AuditEvent.thing_kind == one_by_one.KIND)
            lines += [f"could not be done: {event.thing_id}" for event in failed.order_by(AuditEvent.id)]
            if not keep:
                raise _TakenBack
            ids = [mail.id for mail in written]
            Mail.update(sent_at=at, last_error=NOT_SENT).where(Mail.id.in_(ids)).execute()
    except _TakenBack:
        return [*lines, "this was a drill: nothing was changed and nobody was written to"]
    return [*lines, "this was a drill: the changes are kept, no mail is sent"]


def _last(table: Any) -> int:
    return table.select(fn.MAX(table.id)).scalar() or 0


def _place(settings: Settings) -> str:
    """The database by its kind and name; its address may hold a password."""
    url = urlparse(settings.database_url)
    return f"{url.scheme} {url.path.rpartition('/')[2]}"


def _read(time: str) -> datetime:
    try:
        at = datetime.fromisoformat(time)
    except ValueError:
        raise NotDone(f"{time!r} is not a time. Write it as 2027-01-31T00:30+01:00.") from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
