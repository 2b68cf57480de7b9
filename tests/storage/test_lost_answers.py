"""A time-out after the effect: the service does its work and the answer is lost, at each exchange of each operation.

Saying the same thing again must lead to the state that was meant, and nothing may be left over."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from services.storage.contract import RemoteAccount, RemoteKey, Storage, StorageUnavailable
from tests.storage.customers import eventually, make_key, new_key_id, new_secret, open_account, purge
from tests.storage.matrix import HOUR, note

MOST_EXCHANGES = 40


@dataclass(frozen=True)
class Case:
    """`prepare` brings the account to where the call is made; its value is what the call and the check are given."""

    call: Callable[[Storage, str, object], object]
    right: Callable[[RemoteAccount | None, object], bool]
    prepare: Callable[[Storage, str], object] = lambda storage, uid: None


def put(storage: Storage, uid: str) -> None:
    storage.put_account(uid, "marker-1", "Northwind", 5)


def put_with_key(storage: Storage, uid: str) -> str:
    put(storage, uid)
    storage.put_bucket(uid, f"{uid}-main")
    return make_key(storage, uid)[0]


def put_with_pair(storage: Storage, uid: str) -> object:
    put(storage, uid)
    return new_key_id(), new_secret()


CASES = {
    "put_account": Case(
        lambda storage, uid, _: storage.put_account(uid, "marker-1", "Northwind", 7),
        lambda found, _: found == RemoteAccount(found.uid, "marker-1", "Northwind", 7, False, (), ()),
    ),
    "put_account, changing": Case(
        lambda storage, uid, _: storage.put_account(uid, "marker-1", "Renamed", 7),
        lambda found, _: (found.display, found.quota_bytes) == ("Renamed", 7),
        put,
    ),
    "put_quota": Case(lambda storage, uid, _: storage.put_quota(uid, 9), lambda found, _: found.quota_bytes == 9, put),
    "put_suspended": Case(
        lambda storage, uid, _: storage.put_suspended(uid, True), lambda found, _: found.suspended, put_with_key
    ),
    "put_bucket": Case(
        lambda storage, uid, _: storage.put_bucket(uid, f"{uid}-main"),
        lambda found, _: found.buckets == (f"{found.uid}-main",),
        put,
    ),
    "delete_key": Case(
        lambda storage, uid, key_id: storage.delete_key(uid, key_id), lambda found, _: found.keys == (), put_with_key
    ),
    "purge": Case(
        lambda storage, uid, _: storage.purge(uid), lambda found, _: found is None or not found.keys, put_with_key
    ),
}
BY_CAPABILITY = {
    "put_key": Case(
        lambda storage, uid, pair: storage.put_key(uid, *pair),
        lambda found, pair: found.keys == (RemoteKey(pair[0], True),),
        put_with_pair,
    ),
    "put_key_active": Case(
        lambda storage, uid, key_id: storage.put_key_active(uid, key_id, False),
        lambda found, key_id: found.keys == (RemoteKey(key_id, False),),
        put_with_key,
    ),
    "put_read_only": Case(
        lambda storage, uid, _: storage.put_read_only(uid, True), lambda found, _: found.read_only, put
    ),
}
CAPABILITY = {"put_key": "key_import", "put_key_active": "key_inactive", "put_read_only": "read_only"}


def losses(lossy, uid: str, case: Case) -> int:
    """How many exchanges the call has; each of them loses its answer once, on an account of its own."""
    for number in range(1, MOST_EXCHANGES):
        own = f"{uid}-{number}"
        given = case.prepare(lossy.direct, own)
        lossy.drops.arm(number)
        try:
            case.call(lossy.storage, own, given)
        except StorageUnavailable:
            lost = True
        else:
            lost = False
        lossy.drops.arm(0)
        case.call(lossy.storage, own, given)
        eventually(lambda own=own, given=given: case.right(lossy.direct.read_account(own), given))
        if not lost:
            purge(lossy.direct, own)
            assert lossy.direct.read_account(own) is None
            return number - 1
    raise AssertionError("more exchanges than a call can have")


@pytest.mark.parametrize("name", CASES)
def test_a_lost_answer_is_an_unavailable_service_and_repeating_heals(request, lossy, uid, name):
    lossy.storage.health()  # signed in: what is lost below belongs to the operation
    assert losses(lossy, uid, CASES[name]) >= 1
    note(request, name.partition(",")[0], "lost")


@pytest.mark.parametrize("name", BY_CAPABILITY)
def test_a_lost_answer_heals_where_the_operation_exists(request, lossy, uid, name):
    if getattr(lossy.direct.capabilities, CAPABILITY[name]):
        lossy.storage.health()
        assert losses(lossy, uid, BY_CAPABILITY[name]) >= 1
        note(request, name, "lost")


def test_a_key_whose_answer_was_lost_is_seen_and_deleted(request, lossy, uid):
    """The one call that cannot be repeated: the secret is gone, so the key has to go too."""
    if lossy.direct.capabilities.key_import:
        return
    put(lossy.direct, uid)
    for number in range(1, MOST_EXCHANGES):
        lossy.drops.arm(number)
        try:
            lossy.storage.new_key(uid)
        except StorageUnavailable:
            for key in lossy.direct.read_account(uid).keys:
                lossy.direct.delete_key(uid, key.id)
        else:
            break
    lossy.drops.arm(0)
    assert number > 1
    assert len(lossy.direct.read_account(uid).keys) == 1
    note(request, "new_key", "lost")


QUESTIONS = {
    "read_account": lambda storage, uid, key: storage.read_account(uid),
    "list_accounts": lambda storage, uid, key: storage.list_accounts(uid),
    "measure": lambda storage, uid, key: storage.measure(uid),
    "enforce": lambda storage, uid, key: storage.enforce(uid),
    "probe_key": lambda storage, uid, key: storage.probe_key(*key, f"{uid}-main"),
    "health": lambda storage, uid, key: storage.health(),
    "traffic": lambda storage, uid, key: storage.traffic(*HOUR, uid),
    "last_used": lambda storage, uid, key: storage.last_used(uid, key[0]),
    "read_secret": lambda storage, uid, key: storage.read_secret(uid, key[0]).reveal(),
}


@pytest.mark.parametrize("operation", QUESTIONS)
def test_a_lost_answer_to_a_question_is_never_taken_for_an_empty_one(request, lossy, uid, operation):
    """Asked again it is answered as if nothing had been."""
    if operation in Storage.OPTIONAL and not getattr(lossy.direct.capabilities, Storage.OPTIONAL[operation]):
        return
    key = open_account(lossy.direct, uid)
    lossy.storage.health()
    for number in range(1, MOST_EXCHANGES):
        lossy.drops.arm(number)
        try:
            QUESTIONS[operation](lossy.storage, uid, key)
        except StorageUnavailable:
            continue
        break
    assert number > 1
    lossy.drops.arm(0)
    assert QUESTIONS[operation](lossy.storage, uid, key) == QUESTIONS[operation](lossy.direct, uid, key)
    note(request, operation, "lost")
