"""What the portal promises, each with the question that finds what breaks it (provisioning.md, promises).

Every question is one statement, so that it sees one moment even while others write, and returns what is wrong and
nothing else: memory stays flat however large the tables are.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from peewee import JOIN, fn

from models.archive import Erasure
from models.audit import AuditEvent, AuditPersonal
from models.base import is_sqlite
from models.contract import AllocationEntry, Contract
from models.integrity import broken_references
from models.operator import Operator
from models.outbox import Mail
from models.partner import Member
from models.session import Session
from models.sub_account import SETTLED_PHASES, AccessKey, Customer, HandOver, SubAccount
from services import audit_check, flow_down_keys
from services.access_keys import SHOW_AGAIN_WITHIN
from services.promises_closing import closures_astray, lines_elsewhere
from services.promises_consent import evidence_astray, without_consent
from services.promises_deletion import deletions_astray
from services.promises_team import grants_without_membership

SLACK = timedelta(minutes=15)  # the worker comes by in its own time
MAIL_WITHIN = timedelta(hours=1)
SEALED = "gAAAA"  # how every ciphertext of `secret.Vault` begins
TRAIL = "allocation."


@dataclass(frozen=True)
class Violation:
    """A promise that does not hold, by the name of its question, and where."""

    promise: str
    text: str

    def __str__(self) -> str:
        return f"{self.promise}: {self.text}"


def check(at: datetime) -> Iterator[Violation]:
    """Asks every question that the database alone can answer; yields what does not hold at `at`."""
    for promise, ask in QUESTIONS.items():
        for text in ask(at):
            yield Violation(promise, text)


def over_capacity(at: datetime) -> Iterator[str]:
    """A reserved package without overdraft holds what is set aside from it, and what the storage service may hold.

    The two sums are held apart on purpose. The sum of max(wanted, observed) per sub-account would be stricter and
    forbid what partners do each day: moving 3 TB of a full package in one act wants less on one side at once, while
    the service still holds the old quota there. That the service never holds more in total is the observed sum's part,
    and "decreases first" of the worker (capacity rule 6)."""
    sums = (
        SubAccount.select(
            SubAccount.contract.alias("contract_id"),
            fn.SUM(SubAccount.allocated_bytes).alias("wanted_bytes"),
            fn.SUM(fn.COALESCE(SubAccount.observed_quota_bytes, 0)).alias("observed_bytes"),
        )
        .group_by(SubAccount.contract)
        .alias("sums")
    )
    wanted, observed, most = sums.c.wanted_bytes, sums.c.observed_bytes, Contract.reserved_bytes
    query = (
        Contract.select(Contract.number, most, wanted, observed)
        .join(sums, on=(sums.c.contract_id == Contract.id))
        .where(Contract.kind == "reserved", ~Contract.allow_overdraft, (wanted > most) | (observed > most))
    )
    for number, most_bytes, wanted_bytes, observed_bytes in _rows(query):
        yield f"{number} holds {most_bytes} bytes; {wanted_bytes} are set aside, {observed_bytes} may be in force"


def books_that_differ(at: datetime) -> Iterator[str]:
    """Counter of the contract = sum of its ledger; each sub-account = sum of its lines, each line begins where the one
    before it ended and belongs to the sub-account's contract. So counter, rows and ledger are one sum."""
    grown = fn.SUM(AllocationEntry.after_bytes - AllocationEntry.before_bytes)
    of_contract = AllocationEntry.select(AllocationEntry.contract.alias("owner"), grown.alias("total_bytes"))
    of_contract = of_contract.group_by(AllocationEntry.contract).alias("lines")
    total = fn.COALESCE(of_contract.c.total_bytes, 0)
    query = Contract.select(Contract.number, Contract.allocated_bytes, total)
    query = query.join(of_contract, JOIN.LEFT_OUTER, on=(of_contract.c.owner == Contract.id))
    for number, counter_bytes, ledger_bytes in _rows(query.where(total != Contract.allocated_bytes)):
        yield f"{number} counts {counter_bytes} bytes, its ledger {ledger_bytes}"
    of_account = AllocationEntry.select(AllocationEntry.sub_account_id.alias("owner"), grown.alias("total_bytes"))
    of_account = of_account.group_by(AllocationEntry.sub_account_id).alias("lines")
    total = fn.COALESCE(of_account.c.total_bytes, 0)
    rows = SubAccount.select(SubAccount.number, SubAccount.allocated_bytes, total)
    rows = rows.join(of_account, JOIN.LEFT_OUTER, on=(of_account.c.owner == SubAccount.id))
    for number, row_bytes, ledger_bytes in _rows(rows.where(total != SubAccount.allocated_bytes)):
        yield f"{number} holds {row_bytes} bytes, its ledger says {ledger_bytes}"
    yield from _broken_chains()


