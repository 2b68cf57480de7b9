"""The storage in memory misbehaves as it is told."""

import threading
import time

import pytest

from services.secret import Secret
from services.storage import StorageConflict, StorageRefused, StorageUnavailable, open_storage
from services.storage.contract import Storage
from services.storage.memory import CustomerRefused, MemoryStorage


@pytest.fixture
def memory():
    storage = MemoryStorage()
    storage.put_account("pp-1", "marker-1", "Northwind", 100)
    storage.put_bucket("pp-1", "pp-1-main")
    storage.put_key("pp-1", "AK1", Secret("first"))
    return storage


def test_a_failing_call_does_nothing_and_the_next_one_works(memory):
    memory.fail("put_quota", times=2)
    for _ in range(2):
        with pytest.raises(StorageUnavailable):
            memory.put_quota("pp-1", 50)
    assert memory.read_account("pp-1").quota_bytes == 100
    memory.put_quota("pp-1", 50)
    assert memory.read_account("pp-1").quota_bytes == 50


def test_any_error_can_be_asked_for(memory):
    memory.fail("put_key", error=StorageConflict("somebody else has it"))
    with pytest.raises(StorageConflict, match="somebody else"):
        memory.put_key("pp-1", "AK2", Secret("second"))


def test_everything_can_fail_until_it_recovers(memory):
    memory.fail("*", times=100)
    with pytest.raises(StorageUnavailable):
        memory.health()
    memory.recover()
    memory.health()


@pytest.mark.parametrize(
    ("operation", "call", "happened"),
    [
        ("put_account", lambda m: m.put_account("pp-2", "m", "d", 1), lambda m: m.read_account("pp-2") is not None),
        ("put_quota", lambda m: m.put_quota("pp-1", 7), lambda m: m.read_account("pp-1").quota_bytes == 7),
        ("put_suspended", lambda m: m.put_suspended("pp-1", True), lambda m: m.read_account("pp-1").suspended),
        ("put_bucket", lambda m: m.put_bucket("pp-1", "abc"), lambda m: "abc" in m.read_account("pp-1").buckets),
        ("put_key", lambda m: m.put_key("pp-1", "AK2", Secret("x")), lambda m: len(m.read_account("pp-1").keys) == 2),
        ("delete_key", lambda m: m.delete_key("pp-1", "AK1"), lambda m: m.read_account("pp-1").keys == ()),
        ("purge", lambda m: m.purge("pp-1"), lambda m: m.read_account("pp-1") is None),
    ],
)
def test_a_dropped_answer_leaves_the_effect_and_repeating_is_harmless(memory, operation, call, happened):
    memory.drop_answer(operation)
    with pytest.raises(StorageUnavailable):
        call(memory)
    assert happened(memory)
    call(memory)
    assert happened(memory)


def test_a_dropped_answer_to_new_key_leaves_a_key_whose_secret_nobody_has():
    memory = MemoryStorage(key_import=False)
    memory.put_account("pp-1", "marker-1", "Northwind", None)
    memory.drop_answer("new_key")
    with pytest.raises(StorageUnavailable):
        memory.new_key("pp-1")
    assert len(memory.read_account("pp-1").keys) == 1
    pair = memory.new_key("pp-1")
    assert pair.id in {key.id for key in memory.read_account("pp-1").keys}


def test_reads_can_answer_with_old_state(memory):
    memory.answer_old(times=2)
    memory.put_quota("pp-1", 1)
    assert memory.read_account("pp-1").quota_bytes == 100
    assert memory.list_accounts("pp-") == ("pp-1",)
    assert memory.read_account("pp-1").quota_bytes == 1


def test_a_slow_call_takes_its_time_and_does_not_hold_up_others(memory):
    memory.slow("put_quota", 0.3)
    slow = threading.Thread(target=lambda: memory.put_quota("pp-1", 5))
    began = time.monotonic()
    slow.start()
    memory.read_account("pp-1")
    assert time.monotonic() - began < 0.2
    slow.join()
    assert time.monotonic() - began >= 0.3
    assert memory.read_account("pp-1").quota_bytes == 5


def test_calls_are_recorded_without_secrets(memory):
    assert [call.operation for call in memory.calls] == ["put_account", "put_bucket", "put_key"]
    assert memory.called("put_key")[0].arguments[:2] == ("pp-1", "AK1")
    assert "first" not in repr(memory.calls)


def test_use_can_be_set_and_a_full_account_refuses_a_customer(memory):
    memory.set_use("pp-1", used_bytes=90, objects=3)
    found = memory.measure("pp-1")
    assert (found.used_bytes, found.objects, found.buckets[0].used_bytes) == (90, 3, 90)
    memory.store("AK1", Secret("first"), "pp-1-main", "a", 10)
    with pytest.raises(CustomerRefused, match="QuotaExceeded"):
        memory.store("AK1", Secret("first"), "pp-1-main", "b", 1)


def test_a_customer_is_refused_on_foreign_and_missing_buckets(memory):
    memory.put_account("pp-2", "marker-2", "Contoso", None)
    memory.put_bucket("pp-2", "pp-2-main")
    for bucket, code in (("pp-2-main", "AccessDenied"), ("no-such", "NoSuchBucket")):
        with pytest.raises(CustomerRefused, match=code):
            memory.store("AK1", Secret("first"), bucket, "a", 1)


def test_a_large_account_is_purged_in_pages(memory):
    memory.page_objects = 2
    for number in range(5):
        memory.store("AK1", Secret("first"), "pp-1-main", f"{number}", 10)
    pages = [memory.purge("pp-1")]
    while not pages[-1].done:
        pages.append(memory.purge("pp-1", pages[-1].cursor))
    assert [page.removed_objects for page in pages] == [2, 2, 1]


def test_retention_stops_a_purge_until_its_date(memory):
    from datetime import UTC, datetime

    until = datetime(2030, 1, 1, tzinfo=UTC)
    memory.lock_until("pp-1", until)
    page = memory.purge("pp-1")
    assert (page.done, page.locked_until) == (False, until)
    memory.lock_until("pp-1", None)
    assert memory.purge("pp-1").done


def test_capabilities_can_be_chosen():
    with pytest.raises(StorageRefused):
        MemoryStorage(key_inactive=False).put_key_active("pp-1", "AK1", False)
    with pytest.raises(ValueError, match="quota_delay_seconds"):
        MemoryStorage(hard_quota="delayed")


def test_many_threads_do_not_disturb_each_other(memory):
    def fill(number: int) -> None:
        for one in range(50):
            memory.put_account(f"pp-t-{number}-{one}", "marker", "Northwind", one)

    threads = [threading.Thread(target=fill, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(memory.list_accounts("pp-t-")) == 400


def test_every_operation_of_the_contract_is_recorded_and_can_fail():
    assert set(Storage.OPERATIONS) == Storage.__abstractmethods__
    assert isinstance(open_storage("memory:"), MemoryStorage)
