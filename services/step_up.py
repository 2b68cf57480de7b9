"""Showing again who one is, before a sensitive act (step-up; T10, threat 8).

Who has a second factor shows that one: the password may be known to whoever sits at the open browser, or be kept by it.
"""

import logging

from models.operator import Operator
from models.partner import Member
from models.session import Session
from services import attempts, passwords, second_factor, sessions
from services.audit import Act
from services.refusal import N_, Refusal
from services.settings import Settings

log = logging.getLogger("portal.log_in")


class ProofRefused(Refusal):
    """What was entered does not show who the person is; nothing was changed."""


def with_password(act: Act, session: Session, password: str, device: str = "") -> None:
    """The session's person, who has no second factor, enters the password again. `device` as in attempts.count, which
    counts first. Raises TooManyAttempts, NewPasswordNeeded, ProofRefused."""
    person = present(session)
    attempts.count(act, person.email, device=device)
    if second_factor.has(person) or not passwords.matches(person.password_hash, password):
        log.info("proof refused, request %s from %s", act.request_id, act.ip)
        raise ProofRefused(N_("The password is not right."), "password")
    attempts.forgive(act, person.email, device)
    sessions.prove(act, session, "password")


def with_code(act: Act, settings: Settings, session: Session, code: str, device: str = "") -> None:
    """A code of the app, or a recovery code. Raises what second_factor.check_code raises."""
    how = second_factor.check_code(act, settings, present(session), code, device)
    sessions.prove(act, session, how, second_factor=True)


def with_passkey(act: Act, settings: Settings, session: Session, challenge_id: int, answer: str) -> None:
    """Raises what second_factor.check_passkey raises."""
    second_factor.check_passkey(act, settings, "prove", challenge_id, answer, present(session))
    sessions.prove(act, session, "passkey", second_factor=True)


def present(session: Session) -> Member | Operator:
    """The session's person, read afresh."""
    if session.member_id:
        return Member.get(Member.id == session.member_id)
    return Operator.get(Operator.id == session.operator_id)
