"""What time brings about by itself: contracts begin and end, what was kept for a while goes (domain.md, States)."""

from datetime import timedelta

from models.base import empty_log, write_tx
from models.outbox import Mail, OneTimeKey
from models.partner import SignUpDraft
from services import attempts, contracts, document_publishing, key_rotation, restored, usage_keeping, verification_sweep
from services.audit import Act
from services.settings import Settings

EVERY = timedelta(minutes=10)
ONE_TIME_KEYS_KEPT = timedelta(hours=72)
MAILS_KEPT = timedelta(days=90)
CLEARED = "This mail was sent more than 90 days ago, and its text was removed here.\n"


def sweep(act: Act, settings: Settings) -> list[str]:
    """Does all that is due at `act.at`; safe to run at any time and as often as one likes. Returns a line for each."""
    lines = [f"contract {contract.number} is {contract.state}" for contract in contracts.sweep(act, settings)]
    lines += document_publishing.supersede(act)
    with write_tx():
        drafts = SignUpDraft.delete().where(SignUpDraft.expires_at <= act.at).execute()
        keys = OneTimeKey.delete().where(OneTimeKey.created_at <= act.at - ONE_TIME_KEYS_KEPT).execute()
        old = (Mail.sent_at <= act.at - MAILS_KEPT) & (Mail.html != "")
        mails = Mail.update(text=CLEARED, html="", attachment="").where(old).execute()
    counters = attempts.tidy(act.at)
    old_keys = 0 if restored.on() else key_rotation.delete_due(act)  # one may have been switched on again since
    hours = usage_keeping.tidy(act.at)
    lines += verification_sweep.sweep(act, settings)
    empty_log()
    done = (
        (drafts, "unfinished sign-ups"),
        (keys, "one-time keys of forms"),
        (mails, "texts of sent mails"),
        (counters, "counters of attempts"),
        (hours, "hours of use whose days are kept"),
        (old_keys, "keys that had been off for long"),
    )
    return lines + [f"{number} {what} removed" for number, what in done if number]
