"""Browsers that need not show the second factor at log-in for 30 days. Never instead of it for a sensitive act."""

import secrets
from datetime import timedelta

from models.base import write_tx
from models.operator import Operator
from models.partner import Member
from models.second_factor import TrustedDevice
from services import people
from services.audit import Act, record
from services.refusal import NotFound
from services.sessions import token_hash

DAYS = 30
MOST_IN_A_BROWSER = 5


def trust(act: Act, person: Member | Operator, name: str) -> str:
    """Trusts the browser that keeps the returned token; `name` says which one it is."""
    token = secrets.token_urlsafe(32)
    with write_tx():
        row = TrustedDevice.create(
            **people.owner(person),
            token_hash=token_hash(token),
            name=name.strip()[:100] or "?",
            created_at=act.at,
            last_used_at=act.at,
            expires_at=act.at + timedelta(days=DAYS),
        )
        record(people.acting(act, person), "trusted_device.added", row, partner=people.partner_id_of(person))
    return token


def recognised(act: Act, person: Member | Operator, tokens: list[str]) -> TrustedDevice | None:
    """The trust that one of the browser's tokens stands for, if it is this person's and goes on."""
    hashes = [token_hash(token) for token in tokens[:MOST_IN_A_BROWSER]]
    row = listed_query(act, person).where(TrustedDevice.token_hash.in_(hashes)).first() if hashes else None
    if row is not None:
        with write_tx():
            TrustedDevice.update(last_used_at=act.at).where(TrustedDevice.id == row.id).execute()
    return row


def listed_query(act: Act, person: Member | Operator):
    """The person's devices whose trust goes on, the newest first; as a query, to which more can be added."""
    return (
        TrustedDevice.select()
        .where(people.owned(TrustedDevice, person), TrustedDevice.ended_at.is_null(), TrustedDevice.expires_at > act.at)
        .order_by(TrustedDevice.id.desc())
    )


def end(act: Act, person: Member | Operator, device_id: int) -> None:
    """The browser has to show the second factor again. Raises NotFound for one of somebody else."""
    with write_tx():
        row = listed_query(act, person).where(TrustedDevice.id == device_id).first()
        if row is None:
            raise NotFound
        _end(act, person, [row])


def end_all(act: Act, person: Member | Operator) -> int:
    """After a change of password or factors, or when somebody is cut off; returns how many. Joins the caller's
    transaction."""
    with write_tx():
        rows = list(listed_query(act, person))
        _end(act, person, rows)
    return len(rows)


def _end(act: Act, person: Member | Operator, rows: list[TrustedDevice]) -> None:
    for row in rows:
        TrustedDevice.update(ended_at=act.at).where(TrustedDevice.id == row.id).execute()
        record(act, "trusted_device.ended", row, partner=people.partner_id_of(person))
