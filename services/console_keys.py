"""What a customer does with its own keys beyond what is offered key by key: all are stopped at once (T11, T13)."""

from models.base import write_tx
from models.console import ConsoleUser
from models.sub_account import AccessKey
from services import containment, key_rotation
from services.audit import Act
from services.settings import Settings


def stop_all(act: Act, settings: Settings, user: ConsoleUser) -> int:
    """All keys of the user's sub-account that work are refused as soon as the worker has told the storage service;
    nothing is deleted. Returns how many."""
    account = user.sub_account
    with write_tx():
        containment.lock_partner(account.partner_id)
        own = AccessKey.select(AccessKey.id).where(AccessKey.sub_account == account)
        return len(key_rotation.stop(act, settings, account.partner_id, [row.id for row in own]))
