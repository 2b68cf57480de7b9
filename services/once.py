"""The same form or request sent twice is carried out once (provisioning.md, idempotency)."""

import hashlib

from models.outbox import OneTimeKey
from models.prepared import Blank, ask_one
from services.audit import Act
from services.refusal import N_, Refusal


class KeyReused(Refusal):
    """The one-time key came before with other content."""


def earlier_answer(act: Act, key: str, content: str) -> str | None:
    """What was answered when this person sent this key first, or None when it is new. Call inside the write
    transaction, after the lock. Raises KeyReused when the key came with other content."""
    row = ask_one(_earlier, principal=_principal(act), key=key)
    if row is None:
        return None
    if row.request_hash != _digest(content):
        raise KeyReused(N_("This form was already sent with other values. Reload the page and enter them again."))
    return row.answer


def _earlier():
    return OneTimeKey.select().where(OneTimeKey.principal == Blank("principal"), OneTimeKey.key == Blank("key"))


def remember(act: Act, key: str, content: str, answer: str) -> None:
    """Keeps the answer for repeats, in the transaction of the act itself. `answer` never holds a secret."""
    OneTimeKey.create(
        principal=_principal(act), key=key, request_hash=_digest(content), answer=answer, created_at=act.at
    )


def _principal(act: Act) -> str:
    return f"{act.kind}:{act.actor_id}"


def _digest(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()
