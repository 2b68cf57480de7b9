"""How often one address or one network may ask for something: counted in the database, before it is done (threat 6)."""

import hashlib
from datetime import timedelta

from models.base import locked
from models.session import Attempt
from services.audit import Act


def within(act: Act, what: str, who: str, most: int, minutes: int) -> bool:
    """Counts one more try of `what` by `who` and says whether it is among the first `most` of the running window.

    Call inside the write transaction of what is limited: the counter's row stays locked until it ends.
    """
    row = hold(act, what, who, minutes)
    if row.window_until <= act.at:
        row.failures, row.window_until = 0, act.at + timedelta(minutes=minutes)
    row.failures += 1
    row.save(only=[Attempt.failures, Attempt.window_until])
    return row.failures <= most


def hold(act: Act, what: str, who: str, minutes: int = 0) -> Attempt:
    """The counter's row, locked until the transaction ends and not counted up: others who do `what` for `who` wait."""
    subject = f"{what}:{hashlib.sha256(who.encode()).hexdigest()}"
    window_until = act.at + timedelta(minutes=minutes)
    Attempt.insert(subject=subject, failures=0, window_until=window_until).on_conflict_ignore().execute()
    return locked(Attempt.select().where(Attempt.subject == subject)).get()
