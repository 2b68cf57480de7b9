"""What must be true after every test, whatever happened in it: each promise of the portal with its own question."""

from collections import Counter, defaultdict

from models.audit import AuditEvent
from models.contract import AllocationEntry, Contract
from models.sub_account import AccessKey, SubAccount
from services.secret import Vault
from services.storage.memory import MemoryStorage


def check_books() -> None:
    """Counter, rows and ledger of every contract say the same, within what it holds; each ledger line has its trail."""
    for contract in Contract.select():
        rows = list(SubAccount.select().where(SubAccount.contract == contract))
        lines = list(AllocationEntry.select().where(AllocationEntry.contract == contract).order_by(AllocationEntry.id))
        of_rows = sum(row.allocated_bytes for row in rows)
        of_ledger = sum(line.after_bytes - line.before_bytes for line in lines)
        assert contract.allocated_bytes == of_rows == of_ledger, f"{contract.number}: counter, rows, ledger differ"
        bounded = contract.kind == "reserved" and not contract.allow_overdraft
        assert not bounded or contract.allocated_bytes <= contract.reserved_bytes, f"{contract.number} is overdrawn"
        _check_chains(rows, lines)
    _check_trail()
    _check_owners()


def _check_chains(rows: list[SubAccount], lines: list[AllocationEntry]) -> None:
    """Every line of a sub-account begins where the one before it ended: no update was lost."""
    stands: dict[int, int] = defaultdict(int)
    for line in lines:
        assert line.before_bytes == stands[line.sub_account_id], f"ledger line {line.id} begins elsewhere"
        stands[line.sub_account_id] = line.after_bytes
    for row in rows:
        assert stands[row.id] == row.allocated_bytes, f"{row.name} is not where its ledger ends"


def _check_trail() -> None:
    """Exactly one audit row for each ledger line."""
    numbers = dict(SubAccount.select(SubAccount.id, SubAccount.number).tuples())
    wanted = Counter(
        (f"allocation.{line.cause}", numbers[line.sub_account_id], line.batch, line.before_bytes, line.after_bytes)
        for line in AllocationEntry.select()
    )
    found = Counter(
        (
            event.action,
            event.thing_id,
            event.after["batch"],
            event.before["allocated_bytes"],
            event.after["allocated_bytes"],
        )
        for event in AuditEvent.select().where(AuditEvent.action.startswith("allocation."))
    )
    assert found == wanted


def _check_owners() -> None:
    for row in SubAccount.select(SubAccount, Contract).join(Contract):
        assert row.partner_id == row.contract.partner_id, f"{row.name} joins two partners"


def check_storage(storage: MemoryStorage, vault: Vault) -> None:
    """No orphan on the storage service, nothing promised that is missing there, never more than the package."""
    rows = {row.remote_uid: row for row in SubAccount.select()}
    for uid, account in storage._state.items():
        row = rows.get(uid)
        if row is None or account.marker != row.public_id:
            continue  # strangers are put there by tests
        noted_bytes = row.observed_quota_bytes
        held = account.quota_bytes
        assert held is None or (noted_bytes is not None and held <= noted_bytes), f"{row.name} holds more than noted"
    for contract in Contract.select().where(Contract.kind == "reserved", ~Contract.allow_overdraft):
        mine = [row for row in rows.values() if row.contract_id == contract.id]
        noted_bytes = sum(row.observed_quota_bytes or 0 for row in mine)
        assert noted_bytes <= contract.reserved_bytes, f"{contract.number}: more was noted than it holds"
    for row in rows.values():
        if row.settled:
            (_check_gone if row.phase == "deleted" else _check_settled)(storage, vault, row)


def _check_gone(storage: MemoryStorage, _vault: Vault, row: SubAccount) -> None:
    """Deleted means deleted: there, and of what was kept here."""
    assert row.remote_uid not in storage._state, f"{row.name} is called deleted and stands there"
    assert (row.allocated_bytes, row.observed_quota_bytes, row.used_bytes) == (0, None, 0)
    for key in AccessKey.select().where(AccessKey.sub_account == row):
        assert (key.wanted, key.phase) == ("deleted", "deleted")
        assert not (key.secret_ct or key.retained_ct or key.parked_ct), f"{row.name}: a secret is kept"


def _check_settled(storage: MemoryStorage, vault: Vault, row: SubAccount) -> None:
    account = storage._state[row.remote_uid]
    assert account.quota_bytes == row.hard_quota_bytes == row.observed_quota_bytes, f"{row.name}: another quota there"
    assert row.in_force_bytes == row.allocated_bytes, f"{row.name}: settled, and another amount in force"
    assert account.suspended == (row.wanted_state == "suspended")
    assert row.main_bucket in account.buckets
    keys = list(
        AccessKey.select().where(AccessKey.sub_account == row, AccessKey.phase.not_in(("attention", "deleted")))
    )
    if not storage.capabilities.key_inactive:  # there a key is off by being absent
        keys = [key for key in keys if key.wanted == "active"]
    assert sorted(account.keys) == sorted(key.access_key_id for key in keys), f"{row.name}: other keys there"
    for key in keys:
        there = account.keys[key.access_key_id]
        assert there.active == (key.wanted == "active") == (key.phase == "live")
        if key.retained_ct or key.secret_ct:
            assert vault.open(key.retained_ct or key.secret_ct) == there.secret, f"{row.name}: another secret there"
