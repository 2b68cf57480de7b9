"""An unfinished sign-up: kept for the device that holds its token, so that it can be left and resumed (T8)."""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

from models.base import locked, write_tx
from models.partner import Member, SignUpDraft
from services import attempts, passwords
from services.audit import Act
from services.company_details import COMPANY, PERSON, DetailRefused, refusals
from services.passwords import PasswordRefused
from services.refusal import N_, Refusal
from services.sessions import token_hash
from services.settings import Settings
from services.signup.limits import within

SENT_DAYS = 2
PERSONS_AN_HOUR = 60
CHANGING = ("details", "password_hash", "changed_at", "expires_at")


class DetailsRefused(Refusal):
    """At least one detail of the step cannot be right; `refused` holds one refusal per field."""

    def __init__(self, refused: list[Refusal]):
        super().__init__(N_("Some details need another look."))
        self.refused = refused


def find(token: str | None, at: datetime) -> SignUpDraft | None:
    """The draft of the device that holds `token`; None when there is none or its days are over."""
    if not token:
        return None
    return SignUpDraft.get_or_none((SignUpDraft.token_hash == token_hash(token)) & (SignUpDraft.expires_at > at))


def next_step(draft: SignUpDraft | None) -> str:
    """The first step that is not done yet: company, person, check, or sent when all is done and the mail is out."""
    if draft is None or "legal_name" not in draft.details:
        return "sent" if draft and "sent_to" in draft.details else "company"
    return "check" if "email" in draft.details and draft.password_hash else "person"


def keep_company(act: Act, settings: Settings, token: str | None, given: dict[str, str]) -> str:
    """Checks and keeps the company's details; returns the draft's token, a new one for a new draft.
    Raises DetailsRefused. Nothing is written to the trail: nobody has applied yet."""
    clean, refused = refusals(given, COMPANY)
    if refused:
        raise DetailsRefused(list(refused))
    with write_tx():
        return _keep(act, settings, token, clean, "")


def keep_person(act: Act, settings: Settings, token: str | None, given: dict[str, str], password: str) -> str:
    """Checks and keeps the person's details. The password is kept as its hash only, and may be left empty when the
    draft has one. Raises DetailsRefused."""
    draft = find(token, act.at)
    known = draft.details if draft else {}
    clean, refused = refusals({**given, "country": known.get("country", "")}, PERSON)
    password_hash, refusal = "", None
    if password or not (draft and draft.password_hash):
        _refuse_many(act)
        password_hash, refusal = _hashed(
            password, (given.get("name", ""), given.get("email", ""), known.get("legal_name", ""))
        )
    if refused or refusal:
        raise DetailsRefused([*refused, *([refusal] if refusal else [])])
    with write_tx():
        return _keep(act, settings, token, clean, password_hash)


def _refuse_many(act: Act) -> None:
    """Hashing is costly by design: one network does not keep the portal busy with it."""
    with write_tx():
        if not within(act, "sign_up_person", attempts.network(act.ip), PERSONS_AN_HOUR, 60):
            many = N_("There were many applications from your network within the last hour. Try again later.")
            raise DetailsRefused([DetailRefused(many, "password")])


def forget(token: str | None) -> None:
    """Deletes the draft of this device, at its wish."""
    if token:
        with write_tx():
            SignUpDraft.delete().where(SignUpDraft.token_hash == token_hash(token)).execute()


def locked_draft(token: str | None, at: datetime) -> SignUpDraft | None:
    """As `find`, and locked until the transaction ends."""
    if not token:
        return None
    return locked(
        SignUpDraft.select().where(SignUpDraft.token_hash == token_hash(token), SignUpDraft.expires_at > at)
    ).first()


def mark_sent(act: Act, draft: SignUpDraft, member_id: int | None) -> None:
    """From here on the draft only knows where the mail went: the details now belong to the application."""
    sent_to, own = draft.details["email"], _digest(draft.password_hash)
    draft.details = {"sent_to": sent_to, "member_id": member_id, "password": own}
    draft.details |= {"again": 0, "sent_at": act.at.isoformat()}
    draft.password_hash = ""
    draft.changed_at, draft.expires_at = act.at, act.at + timedelta(days=SENT_DAYS)
    draft.save(only=CHANGING)


def finished(draft: SignUpDraft, member: Member) -> bool:
    """Whether this draft became the member's application as it stands: whoever signs up with the same unconfirmed
    address later puts another password (and company) in its place, and keeps the member's number."""
    kept = draft.details
    return kept.get("member_id") == member.id and hmac.compare_digest(
        kept.get("password", ""), _digest(member.password_hash)
    )


def _digest(password_hash: str) -> str:
    return hashlib.sha256(password_hash.encode()).hexdigest()


def _keep(act: Act, settings: Settings, token: str | None, clean: dict[str, str], password_hash: str) -> str:
    SignUpDraft.delete().where(SignUpDraft.expires_at <= act.at).execute()
    draft = locked_draft(token, act.at)
    until = act.at + timedelta(days=settings.sign_up_draft_days)
    if draft is None or token is None or "sent_to" in draft.details:
        token = secrets.token_urlsafe(32)
        SignUpDraft.create(
            token_hash=token_hash(token),
            details=clean,
            password_hash=password_hash,
            created_at=act.at,
            changed_at=act.at,
            expires_at=until,
        )
        return token
    draft.details = {**draft.details, **clean}
    draft.password_hash = password_hash or draft.password_hash
    draft.changed_at, draft.expires_at = act.at, until
    draft.save(only=CHANGING)
    return token


def _hashed(password: str, known: tuple[str, ...]) -> tuple[str, Refusal | None]:
    if not password:
        return "", DetailRefused(N_("Choose a password."), "password")
    try:
        passwords.refuse_weak(password, known)
    except PasswordRefused as refusal:
        return "", refusal
    return passwords.hashed(password), None
