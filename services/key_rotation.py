"""Replacing a key while the customer's programs go on working: a second one is made, the old one is switched off, and
deleted when nothing missed it (T13; provisioning.md, rotation).

What may be done when is in `key_rules`; whatever is refused raises KeyRefused.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial

from models.base import locked, write_tx
from models.partner import Partner
from models.sub_account import AccessKey, SubAccount
from services import features, hand_over_links, key_rules, once, one_by_one
from services.audit import Act, record
from services.key_rules import KeyRefused, Standing
from services.purging import deadline
from services.refusal import N_, NotFound
from services.settings import Settings


def replace(act: Act, partner: Partner, number: str, key_id: int, once_key: str) -> AccessKey:
    """Asks for a second key beside this one; the secret can be shown to the session that asked. A new key whose secret
    nobody has seen in time makes way. Raises KeyRefused, KeyReused and NotFound; the same `once_key` again gets the key
    that it made."""
    content = f"replace {number} {key_id}"
    with write_tx():
        now, key = _standing(act, partner, number, key_id, deleted=True)
        earlier = once.earlier_answer(act, once_key, content)
        if earlier is not None:
            return AccessKey.get(AccessKey.sub_account == now.account, AccessKey.id == int(earlier))
        _refuse_deleted(key)
        _say(key_rules.why_held(now))
        _say(key_rules.why_not_replace(now, key))
        for missed in (other for other in now.keys if key_rules.missed(now, other)):
            _delete(act, now, missed)
        made = AccessKey.create(
            sub_account=now.account,
            origin="rotation",
            asked_session_hash=act.session_hash,
            created_at=act.at,
            created_by=f"{act.kind}:{act.actor_id}",
        )
        after = {"replaces": key.access_key_id}
        record(act, "access_key.asked", made, partner=now.account.partner_id, after=after)
        _want(act, now.account)
        once.remember(act, once_key, content, str(made.id))
    return made


def switch_off(act: Act, settings: Settings, partner: Partner, number: str, key_id: int) -> None:
    """The key shall be refused by the service; it can be switched on again until it is deleted, which happens by itself
    after `settings.key_delete_days`. Raises KeyRefused and NotFound."""
    with write_tx():
        now, key = _standing(act, partner, number, key_id)
        if key.wanted == "inactive":
            return
        _say(key_rules.why_not_off(now, key))
        _off(act, now, key, act.at + timedelta(days=settings.key_delete_days))
        _want(act, now.account)


def stop(act: Act, settings: Settings, partner_id: int, key_ids: Iterable[int] | None) -> list[AccessKey]:
    """In an emergency: the partner's keys of these ids, or all, shall be refused, the last one that works among them
    (T11). Where none is left that works, nothing is deleted by itself: it can be replaced, or switched on again where
    the service can. Ids of others are passed over. Returns the keys. Call inside write_tx, after the partner's lock."""
    works = (AccessKey.wanted == "active") & AccessKey.phase.in_(("live", "inactive"))
    chosen = works if key_ids is None else works & AccessKey.id.in_(sorted(set(key_ids)))
    accounts = SubAccount.select().where(
        SubAccount.partner == partner_id, SubAccount.id.in_(AccessKey.select(AccessKey.sub_account).where(chosen))
    )
    stopped: list[AccessKey] = []
    for account in locked(accounts.order_by(SubAccount.id)):
        own = AccessKey.select().where(AccessKey.sub_account == account, AccessKey.phase != "deleted")
        now = key_rules.standing(act, account, list(own.order_by(AccessKey.id)))
        ids = {key.id for key in AccessKey.select().where(chosen, AccessKey.sub_account == account)}
        some = [key for key in now.keys if key.id in ids]
        left = any(key.wanted == "active" and key not in some for key in now.keys)
        for key in some:
            _off(act, now, key, act.at + timedelta(days=settings.key_delete_days) if left else None)
        _want(act, account)
        stopped += some
    return stopped


def switch_on(act: Act, partner: Partner, number: str, key_id: int) -> None:
    """The undo of `switch_off`. Raises KeyRefused where the service cannot, and NotFound."""
    with write_tx():
        now, key = _standing(act, partner, number, key_id)
        if key.wanted == "active":
            return
        _say(key_rules.why_not_on(now, key))
        key.wanted, key.inactive_at, key.delete_after_at = "active", None, None
        key.save(only=["wanted", "inactive_at", "delete_after_at"])
        _record(act, "access_key.switched_on", now, key)
        _want(act, now.account)


