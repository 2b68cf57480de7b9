"""Log-ins to the customer console: their own table, cookie and limits, so that none is ever taken for one of the portal
(T12). The database holds only a token's hash."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from models.base import write_tx
from models.console import ConsoleSession, ConsoleUser
from models.partner import Partner
from models.sub_account import Customer, Region, SubAccount
from services import console_standing
from services.audit import Act, record
from services.audit_parts import network
from services.devices import Device, device
from services.refusal import NotFound
from services.sessions import TOUCH_AFTER, token_hash

IDLE = timedelta(hours=1)
WHOLE = timedelta(hours=24)
MOST_ROWS = 50


@dataclass(frozen=True)
class LogIn:
    """A line of the list of own log-ins; `network` is the shortened address."""

    session: ConsoleSession
    device: Device
    network: str
    here: bool


def begin(act: Act, user: ConsoleUser) -> str:
    """Starts a session and returns its token: 256 random bits, kept by the person's device only."""
    token = secrets.token_urlsafe(32)
    with write_tx():
        row = ConsoleSession.create(
            user=user,
            token_hash=token_hash(token),
            created_at=act.at,
            last_seen_at=act.at,
            expires_at=act.at + WHOLE,
            ip=act.ip,
            user_agent=act.user_agent[:300],
        )
        ConsoleUser.update(last_seen_at=act.at).where(ConsoleUser.id == user.id).execute()
        record(act, "console_session.begun", row, partner=user.sub_account.partner_id)
    return token


def recognise(act: Act, token: str) -> ConsoleSession | None:
    """The live session of a token, with user, sub-account, customer, region and partner; None when it ended, lapsed or
    is unknown. One whose user may not be here any more is ended."""
    row = (
        ConsoleSession.select(ConsoleSession, ConsoleUser, SubAccount, Partner, Customer, Region)
        .join(ConsoleUser)
        .join(SubAccount)
        .join(Partner)
        .switch(SubAccount)
        .join(Customer)
        .switch(SubAccount)
        .join(Region)
        .where(ConsoleSession.token_hash == token_hash(token), _live(act.at))
        .first()
    )
    if row is None:
        return None
    if not console_standing.is_open(row.user):
        end(act, row, "access ended")
        return None
    return row


def touch(row: ConsoleSession, at: datetime) -> None:
    """Notes that the person is here, at most once a minute."""
    if at - row.last_seen_at >= TOUCH_AFTER:
        with write_tx():
            # the user before the session, as whoever ends somebody's access does it
            ConsoleUser.update(last_seen_at=at).where(ConsoleUser.id == row.user_id).execute()
            still = (ConsoleSession.id == row.id) & ConsoleSession.ended_at.is_null()
            ConsoleSession.update(last_seen_at=at).where(still).execute()


def end(act: Act, row: ConsoleSession, reason: str) -> None:
    _end(act, ConsoleSession.id == row.id, reason)


def end_all(act: Act, user: ConsoleUser, reason: str, *, but: ConsoleSession | None = None) -> int:
    """Ends every session of the user, or all but one; returns how many."""
    own: Any = ConsoleSession.user == user
    return _end(act, own if but is None else own & (ConsoleSession.id != but.id), reason)


def end_one(act: Act, user: ConsoleUser, session_id: int) -> None:
    """Ends one own log-in from afar. Raises NotFound for what is not the user's."""
    row = ConsoleSession.get_or_none(ConsoleSession.id == session_id, ConsoleSession.user == user)
    if row is None:
        raise NotFound
    end(act, row, "ended by its owner")


def own(act: Act, user: ConsoleUser) -> list[LogIn]:
    """The log-ins that still work, this one first, then the last seen."""
    rows = ConsoleSession.select().where(ConsoleSession.user == user, _live(act.at))
    rows = rows.order_by(ConsoleSession.last_seen_at.desc(), ConsoleSession.id.desc()).limit(MOST_ROWS)
    found = [LogIn(row, device(row.user_agent), network(row.ip), row.token_hash == act.session_hash) for row in rows]
    return sorted(found, key=lambda one: not one.here)


def _live(at: datetime) -> Any:
    return (
        ConsoleSession.ended_at.is_null()
        & (ConsoleSession.expires_at > at)
        & (ConsoleSession.created_at > at - WHOLE)
        & (ConsoleSession.last_seen_at > at - IDLE)
    )


def _end(act: Act, condition: Any, reason: str) -> int:
    with write_tx():
        rows = ConsoleSession.select(ConsoleSession, ConsoleUser, SubAccount).join(ConsoleUser).join(SubAccount)
        live = list(rows.where(condition, ConsoleSession.ended_at.is_null()))
        for row in live:
            row.ended_at, row.end_reason = act.at, reason
            row.save(only=["ended_at", "end_reason"])
            partner = row.user.sub_account.partner_id
            record(act, "console_session.ended", row, partner=partner, after={"reason": reason})
    return len(live)
