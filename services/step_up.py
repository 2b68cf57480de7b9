"""Showing again who one is, before a sensitive act (step-up; T10, threat 8)."""

import logging

from models.operator import Operator
from models.partner import Member
from models.session import Session
from services import attempts, passwords, sessions
from services.audit import Act
from services.refusal import N_, Refusal

log = logging.getLogger("portal.log_in")


class ProofRefused(Refusal):
    """What was entered does not show who the person is; nothing was changed."""


def with_password(act: Act, session: Session, password: str, device: str = "") -> None:
    """The session's person enters the password again. `device` as in attempts.count, which counts first.

    Raises TooManyAttempts, NewPasswordNeeded, ProofRefused."""
    person = present(session)
    attempts.count(act, person.email, device=device)
    if not passwords.matches(person.password_hash, password):
        log.info("proof refused, request %s from %s", act.request_id, act.ip)
        raise ProofRefused(N_("The password is not right."), "password")
    attempts.forgive(act, person.email, device)
    sessions.prove(act, session, "password")


def present(session: Session) -> Member | Operator:
    """The session's person, read afresh."""
    if session.member_id:
        return Member.get(Member.id == session.member_id)
    return Operator.get(Operator.id == session.operator_id)
