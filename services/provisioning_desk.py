"""An operator's hand on what the worker could not finish by itself (provisioning.md, staff see)."""

from models.base import locked, write_tx
from models.contract import Contract
from models.deletion import Deletion
from models.drift import Drift
from models.sub_account import AccessKey, SubAccount
from services import drift_findings as findings
from services import key_switching
from services.allocation import Change, rebalance
from services.allocation_ledger import new_batch
from services.audit import Act, record
from services.purging import deadline
from services.refusal import N_, NotFound, Refusal
from services.settings import Settings


class NothingToTry(Refusal):
    """The storage service has followed meanwhile."""


class DeskRefused(Refusal):
    """The sub-account stays as it is."""


class DeskStale(DeskRefused):
    """The sub-account is not what the operator looked at."""

    def __init__(self, name: str):
        super().__init__(N_("%(name)s changed since you opened this page. Look at the figures again."), name=name)


def known(number: str) -> SubAccount:
    """The sub-account of that number, whoever's it is: for operators alone. Raises NotFound."""
    row = SubAccount.get_or_none(SubAccount.number == number)
    if row is None:
        raise NotFound()
    return row


def try_again(act: Act, number: str) -> SubAccount:
    """Gives a stuck sub-account back to the worker at once and with a fresh count of attempts.

    The worker reads the storage service anew, so this is safe at any time. Raises NotFound, NothingToTry when the
    sub-account stands as wanted, DeskRefused while it is on hold.
    """
    with write_tx():
        row = _locked(number)
        if row.paused_at is not None:
            raise DeskRefused(N_("%(name)s is on hold. Let it go on first."), name=row.name)
        _hand_back(act, row, "sub_account.retried", "")
    return row


def pause(act: Act, number: str, seen: str, reason: str) -> SubAccount:
    """Puts an unfinished sub-account on hold: no worker takes it until `resume`. Raises NotFound, NothingToTry,
    DeskStale, DeskRefused when it is on hold already."""
    with write_tx():
        row = _decided(number, seen)
        if row.paused_at is not None:
            raise DeskRefused(N_("%(name)s is on hold already."), name=row.name)
        row.paused_at = act.at
        row.save(only=["paused_at"])
        record(act, "sub_account.paused", row, partner=row.partner_id, after={"reason": reason})
    return row


def resume(act: Act, number: str, seen: str, reason: str) -> SubAccount:
    """Lets the worker have it again, at once. Raises NotFound, NothingToTry, DeskStale, DeskRefused when it is not on
    hold."""
    with write_tx():
        row = _decided(number, seen)
        if row.paused_at is None:
            raise DeskRefused(N_("%(name)s is not on hold."), name=row.name)
        row.paused_at = None
        row.save(only=["paused_at"])
        _hand_back(act, row, "sub_account.resumed", reason)
    return row


def accept_remote(act: Act, number: str, seen: str, reason: str) -> SubAccount:
    """The quota that somebody set on the storage service becomes the allocation, by the rules of any other change.

    Raises NotFound, NothingToTry, DeskStale, AllocationRefused when the contract does not hold that much, DeskRefused
    when no other quota was found there."""
    with write_tx():
        row = _decided(number, seen)
        there_bytes = remote_bytes(row)
        if there_bytes is None:
            raise DeskRefused(N_("No other amount was found on the storage service for %(name)s."), name=row.name)
        return _want(act, row, there_bytes, "sub_account.remote_accepted", reason)


def cancel(act: Act, number: str, seen: str, reason: str) -> SubAccount:
    """Takes an unfinished change of the allocation back to the amount that the storage service confirmed last.

    Raises NotFound, NothingToTry, DeskStale, AllocationRefused when the contract no longer holds that much, DeskRefused
    when there is no such amount or none is pending."""
    with write_tx():
        row = _decided(number, seen)
        if row.in_force_bytes is None:
            raise DeskRefused(
                N_("%(name)s was never set up, so there is no amount to go back to. Try again instead."), name=row.name
            )
        if row.in_force_bytes == row.allocated_bytes:
            raise DeskRefused(N_("No change of the amount is pending for %(name)s."), name=row.name)
        return _want(act, row, row.in_force_bytes, "sub_account.change_cancelled", reason)


def make_anew(act: Act, settings: Settings, number: str, seen: str, reason: str) -> SubAccount:
    """Lets the worker make an account again, empty, that is gone from the storage service (provisioning.md, drift).
    Its keys went with it: the partner is asked by mail to replace them.

    Raises NotFound, NothingToTry, DeskStale, DeskRefused when the account is not known to be gone."""
    with write_tx():
        row = _decided(number, seen)
        if not is_gone(row):
            raise DeskRefused(N_("%(name)s is not known to be gone from the storage service."), name=row.name)
        row.observed_state, row.paused_at = "", None
        row.save(only=["observed_state", "paused_at"])
        for finding in list(_opened(row).where(Drift.kind == "missing")):
            findings.resolve(act, finding, "settled", act.actor_name, reason)
        for key in list(AccessKey.select().where(AccessKey.sub_account == row, AccessKey.phase == "live")):
            key_switching.note_gone(act, settings, row, key)
        _hand_back(act, row, "sub_account.made_anew", reason)
    return row


