"""Passkeys (WebAuthn level 3) by py_webauthn: as the only factor at log-in, as the second one, and for the step-up.

Every passkey is discoverable and every use asks for user verification, so that one alone is two factors. A challenge is
kept here, belongs to one purpose and one browser, and is taken out of the table before its answer is looked at. The
relying party is the host of PORTAL_PUBLIC_URL, the origin that address.
"""

import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from urllib.parse import urlsplit

import webauthn
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from models.base import write_tx
from models.operator import Operator
from models.partner import Member
from models.second_factor import Passkey, PasskeyChallenge
from services import people
from services.audit import Act
from services.refusal import N_, Refusal
from services.settings import Settings

MINUTES = 5
MOST_OF_A_PERSON = 10
LONGEST_NAME = 60
LONGEST_ANSWER = 20_000
VERIFIED = UserVerificationRequirement.REQUIRED


class PasskeyRefused(Refusal):
    """The passkey was not taken; nothing was changed."""

    def __init__(self, text: str = N_("The passkey was not accepted. Try again, or use another way.")):
        super().__init__(text)


@dataclass(frozen=True)
class Question:
    """`options` is JSON for the browser, `challenge_id` what the browser's session keeps until the answer."""

    challenge_id: int
    options: str


def ask(act: Act, settings: Settings, purpose: str, person: Member | Operator | None = None) -> Question:
    """What a browser asks its passkeys for purpose sign_in (of anybody), second or prove (of this person)."""
    challenge_id, challenge = _challenge(act, purpose)
    allowed = None if person is None else [_descriptor(key) for key in of(person)]
    options = webauthn.generate_authentication_options(
        rp_id=rp_id(settings), challenge=challenge, allow_credentials=allowed, user_verification=VERIFIED
    )
    return Question(challenge_id, webauthn.options_to_json(options))


def ask_new(act: Act, settings: Settings, person: Member | Operator) -> Question:
    """What a browser makes a new passkey with; one that the person has already is not made again."""
    challenge_id, challenge = _challenge(act, "add")
    options = webauthn.generate_registration_options(
        rp_id=rp_id(settings),
        rp_name=settings.provider.name,
        user_id=base64url_to_bytes(_user_handle(settings, person)),
        user_name=person.email,
        user_display_name=person.name,
        challenge=challenge,
        exclude_credentials=[_descriptor(key) for key in of(person)],
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=VERIFIED
        ),
    )
    return Question(challenge_id, webauthn.options_to_json(options))


def add(act: Act, settings: Settings, person: Member | Operator, challenge_id: int, answer: str, name: str) -> Passkey:
    """The new passkey, in the caller's transaction, which says so in the trail. Raises PasskeyRefused."""
    challenge, given = _taken(act, "add", challenge_id), _parsed(answer)
    if len(of(person)) >= MOST_OF_A_PERSON:
        raise PasskeyRefused(N_("You have ten passkeys already. Remove one first."))
    try:
        made = webauthn.verify_registration_response(
            credential=given,
            expected_challenge=challenge,
            expected_rp_id=rp_id(settings),
            expected_origin=origin(settings),
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, TypeError, KeyError) as failure:
        raise PasskeyRefused from failure
    credential_id = bytes_to_base64url(made.credential_id)
    if Passkey.select().where(Passkey.credential_id == credential_id).exists():
        raise PasskeyRefused
    return Passkey.create(
        **people.owner(person),
        credential_id=credential_id,
        user_handle=_user_handle(settings, person),
        public_key=bytes_to_base64url(made.credential_public_key),
        sign_count=made.sign_count,
        name=name.strip()[:LONGEST_NAME] or "Passkey",
        created_at=act.at,
    )


