"""Handing a new key to a customer by a link that works once: a button first, the pair after it, then nothing.

The secret is sealed twice, with a key that follows from the link's token and with the data key. The token is kept
nowhere, so that database and data key together do not open what waits here (threat 9).
"""

import base64
import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography.fernet import Fernet, InvalidToken

from models.base import locked, write_tx
from models.partner import Partner
from models.sub_account import AccessKey, Customer, HandOver, Region, SubAccount
from services import access_keys, attempts, features, flow_down_keys
from services import hand_over_links as links
from services.audit import Act
from services.refusal import N_, NotFound, Refusal
from services.secret import SealBroken, Secret, Vault
from services.settings import Settings

VALID_FOR = timedelta(hours=48)


class HandOverClosed(Refusal):
    """The link showed its secret already, was withdrawn, or its time is up."""


class HandOverUsed(HandOverClosed):
    """The link showed its secret already: to whoever opened it first."""


class HandOverOff(HandOverClosed):
    """The provider switched handing over off (T5): for all, or for the partner whose link it is. `texts`: what it says
    about it, by language."""

    def __init__(self, texts: dict[str, str]):
        super().__init__(N_("Keys are not handed over at present. Open this link again later."))
        self.texts = texts


@dataclass(frozen=True)
class Handed:
    """What the link shows, once."""

    account: SubAccount
    access_key_id: str
    secret: Secret


def create(act: Act, settings: Settings, partner: Partner, number: str, key_id: int) -> tuple[str, datetime]:
    """Makes a link to a key whose secret may be shown to whoever acts; returns its token (43 URL-safe characters), kept
    nowhere, and when it ends. An open link of the same key is withdrawn. Raises KeyNotShown and NotFound."""
    access_keys.own_key(partner, number, key_id)
    with write_tx():
        key = locked(AccessKey.select().where(AccessKey.id == key_id)).get()
        if flow_down_keys.held(key.sub_account_id, act.at):
            raise access_keys.KeyNotShown(flow_down_keys.HELD)
        if not access_keys.may_show(act, key) or key.wanted != "active":
            raise access_keys.KeyNotShown(
                N_("This secret can no longer be handed over. Replace the key to get a new one.")
            )
        secret = access_keys.opened(settings, key)
        links.withdraw(act, key)
        token = secrets.token_urlsafe(32)
        link = HandOver.create(
            access_key=key,
            token_hash=_hash(token),
            sealed=Vault(settings.data_keys).seal(Secret(_box(token).encrypt(secret.reveal().encode()).decode())),
            created_at=act.at,
            created_by=act.actor_name,
            expires_at=act.at + VALID_FOR,
        )
        links.note(act, "hand_over.created", link, key, expires_at=link.expires_at)
    return token, link.expires_at


def withdraw(act: Act, partner: Partner, number: str, key_id: int) -> None:
    """Closes the key's open link, if there is one. Raises NotFound for a key that is not theirs."""
    access_keys.own_key(partner, number, key_id)
    with write_tx():
        links.withdraw(act, locked(AccessKey.select().where(AccessKey.id == key_id)).get())


def look(token: str, at: datetime) -> HandOver:
    """The open link with key, sub-account, customer, partner and region; changes nothing, because mail scanners open
    every link. Raises NotFound and HandOverClosed, of which HandOverUsed and HandOverOff are kinds."""
    link = (
        HandOver.select(HandOver, AccessKey, SubAccount, Customer, Partner, Region)
        .join(AccessKey)
        .join(SubAccount)
        .join(Customer)
        .switch(SubAccount)
        .join(Partner)
        .switch(SubAccount)
        .join(Region)
        .where(HandOver.token_hash == _hash(token))
        .first()
    )
    if link is None:
        raise NotFound()
    if (switch := features.off("key_hand_over", link.access_key.sub_account.partner_id, at)) is not None:
        raise HandOverOff(switch.texts)
    if link.used_at is not None:
        raise HandOverUsed(
            N_("This link was already used on %(used_at)s. Each link shows the key once."), used_at=link.used_at
        )
    if link.withdrawn_at is not None:
        raise HandOverClosed(
            N_("This link was withdrawn: a newer one was made, or the key was switched off or deleted.")
        )
    if link.expires_at <= at or link.sealed is None:
        raise HandOverClosed(N_("The time of this link is up. It could be used for 48 hours."))
    if flow_down_keys.held(link.access_key.sub_account_id, at):
        raise HandOverClosed(N_("The key is shown as soon as the terms for your storage are agreed to."))
    return link


def use(act: Act, settings: Settings, token: str) -> Handed:
    """Shows the pair, once: of two at the same moment one wins. What was sealed is gone afterwards. Raises as `look`
    does, and TooManyAttempts."""
    attempts.count_of_network(act, attempts.HAND_OVER)
    with write_tx():
        link = look(token, act.at)
        secret = _opened(settings, link, token)
        used = {"used_at": act.at, "sealed": None}
        still = (HandOver.id == link.id) & HandOver.used_at.is_null() & HandOver.withdrawn_at.is_null()
        if not HandOver.update(**used).where(still).execute():
            raise HandOverUsed(N_("This link was already used. Each link shows the key once."))
        key = link.access_key
        if key.revealed_at is None:
            key.revealed_at, key.revealed_by = act.at, ""
        key.stored_at, key.secret_ct = key.stored_at or act.at, None
        key.save(only=["revealed_at", "revealed_by", "stored_at", "secret_ct"])
        links.note(act, "hand_over.used", link, key)
    return Handed(key.sub_account, str(key.access_key_id), secret)


def _opened(settings: Settings, link: HandOver, token: str) -> Secret:
    try:
        inner = Vault(settings.data_keys).open(str(link.sealed))
        return Secret(_box(token).decrypt(inner.reveal().encode()).decode())
    except (SealBroken, InvalidToken) as failure:
        raise HandOverClosed(N_("This secret can no longer be read. Please ask for a new key.")) from failure


def _box(token: str) -> Fernet:
    """The key that follows from the token; another derivation than the stored hash, which therefore does not help."""
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(b"hand-over:" + token.encode()).digest()))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