def _broken_chains() -> Iterator[str]:
    order = {"partition_by": [AllocationEntry.sub_account_id], "order_by": [AllocationEntry.id]}
    stood = fn.COALESCE(fn.LAG(AllocationEntry.after_bytes).over(**order), 0).alias("stood_bytes")
    line, account = AllocationEntry, AllocationEntry.sub_account_id
    chain = line.select(line.id, line.before_bytes, stood).where(account.is_null(False)).alias("chain")
    broken = line.select(line.id, chain.c.before_bytes, chain.c.stood_bytes).join(chain, on=(chain.c.id == line.id))
    for id, before_bytes, stood_bytes in _rows(broken.where(chain.c.before_bytes != chain.c.stood_bytes)):
        yield f"ledger line {id} begins at {before_bytes} bytes, the one before it ends at {stood_bytes}"


def trail_with_gaps(at: datetime) -> Iterator[str]:
    """Exactly one audit row for each ledger line, with its figures, and none without one."""
    erased = Erasure.select(Erasure.subject_id).where(Erasure.kind == "partner")  # their ledgers are in the archive
    there = AuditEvent.partner.is_null() | AuditEvent.partner.not_in(erased)
    of_allocation = AuditEvent.action.startswith(TRAIL) & there
    same = (
        (AuditEvent.thing_kind == SubAccount._meta.table_name)
        & (AuditEvent.thing_id == SubAccount.number)
        & (fn.SUBSTR(AuditEvent.action, len(TRAIL) + 1) == AllocationEntry.cause)
        & (_of_json(AuditPersonal.after, "batch") == AllocationEntry.batch)
        & (_of_json(AuditPersonal.before, "allocated_bytes") == AllocationEntry.before_bytes.cast("TEXT"))
        & (_of_json(AuditPersonal.after, "allocated_bytes") == AllocationEntry.after_bytes.cast("TEXT"))
    )
    told = AuditPersonal.number == AuditEvent.number
    number_of_rows = AuditEvent.select(fn.COUNT(AuditEvent.id)).join(AuditPersonal, on=told).where(of_allocation, same)
    lines = AllocationEntry.select(AllocationEntry.id, SubAccount.number, fn.COALESCE(number_of_rows, 0))
    lines = lines.join(SubAccount, on=(SubAccount.id == AllocationEntry.sub_account_id))
    for id, number, found in _rows(lines.where(fn.COALESCE(number_of_rows, 0) != 1)):
        yield f"ledger line {id} of {number} has {found} audit rows"
    line_of_row = AllocationEntry.select(1).join(SubAccount, on=(SubAccount.id == AllocationEntry.sub_account_id))
    rows = AuditEvent.select(AuditEvent.id, AuditEvent.thing_id).join(AuditPersonal, on=told)
    alone = rows.where(of_allocation, ~fn.EXISTS(line_of_row.where(same)))
    for id, number in _rows(alone):
        yield f"audit row {id} of {number} has no ledger line"


def trail_unchained(at: datetime) -> Iterator[str]:
    """The newest rows of the trail are those that were written; `audit verify` walks all of it (docs/audit.md)."""
    return audit_check.tail()


def secrets_kept(at: datetime) -> Iterator[str]:
    """No plaintext; a ciphertext that was kept for showing is gone when it was stored or its time is over; one that a
    link opens is gone when the link is; a deleted key keeps nothing."""
    key, link, over_at = AccessKey, HandOver, at - SHOW_AGAIN_WITHIN - SLACK
    copies = ((key.secret_ct, "secret"), (key.retained_ct, "retained copy"), (key.parked_ct, "parked copy"))
    for column, word in copies:
        for (id,) in _rows(key.select(key.id).where(column.is_null(False), ~column.startswith(SEALED))):
            yield f"the {word} of key {id} is not encrypted"
    over = key.stored_at.is_null(False) | (key.revealed_at < over_at) | (key.reveal_until_at < at - SLACK)
    for (id,) in _rows(key.select(key.id).where(key.secret_ct.is_null(False), over)):
        yield f"the secret of key {id} is kept after its time"
    kept = key.secret_ct.is_null(False) | key.retained_ct.is_null(False) | key.parked_ct.is_null(False)
    for (id,) in _rows(key.select(key.id).where(key.phase == "deleted", kept)):
        yield f"the secret of key {id} is kept after the key was deleted"
    for (id,) in _rows(link.select(link.id).where(link.sealed.is_null(False), ~link.sealed.startswith(SEALED))):
        yield f"the secret behind hand-over link {id} is not encrypted"
    for (id,) in _rows(link.select(link.id).where(link.sealed.is_null(False), link.expires_at < at - SLACK)):
        yield f"the secret behind hand-over link {id} is kept after its time"


