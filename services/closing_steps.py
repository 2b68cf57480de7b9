"""A closure goes from one step to the next when its time has come (services/closing.py says what they are).

Each step is one transaction that looks first how things stand: run at any time, by several workers, and after a kill it
goes on where it stood. Removing itself is the worker's (services/purging.py), with all that holds deletions back.
"""

from datetime import datetime, timedelta
from functools import partial

from models.base import locked, write_tx
from models.closure import OPEN_STATES, Closure, ClosureAccount
from models.contract import Contract
from models.deletion import Deletion
from models.outbox import Mail
from models.partner import Partner
from models.sub_account import Region, SubAccount
from services import closing, closing_certificate, closing_retrieval, contracts_access, erasure, holds, restored
from services.audit import Act, record
from services.clock import local_day
from services.closing_retrieval import scope
from services.one_by_one import tried
from services.purging import verified
from services.settings import Settings

MOST = 100  # closures of one round
BATCH = 200  # sub-accounts of one transaction
ERASE_AFTER = timedelta(days=7)  # until then administrators can still sign in and fetch the certificate
MAIL_MAY_TAKE = timedelta(days=30)  # with the certificate; one that never goes does not hold up an erasure
LEAVES = ("active", "suspended")


def step(act: Act, settings: Settings) -> list[str]:
    """Does all that is due at `act.at`; returns a line for each. Safe to run at any time and as often as one likes."""
    _announce_the_expired(act, settings)
    lines = []
    for closure_id in _due(act):
        while line := tried(act, f"closure {closure_id}", partial(_step, act, settings, closure_id), None):
            lines.append(line)
    return lines


def erase_due(act: Act, settings: Settings) -> list[str]:
    """What is kept of a partner that is gone is kept apart (services/erasure.py). It goes on by itself once begun."""
    lines = []
    for closure in list(_erasable(act.at)):
        name = f"erasure of partner {closure.partner_id}"
        if tried(act, name, partial(erasure.erase_partner, act, settings, closure.partner), None) is None:
            continue
        Closure.update(erased_at=act.at).where(Closure.id == closure.id).execute()
        lines.append(f"closure {closure.public_id}: what told of persons is erased")
    return lines


def to_be_erased(at: datetime) -> list[str]:
    """The closures whose partners are to be erased at that time, by their public ids."""
    return [closure.public_id for closure in _erasable(at)]


def _erasable(at: datetime):
    due = (Closure.state == "closed") & Closure.contract.is_null() & Closure.erased_at.is_null()
    own = (Mail.template == "closure") & Mail.partner.is_null(False)
    unsent = Mail.select(Mail.partner).where(own, Mail.sent_at.is_null(), Mail.created_at > at - MAIL_MAY_TAKE)
    due &= Closure.partner.not_in(unsent) & (Closure.closed_at <= at - ERASE_AFTER)
    return Closure.select().where(due).order_by(Closure.id).limit(MOST)


def _announce_the_expired(act: Act, settings: Settings) -> None:
    """A contract that is over while sub-accounts of it are there gets a closure of its own, unless the whole partner is
    leaving."""
    there = SubAccount.select(SubAccount.contract).where(SubAccount.phase != "deleted")
    taken = Closure.select(Closure.contract).where(Closure.contract.is_null(False), Closure.state.in_(OPEN_STATES))
    ends = Closure.state.in_((*OPEN_STATES, "closed"))
    leaving = Closure.select(Closure.partner).where(Closure.contract.is_null(), ends)
    rows = Contract.select().where(
        Contract.state.in_(contracts_access.OVER),
        Contract.id.in_(there),
        Contract.id.not_in(taken),
        Contract.partner.not_in(leaving),
    )
    for contract in list(rows.order_by(Contract.id).limit(MOST)):
        # terminated ones too: whose closure was taken back late, without a renewal
        begin = partial(
            closing.begin, act, settings, contract.partner, reason="", asked_by="system:", contract=contract,
            cause="expired", notice_until_at=act.at,
        )  # fmt: skip
        tried(act, f"closure of contract {contract.number}", begin, None)


def _due(act: Act) -> list[int]:
    state = Closure.state
    waits = (
        ((state == "notice") & (Closure.notice_until_at <= act.at))
        | ((state == "transition") & (Closure.transition_until_at <= act.at))
        | ((state == "retrieval") & (Closure.retrieval_until_at <= act.at))
        | (state == "purging")
    )
    rows = Closure.select(Closure.id).where(waits).order_by(Closure.id).limit(MOST)
    return [row.id for row in rows]


def _step(act: Act, settings: Settings, closure_id: int) -> str | None:
    """Takes it one step on; a line that says so, None when it has to wait."""
    found = Closure.get_by_id(closure_id)
    with write_tx():
        contracts = closing.lock_scope(found.partner_id, found.contract_id)
        partner = locked(Partner.select().where(Partner.id == found.partner_id)).get()
        closure = Closure.locked(closure_id)
        if closure.state == "purging":
            return _go_on_purging(act, settings, closure, partner)
        if closure.step_until_at is None or closure.step_until_at > act.at:
            return None
        if closure.state == "notice":
            _end_contracts(act, settings, closure, contracts, partner)
        elif closure.state == "transition":
            _begin_retrieval(act, settings, closure)
        elif restored.on():
            return None  # what was decided after the backup is not known: nothing is removed
        elif closing_retrieval.give_more_time(act, settings, closure):
            return f"closure {closure.public_id}: data cannot be fetched yet, it stays in {closure.state}"
        else:
            closure.purge_from_at = act.at
            _move_on(act, closure, "purging")
        closing.tell(act, settings, closure)
    return f"closure {closure.public_id} is in {closure.state}"


