"""Every operation of the contract on every backend: said again, said of what is not there, said of somebody else's.

What happens when the answer is lost is in test_lost_answers.py; both fill one table, which is printed at the end."""

from collections.abc import Callable

import pytest

from services.storage.contract import KeyPair, Storage, StorageAbsent, StorageConflict, StorageRefused
from services.storage.rgw_names import user_of
from tests.storage.customers import new_key_id, new_secret, open_account, purge
from tests.storage.matrix import HOUR, OPERATIONS, can, note

ABSENT = (
    "put_quota", "put_suspended", "put_bucket", "put_key", "new_key", "put_key_active", "measure", "enforce",
    "last_used", "put_read_only", "read_secret",
)  # fmt: skip
NOTHING = {"read_account": None, "list_accounts": (), "traffic": {}, "probe_key": "dead", "delete_key": None}
CONFLICTS = ("put_account", "put_bucket", "put_key", "purge")


@pytest.fixture
def key(storage, uid):
    """The pair of an account with one bucket."""
    return open_account(storage, uid)


def calls(storage: Storage, uid: str, key) -> dict[str, Callable]:
    """Each operation with arguments that suit; what changes something brings it to another value than it has."""
    pair = (new_key_id(), new_secret())
    return {
        "read_account": lambda: storage.read_account(uid),
        "put_account": lambda: storage.put_account(uid, "marker-1", "Renamed", 10**9),
        "put_quota": lambda: storage.put_quota(uid, 10**9),
        "put_suspended": lambda: storage.put_suspended(uid, True),
        "put_bucket": lambda: storage.put_bucket(uid, f"{uid}-second"),
        "put_key": lambda: storage.put_key(uid, *pair),
        "new_key": lambda: storage.new_key(uid),
        "put_key_active": lambda: storage.put_key_active(uid, key[0], False),
        "delete_key": lambda: storage.delete_key(uid, key[0]),
        "list_accounts": lambda: storage.list_accounts(uid),
        "measure": lambda: storage.measure(uid),
        "enforce": lambda: storage.enforce(uid),
        "purge": lambda: purge(storage, uid),
        "probe_key": lambda: storage.probe_key(*key, f"{uid}-main"),
        "health": storage.health,
        "traffic": lambda: storage.traffic(*HOUR, uid),
        "last_used": lambda: storage.last_used(uid, key[0]),
        "put_read_only": lambda: storage.put_read_only(uid, True),
        "read_secret": lambda: storage.read_secret(uid, key[0]).reveal(),
    }


def test_every_operation_is_in_the_table(storage, uid):
    assert set(calls(storage, uid, ("", None))) == set(OPERATIONS)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_saying_it_again_leaves_the_same_state(request, storage, uid, key, operation):
    call = calls(storage, uid, key)[operation]
    if not can(storage, operation):
        before = storage.read_account(uid)
        with pytest.raises(StorageRefused):
            call()
        assert storage.read_account(uid) == before
        note(request, operation, "refused")
        return
    if operation == "new_key":
        storage.delete_key(uid, key[0])  # some services hold two at most
    first, once = call(), storage.read_account(uid)
    again, twice = call(), storage.read_account(uid)
    if isinstance(first, KeyPair):  # the one call that is not repeatable: a second pair, and the first goes on working
        assert {found.id for found in twice.keys} - {found.id for found in once.keys} == {again.id}
    else:
        assert (first, once) == (again, twice)
    note(request, operation, "repeated")


@pytest.mark.parametrize("operation", [name for name in OPERATIONS if name not in ("put_account", "health")])
def test_of_an_account_that_is_not_there_it_says_so_and_makes_none(request, storage, uid, operation):
    if not can(storage, operation):
        return
    call = calls(storage, uid, (new_key_id(), new_secret()))[operation]
    if operation in ABSENT:
        with pytest.raises(StorageAbsent):
            call()
    elif operation == "purge":
        page = storage.purge(uid)
        assert (page.removed_objects, page.removed_bytes, page.done) == (0, 0, True)
    else:
        assert call() == NOTHING[operation]
    assert storage.read_account(uid) is None
    note(request, operation, "absent")


@pytest.mark.parametrize("operation", ["put_key_active", "last_used", "read_secret"])
def test_of_a_key_that_is_not_there_it_says_so(storage, uid, key, operation):
    if can(storage, operation):
        with pytest.raises(StorageAbsent):
            calls(storage, uid, (new_key_id(), new_secret()))[operation]()


@pytest.mark.parametrize("operation", CONFLICTS)
def test_what_belongs_to_somebody_else_is_a_conflict_and_stays_untouched(request, storage, uid, key, operation):
    other = f"{uid}-other"
    if operation == "purge":
        conflict = stranger(request, storage, other)
    elif operation == "put_account":
        conflict, other = lambda: storage.put_account(uid, "marker-2", "Contoso", 9), uid
    else:
        storage.put_account(other, "marker-2", "Contoso", None)
        names = {"put_key": lambda: storage.put_key(other, key[0], new_secret())}
        conflict = names.get(operation, lambda: storage.put_bucket(other, f"{uid}-main"))
    own_namespace = operation == "put_bucket" and storage.capabilities.bucket_names == "account"
    if conflict is None or own_namespace or not can(storage, operation):
        return
    before = storage.read_account(uid), storage.read_account(other)
    with pytest.raises(StorageConflict):
        conflict()
    assert (storage.read_account(uid), storage.read_account(other)) == before
    assert storage.probe_key(*key, f"{uid}-main") == "alive"
    note(request, operation, "conflict")


def stranger(request, storage: Storage, uid: str) -> Callable | None:
    """Puts an account there that the portal did not make; None in memory, where there is no other way in."""
    backend = request.node.callspec.params["storage"]
    if backend.startswith("memory"):
        return None
    if backend == "seaweedfs":
        storage._admin.post("users", body={"username": uid})
    elif backend == "rgw":
        storage._admin.put("user", uid=user_of(uid), display_name="Somebody", generate_key=False)
    else:
        storage._iam.ask("create_user", UserName=uid, Path="/portal/")
    return lambda: storage.purge(uid)