def joined_partners(at: datetime) -> Iterator[str]:
    """No row belongs to two partners."""
    account, line, event = SubAccount, AllocationEntry, AuditEvent
    rows = account.select(account.number).join(Contract).switch(account).join(Customer)
    foreign = (Contract.partner != account.partner) | (Customer.partner != account.partner)
    for (number,) in _rows(rows.where(foreign)):
        yield f"sub-account {number} joins two partners"
    lines = line.select(line.id).join(Contract).switch(line)
    lines = lines.join(account, JOIN.LEFT_OUTER, on=(account.id == line.sub_account_id))
    elsewhere = account.id.is_null() | (account.partner != Contract.partner)
    for (id,) in _rows(lines.where(line.sub_account_id.is_null(False), elsewhere)):
        yield f"ledger line {id} belongs to another partner than its sub-account"
    same = (event.thing_kind == account._meta.table_name) & (event.thing_id == account.number)
    for (id,) in _rows(event.select(event.id).join(account, on=same).where(event.partner != account.partner)):
        yield f"audit row {id} names another partner than its sub-account"


def open_sessions(at: datetime) -> Iterator[str]:
    """Whoever was switched off has no session."""
    for table, column in ((Member, Session.member), (Operator, Session.operator)):
        query = Session.select(Session.id, column).join(table, on=(column == table.id))
        live = Session.ended_at.is_null() & (Session.expires_at > at)
        for id, person in _rows(query.where(live, ~table.active)):
            yield f"session {id} of {table._meta.table_name} {person} is open and the person is switched off"


def endless_jobs(at: datetime) -> Iterator[str]:
    """What is wanted is done within its time or waits in the operators' list; nothing is forgotten on the way."""
    account, key = SubAccount, AccessKey
    unsettled = account.phase.not_in(SETTLED_PHASES) | (account.observed_generation != account.generation)
    late = account.deadline_at.is_null() | (account.deadline_at <= at - SLACK)
    listed = (account.phase == "attention") | account.paused_at.is_null(False)
    for number, phase in _rows(account.select(account.number, account.phase).where(unsettled, late, ~listed)):
        yield f"sub-account {number} is {phase}, past its time, and in nobody's list"
    held = flow_down_keys.held_ones(at)  # keys that wait for an agreement are no work
    standing = {"active": "live", "inactive": "inactive", "deleted": "deleted"}
    settled = account.phase.in_(SETTLED_PHASES) & (account.observed_generation == account.generation)
    for wanted, phase in standing.items():
        keys = key.select(key.id, key.phase).join(account)
        lost = (key.wanted == wanted) & key.phase.not_in((phase, "attention"))
        if held is not None:
            lost &= ~((key.phase == "pending") & held)
        for id, found in _rows(keys.where(settled, account.phase != "deleted", lost)):
            yield f"key {id} is to be {wanted}, is {found}, and no work is under way"
    untried = Mail.sent_at.is_null() & (Mail.attempts == 0) & (Mail.next_attempt_at < at - MAIL_WITHIN)
    for (id,) in _rows(Mail.select(Mail.id).where(untried)):
        yield f"mail {id} is due for more than an hour and was never tried"


def dangling_references(at: datetime) -> Iterator[str]:
    """Every row that is named by another exists."""
    return broken_references()


def _rows(query: Any) -> Iterator[tuple]:
    return iter(query.tuples().iterator())


def _of_json(column: Any, key: str) -> Any:
    if is_sqlite():
        return fn.json_extract(column, f"$.{key}", coerce=False).cast("TEXT")
    return fn.json_extract_path_text(column.cast("json"), key, coerce=False)


QUESTIONS: dict[str, Callable[[datetime], Iterator[str]]] = {
    "capacity": over_capacity,
    "books": books_that_differ,
    "trail": trail_with_gaps,
    "chain": trail_unchained,
    "secrets": secrets_kept,
    "isolation": joined_partners,
    "consent": without_consent,
    "evidence": evidence_astray,
    "sessions": open_sessions,
    "grants": grants_without_membership,
    "jobs": endless_jobs,
    "deletion": deletions_astray,
    "closure": closures_astray,
    "moves": lines_elsewhere,
    "references": dangling_references,
}
