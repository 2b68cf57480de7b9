"""Keys that stand on the storage service are switched off and on, or deleted, one call at a time.

Where the service knows no "off", a key is deleted there and put again from its sealed secret: the provider's copy of
the initial key, or what the service itself gave out right before, kept until the key is on again or deleted for good.
"""

from models.base import write_tx
from models.sub_account import AccessKey, SubAccount
from services.audit import Act, record
from services.secret import Vault
from services.settings import Settings
from services.storage.contract import RemoteKey, Storage, StorageAbsent
from services.verification import tell_admins


def bring(storage: Storage, vault: Vault, act: Act, row: SubAccount, key: AccessKey, found: RemoteKey | None) -> bool:
    """Makes the next call that one known key needs; False when it stands as wanted. `found`: as the service has it."""
    if key.wanted == "deleted":
        storage.delete_key(row.remote_uid, str(key.access_key_id))
        _moved(act, row, key, "deleted")
        return True
    if key.wanted == "active":
        return _bring_on(storage, vault, act, row, key, found)
    return _bring_off(storage, vault, act, row, key, found)


def note_gone(act: Act, settings: Settings, row: SubAccount, key: AccessKey) -> None:
    """The key is not on the storage service any more and cannot be made again: the partner's people are asked by mail
    to replace it. Inside the transaction of its cause."""
    before, key.phase = key.phase, "attention"
    key.save(only=["phase"])
    after = {"phase": "attention"}
    record(act, "access_key.applied", key, partner=row.partner_id, before={"phase": before}, after=after)
    path = f"/sub-accounts/{row.number}"
    tell_admins(act, settings, row.partner, "key_missing", path, account=row, key_id=key.access_key_id)


def _bring_on(
    storage: Storage, vault: Vault, act: Act, row: SubAccount, key: AccessKey, found: RemoteKey | None
) -> bool:
    if found is not None and found.active and key.phase == "live":
        return False
    if found is None:
        if key.phase != "inactive":
            return False  # whoever took it away there is for the operators to find out
        sealed = key.parked_ct or key.retained_ct
        if sealed is None or not storage.capabilities.key_import:
            _moved(act, row, key, "attention")  # its secret is gone: the page says that it can be replaced
            return True
        storage.put_key(row.remote_uid, str(key.access_key_id), vault.open(sealed))
    elif not found.active:
        storage.put_key_active(row.remote_uid, str(key.access_key_id), True)
    _moved(act, row, key, "live")
    return True


def _bring_off(
    storage: Storage, vault: Vault, act: Act, row: SubAccount, key: AccessKey, found: RemoteKey | None
) -> bool:
    if key.phase == "inactive" and (found is None or not found.active):
        return False
    if found is not None and found.active:
        if storage.capabilities.key_inactive:
            storage.put_key_active(row.remote_uid, str(key.access_key_id), False)
        elif _parked(storage, vault, row, key):
            storage.delete_key(row.remote_uid, str(key.access_key_id))
        else:
            return True
    _moved(act, row, key, "inactive")
    return True


def _parked(storage: Storage, vault: Vault, row: SubAccount, key: AccessKey) -> bool:
    """Keeps what is needed to put the key again, before it is deleted there. False when the wish changed meanwhile."""
    if key.retained_ct or key.parked_ct or not storage.capabilities.key_secret:
        return True
    try:
        sealed = vault.seal(storage.read_secret(row.remote_uid, str(key.access_key_id)))
    except StorageAbsent:  # gone since it was read: the next look finds it so
        return True
    off = (AccessKey.id == key.id) & (AccessKey.wanted == "inactive")
    with write_tx():
        return bool(AccessKey.update(parked_ct=sealed).where(off).execute())


def _moved(act: Act, row: SubAccount, key: AccessKey, phase: str) -> None:
    """Once: a second worker that did the same finds it done and records nothing."""
    values = {"phase": phase} if phase == "inactive" else {"phase": phase, "parked_ct": None}
    with write_tx():
        if AccessKey.update(**values).where(AccessKey.id == key.id, AccessKey.phase == key.phase).execute():
            before, after = {"phase": key.phase}, {"phase": phase}
            record(act, "access_key.applied", key, partner=row.partner_id, before=before, after=after)
    key.phase = phase
