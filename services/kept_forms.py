"""What somebody typed is not lost because their log-in ended meanwhile (WCAG 2.2, 2.2.1): it waits until they signed in
again, for a quarter of an hour, for them alone, in the browser in which it was typed. Secrets are never kept."""

import re
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from models.base import write_tx
from models.operator import Operator
from models.partner import Member
from models.session import KeptForm, Session
from services.audit import Act
from services.session_limits import person_of
from services.sessions import token_hash

KEPT_FOR = timedelta(minutes=15)
OLDEST = timedelta(days=1)
MOST_FIELDS, MOST_SIGNS = 1000, 100_000
SECRETS = {"password", "secret", "token", "code", "credential"}

Fields = Sequence[tuple[str, str]]


def keep_for_lapsed(act: Act, lapsed_token: str, path: str, fields: Fields) -> str | None:
    """Keeps the form of whoever this log-in was; returns the token that finds it again, None where nothing is kept: an
    unknown log-in (strangers fill no table), one that is long over, a form with a secret, a large one."""
    row = Session.get_or_none(Session.token_hash == token_hash(lapsed_token))
    if row is None or row.last_seen_at < act.at - OLDEST:
        return None
    return keep(act, person_of(row), path, fields)


def keep(act: Act, person: Member | Operator, path: str, fields: Fields) -> str | None:
    """As keep_for_lapsed, for a known person. Each has one such form, the last."""
    size = sum(len(name) + len(value) for name, value in fields)
    if not fields or len(fields) > MOST_FIELDS or size > MOST_SIGNS:
        return None
    if any(SECRETS & set(re.split(r"\W|_", name.lower())) for name, _value in fields):
        return None
    token = secrets.token_urlsafe(32)
    owner = {"member": person} if isinstance(person, Member) else {"operator": person}
    kept = {"path": path, "fields": [list(pair) for pair in fields], "expires_at": act.at + KEPT_FOR}
    with write_tx():
        forget(person)
        KeptForm.create(token_hash=token_hash(token), **owner, **kept)
    return token


def find(token: str | None, person: Member | Operator, at: datetime) -> KeptForm | None:
    """The form that waits under this token, for this person only."""
    if not token:
        return None
    known = (KeptForm.token_hash == token_hash(token)) & (KeptForm.expires_at > at)
    return KeptForm.get_or_none(known & _of(person))


def forget(person: Member | Operator) -> None:
    with write_tx():
        KeptForm.delete().where(_of(person)).execute()


def tidy(at: datetime) -> int:
    """Removes what nobody came back for; returns how many. For the worker, each round."""
    over = KeptForm.expires_at <= at
    if not KeptForm.select().where(over).exists():
        return 0
    with write_tx():
        return KeptForm.delete().where(over).execute()


def _of(person: Member | Operator):
    return KeptForm.member == person if isinstance(person, Member) else KeptForm.operator == person