def check(act: Act, settings: Settings, purpose: str, challenge_id: int, answer: str) -> Member | Operator:
    """The person whose passkey signed the challenge. Counting is the caller's. Raises PasskeyRefused.

    A counter that does not grow is the sign of a copied passkey, and is refused (WebAuthn level 3, 7.2 step 22); most
    passkeys of today always say 0, which is in order."""
    challenge, given = _taken(act, purpose, challenge_id), _parsed(answer)
    key = Passkey.get_or_none(Passkey.credential_id == str(given.get("id")))
    handle = (given.get("response") or {}).get("userHandle") if isinstance(given.get("response"), dict) else None
    if key is None or (handle and handle.rstrip("=") != key.user_handle):
        raise PasskeyRefused
    try:
        seen = webauthn.verify_authentication_response(
            credential=given,
            expected_challenge=challenge,
            expected_rp_id=rp_id(settings),
            expected_origin=origin(settings),
            credential_public_key=base64url_to_bytes(key.public_key),
            credential_current_sign_count=key.sign_count,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, TypeError, KeyError) as failure:
        raise PasskeyRefused from failure
    _count_up(act, key, seen.new_sign_count)
    return cast(Member | Operator, key.member or key.operator)


def of(person: Member | Operator) -> list[Passkey]:
    return list(Passkey.select().where(people.owned(Passkey, person)).order_by(Passkey.id))


def has(person: Member | Operator) -> bool:
    return Passkey.select().where(people.owned(Passkey, person)).exists()


def tidy(at: datetime) -> int:
    """Removes challenges that nobody answered; returns how many."""
    with write_tx():
        return PasskeyChallenge.delete().where(PasskeyChallenge.expires_at <= at).execute()


def rp_id(settings: Settings) -> str:
    return urlsplit(settings.public_url).hostname or ""


def origin(settings: Settings) -> str:
    parts = urlsplit(settings.public_url)
    return f"{parts.scheme}://{parts.netloc}"


def _challenge(act: Act, purpose: str) -> tuple[int, bytes]:
    challenge = secrets.token_bytes(32)
    with write_tx():
        row = PasskeyChallenge.create(
            purpose=purpose,
            challenge=bytes_to_base64url(challenge),
            expires_at=act.at + timedelta(minutes=MINUTES),
        )
    return row.id, challenge


def _taken(act: Act, purpose: str, challenge_id: int) -> bytes:
    """The challenge, which is gone with this: of two answers to one, one is looked at."""
    row = PasskeyChallenge.get_or_none(PasskeyChallenge.id == challenge_id, PasskeyChallenge.purpose == purpose)
    with write_tx():
        gone = PasskeyChallenge.delete().where(PasskeyChallenge.id == row.id).execute() if row else 0
    if row is None or not gone or row.expires_at <= act.at:
        raise PasskeyRefused
    return base64url_to_bytes(row.challenge)


def _parsed(answer: str) -> dict[str, Any]:
    try:
        given = json.loads(answer) if len(answer) <= LONGEST_ANSWER else None
    except ValueError as failure:
        raise PasskeyRefused from failure
    if not isinstance(given, dict):
        raise PasskeyRefused
    return given


def _count_up(act: Act, key: Passkey, counted: int) -> None:
    """Of two uses with the same count one wins; what always says 0 is not counted."""
    grown = (Passkey.sign_count < counted) if counted else (Passkey.sign_count == 0)
    with write_tx():
        won = Passkey.update(sign_count=counted, last_used_at=act.at).where(Passkey.id == key.id, grown).execute()
    if not won:
        raise PasskeyRefused


def _user_handle(settings: Settings, person: Member | Operator) -> str:
    """The same for all passkeys of a person, and a digest under the portal's key: it names nobody (WebAuthn level 3,
    14.6.1). With another key the one that is kept counts."""
    known = Passkey.get_or_none(people.owned(Passkey, person))
    if known is not None:
        return known.user_handle
    text = f"user handle\n{people.id_of(person)}"
    return bytes_to_base64url(hmac.new(settings.secret_key.reveal().encode(), text.encode(), hashlib.sha256).digest())


def _descriptor(key: Passkey) -> PublicKeyCredentialDescriptor:
    return PublicKeyCredentialDescriptor(id=base64url_to_bytes(key.credential_id))
