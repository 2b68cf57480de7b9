"""Access keys: each pair is shown once to the partner. The provider's copy of the first stays encrypted (T13); the
secret of a later one lives SHOW_AGAIN_WITHIN, for the session that asked for it (provisioning.md)."""

from datetime import timedelta
from functools import partial

from models.base import locked, write_tx
from models.partner import Partner
from models.sub_account import AccessKey, SubAccount
from services import flow_down_keys, hand_over_links, one_by_one
from services.audit import Act, record
from services.refusal import N_, NotFound, Refusal
from services.secret import SealBroken, Secret, Vault
from services.settings import Settings

SHOW_AGAIN_WITHIN = timedelta(minutes=10)


class KeyNotShown(Refusal):
    """The secret stays where it is."""


def own_keys(partner: Partner, account: SubAccount) -> list[AccessKey]:
    """The sub-account's keys that are not deleted, oldest first; none when it is another partner's."""
    return list(
        AccessKey.select(AccessKey, SubAccount, hand_over_links.until_column())
        .join(SubAccount)
        .where(SubAccount.partner == partner, AccessKey.sub_account == account, AccessKey.phase != "deleted")
        .order_by(AccessKey.id)
    )


def own_key(partner: Partner, number: str, key_id: int) -> AccessKey:
    """The key of that id of the partner's sub-account of that number. Raises NotFound for every other."""
    key = (
        AccessKey.select(AccessKey, SubAccount)
        .join(SubAccount)
        .where(AccessKey.id == key_id, SubAccount.partner == partner, SubAccount.number == number)
        .first()
    )
    if key is None:
        raise NotFound()
    return key


def may_show(act: Act, key: AccessKey) -> bool:
    """Whether `reveal` would show the secret to this session now: never shown before, or shown to this very session
    within SHOW_AGAIN_WITHIN (a broken connection may ask again) and not yet said to be stored. The secret of a
    replacement is shown to the session that asked for it, and to no other, before `reveal_until_at`."""
    if key.phase != "live" or key.stored_at is not None or not (key.retained_ct or key.secret_ct):
        return False
    if key.origin != "initial":
        in_time = key.reveal_until_at is not None and act.at < key.reveal_until_at
        return in_time and act.session_hash != "" and act.session_hash == key.asked_session_hash
    if key.revealed_at is None:
        return True
    recent = act.at - key.revealed_at <= SHOW_AGAIN_WITHIN
    return recent and act.session_hash != "" and act.session_hash == key.reveal_session_hash


def reveal(act: Act, settings: Settings, key_id: int) -> tuple[str, Secret]:
    """The pair, once (provisioning.md, showing a secret once). Each time is audited.

    Raises KeyNotShown when the key is not made yet or was shown already, NotFound for an unknown id.
    """
    with write_tx():
        key = _locked(key_id)
        if flow_down_keys.held(key.sub_account_id, act.at):
            raise KeyNotShown(flow_down_keys.HELD)
        if key.phase == "pending":
            raise KeyNotShown(N_("The key is still being made. Try again in a moment."))
        if key.origin != "initial" and key.revealed_at is None and not may_show(act, key):
            raise KeyNotShown(
                N_("This secret can be shown for ten minutes, in the log-in that asked for it. Replace the key again.")
            )
        if not may_show(act, key):
            raise KeyNotShown(N_("This secret was already shown and cannot be shown again."))
        if key.revealed_at is None:
            key.revealed_at, key.revealed_by, key.reveal_session_hash = act.at, act.actor_name, act.session_hash
            key.save(only=["revealed_at", "revealed_by", "reveal_session_hash"])
        secret = opened(settings, key)
        _record(act, "access_key.revealed", key)
    return str(key.access_key_id), secret


def note_stored(act: Act, key_id: int) -> None:
    """The partner has the secret: from now on nobody sees it again. A copy that was kept only for showing is destroyed;
    the provider's retained copy of the initial key stays encrypted (T13)."""
    with write_tx():
        key = _locked(key_id)
        if key.revealed_at is None:
            raise KeyNotShown(N_("Show the key first, then store it."))
        if key.stored_at is not None:
            return
        key.stored_at, key.secret_ct = act.at, None
        key.save(only=["stored_at", "secret_ct"])
        hand_over_links.withdraw(act, key)
        _record(act, "access_key.stored", key)


def destroy_expired(act: Act) -> int:
    """Destroys the sealed secrets whose time for showing is over; returns how many. For the worker, each round."""
    due = AccessKey.select(AccessKey.id).where(_over(act)).order_by(AccessKey.id)
    return one_by_one.rows(act, "secret of access key", due, partial(_destroy, act))


def _over(act: Act):
    return AccessKey.secret_ct.is_null(False) & (AccessKey.reveal_until_at <= act.at)


def _destroy(act: Act, key_id: int) -> bool:
    """False when somebody else was first."""
    with write_tx():
        gone = AccessKey.update(secret_ct=None).where(_over(act), AccessKey.id == key_id).execute()
        if gone:
            key = AccessKey.select(AccessKey, SubAccount).join(SubAccount).where(AccessKey.id == key_id).get()
            _record(act, "access_key.secret_destroyed", key)
    return bool(gone)


def opened(settings: Settings, key: AccessKey) -> Secret:
    """The secret that is kept of the key. Raises KeyNotShown when its data key is gone."""
    try:
        return Vault(settings.data_keys).open(str(key.retained_ct or key.secret_ct))
    except SealBroken as failure:  # the data key is gone (threats.md 25): only a new pair helps
        raise KeyNotShown(N_("This secret can no longer be read. Replace the key to get a new one.")) from failure


def _locked(key_id: int) -> AccessKey:
    key = locked(AccessKey.select().where(AccessKey.id == key_id)).first()
    if key is None:
        raise NotFound()
    return key


def _record(act: Act, action: str, key: AccessKey) -> None:
    record(act, action, key, partner=key.sub_account.partner_id, after={"access_key_id": key.access_key_id})
