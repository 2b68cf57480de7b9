"""What may be done with each key of a sub-account now, and why not: the page offers what these rules allow, and the
acts of `key_rotation` refuse what they do not."""

from dataclasses import dataclass
from datetime import datetime

from models.sub_account import AccessKey, Region, SubAccount
from services import access_keys, flow_down_keys, hand_over_links
from services.audit import Act
from services.refusal import N_, Refusal

MOST_KEYS = 2


class KeyRefused(Refusal):
    """No key was made, switched or deleted."""


@dataclass(frozen=True)
class Standing:
    """A sub-account with its keys that are not deleted, oldest first, as `act` finds them. `links`: by key id, until
    when an open hand-over link works."""

    act: Act
    account: SubAccount
    region: Region
    keys: list[AccessKey]
    links: dict[int, datetime]


@dataclass(frozen=True)
class Offer:
    """One key and what can be done with it now. `missed`: its secret was never shown and can no longer be;
    `elsewhere`: another log-in can still show it; `held`: it waits for the customer's agreement (T2)."""

    key: AccessKey
    age_days: int
    may_show: bool
    missed: bool
    elsewhere: bool
    may_replace: bool
    may_switch_off: bool
    may_switch_on: bool
    may_delete: bool
    may_hand_over: bool
    handed_until_at: datetime | None
    held: bool


def standing(act: Act, account: SubAccount, keys: list[AccessKey]) -> Standing:
    """The account's region is loaded, or loaded now."""
    kept = [key for key in keys if key.wanted != "deleted"]
    return Standing(act, account, account.region, kept, hand_over_links.open_until(act.at, kept))


def offers(act: Act, account: SubAccount, keys: list[AccessKey]) -> list[Offer]:
    """The keys that are not deleted, with what each allows to whoever acts."""
    now = standing(act, account, keys)
    held = why_held(now) is not None
    return [_offer(now, key, held) for key in now.keys]


def rotation(offers: list[Offer]) -> tuple[str, ...]:
    """How far the replacement is: making, handing over, switching off and deleting are each "done", "current" or
    "todo". Empty while none is under way, also when the new key is the one that was switched off."""
    if len(offers) < MOST_KEYS:
        return ()
    old, new = offers[0].key, offers[-1].key
    if new.wanted != "active" or new.phase == "attention":
        return ()
    if new.phase == "pending" or offers[-1].missed:
        at = 0
    elif new.revealed_at is None:
        at = 1
    else:
        at = 2 if old.phase != "inactive" else 3
    return tuple("done" if step < at else "current" if step == at else "todo" for step in range(4))


def _offer(now: Standing, key: AccessKey, held: bool) -> Offer:
    may_show, gone = access_keys.may_show(now.act, key) and not held, missed(now, key)
    new = key.origin == "rotation" and key.phase == "live" and key.revealed_at is None
    return Offer(
        key=key,
        age_days=(now.act.at - key.created_at).days,
        may_show=may_show,
        missed=gone,
        elsewhere=new and not gone and not may_show and key.id not in now.links,
        may_replace=not held and why_not_replace(now, key) is None,
        may_switch_off=why_not_off(now, key) is None,
        may_switch_on=why_not_on(now, key) is None,
        may_delete=why_not_delete(now, key) is None,
        may_hand_over=may_show and key.wanted == "active",
        handed_until_at=now.links.get(key.id),
        held=held,
    )


def why_held(now: Standing) -> KeyRefused | None:
    """The words against making or showing a key before the customer has agreed, or None (T2)."""
    return KeyRefused(flow_down_keys.HELD) if flow_down_keys.held(now.account.id, now.act.at) else None


def why_not_replace(now: Standing, key: AccessKey) -> KeyRefused | None:
    """The words against a second key beside this one, or None: rotation in provisioning.md, at most MOST_KEYS."""
    if why := _closed(now):
        return why
    if any(other.phase == "pending" for other in now.keys):
        return KeyRefused(N_("A new key is being made already. It appears here in a moment."))
    if key.wanted != "active" and any(other.wanted == "active" for other in now.keys):
        return KeyRefused(N_("This key is switched off. Switch it on again before you replace it."))
    if len([other for other in now.keys if not missed(now, other)]) >= MOST_KEYS:
        return KeyRefused(N_("There are two keys already. Switch the old one off and delete it first."))
    return None


def why_not_off(now: Standing, key: AccessKey) -> KeyRefused | None:
    """The words against switching it off, or None: a key that somebody has must be left that works."""
    if why := _closed(now):
        return why
    if key.phase != "live" or key.wanted != "active":
        return KeyRefused(N_("Only a key that works can be switched off."))
    if key.origin == "rotation" and key.revealed_at is None and key.id not in now.links:
        return KeyRefused(N_("Nobody has the secret of this key. Switch off the one that it replaces."))
    others = [other for other in now.keys if other is not key and other.phase == "live" and other.wanted == "active"]
    if not others:
        return KeyRefused(N_("This is the only key that works. Replace it first, so that the customer can go on."))
    if not any(other.revealed_at for other in others):
        return KeyRefused(N_("Nobody has the secret of the new key yet. Show it or hand it over first."))
    return None


def why_not_on(now: Standing, key: AccessKey) -> KeyRefused | None:
    """The words against switching it on again, or None: not every storage service can."""
    if why := _closed(now):
        return why
    if key.wanted != "inactive":
        return KeyRefused(N_("This key is not switched off."))
    if not now.region.keys_return:
        return KeyRefused(N_("This storage service cannot switch a key on again. Replace the other key instead."))
    return None


def why_not_delete(now: Standing, key: AccessKey) -> KeyRefused | None:
    """The words against deleting it, or None: it was off before, or nobody ever had it."""
    if why := _closed(now):
        return why
    if key.wanted == "inactive" and key.phase != "inactive":
        return KeyRefused(N_("The key is being switched off. Try again in a moment."))
    if key.wanted != "inactive" and key.phase != "attention" and not missed(now, key):
        return KeyRefused(N_("Switch the key off first. Then you see whether something still uses it."))
    if len(now.keys) == 1:
        return KeyRefused(N_("This is the only key. Replace it first."))
    return None


def _closed(now: Standing) -> KeyRefused | None:
    """Keys of a sub-account that is paused or being deleted stay as they are."""
    if now.account.wanted_state == "active":
        return None
    return KeyRefused(N_("This sub-account is paused or being deleted. Its keys stay as they are until it is active."))


def missed(now: Standing, key: AccessKey) -> bool:
    """A new key whose secret nobody has and nobody can get any more."""
    unseen = key.origin == "rotation" and key.phase == "live" and key.wanted == "active" and key.revealed_at is None
    if not unseen:
        return False
    kept = key.secret_ct is not None and key.reveal_until_at is not None and now.act.at < key.reveal_until_at
    return not kept and key.id not in now.links
