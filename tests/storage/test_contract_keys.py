"""Keys: what every backend must do with them, by what it says it can."""

import pytest

from services.secret import Secret
from services.storage.contract import RemoteKey, StorageAbsent, StorageConflict, StorageRefused
from services.storage.memory import CustomerRefused
from tests.storage.customers import eventually, make_key, new_key_id, new_secret, open_account


@pytest.fixture
def account(storage, uid):
    """An account with a bucket and an active key."""
    return open_account(storage, uid)


@pytest.fixture
def takes_keys(storage) -> bool:
    """Whether the portal chooses the pairs; otherwise the service does."""
    return storage.capabilities.key_import


def test_a_key_works_as_soon_as_it_is_put(storage, uid, account, customer):
    customer(*account).store(f"{uid}-main", "report.txt", 100)
    found = storage.measure(uid, exact=True)
    assert (found.used_bytes, found.objects) == (100, 1)
    assert found.buckets[0].name == f"{uid}-main"
    assert found.exact


def test_either_the_portal_or_the_service_chooses_pairs(storage, uid, account, takes_keys):
    before = storage.read_account(uid).keys
    with pytest.raises(StorageRefused):
        storage.new_key(uid) if takes_keys else storage.put_key(uid, new_key_id(), new_secret())
    assert storage.read_account(uid).keys == before


def test_putting_the_same_key_again_changes_nothing(storage, uid, account, customer, takes_keys):
    if takes_keys:
        storage.put_key(uid, *account)
    assert storage.read_account(uid).keys == (RemoteKey(account[0], True),)
    customer(*account).store(f"{uid}-main", "report.txt", 1)


def test_putting_a_known_key_with_another_secret_replaces_the_secret(storage, uid, account, takes_keys):
    (key_id, old), new = account, new_secret()
    if not takes_keys:
        assert storage.probe_key(key_id, new, f"{uid}-main") == "dead"
        return
    storage.put_key(uid, key_id, new)
    eventually(lambda: storage.probe_key(key_id, new, f"{uid}-main") == "alive")
    assert storage.probe_key(key_id, old, f"{uid}-main") == "dead"


def test_replacing_the_secret_of_an_inactive_key_leaves_it_inactive(storage, uid, account, takes_keys):
    if not (takes_keys and storage.capabilities.key_inactive):
        assert storage.read_account(uid).keys == (RemoteKey(account[0], True),)
        return
    storage.put_key_active(uid, account[0], False)
    storage.put_key(uid, account[0], new_secret())
    assert storage.read_account(uid).keys == (RemoteKey(account[0], False),)


def test_a_key_of_another_account_is_a_conflict(storage, uid, account, takes_keys):
    storage.put_account(f"{uid}-other", "marker-1", "Contoso", None)
    with pytest.raises(StorageConflict if takes_keys else StorageRefused):
        storage.put_key(f"{uid}-other", account[0], new_secret())
    assert storage.read_account(f"{uid}-other").keys == ()
    assert storage.probe_key(*account, f"{uid}-main") == "alive"


def test_a_key_that_was_deleted_can_be_put_again_where_the_portal_chooses_pairs(storage, uid, account, takes_keys):
    """What "inactive" means where a key cannot be switched off."""
    storage.delete_key(uid, account[0])
    eventually(lambda: storage.probe_key(*account, f"{uid}-main") == "dead")
    if takes_keys:
        storage.put_key(uid, *account)
        eventually(lambda: storage.probe_key(*account, f"{uid}-main") == "alive")


def test_a_lost_answer_to_making_a_key_shows_as_an_unknown_id_that_can_be_deleted(storage, uid, account, takes_keys):
    if takes_keys:
        return
    lost = storage.new_key(uid)
    unknown = {key.id for key in storage.read_account(uid).keys} - {account[0]}
    assert unknown == {lost.id}
    storage.delete_key(uid, lost.id)
    assert storage.read_account(uid).keys == (RemoteKey(account[0], True),)


def test_an_account_has_at_most_as_many_keys_as_the_service_says(storage, uid, account):
    most = storage.capabilities.max_keys or 4
    for _ in range(most - 1):
        make_key(storage, uid)
    assert len(storage.read_account(uid).keys) == most
    if storage.capabilities.max_keys:
        with pytest.raises(StorageRefused):
            make_key(storage, uid)
        assert len(storage.read_account(uid).keys) == most


def test_two_keys_work_side_by_side(storage, uid, account, customer):
    second = make_key(storage, uid)
    eventually(lambda: storage.probe_key(*second, f"{uid}-main") == "alive")
    for number, pair in enumerate((account, second)):
        customer(*pair).store(f"{uid}-main", f"{number}.txt", 1)
    assert {key.id for key in storage.read_account(uid).keys} == {account[0], second[0]}


def test_an_inactive_key_is_dead_and_can_be_switched_on_again(storage, uid, account, customer):
    if not storage.capabilities.key_inactive:
        with pytest.raises(StorageRefused):
            storage.put_key_active(uid, account[0], False)
        assert storage.probe_key(*account, f"{uid}-main") == "alive"
        return
    for _ in range(2):
        storage.put_key_active(uid, account[0], False)
    eventually(lambda: storage.probe_key(*account, f"{uid}-main") == "dead")
    with pytest.raises(CustomerRefused, match="InvalidAccessKeyId"):
        customer(*account).store(f"{uid}-main", "report.txt", 1)
    assert storage.read_account(uid).keys == (RemoteKey(account[0], False),)
    storage.put_key_active(uid, account[0], True)
    eventually(lambda: storage.probe_key(*account, f"{uid}-main") == "alive")


def test_switching_an_unknown_key_or_one_of_an_absent_account_is_refused(storage, uid, account):
    absent = StorageAbsent if storage.capabilities.key_inactive else StorageRefused
    for who in (uid, f"{uid}-absent"):
        with pytest.raises(absent):
            storage.put_key_active(who, new_key_id(), False)


def test_a_deleted_key_is_dead_and_deleting_it_again_is_success(storage, uid, account):
    for _ in range(2):
        storage.delete_key(uid, account[0])
    eventually(lambda: storage.probe_key(*account, f"{uid}-main") == "dead")
    assert storage.read_account(uid).keys == ()
    storage.delete_key(f"{uid}-absent", account[0])


def test_deleting_a_key_through_another_account_leaves_it_alone(storage, uid, account):
    storage.put_account(f"{uid}-other", "marker-1", "Contoso", None)
    storage.delete_key(f"{uid}-other", account[0])
    assert storage.probe_key(*account, f"{uid}-main") == "alive"


def test_an_unknown_key_and_a_wrong_secret_are_dead(storage, uid, account):
    assert storage.probe_key(new_key_id(), account[1], f"{uid}-main") == "dead"
    assert storage.probe_key(account[0], Secret("not-the-secret"), f"{uid}-main") == "dead"
