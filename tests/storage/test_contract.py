"""What every backend must do, run against each of them."""

import pytest

from services.secret import Secret
from services.storage.contract import (
    RemoteAccount,
    RemoteKey,
    StorageAbsent,
    StorageConflict,
    StorageRefused,
)
from services.storage.memory import CustomerRefused
from tests.storage.customers import eventually, new_key_id, new_secret


@pytest.fixture
def account(storage, uid):
    """An account with a bucket and an active key."""
    storage.put_account(uid, "marker-1", "Müller & Söhne / main", None)
    storage.put_bucket(uid, f"{uid}-main")
    key_id, secret = new_key_id(), new_secret()
    storage.put_key(uid, key_id, secret)
    eventually(lambda: storage.probe_key(key_id, secret, f"{uid}-main") == "alive")
    return key_id, secret


def test_an_absent_account_reads_as_none(storage, uid):
    assert storage.read_account(uid) is None


def test_an_account_reads_back_as_it_was_put(storage, uid):
    storage.put_account(uid, "marker-1", "Müller & Söhne / main", 10**16)
    assert storage.read_account(uid) == RemoteAccount(uid, "marker-1", "Müller & Söhne / main", 10**16, False, (), ())


def test_putting_an_account_again_changes_nothing(storage, uid):
    for _ in range(2):
        storage.put_account(uid, "marker-1", "Northwind", 5)
    assert storage.read_account(uid) == RemoteAccount(uid, "marker-1", "Northwind", 5, False, (), ())


def test_putting_an_account_brings_it_to_the_new_values_and_keeps_the_rest(storage, uid, account):
    storage.put_suspended(uid, True)
    storage.put_account(uid, "marker-1", "Renamed", 7)
    found = storage.read_account(uid)
    assert (found.display, found.quota_bytes, found.suspended) == ("Renamed", 7, True)
    assert found.keys == (RemoteKey(account[0], True),)
    assert found.buckets == (f"{uid}-main",)


def test_a_stranger_under_the_uid_is_a_conflict_and_stays_untouched(storage, uid):
    storage.put_account(uid, "marker-1", "Northwind", 5)
    with pytest.raises(StorageConflict):
        storage.put_account(uid, "marker-2", "Contoso", 9)
    assert storage.read_account(uid).display == "Northwind"


def test_the_quota_is_absolute_and_none_lifts_it(storage, uid):
    storage.put_account(uid, "marker-1", "Northwind", 5)
    for quota_bytes in (0, 3, 3, None, 10**18):
        storage.put_quota(uid, quota_bytes)
        assert storage.read_account(uid).quota_bytes == quota_bytes


def test_what_needs_an_account_says_that_it_is_absent(storage, uid):
    for call in (
        lambda: storage.put_quota(uid, 1),
        lambda: storage.put_suspended(uid, True),
        lambda: storage.put_bucket(uid, f"{uid}-main"),
        lambda: storage.put_key(uid, new_key_id(), new_secret()),
        lambda: storage.put_key_active(uid, new_key_id(), True),
        lambda: storage.measure(uid),
        lambda: storage.enforce(uid),
    ):
        with pytest.raises(StorageAbsent):
            call()


def test_a_bucket_can_be_put_again(storage, uid):
    storage.put_account(uid, "marker-1", "Northwind", None)
    for name in (f"{uid}-main", f"{uid}-main", f"{uid}-backup"):
        storage.put_bucket(uid, name)
    assert storage.read_account(uid).buckets == (f"{uid}-backup", f"{uid}-main")


def test_a_bucket_of_another_account_is_a_conflict(storage, uid):
    for who in (uid, f"{uid}-other"):
        storage.put_account(who, "marker-1", "Northwind", None)
    storage.put_bucket(uid, f"{uid}-main")
    with pytest.raises(StorageConflict):
        storage.put_bucket(f"{uid}-other", f"{uid}-main")
    assert storage.read_account(f"{uid}-other").buckets == ()


@pytest.mark.parametrize("name", ["", "ab", "Upper-Case", "dots.in.it", "-dash-first", "a/b/c", "x" * 64, "../etc"])
def test_a_name_that_is_no_bucket_name_is_refused(storage, uid, name):
    storage.put_account(uid, "marker-1", "Northwind", None)
    with pytest.raises(StorageRefused):
        storage.put_bucket(uid, name)


def test_a_key_works_as_soon_as_it_is_put(storage, uid, account, customer):
    customer(*account).store(f"{uid}-main", "report.txt", 100)
    found = storage.measure(uid, exact=True)
    assert (found.used_bytes, found.objects) == (100, 1)
    assert found.buckets[0].name == f"{uid}-main"
    assert found.exact


def test_putting_the_same_key_again_changes_nothing(storage, uid, account, customer):
    storage.put_key(uid, *account)
    assert storage.read_account(uid).keys == (RemoteKey(account[0], True),)
    customer(*account).store(f"{uid}-main", "report.txt", 1)


def test_putting_a_known_key_with_another_secret_replaces_the_secret(storage, uid, account):
    key_id, old = account
    new = new_secret()
    storage.put_key(uid, key_id, new)
    eventually(lambda: storage.probe_key(key_id, new, f"{uid}-main") == "alive")
    assert storage.probe_key(key_id, old, f"{uid}-main") == "dead"


def test_replacing_the_secret_of_an_inactive_key_leaves_it_inactive(storage, uid, account):
    storage.put_key_active(uid, account[0], False)
    storage.put_key(uid, account[0], new_secret())
    assert storage.read_account(uid).keys == (RemoteKey(account[0], False),)


