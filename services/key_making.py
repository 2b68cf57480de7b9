"""Access keys on the storage service, one call at a time, as the worker finds them."""

import secrets
import string

from models.base import write_tx
from models.sub_account import AccessKey, SubAccount
from services import flow_down_keys, key_switching
from services.access_keys import SHOW_AGAIN_WITHIN
from services.audit import Act, record
from services.secret import Secret, Vault
from services.storage.contract import RemoteAccount, RemoteKey, Storage

KEY_ID_SIGNS = string.ascii_uppercase + string.digits
SECRET_SIGNS = string.ascii_letters + string.digits  # a leading hyphen would be read as an option by some programs


def make_next(storage: Storage, vault: Vault, act: Act, row: SubAccount, remote: RemoteAccount) -> bool:
    """Makes the next call that some key of the sub-account needs; False when all keys stand as wanted."""
    standing = {key.id: key for key in remote.keys}
    keys = list(
        AccessKey.select().where(AccessKey.sub_account == row, AccessKey.phase != "deleted").order_by(AccessKey.id)
    )
    for key in keys:
        if key.phase == "pending":
            if flow_down_keys.held(row.id, act.at):
                continue  # made as soon as the customer agrees
            _make(storage, vault, act, row, key, standing)
            return True
        if key.access_key_id and key_switching.bring(storage, vault, act, row, key, standing.get(key.access_key_id)):
            return True
    return False


def _make(
    storage: Storage, vault: Vault, act: Act, row: SubAccount, key: AccessKey, standing: dict[str, RemoteKey]
) -> None:
    if storage.capabilities.key_import:
        _import(storage, vault, act, row, key)
        return
    mine = AccessKey.select(AccessKey.access_key_id).where(AccessKey.sub_account == row)
    own = {known.access_key_id for known in mine}
    unseen = [found for found in standing if found not in own]
    if unseen:
        # made by a call whose answer was lost: its secret was never seen, so nobody may keep it
        storage.delete_key(row.remote_uid, unseen[0])
        return
    pair = storage.new_key(row.remote_uid)
    with write_tx():
        kept = _keep(vault, act, key, pair.id, pair.secret)
        if kept:
            _live(act, row, key)
    if not kept:
        storage.delete_key(row.remote_uid, pair.id)


def _import(storage: Storage, vault: Vault, act: Act, row: SubAccount, key: AccessKey) -> None:
    """The pair is kept before it is sent, so that a lost answer is repeated with the same pair. If the service was away
    for so long that the secret's time was over, the same id gets a new one."""
    if key.access_key_id is None or not (key.retained_ct or key.secret_ct):
        key_id = key.access_key_id or "PP" + _random(KEY_ID_SIGNS, 18)
        if not _keep(vault, act, key, key_id, Secret(_random(SECRET_SIGNS, 40))):
            return
    storage.put_key(row.remote_uid, str(key.access_key_id), vault.open(str(key.retained_ct or key.secret_ct)))
    _live(act, row, key)


def _random(signs: str, length: int) -> str:
    return "".join(secrets.choice(signs) for _ in range(length))


def _keep(vault: Vault, act: Act, key: AccessKey, key_id: str, secret: Secret) -> bool:
    """The initial key is the provider's retained copy (T13); any other is kept only until it was shown, and not longer
    than SHOW_AGAIN_WITHIN from now.

    False when another worker has given the row a pair meanwhile: that one stands, this one is nobody's.
    """
    sealed = vault.seal(secret)
    retained, shown_once = (sealed, None) if key.origin == "initial" else (None, sealed)
    until_at = None if shown_once is None else act.at + SHOW_AGAIN_WITHIN
    values = {
        "access_key_id": key_id, "retained_ct": retained, "secret_ct": shown_once, "reveal_until_at": until_at,
    }  # fmt: skip
    nothing_kept = AccessKey.retained_ct.is_null() & AccessKey.secret_ct.is_null() & (AccessKey.phase == "pending")
    as_read = AccessKey.access_key_id.is_null() | (AccessKey.access_key_id == key.access_key_id)
    with write_tx():
        kept = bool(AccessKey.update(**values).where(AccessKey.id == key.id, nothing_kept, as_read).execute())
    if kept:
        key.access_key_id, key.retained_ct, key.secret_ct = key_id, retained, shown_once
    return kept


def _live(act: Act, row: SubAccount, key: AccessKey) -> None:
    """Once: a second worker that sent the same pair finds it live and records nothing."""
    with write_tx():
        if AccessKey.update(phase="live").where(AccessKey.id == key.id, AccessKey.phase == "pending").execute():
            record(act, "access_key.made", key, partner=row.partner_id, after={"access_key_id": key.access_key_id})
