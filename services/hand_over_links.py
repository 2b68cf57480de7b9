"""Open hand-over links: which keys have one, and how a link ends that nobody used."""

from datetime import datetime

from peewee import fn

from models.base import locked, write_tx
from models.sub_account import AccessKey, HandOver
from services.audit import Act, record


def withdraw(act: Act, key: AccessKey) -> None:
    """Closes the key's open link; inside the transaction of its cause."""
    still = (HandOver.access_key == key) & HandOver.sealed.is_null(False)
    for link in locked(HandOver.select().where(still)):
        link.sealed, link.withdrawn_at = None, act.at
        link.save(only=["sealed", "withdrawn_at"])
        note(act, "hand_over.withdrawn", link, key)


def until_column():
    """For a query of keys: when the link that was not used nor withdrawn ends, as `link_until_at`; none without one."""
    waiting = HandOver.sealed.is_null(False) & (HandOver.access_key == AccessKey.id)
    return HandOver.select(fn.MAX(HandOver.expires_at)).where(waiting).alias("link_until_at")


def open_until(at: datetime, keys: list[AccessKey]) -> dict[int, datetime]:
    """By key id, until when a link to it works; `keys` were asked for with `until_column`."""
    found = {key.id: HandOver.expires_at.python_value(key.link_until_at) for key in keys}
    return {key_id: until_at for key_id, until_at in found.items() if until_at is not None and until_at > at}


def end_expired(act: Act) -> int:
    """Destroys what was sealed in links whose time is up; returns how many. For the worker, each round."""
    over = (HandOver.expires_at <= act.at) & HandOver.sealed.is_null(False)
    ended = 0
    for link in HandOver.select(HandOver, AccessKey).join(AccessKey).where(over):
        with write_tx():
            if HandOver.update(sealed=None).where(over, HandOver.id == link.id).execute():
                note(act, "hand_over.expired", link, link.access_key)
                ended += 1
    return ended


def note(act: Act, action: str, link: HandOver, key: AccessKey, **more: object) -> None:
    """Records what happened to the link, with its key and sub-account; never its token."""
    account = key.sub_account
    after = {"access_key_id": key.access_key_id, "sub_account": account.number, **more}
    record(act, action, link, partner=account.partner_id, after=after)