def test_a_key_of_another_account_is_a_conflict(storage, uid, account):
    storage.put_account(f"{uid}-other", "marker-1", "Contoso", None)
    with pytest.raises(StorageConflict):
        storage.put_key(f"{uid}-other", account[0], new_secret())
    assert storage.read_account(f"{uid}-other").keys == ()
    assert storage.probe_key(*account, f"{uid}-main") == "alive"


def test_a_service_that_takes_keys_makes_none(storage, uid, account):
    with pytest.raises(StorageRefused):
        storage.new_key(uid)


def test_two_keys_work_side_by_side(storage, uid, account, customer):
    second = (new_key_id(), new_secret())
    storage.put_key(uid, *second)
    eventually(lambda: storage.probe_key(*second, f"{uid}-main") == "alive")
    for number, pair in enumerate((account, second)):
        customer(*pair).store(f"{uid}-main", f"{number}.txt", 1)
    assert {key.id for key in storage.read_account(uid).keys} == {account[0], second[0]}


def test_an_inactive_key_is_dead_and_can_be_switched_on_again(storage, uid, account, customer):
    for _ in range(2):
        storage.put_key_active(uid, account[0], False)
    eventually(lambda: storage.probe_key(*account, f"{uid}-main") == "dead")
    with pytest.raises(CustomerRefused, match="InvalidAccessKeyId"):
        customer(*account).store(f"{uid}-main", "report.txt", 1)
    assert storage.read_account(uid).keys == (RemoteKey(account[0], False),)
    storage.put_key_active(uid, account[0], True)
    eventually(lambda: storage.probe_key(*account, f"{uid}-main") == "alive")


def test_switching_an_unknown_key_says_that_it_is_absent(storage, uid, account):
    with pytest.raises(StorageAbsent):
        storage.put_key_active(uid, new_key_id(), False)


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


def test_suspension_refuses_all_keys_keeps_the_data_and_ends(storage, uid, account, customer):
    customer(*account).store(f"{uid}-main", "kept.txt", 10)
    for _ in range(2):
        storage.put_suspended(uid, True)
    assert storage.read_account(uid).suspended
    eventually(lambda: storage.probe_key(*account, f"{uid}-main") == "suspended")
    with pytest.raises(CustomerRefused):
        customer(*account).store(f"{uid}-main", "more.txt", 1)
    assert storage.measure(uid, exact=True).used_bytes == 10
    storage.put_suspended(uid, False)
    eventually(lambda: storage.probe_key(*account, f"{uid}-main") == "alive")
    customer(*account).store(f"{uid}-main", "more.txt", 1)


def test_a_bucket_put_while_suspended_works_after_resuming(storage, uid, account, customer):
    storage.put_suspended(uid, True)
    storage.put_bucket(uid, f"{uid}-late")
    storage.put_suspended(uid, False)
    eventually(lambda: storage.probe_key(*account, f"{uid}-late") == "alive")
    customer(*account).store(f"{uid}-late", "report.txt", 1)


def test_the_list_holds_all_accounts_with_the_prefix_and_no_others(storage, uid):
    for number in range(3):
        storage.put_account(f"{uid}-{number}", "marker-1", "Northwind", None)
    storage.put_account(f"qq-{uid}", "marker-1", "Northwind", None)
    assert storage.list_accounts(f"{uid}-") == (f"{uid}-0", f"{uid}-1", f"{uid}-2")
    assert storage.list_accounts("no-such-prefix") == ()


def test_use_is_the_sum_of_all_buckets_and_overwriting_counts_once(storage, uid, account, customer):
    storage.put_bucket(uid, f"{uid}-second")
    eventually(lambda: storage.probe_key(*account, f"{uid}-second") == "alive")
    program = customer(*account)
    program.store(f"{uid}-main", "a/b/c.txt", 1000)
    program.store(f"{uid}-main", "a/b/c.txt", 700)
    program.store(f"{uid}-second", "d.txt", 40)
    found = storage.measure(uid, exact=True)
    assert (found.used_bytes, found.objects, found.unfinished_bytes) == (740, 2, 0)
    assert [(one.name, one.used_bytes, one.objects) for one in found.buckets] == [
        (f"{uid}-main", 700, 1),
        (f"{uid}-second", 40, 1),
    ]


def test_purging_removes_data_buckets_keys_and_account_page_by_page(storage, uid, account, customer):
    for number in range(3):
        customer(*account).store(f"{uid}-main", f"dir/{number}.txt", 10)
    removed_objects = removed_bytes = 0
    page = storage.purge(uid)
    while True:
        removed_objects, removed_bytes = removed_objects + page.removed_objects, removed_bytes + page.removed_bytes
        if page.done:
            break
        page = storage.purge(uid, page.cursor)
    assert (removed_objects, removed_bytes) == (3, 30)
    assert storage.read_account(uid) is None
    assert uid not in storage.list_accounts(uid)
    eventually(lambda: storage.probe_key(*account, f"{uid}-main") == "dead")


def test_the_first_page_of_a_purge_kills_the_keys(storage, uid, account, customer):
    customer(*account).store(f"{uid}-main", "report.txt", 10)
    storage.purge(uid)
    eventually(lambda: storage.probe_key(*account, f"{uid}-main") == "dead")


def test_purging_an_absent_account_is_done(storage, uid):
    page = storage.purge(uid)
    assert (page.removed_objects, page.removed_bytes, page.done) == (0, 0, True)


def test_a_purged_bucket_name_can_be_given_to_another_account(storage, uid, account):
    while not storage.purge(uid).done:
        pass
    storage.put_account(f"{uid}-next", "marker-2", "Contoso", None)
    storage.put_bucket(f"{uid}-next", f"{uid}-main")
    assert storage.measure(f"{uid}-next", exact=True).used_bytes == 0


def test_a_service_that_is_well_says_so(storage):
    storage.health()