def end_deletion(act: Act, number: str, seen: str, reason: str) -> SubAccount:
    """Confirms that the account was gone before its deletion removed anything. The worker looks once more: only if it
    is still gone the deletion ends, and its proof names who confirmed that.

    Raises NotFound, NothingToTry, DeskStale, DeskRefused when the account is not known to be gone."""
    with write_tx():
        row = _decided(number, seen)
        if not is_gone_before_deletion(row):
            raise DeskRefused(N_("%(name)s is not known to be gone from the storage service."), name=row.name)
        Deletion.update(gone_name=act.actor_name).where(Deletion.sub_account == row).execute()
        row.paused_at = None
        row.save(only=["paused_at"])
        record(act, "sub_account.gone_confirmed", row, partner=row.partner_id, after={"reason": reason})
        _hand_back(act, row, "sub_account.retried", "")
    return row


def settle(act: Act, finding_id: int, reason: str) -> Drift:
    """Takes a finding of the comparison off the list. An unknown account is left alone from then on. Raises NotFound,
    also for one that is over."""
    with write_tx():
        finding = open_finding(finding_id)
        findings.resolve(act, finding, "settled", act.actor_name, reason)
    return finding


def open_finding(finding_id: int) -> Drift:
    """Raises NotFound for unknown ones and those that are over."""
    finding = Drift.get_or_none(Drift.id == finding_id, Drift.resolved_at.is_null())
    if finding is None:
        raise NotFound()
    return finding


def is_gone(row: SubAccount) -> bool:
    """It was set up, the storage service does not have it any more, and it shall not be deleted anyway."""
    return row.phase == "attention" and row.reason_code == "missing" and row.wanted_state != "deleted"


def is_gone_before_deletion(row: SubAccount) -> bool:
    """It is being deleted, and the storage service did not have it when that began."""
    return row.phase == "attention" and row.reason_code == "gone" and row.wanted_state == "deleted"


def remote_bytes(row: SubAccount) -> int | None:
    """The other quota that the last comparison found on the storage service; None: none, or no limit at all."""
    found = _by_hand(row).where(Drift.kind == "quota").order_by(Drift.id.desc()).first()
    return found.there_bytes if found else None


def fingerprint(row: SubAccount) -> str:
    """What an operator looks at: a decision about something else is refused."""
    return f"{row.generation}-{row.phase}-{remote_bytes(row)}-{row.paused_at is not None:d}"


def phase_of_wish(row: SubAccount) -> str:
    """The phase that says what the worker is to do for this row."""
    if row.wanted_state == "deleted":
        return "deleting"
    if not row.observed_state:
        return "pending"
    return "suspending" if row.wanted_state == "suspended" and row.observed_state != "suspended" else "updating"


def _locked(number: str) -> SubAccount:
    """Contract before sub-account, as in every change of capacity. Raises NothingToTry when it stands as wanted."""
    Contract.locked(known(number).contract_id)
    row = locked(SubAccount.select().where(SubAccount.number == number)).get()
    if row.settled:
        raise NothingToTry(N_("%(name)s is in order again. There is nothing to try."), name=row.name)
    return row


def _decided(number: str, seen: str) -> SubAccount:
    row = _locked(number)
    if fingerprint(row) != seen:
        raise DeskStale(row.name)
    return row


def _hand_back(act: Act, row: SubAccount, action: str, reason: str) -> None:
    before, row.phase = row.phase, phase_of_wish(row)
    row.attempts, row.next_attempt_at, row.deadline_at = 0, act.at, deadline(row, act.at)
    row.reason_code = ""
    row.save(only=["phase", "attempts", "next_attempt_at", "deadline_at", "reason_code"])
    after = {"phase": row.phase, **({"reason": reason} if reason else {})}
    record(act, action, row, partner=row.partner_id, before={"phase": before}, after=after)


def _want(act: Act, row: SubAccount, after_bytes: int, action: str, reason: str) -> SubAccount:
    contract = Contract.locked(row.contract_id)
    change = Change(row.number, after_bytes, below_use=True)
    rebalance(act, contract, [change], seen_version=contract.version, once_key=new_batch(), reason=reason)
    before = {"allocated_bytes": row.allocated_bytes}
    row = locked(SubAccount.select().where(SubAccount.id == row.id)).get()
    row.paused_at, row.reason_code, row.last_error = None, "", ""
    row.save(only=["paused_at", "reason_code", "last_error"])
    for finding in list(_by_hand(row)):
        findings.resolve(act, finding, "settled", act.actor_name, reason)
    record(act, action, row, partner=row.partner_id, before=before, after={"reason": reason})
    return row


def _by_hand(row: SubAccount):
    return _opened(row).where(Drift.kind.in_(findings.BY_HAND))


def _opened(row: SubAccount):
    return Drift.select().where(Drift.sub_account == row, Drift.resolved_at.is_null())
