"""Open hand-over links: which keys have one, and how a link ends that nobody used."""

from datetime import datetime
from functools import partial

from peewee import fn

from models.base import locked, write_tx
from models.sub_account import AccessKey, HandOver
from services import one_by_one
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
    due = HandOver.select(HandOver.id).where(_over(act)).order_by(HandOver.id)
    return one_by_one.rows(act, "secret of hand-over link", due, partial(_end, act))


def _over(act: Act):
    return (HandOver.expires_at <= act.at) & HandOver.sealed.is_null(False)


def _end(act: Act, link_id: int) -> bool:
    """False when somebody else was first."""
    with write_tx():
        ended = HandOver.update(sealed=None).where(_over(act), HandOver.id == link_id).execute()
        if ended:
            link = HandOver.select(HandOver, AccessKey).join(AccessKey).where(HandOver.id == link_id).get()
            note(act, "hand_over.expired", link, link.access_key)
    return bool(ended)


def note(act: Act, action: str, link: HandOver, key: AccessKey, **more: object) -> None:
    """Records what happened to the link, with its key and sub-account; never its token."""
    account = key.sub_account
    after = {"access_key_id": key.access_key_id, "sub_account": account.number, **more}
    record(act, action, link, partner=account.partner_id, after=after)