def _move_on(act: Act, closure: Closure, state: str) -> None:
    before, closure.state = closure.state, state
    closure.save(only=["state", "purge_from_at", "closed_at", "certificate", "file"])
    change = {"before": {"state": before}, "after": {"state": state}}
    record(act, "closure.moved", closure, partner=closure.partner_id, **change)


def _end_contracts(act: Act, settings: Settings, closure: Closure, contracts: list[Contract], partner: Partner) -> None:
    """The notice is over: contracts end, and with the last of them access to the portal but for leaving."""
    last_on = local_day(closure.notice_until_at - timedelta(microseconds=1), settings.provider.time_zone)
    for contract in contracts:
        if contract.state in contracts_access.OVER:
            continue
        before = {"state": contract.state, "ends_on": contract.ends_on}
        contract.state, contract.version = "terminated", contract.version + 1
        if contract.starts_on <= last_on:  # one that never began keeps its term, which nobody has used
            contract.ends_on = min(last_on, contract.ends_on or last_on)
        contract.save(only=["state", "version", "ends_on"])
        after = {"state": contract.state, "ends_on": contract.ends_on, "reason": closure.reason}
        record(act, "contract.terminated", contract, partner=partner, before=before, after=after)
    if closure.contract_id is None and partner.state in LEAVES:
        closure.partner_state = partner.state  # it may have been suspended since the closure was announced
        closure.save(only=["partner_state"])
        before, partner.state = {"state": partner.state}, "closing"
        partner.save(only=[Partner.state])
        record(act, "partner.closing", partner, partner=partner, before=before, after={"state": partner.state})
    _move_on(act, closure, "transition")


def _begin_retrieval(act: Act, settings: Settings, closure: Closure) -> None:
    """Who comes late here, because nothing ran, does not take from the time in which data can be fetched."""
    if act.at - closure.transition_until_at > closing_retrieval.LATE:
        closure.retrieval_until_at = closing.retrieval_end(act.at, settings)
        closure.save(only=["retrieval_until_at"])
    _move_on(act, closure, "retrieval")


def _go_on_purging(act: Act, settings: Settings, closure: Closure, partner: Partner) -> str | None:
    listed = ClosureAccount.select(ClosureAccount.sub_account).where(ClosureAccount.closure == closure)
    left = (
        SubAccount.select(SubAccount, Region)
        .join(Region)
        .where(scope(closure), SubAccount.phase != "deleted", SubAccount.id.not_in(listed))
    )
    rows = list(left.order_by(SubAccount.id).limit(BATCH))
    for row in rows:
        _ask_deletion(act, closure, row.id, row.region.name)
    if rows:
        return f"closure {closure.public_id}: {len(rows)} sub-accounts are to be removed"
    if _note_ended(closure):
        return f"closure {closure.public_id}: some sub-accounts are gone"
    if ClosureAccount.select().where(ClosureAccount.closure == closure, ClosureAccount.ended_at.is_null()).exists():
        return None
    _close(act, settings, closure, partner)
    return f"closure {closure.public_id} is closed"


def _ask_deletion(act: Act, closure: Closure, number: int, region: str) -> None:
    """Due at once: retrieval was the time in which it could be taken back. The guard decides when it begins."""
    row = locked(SubAccount.select().where(SubAccount.id == number)).get()
    ClosureAccount.create(closure=closure, sub_account=row, number=row.number, remote_uid=row.remote_uid, region=region)
    if row.wanted_state == "deleted":
        return
    Deletion.get_or_create(
        sub_account=row,
        defaults={
            "region": row.region_id, "asked_at": act.at, "asked_by": closure.asked_by, "asked_name": closure.asked_name,
        },
    )  # fmt: skip
    before = {"wanted_state": row.wanted_state}
    row.delete_after_at = min(row.delete_after_at or act.at, act.at)
    holds.want(act, row, "suspended")
    after = {"wanted_state": "suspended", "delete_after_at": row.delete_after_at, "closure": closure.public_id}
    record(act, "sub_account.deletion_asked", row, partner=row.partner_id, before=before, after=after)


def _note_ended(closure: Closure) -> int:
    """Keeps what proves each deletion that has ended since the last look; returns how many."""
    account, deletion = ClosureAccount, Deletion
    own = deletion.select(deletion).join(account, on=(account.sub_account == deletion.sub_account))
    ended = own.where(account.closure == closure, account.ended_at.is_null(), deletion.ended_at.is_null(False))
    proofs = list(ended.order_by(deletion.sub_account).limit(BATCH))
    for proof in proofs:
        account.update(
            found_bytes=proof.found_bytes,
            found_objects=proof.found_objects,
            removed_bytes=proof.removed_bytes,
            removed_objects=proof.removed_objects,
            begun_at=proof.started_at,
            ended_at=proof.ended_at,
            verified=verified(proof),
        ).where(account.closure == closure, account.sub_account == proof.sub_account_id).execute()
    return len(proofs)


def _close(act: Act, settings: Settings, closure: Closure, partner: Partner) -> None:
    """Nothing is left on the storage service: the certificate is written, kept and mailed in one act."""
    closure.closed_at = act.at
    closure.certificate, closure.file, pages = closing_certificate.issue(act, settings, closure)
    _move_on(act, closure, "closed")
    if closure.contract_id is None and partner.state != "barred":
        before, partner.state = {"state": partner.state}, "closed"
        partner.save(only=[Partner.state])
        record(act, "partner.closed", partner, partner=partner, before=before, after={"state": partner.state})
    closing.tell(act, settings, closure, attachments=pages)
