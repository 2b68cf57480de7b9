"""What every backend must do, run against each of them."""

import pytest

from services.storage.contract import RemoteAccount, RemoteKey, StorageAbsent, StorageConflict, StorageRefused
from services.storage.memory import CustomerRefused
from tests.storage.customers import eventually, make_key, open_account, purge


@pytest.fixture
def account(storage, uid):
    """An account with a bucket and an active key."""
    return open_account(storage, uid)


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
        lambda: make_key(storage, uid),
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


def test_a_bucket_name_is_unique_within_what_the_service_says(storage, uid):
    for who in (uid, f"{uid}-other"):
        storage.put_account(who, "marker-1", "Northwind", None)
    storage.put_bucket(uid, f"{uid}-main")
    if storage.capabilities.bucket_names == "account":
        storage.put_bucket(f"{uid}-other", f"{uid}-main")
        assert storage.read_account(f"{uid}-other").buckets == (f"{uid}-main",)
    else:
        with pytest.raises(StorageConflict):
            storage.put_bucket(f"{uid}-other", f"{uid}-main")
        assert storage.read_account(f"{uid}-other").buckets == ()
    assert storage.read_account(uid).buckets == (f"{uid}-main",)


@pytest.mark.parametrize("name", ["", "ab", "Upper-Case", "dots.in.it", "-dash-first", "a/b/c", "x" * 64, "../etc"])
def test_a_name_that_is_no_bucket_name_is_refused(storage, uid, name):
    storage.put_account(uid, "marker-1", "Northwind", None)
    with pytest.raises(StorageRefused):
        storage.put_bucket(uid, name)


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
    purge(storage, uid)
    storage.put_account(f"{uid}-next", "marker-2", "Contoso", None)
    storage.put_bucket(f"{uid}-next", f"{uid}-main")
    assert storage.measure(f"{uid}-next", exact=True).used_bytes == 0


def test_a_service_that_is_well_says_so(storage):
    storage.health()
