"""Log-ins: begun, recognised, ended. The database holds only a token's hash: a copy of it opens nothing (T12)."""

import hashlib
import secrets
from dataclasses import replace
from datetime import datetime, timedelta

from peewee import JOIN

from models.base import write_tx
from models.operator import Operator
from models.partner import Member, Partner
from models.prepared import Blank, ask_one
from models.session import Session
from services import access_period, session_limits
from services.audit import Act, record
from services.settings import Settings

TOUCH_AFTER = timedelta(minutes=1)


def token_hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def begin(
    act: Act,
    person: Member | Operator,
    settings: Settings,
    method: str = "password",
    *,
    second_factor_at: datetime | None = None,
    proved: bool = True,
) -> str:
    """Starts a session for the person and returns its token: 256 random bits, kept by the person's device only.

    `method` is password, passkey, sso or invitation. `second_factor_at`: when the second factor was shown; before now
    on a device that is trusted, which is no proof for sensitive acts (`proved` is false)."""
    token = secrets.token_urlsafe(32)
    is_member = isinstance(person, Member)
    # until now the act was a visitor's; from here on it is known whose
    act = replace(act, kind=person._meta.table_name, actor_id=str(person.id), actor_name=person.name)
    with write_tx():
        session = Session.create(
            token_hash=token_hash(token),
            origin_hash=token_hash(token),
            role=session_limits.role_of(person),
            member=person if is_member else None,
            operator=None if is_member else person,
            created_at=act.at,
            last_seen_at=act.at,
            expires_at=act.at + session_limits.limit(settings, session_limits.role_of(person)).whole,
            ip=act.ip,
            user_agent=act.user_agent[:300],
            method=method,
            proved_at=act.at if proved else None,
            second_factor_at=second_factor_at,
        )
        record(act, "session.begun", session, partner=getattr(person, "partner_id", None), after={"method": method})
    return token


def is_proved(session: Session, at: datetime, settings: Settings) -> bool:
    """Whether the person showed who they are not long ago: sensitive acts ask for it (step-up)."""
    minutes = settings.member_proof_minutes if session.member_id else settings.operator_proof_minutes
    return session.proved_at is not None and session.proved_at > at - timedelta(minutes=minutes)


def prove(act: Act, session: Session, how: str, *, second_factor: bool = False) -> None:
    """Notes that the session's person has just shown who they are. `how`: password, code, passkey or recovery code."""
    partner = session.member.partner_id if session.member else None
    values = {"proved_at": act.at} | ({"second_factor_at": act.at} if second_factor else {})
    with write_tx():
        Session.update(values).where(Session.id == session.id, Session.ended_at.is_null()).execute()
        record(act, "session.proved", session, partner=partner, after={"how": how})


def recognise(token: str, at, settings: Settings) -> Session | None:
    """The live session of a token with person and partner in one query; None when it ended, lapsed or is unknown."""
    session = ask_one(_live, token_hash=token_hash(token), at=at)
    if session is None or not _person_may(session, at, settings):
        return None
    return session if session_limits.idle_end(settings, session) > at else None


def _live():
    return (
        Session.select(Session, Member, Partner, Operator)
        .join(Member, JOIN.LEFT_OUTER)
        .join(Partner, JOIN.LEFT_OUTER)
        .switch(Session)
        .join(Operator, JOIN.LEFT_OUTER)
        .where(Session.token_hash == Blank("token_hash"), Session.ended_at.is_null(), Session.expires_at > Blank("at"))
    )


def _person_may(session: Session, at: datetime, settings: Settings) -> bool:
    if session.member is not None:
        return access_period.may_enter(session.member, at, settings)
    return session.operator is not None and session.operator.active


def touch(session: Session, at) -> None:
    """Notes that the person is here. At most one write a minute; a page that only polls does not call this."""
    if at - session.last_seen_at >= TOUCH_AFTER:
        session.last_seen_at = at
        with write_tx():
            Session.update(last_seen_at=at).where(Session.id == session.id, Session.ended_at.is_null()).execute()


def renew(act: Act, session: Session) -> str:
    """A new token for a session whose person got another role, or proved who they are: what somebody may have learnt
    before does not reach further now (threats.md 4). The old token is unknown from here on; the session goes on."""
    token, role = secrets.token_urlsafe(32), session_limits.role_of(session_limits.person_of(session))
    with write_tx():
        Session.update(token_hash=token_hash(token), role=role).where(
            Session.id == session.id, Session.ended_at.is_null()
        ).execute()
        partner = session.member.partner_id if session.member else None
        after = {"role": role} if role != session.role else None
        record(act, "session.renewed", session, partner=partner, before=after and {"role": session.role}, after=after)
    session.role = role
    return token


def end(act: Act, session: Session, reason: str = "logged out") -> None:
    _end_where(act, (Session.id == session.id), reason)


def end_all(act: Act, person: Member | Operator, reason: str) -> int:
    """Ends every session of a person; returns how many."""
    return _end_where(act, of_person(person), reason)


def end_others(act: Act, person: Member | Operator, reason: str) -> int:
    """Ends every session of a person but the one that acts; returns how many."""
    return _end_where(act, of_person(person) & (Session.origin_hash != act.session_hash), reason)


def of_person(person: Member | Operator):
    """The condition for the sessions of a person, whether they still work or not."""
    return Session.member == person if isinstance(person, Member) else Session.operator == person


def _end_where(act: Act, condition, reason: str) -> int:
    with write_tx():
        ended = list(
            Session.select(Session, Member).join(Member, JOIN.LEFT_OUTER).where(condition, Session.ended_at.is_null())
        )
        for session in ended:
            session.ended_at, session.end_reason = act.at, reason
            session.save(only=[Session.ended_at, Session.end_reason])
            partner = session.member.partner_id if session.member else None
            record(act, "session.ended", session, partner=partner, after={"reason": reason})
    return len(ended)
