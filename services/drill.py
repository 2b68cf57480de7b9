"""The `sweep` command: what time brings about, now or, as a drill, at another time (T19).

A drill changes nothing unless it is told to: everything happens in one transaction that is taken back, mails too, so it
may be run on the real database at any time. What removes or erases for good is only named. With `keep` the changes
stay, and the mails are marked as not to be sent: for a copy of the database or a test installation.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from models.base import write_tx
from models.outbox import Mail
from services import closing_steps, sweep
from services.audit import Act
from services.clock import Clock
from services.command_line import NotDone
from services.settings import Settings

NOT_SENT = "not sent: a drill wrote it"


class _TakenBack(Exception):
    """Rolls the drill back."""


def from_command(settings: Settings, clock: Clock, time: str | None, *, keep: bool = False) -> Iterator[str]:
    """Lines for whoever runs it. Raises NotDone with a sentence that says what to do."""
    if time is None:
        if keep:
            raise NotDone("--keep belongs to --now: without that everything is kept anyway.")
        yield from sweep.sweep(Act(at=clock.now(), actor_name="sweep", source="cli"), settings)
        return
    if keep and settings.production:
        raise NotDone("A drill is not kept in production. Run it without --keep, or on a copy of the database.")
    yield from drill(settings, _read(time), keep=keep)


def drill(settings: Settings, at: datetime, *, keep: bool) -> list[str]:
    """What would happen at `at`, line by line, and to whom would be written; kept only with `keep`."""
    act, lines = Act(at=at, actor_name="drill", source="cli"), []
    try:
        with write_tx():
            last = Mail.select(Mail.id).order_by(Mail.id.desc()).limit(1).scalar() or 0
            lines += sweep.on_contracts(act, settings)
            written = list(Mail.select().where(Mail.id > last, Mail.created_at == at).order_by(Mail.id))
            lines += [f"mail to {mail.recipient}: {mail.subject}" for mail in written]
            lines += [f"closure {closure}: its partner would be erased" for closure in closing_steps.to_be_erased(at)]
            if not keep:
                raise _TakenBack
            ids = [mail.id for mail in written]
            Mail.update(sent_at=at, last_error=NOT_SENT).where(Mail.id.in_(ids)).execute()
    except _TakenBack:
        return [*lines, "this was a drill: nothing was changed and nobody was written to"]
    return [*lines, "this was a drill: the changes are kept, no mail is sent"]


def _read(time: str) -> datetime:
    try:
        at = datetime.fromisoformat(time)
    except ValueError:
        raise NotDone(f"{time!r} is not a time. Write it as 2027-01-31T00:30+01:00.") from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