def delete(act: Act, partner: Partner, number: str, key_id: int) -> None:
    """The key goes for good, and with it, in the same transaction, every sealed copy of its secret: of the initial key
    the provider's (T13). Raises KeyRefused and NotFound."""
    with write_tx():
        now, key = _standing(act, partner, number, key_id, deleted=True)
        if key.wanted == "deleted":
            return
        _say(key_rules.why_not_delete(now, key))
        _delete(act, now, key)
        _want(act, now.account)


def delete_due(act: Act) -> int:
    """Deletes the keys that have been off for as long as was set; returns how many. For the sweep."""
    off = (AccessKey.wanted == "inactive") & (AccessKey.phase == "inactive")
    due = off & (AccessKey.delete_after_at <= act.at) & features.open_to("keys", SubAccount.partner, act.at)
    found = AccessKey.select(AccessKey.id).join(SubAccount).where(due).order_by(AccessKey.id)
    return one_by_one.rows(act, "deletion of access key", found, partial(_delete_due, act))


def _delete_due(act: Act, key_id: int) -> bool:
    """False when it was switched on again, or is deleted."""
    account = SubAccount.select().join(AccessKey).where(AccessKey.id == key_id).get()
    with write_tx():
        now, key = _standing(act, account.partner_id, account.number, key_id, deleted=True)
        due = key.wanted == "inactive" and key.delete_after_at is not None and key.delete_after_at <= act.at
        if due:
            _delete(act, now, key)
            _want(act, now.account)
    return due


def _standing(
    act: Act, partner: Partner | int, number: str, key_id: int, *, deleted: bool = False
) -> tuple[Standing, AccessKey]:
    """The partner's sub-account, locked, its keys, and this one of them. Raises NotFound for what is not theirs, and,
    unless `deleted`, KeyRefused for a key that is deleted."""
    row = SubAccount.select().where(SubAccount.partner == partner, SubAccount.number == number)
    account = locked(row).first()
    if account is None:
        raise NotFound()
    all_keys = list(
        AccessKey.select(AccessKey, hand_over_links.until_column())
        .where(AccessKey.sub_account == account)
        .order_by(AccessKey.id)
    )
    key = next((key for key in all_keys if key.id == key_id), None)
    if key is None:
        raise NotFound()
    if not deleted:
        _refuse_deleted(key)
    return key_rules.standing(act, account, all_keys), key


def _refuse_deleted(key: AccessKey) -> None:
    if key.wanted == "deleted":
        raise KeyRefused(N_("This key is deleted."))


def _off(act: Act, now: Standing, key: AccessKey, delete_after_at: datetime | None) -> None:
    key.wanted, key.inactive_at, key.delete_after_at, key.secret_ct = "inactive", act.at, delete_after_at, None
    key.save(only=["wanted", "inactive_at", "delete_after_at", "secret_ct"])
    hand_over_links.withdraw(act, key)
    _record(act, "access_key.switched_off", now, key, delete_after_at=delete_after_at)


def _delete(act: Act, now: Standing, key: AccessKey) -> None:
    had_copy = key.retained_ct is not None
    key.wanted, key.delete_after_at = "deleted", None
    key.secret_ct = key.retained_ct = key.parked_ct = None
    key.save(only=["wanted", "delete_after_at", "secret_ct", "retained_ct", "parked_ct"])
    hand_over_links.withdraw(act, key)
    _record(act, "access_key.deleted", now, key, provider_copy_destroyed=had_copy)


def _want(act: Act, account: SubAccount) -> None:
    """Makes the sub-account due for the worker."""
    account.generation += 1
    account.phase = account.phase if account.phase in ("pending", "provisioning", "deleting", "deleted") else "updating"
    account.attempts, account.next_attempt_at, account.deadline_at = 0, act.at, deadline(account, act.at)
    account.save(only=["generation", "phase", "attempts", "next_attempt_at", "deadline_at"])


def _record(act: Act, action: str, now: Standing, key: AccessKey, **more: object) -> None:
    after = {"access_key_id": key.access_key_id, **more}
    record(act, action, key, partner=now.account.partner_id, after=after)


def _say(refusal: KeyRefused | None) -> None:
    if refusal is not None:
        raise refusal
